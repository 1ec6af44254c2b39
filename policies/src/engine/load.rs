//! Texts in, checked profiles and policies out. Knows what a bundle must hold; decides nothing.

use std::collections::{BTreeMap, HashSet};
use std::str::FromStr as _;

use cedar_policy::ffi::DetailedError;
use cedar_policy::{
    ActionConstraint, EntityUid, ParseErrors, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator,
};

use super::depth::{self, Limit, MAX_BRACKETS, MAX_DEPTH};
use super::encode::Tags;
use super::vocabulary::Vocabulary;
use super::{Rule, Slice};
use crate::action::Action;
use crate::bundle::{Bundle, MAX_POLICIES, MAX_PROFILES};
use crate::name::Name;
use crate::problem::{Place, Problem};
use crate::profile::Profile;
use crate::profile::file::ProfilesFile;
use crate::profile::set::Profiles;
use crate::schema;

/// Reads the profiles.
pub(super) fn profiles(text: &str, problems: &mut Vec<Problem>) -> Profiles {
    let file: ProfilesFile = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            let place = error.span().map(|span| Place::of(text, span.start));
            problems.push(Problem::at(PROFILES, place, error.message()));
            return Profiles::default();
        }
    };
    if file.profiles.len() > MAX_PROFILES {
        let what = format!("{} profiles, at most {MAX_PROFILES} are taken", file.profiles.len());
        problems.push(Problem::whole(PROFILES, what));
        return Profiles::default();
    }
    if file.profiles.is_empty() {
        problems.push(
            Problem::whole(PROFILES, "there is no profile").fix("without one no host can enrol; add a [[profile]]"),
        );
    }
    let mut profiles = Profiles::default();
    for spanned in &file.profiles {
        let at = |field: &str| Some(Place::of(text, field_at(text, spanned.span().start, field)));
        match Profile::check(spanned.as_ref()) {
            Ok(profile) => {
                let inserted = profiles.insert(profile);
                problems.extend(inserted.err().map(|error| Problem::at(PROFILES, at("host_id"), error.to_string())));
            }
            Err(errors) => problems
                .extend(errors.into_iter().map(|error| Problem::at(PROFILES, at(error.field), error.to_string()))),
        }
    }
    profiles
}

/// Reads the policies of all texts, by their ids.
pub(super) fn rules(texts: &BTreeMap<String, String>, problems: &mut Vec<Problem>) -> BTreeMap<String, Rule> {
    let mut rules = BTreeMap::new();
    for (name, text) in texts {
        if let Err(deep) = depth::check(text) {
            let what = match deep.limit {
                Limit::Brackets => format!("more than {MAX_BRACKETS} brackets are open"),
                Limit::Depth => format!("an expression is deeper than {MAX_DEPTH}"),
            };
            let problem = Problem::at(name, Some(Place::of(text, deep.at)), what);
            problems.push(problem.fix("make several policies of it, or a set of values with contains()"));
            continue;
        }
        match PolicySet::from_str(text) {
            Ok(set) => take(name, text, &set, &mut rules, problems),
            Err(errors) => problems.extend(parse_problems(name, text, &errors)),
        }
    }
    if rules.len() > MAX_POLICIES {
        problems.push(Problem::whole("", format!("{} policies, at most {MAX_POLICIES} are taken", rules.len())));
    }
    rules
}

fn take(name: &str, text: &str, set: &PolicySet, rules: &mut BTreeMap<String, Rule>, problems: &mut Vec<Problem>) {
    if let Some(template) = set.templates().next() {
        let place = text.find(&template.to_string()).map(|at| Place::of(text, at));
        let problem =
            Problem::at(name, place, "a policy with ?principal or ?resource is a template, which nothing links");
        problems.push(problem.fix("write the policy out"));
    }
    for policy in set.policies() {
        let place = text.find(&policy.to_string()).map(|at| Place::of(text, at));
        let refuse = |what: String| Problem::at(name, place, what);
        let Some(id) = policy.annotation("id") else {
            problems.push(refuse("a policy has no @id".to_owned()).fix("write @id(\"what-it-is-for\") in front of it"));
            continue;
        };
        if let Err(error) = Name::parse(id) {
            problems.push(refuse(format!("@id: {error}")));
            continue;
        }
        if let Some((unknown, _)) = policy.annotations().find(|(key, _)| !matches!(*key, "id" | "advice")) {
            problems
                .push(refuse(format!("@{unknown} is not known")).fix("@id names a policy, @advice says what to do"));
        }
        let advice = policy.annotation("advice").map(str::to_owned);
        if advice.as_ref().is_some_and(|advice| advice.is_empty() || advice.len() > MAX_ADVICE_OCTETS) {
            problems.push(refuse(format!("@advice has 1 to {MAX_ADVICE_OCTETS} octets")));
        }
        let rule = Rule { policy: policy.new_id(PolicyId::new(id)), text: name.to_owned(), advice };
        if let Some(other) = rules.get(id) {
            problems
                .push(refuse(format!("@id {id} stands in {} already", other.text)).fix("ids are unique in a bundle"));
            continue;
        }
        rules.insert(id.to_owned(), rule);
    }
}

/// Makes the schema for these profiles.
pub(super) fn schema(profiles: &Profiles, problems: &mut Vec<Problem>) -> Result<(Schema, Vocabulary), Vec<Problem>> {
    if profiles.is_empty() {
        // A schema needs one profile, and what is wrong has been said.
        return Err(std::mem::take(problems));
    }
    schema::read(&schema::text(profiles.iter().map(Profile::name)))
        .and_then(|schema| Ok((schema.clone(), Vocabulary::new(schema)?)))
        .map_err(|error| {
            let mut problems = std::mem::take(problems);
            problems.push(Problem::whole("", format!("the built-in schema does not hold: {error}")).fix("report it"));
            problems
        })
}

/// Checks the policies strictly against the schema. Warnings count: a policy that can never apply, or whose text looks like
/// another, is not what its author meant.
pub(super) fn validate(schema: &Schema, rules: &BTreeMap<String, Rule>, bundle: &Bundle, problems: &mut Vec<Problem>) {
    let set = match PolicySet::from_policies(rules.values().map(|rule| rule.policy.clone())) {
        Ok(set) => set,
        Err(error) => return problems.push(Problem::whole("", error.to_string())),
    };
    let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
    let errors = result.validation_errors().map(|error| (error.policy_id(), DetailedError::from(error)));
    let warnings = result.validation_warnings().map(|warning| (warning.policy_id(), DetailedError::from(warning)));
    for (id, error) in errors.chain(warnings) {
        let name = rules.get(AsRef::<str>::as_ref(id)).map_or("", |rule| rule.text.as_str());
        let text = bundle.policies().get(name).map_or("", String::as_str);
        problems.push(problem(name, text, &error));
    }
}

/// The policies that can be about each action, by what their scope says of it.
pub(super) fn slices(
    schema: &Schema,
    rules: &BTreeMap<String, Rule>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<Action, Slice> {
    let mut slices = BTreeMap::new();
    let actions = match schema.action_entities() {
        Ok(actions) => actions,
        Err(error) => {
            problems.push(Problem::whole("", error.to_string()));
            return slices;
        }
    };
    for action in Action::ALL {
        let Some(uid) = actions.iter().map(|entity| entity.uid()).find(|uid| uid.id().unescaped() == action.as_str())
        else {
            problems.push(Problem::whole("", format!("the built-in schema lacks action `{action}`")).fix("report it"));
            continue;
        };
        let groups: HashSet<EntityUid> = actions.ancestors(&uid).into_iter().flatten().cloned().collect();
        let about = || rules.values().map(|rule| &rule.policy).filter(|policy| concerns(policy, &uid, &groups));
        let tags = if about().any(reads_tags) { Tags::Read } else { Tags::Unread };
        match PolicySet::from_policies(about().cloned()) {
            Ok(policies) => {
                slices.insert(*action, Slice { policies, tags });
            }
            Err(error) => problems.push(Problem::whole("", error.to_string())),
        }
    }
    slices
}

fn concerns(policy: &Policy, action: &EntityUid, groups: &HashSet<EntityUid>) -> bool {
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(named) => named == *action,
        ActionConstraint::In(named) => named.iter().any(|named| named == action || groups.contains(named)),
    }
}

/// Tags are read by the methods `hasTag` and `getTag` alone, and a method's name can be written in one way only.
fn reads_tags(policy: &Policy) -> bool {
    policy.to_string().contains("Tag")
}

fn parse_problems(name: &str, text: &str, errors: &ParseErrors) -> Vec<Problem> {
    errors.iter().map(|error| problem(name, text, &DetailedError::from(error))).collect()
}

fn problem(name: &str, text: &str, error: &DetailedError) -> Problem {
    let place = error.source_locations.first().map(|label| Place::of(text, label.loc.start));
    let label = error.source_locations.iter().find_map(|label| label.label.as_deref());
    let what = match label {
        Some(label) if !error.message.contains(label) => format!("{}: {label}", error.message),
        _ => error.message.clone(),
    };
    Problem { text: name.to_owned(), place, what, fix: error.help.clone() }
}

/// Where a field of the table that begins at an octet stands: at its key, or at the table, where the field is not written.
fn field_at(text: &str, table: usize, field: &str) -> usize {
    let mut at = table;
    for (number, line) in text.get(table..).unwrap_or_default().split_inclusive('\n').enumerate() {
        let key = line.trim_start();
        if number > 0 && key.starts_with('[') {
            break;
        }
        if key.strip_prefix(field).is_some_and(|rest| rest.trim_start().starts_with('=')) {
            return at.saturating_add(line.len().saturating_sub(key.len()));
        }
        at = at.saturating_add(line.len());
    }
    table
}

/// The name under which problems of the profiles are told.
const PROFILES: &str = "profiles.toml";
/// Octets of an advice: two lines of a terminal, and it travels in a refusal.
const MAX_ADVICE_OCTETS: usize = 200;

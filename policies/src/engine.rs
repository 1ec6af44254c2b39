//! The policies in force: checked once, then asked. Knows Cedar; knows no file, ledger or clock.
//!
//! Three rules keep it closed. What no policy permits is denied. A policy that cannot be evaluated denies, whatever the others
//! say: Cedar itself would pass over it, and a `forbid` that is passed over lets something through. A request that cannot be
//! put to the policies is denied without asking them.

use std::collections::BTreeMap;
use std::fmt;

use cedar_policy::{AuthorizationError, Authorizer, Decision, Effect, Response};
use identity::Sha256Hash;

use crate::action::Action;
use crate::agent::{AgentRule, beside};
use crate::bundle::Bundle;
use crate::problem::Problem;
use crate::profile::set::Profiles;
use crate::request::Request;
use crate::verdict::{Denial, Fault, Permit, Verdict};

mod depth;
pub mod effects;
mod encode;

mod load;
mod vocabulary;

use encode::{Encoded, Tags};
use vocabulary::Vocabulary;

/// Profiles and policies of one bundle, ready to decide.
pub struct PolicySet {
    profiles: Profiles,
    digest: Sha256Hash,
    rules: BTreeMap<String, Rule>,
    slices: BTreeMap<Action, Slice>,
    vocabulary: Vocabulary,
    authorizer: Authorizer,
}

/// The policies that can be about one action: the others' first condition is false, and they cannot fail.
struct Slice {
    policies: cedar_policy::PolicySet,
    tags: Tags,
}

/// One policy.
struct Rule {
    policy: cedar_policy::Policy,
    text: String,
    advice: Option<String>,
}

impl PolicySet {
    /// Reads and checks a bundle: its profiles, and its policies strictly against the schema.
    ///
    /// # Errors
    /// Every [`Problem`], with its place and what to do.
    pub fn load(bundle: &Bundle) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let profiles = load::profiles(bundle.profiles(), &mut problems);
        let rules = load::rules(bundle.policies(), &mut problems);
        let (schema, vocabulary) = load::schema(&profiles, &mut problems)?;
        load::validate(&schema, &rules, bundle, &mut problems);
        let slices = load::slices(&schema, &rules, &mut problems);
        if problems.is_empty() {
            let authorizer = Authorizer::new();
            Ok(Self { profiles, digest: bundle.digest(), rules, slices, vocabulary, authorizer })
        } else {
            Err(problems)
        }
    }

    /// Decides one request.
    #[must_use]
    pub fn decide(&self, request: &Request<'_>) -> Verdict {
        let Some(slice) = self.slices.get(&request.action) else {
            return Verdict::Deny(Denial::unbuilt(format!("no policies are kept for action `{}`", request.action)));
        };
        match self.vocabulary.encode(request, slice.tags) {
            Ok(Encoded { request: encoded, entities }) => {
                self.verdict(request, &self.authorizer.is_authorized(&encoded, &slice.policies, &entities))
            }
            Err(message) => Verdict::Deny(Denial::unbuilt(message)),
        }
    }

    fn verdict(&self, request: &Request<'_>, response: &Response) -> Verdict {
        let diagnostics = response.diagnostics();
        let mut rules: Vec<String> = diagnostics.reason().map(ToString::to_string).collect();
        rules.sort_unstable();
        let errors: Vec<Fault> = diagnostics
            .errors()
            .map(|AuthorizationError::PolicyEvaluationError(error)| Fault::Policy {
                rule: error.policy_id().to_string(),
                message: error.inner().to_string(),
            })
            .collect();
        match response.decision() {
            Decision::Allow if errors.is_empty() && !rules.is_empty() => Verdict::Permit(Permit {
                action: request.action,
                identity: request.identity().cloned(),
                rules,
                bundle: self.digest,
            }),
            // What permits does not forbid, so it is not among the reasons of a denial.
            Decision::Allow => Verdict::Deny(Denial { rules: Vec::new(), errors, none_matched: false }),
            Decision::Deny => {
                let none_matched = rules.is_empty() && errors.is_empty();
                Verdict::Deny(Denial { rules, errors, none_matched })
            }
        }
    }

    /// The profiles.
    #[must_use]
    pub fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    /// SHA-256 of the bundle's canonical octets: what a `policy-loaded` entry names.
    #[must_use]
    pub fn digest(&self) -> Sha256Hash {
        self.digest
    }

    /// Ids of the policies, sorted.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.rules.keys().map(String::as_str)
    }

    /// What the policy's author tells whom it refuses: its `@advice`.
    #[must_use]
    pub fn advice(&self, rule: &str) -> Option<&str> {
        self.rules.get(rule)?.advice.as_deref()
    }

    /// The text that a policy stands in.
    #[must_use]
    pub fn text_of(&self, rule: &str) -> Option<&str> {
        self.rules.get(rule).map(|rule| rule.text.as_str())
    }

    /// Checks agent rules that are already listed beside these profiles: before these profiles come into force.
    ///
    /// # Errors
    /// Every [`beside::AgentConflict`].
    pub fn check_agents(&self, rules: &[AgentRule]) -> Result<(), Vec<beside::AgentConflict>> {
        let conflicts: Vec<_> =
            rules.iter().filter_map(|rule| beside::check(rule, &self.profiles, rules).err()).flatten().collect();
        if conflicts.is_empty() { Ok(()) } else { Err(conflicts) }
    }
}

impl Rule {
    fn forbids(&self) -> bool {
        self.policy.effect() == Effect::Forbid
    }
}

/// Names only: profiles and policies tell who may have what.
impl fmt::Debug for PolicySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicySet")
            .field("digest", &self.digest)
            .field("rules", &self.rules.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

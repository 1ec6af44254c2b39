//! Tables of questions with the answers they must have: `ca-server policy test`, and the tests of the policies we ship. Knows
//! the form of a table; the answers come from `explain`.

use std::fmt;

use identity::TrustDomain;
use serde::Deserialize;
use toml::Spanned;

use crate::agent::file::AgentRuleFile;
use crate::agent::{AgentRule, beside};
use crate::engine::PolicySet;
use crate::explain::{Answer, Setting, Trace};
use crate::problem::{Place, Problem};
use crate::question::Question;
use crate::question::file::QuestionFile;
use crate::verdict::Verdict;

/// A table of cases, as it is written in TOML.
///
/// ```toml
/// trust_domain = "example.org"
///
/// [[case]]
/// name = "a host enrols under the profile of its token"
/// ask = { action = "enrol", attestor = "join-token", fixed_profile = "host", claims = { name = "web-1" } }
/// expect = { permit = ["hosts-enrol-under-the-profile-of-their-token"], id = "spiffe://example.org/host/web-1" }
/// ```
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CasesFile {
    /// The trust domain that ids are made in.
    #[serde(with = "identity::text")]
    pub trust_domain: TrustDomain,
    /// The agents that are listed when the questions are asked. Default: none.
    #[serde(default, rename = "agent")]
    pub agents: Vec<Spanned<AgentRuleFile>>,
    /// The cases.
    #[serde(rename = "case")]
    pub cases: Vec<Spanned<CaseFile>>,
}

/// One case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// What it shows, in words; unique in the table.
    pub name: String,
    /// The question.
    pub ask: QuestionFile,
    /// The answer that it must have.
    pub expect: ExpectFile,
}

/// An answer: exactly one of `permit`, `deny` and `refuse`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectFile {
    /// Permitted, by exactly these policies.
    #[serde(default)]
    pub permit: Option<Vec<String>>,
    /// Denied, by exactly these policies; by none (`[]`) where no policy permits it.
    #[serde(default)]
    pub deny: Option<Vec<String>>,
    /// Refused before the policies are asked, by this rule.
    #[serde(default)]
    pub refuse: Option<String>,
    /// The SPIFFE id that is permitted or denied. Default: any.
    #[serde(default)]
    pub id: Option<String>,
    /// What the answer says, among other things. Default: anything.
    #[serde(default)]
    pub says: Option<String>,
}

/// What came of one case.
#[derive(Debug, PartialEq, Eq)]
pub struct CaseResult {
    /// Its name.
    pub name: String,
    /// Where it stands in the table.
    pub place: Place,
    /// The answer that came, with all steps.
    pub trace: Trace,
    /// Why it is not the answer that must come; empty where it is.
    pub wrong: Vec<String>,
}

impl CaseResult {
    /// Whether the answer is the one that must come.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.wrong.is_empty()
    }
}

/// One line where it holds; the reasons and all steps where it does not.
impl fmt::Display for CaseResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.holds() {
            return write!(f, "ok      {}", self.name);
        }
        write!(f, "FAILED  {} (line {})", self.name, self.place.line)?;
        for wrong in &self.wrong {
            write!(f, "\n        {wrong}")?;
        }
        for line in self.trace.to_string().lines() {
            write!(f, "\n          {line}")?;
        }
        Ok(())
    }
}

/// Runs all cases of a table; `text` names it in problems.
///
/// # Errors
/// What keeps the table from being run: [`Problem`]s with their places. A case that fails is a result, not an error.
pub fn run(set: &PolicySet, text: &str, table: &str) -> Result<Vec<CaseResult>, Vec<Problem>> {
    let file = read(text, table).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let agents = agents(set, text, table, &file.agents, &mut problems);
    let setting = Setting { domain: file.trust_domain, agents };
    let mut results: Vec<CaseResult> = Vec::new();
    for spanned in file.cases {
        let place = Place::of(table, spanned.span().start);
        let case = spanned.into_inner();
        if results.iter().any(|other| other.name == case.name) {
            problems.push(Problem::at(text, Some(place), format!("a case `{}` is there already", case.name)));
        }
        match (Question::check(case.ask), case.expect.check()) {
            (Ok(question), Ok(expect)) => {
                let trace = set.explain(&question, &setting);
                results.push(CaseResult { name: case.name, place, wrong: expect.compare(&trace), trace });
            }
            (Err(error), _) => problems.push(Problem::at(text, Some(place), format!("{}: {error}", case.name))),
            (Ok(_), Err(error)) => problems.push(Problem::at(text, Some(place), format!("{}: {error}", case.name))),
        }
    }
    if problems.is_empty() { Ok(results) } else { Err(problems) }
}

fn read(text: &str, table: &str) -> Result<CasesFile, Problem> {
    if table.len() > MAX_TABLE_OCTETS {
        let what = format!("a table has at most {MAX_TABLE_OCTETS} octets, this one has {}", table.len());
        return Err(Problem::whole(text, what));
    }
    let file: CasesFile = toml::from_str(table)
        .map_err(|error| Problem::at(text, error.span().map(|span| Place::of(table, span.start)), error.message()))?;
    if file.cases.is_empty() {
        return Err(Problem::whole(text, "there is no case").fix("a table without cases shows nothing"));
    }
    Ok(file)
}

fn agents(
    set: &PolicySet,
    text: &str,
    table: &str,
    files: &[Spanned<AgentRuleFile>],
    problems: &mut Vec<Problem>,
) -> Vec<AgentRule> {
    let mut rules: Vec<AgentRule> = Vec::new();
    for file in files {
        let place = Some(Place::of(table, file.span().start));
        let mut refuse = |what: String| problems.push(Problem::at(text, place, what));
        match AgentRule::check(file.as_ref()) {
            Err(errors) => errors.iter().for_each(|error| refuse(error.to_string())),
            Ok(rule) => match beside::check(&rule, set.profiles(), &rules) {
                Err(conflicts) => conflicts.iter().for_each(|conflict| refuse(conflict.to_string())),
                Ok(()) => rules.push(rule),
            },
        }
    }
    rules
}

/// A checked expectation.
struct Expect {
    outcome: Outcome,
    id: Option<String>,
    says: Option<String>,
}

#[derive(PartialEq, Eq)]
enum Outcome {
    Permit(Vec<String>),
    Deny(Vec<String>),
    Refuse(String),
}

impl ExpectFile {
    fn check(self) -> Result<Expect, &'static str> {
        let sorted = |mut rules: Vec<String>| {
            rules.sort_unstable();
            rules
        };
        let outcome = match (self.permit, self.deny, self.refuse) {
            (Some(rules), None, None) if !rules.is_empty() => Outcome::Permit(sorted(rules)),
            (Some(_), None, None) => return Err("expect.permit names the policies; without one nothing is permitted"),
            (None, Some(rules), None) => Outcome::Deny(sorted(rules)),
            (None, None, Some(rule)) => Outcome::Refuse(rule),
            _ => return Err("expect has exactly one of permit, deny and refuse"),
        };
        Ok(Expect { outcome, id: self.id, says: self.says })
    }
}

impl Expect {
    fn compare(&self, trace: &Trace) -> Vec<String> {
        let mut wrong = Vec::new();
        let came = Outcome::of(&trace.answer);
        if came != self.outcome {
            wrong.push(format!("expected {}, came {came}", self.outcome));
        }
        let id = trace.identity.as_ref().map(|wanted| wanted.id().as_str());
        if self.id.is_some() && id != self.id.as_deref() {
            wrong.push(format!("expected id {}, came {}", self.id.as_deref().unwrap_or("none"), id.unwrap_or("none")));
        }
        let said = trace.answer.to_string();
        if let Some(part) = self.says.as_ref().filter(|part| !said.contains(part.as_str())) {
            wrong.push(format!("expected an answer with `{part}`, came `{said}`"));
        }
        wrong
    }
}

impl Outcome {
    fn of(answer: &Answer) -> Self {
        let rules = |verdict: &Verdict| {
            let mut rules: Vec<String> = verdict.rules().into_iter().map(str::to_owned).collect();
            rules.sort_unstable();
            rules
        };
        match answer {
            Answer::Refused(refused) => Self::Refuse(refused.rule.to_owned()),
            Answer::Decided(verdict @ Verdict::Permit(_)) => Self::Permit(rules(verdict)),
            // A request that fits no schema is no denial by default, though no policy is named either.
            Answer::Decided(Verdict::Deny(denial)) if denial.rule() == crate::verdict::OUTSIDE_SCHEMA => {
                Self::Refuse(denial.rule().to_owned())
            }
            Answer::Decided(verdict @ Verdict::Deny(_)) => Self::Deny(rules(verdict)),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permit(rules) => write!(f, "permit by {}", rules.join(", ")),
            Self::Deny(rules) if rules.is_empty() => f.write_str("deny, as no policy permits it"),
            Self::Deny(rules) => write!(f, "deny by {}", rules.join(", ")),
            Self::Refuse(rule) => write!(f, "refuse by {rule}"),
        }
    }
}

/// Octets of a table, that of a bundle.
pub const MAX_TABLE_OCTETS: usize = crate::bundle::MAX_BUNDLE_OCTETS;

#[cfg(test)]
mod tests;

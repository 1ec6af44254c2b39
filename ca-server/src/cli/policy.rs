//! `ca-server policy`: check, test and explain policies; show and load the one in force.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use identity::TrustDomain;
use policies::cases;
use policies::explain::Setting;
use policies::problem::Problem;
use policies::question::Question;
use policies::question::file::QuestionFile;
use policies::{AgentRule, PolicySet};
use protocol::Binary;
use protocol::admin::{Done, LoadPolicy};
use serde::Serialize;
use serde_json::Value;

use super::CliError;
use super::connection::{Reach, request_id};
use super::init::read_bundle;
use super::inspect::read_limited;
use super::output::Output;

/// Policies and profiles.
#[derive(Debug, Subcommand)]
pub(super) enum Policy {
    /// Check profiles.toml and *.cedar of a directory: names, templates, types, ids. Needs no server.
    Check {
        /// The directory.
        directory: PathBuf,
    },
    /// Run a table of cases against the policies of a directory. Needs no server.
    Test {
        /// The directory.
        directory: PathBuf,
        /// The table. Default: cases.toml in the directory.
        #[arg(long)]
        cases: Option<PathBuf>,
    },
    /// Answer one question, step by step: profile, identity, what each policy says. Needs no server.
    Explain {
        /// The directory.
        directory: PathBuf,
        /// File with the question, as in a case of a table.
        #[arg(long)]
        question: PathBuf,
        /// The trust domain that identities are made in.
        #[arg(long, default_value = "example.org")]
        trust_domain: TrustDomain,
    },
    /// Show the policy in force.
    Show {
        #[command(flatten)]
        reach: Reach,
    },
    /// Put the policy of a directory into force, if it passes its check.
    ///
    /// Where two persons must agree, two admins approve its SHA-256 first, which `policy check` prints.
    Load {
        #[command(flatten)]
        reach: Reach,
        /// The directory.
        directory: PathBuf,
    },
}

#[derive(Serialize)]
struct Checked {
    sha256: String,
    profiles: Vec<String>,
    policies: Vec<String>,
}

#[derive(Serialize)]
struct Tested {
    cases: usize,
    failed: Vec<String>,
}

pub(super) fn run(command: Policy, output: &Output) -> Result<(), CliError> {
    match command {
        Policy::Check { directory } => {
            let set = checked(&directory)?;
            let checked = Checked {
                sha256: set.digest().to_string(),
                profiles: set.profiles().iter().map(|profile| profile.name().to_string()).collect(),
                policies: set.rules().map(str::to_owned).collect(),
            };
            output.answer(&checked, |c| {
                format!("good: {} profiles, {} policies, SHA-256 {}", c.profiles.len(), c.policies.len(), c.sha256)
            })
        }
        Policy::Test { directory, cases } => {
            let table = cases.unwrap_or_else(|| directory.join("cases.toml"));
            test(&checked(&directory)?, &table, output)
        }
        Policy::Explain { directory, question, trust_domain } => {
            let set = checked(&directory)?;
            let setting = Setting { domain: trust_domain, agents: Vec::<AgentRule>::new() };
            let trace = set.explain(&read_question(&question)?, &setting).to_string();
            output.answer(&serde_json::json!({ "explanation": trace.lines().collect::<Vec<_>>() }), |_| trace.clone())
        }
        Policy::Show { reach } => {
            let shown: Value = reach.connect()?.get("/v1/admin/policy")?;
            output.answer(&shown, |shown| serde_json::to_string_pretty(shown).unwrap_or_default())
        }
        Policy::Load { reach, directory } => {
            let bundle = read_bundle(&directory)?;
            bundle.check().map_err(|problems| no(&problems))?;
            let body = LoadPolicy { request: request_id()?, bundle: Binary(bundle.to_bytes()) };
            let done: Done = reach.connect()?.post("/v1/admin/policy", &body)?;
            output.answer(&done, |done| format!("in force by entry {}", done.index))
        }
    }
}

fn checked(directory: &Path) -> Result<PolicySet, CliError> {
    read_bundle(directory)?.check().map_err(|problems| no(&problems))
}

fn test(set: &PolicySet, table: &PathBuf, output: &Output) -> Result<(), CliError> {
    let text = String::from_utf8(read_limited(table)?).map_err(CliError::failed("the table is not text"))?;
    let results = cases::run(set, &table.display().to_string(), &text).map_err(|problems| no(&problems))?;
    let failed: Vec<String> = results.iter().filter(|result| !result.holds()).map(ToString::to_string).collect();
    let tested = Tested { cases: results.len(), failed };
    output.answer(&tested, |t| {
        let lines = t.failed.iter().map(|failure| format!("{failure}\n")).collect::<String>();
        format!("{lines}{} cases hold, {} do not", t.cases.saturating_sub(t.failed.len()), t.failed.len())
    })?;
    if tested.failed.is_empty() {
        Ok(())
    } else {
        Err(CliError::No("the policy does not do what its cases say".to_owned()))
    }
}

fn read_question(path: &PathBuf) -> Result<Question, CliError> {
    let text = String::from_utf8(read_limited(path)?).map_err(CliError::failed("the question is not text"))?;
    let file: QuestionFile = toml::from_str(&text).map_err(CliError::failed(path.display().to_string()))?;
    Question::check(file).map_err(CliError::failed(path.display().to_string()))
}

fn no(problems: &[Problem]) -> CliError {
    CliError::No(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

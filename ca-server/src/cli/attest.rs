//! `ca-server attest explain`: what an attestor makes of evidence in a file, under the given configuration.

use std::path::PathBuf;
use std::time::Instant;

use clap::Subcommand;
use identity::Timestamp;

use super::CliError;
use super::inspect::read_limited;
use super::output::Output;
use super::serve::clock;
use crate::attestation::aws_iid::AwsAttestor;
use crate::attestation::explain::Report;
use crate::attestation::join_token::JoinTokenAttestor;
use crate::attestation::kubernetes::KubernetesAttestor;
use crate::attestation::{Attestor, Attestors, Kind};
use crate::config::Config;

/// Evidence.
#[derive(Debug, Subcommand)]
pub(super) enum Attest {
    /// Run an attestor on a file and print, as JSON, the claims or the named refusal. Nothing is spent.
    ///
    /// A join token is judged without the ledger, so that it is refused as unknown if all else about it is right.
    Explain {
        /// The server's configuration.
        #[arg(long, short, value_name = "FILE", default_value = "/etc/brevet/ca-server.toml")]
        config: PathBuf,
        /// Kind of the evidence: aws-iid, join-token or kubernetes.
        #[arg(long)]
        kind: Kind,
        /// File with the evidence.
        #[arg(long, value_name = "FILE")]
        evidence: PathBuf,
        /// The time to judge it at, RFC 3339 in UTC. Default: now.
        #[arg(long, value_name = "RFC3339", value_parser = time)]
        now: Option<Timestamp>,
    },
}

pub(super) fn run(command: Attest, output: &Output) -> Result<(), CliError> {
    let Attest::Explain { config, kind, evidence, now } = command;
    let config = Config::load(&config)?;
    let evidence = read_limited(&evidence)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(CliError::failed("no event loop can be made"))?;
    let now = now.unwrap_or_else(|| clock()());
    let report = runtime.block_on(async {
        let attestors = attestors(&config)?;
        Ok::<_, CliError>(Report::of(&attestors, kind, &evidence, now, Instant::now()).await)
    })?;
    let text = serde_json::to_string_pretty(&report).map_err(CliError::failed("the report cannot be printed"))?;
    output.line(&text);
    if report.is_attested() { Ok(()) } else { Err(CliError::No("the evidence is refused".to_owned())) }
}

fn attestors(config: &Config) -> Result<Attestors, CliError> {
    let trust = config.data_dir.join("trust.json");
    let trust = std::fs::read(&trust).map_err(|source| CliError::File { path: trust, source })?;
    let join = JoinTokenAttestor::new(protocol::trust::hash(&trust), |_: &_, _| Ok(None));
    let mut all: Vec<Box<dyn Attestor>> = vec![Box::new(join)];
    for cluster in &config.clusters {
        all.push(Box::new(KubernetesAttestor::new(cluster.clone()).map_err(CliError::failed("a cluster"))?));
    }
    for aws in &config.aws {
        all.push(Box::new(AwsAttestor::new(aws.clone())));
    }
    Attestors::new(all).map_err(CliError::failed("the attestors"))
}

/// RFC 3339 in UTC, with or without milliseconds.
fn time(text: &str) -> Result<Timestamp, String> {
    let whole = text.strip_suffix('Z').filter(|text| !text.contains('.')).map(|text| format!("{text}.000Z"));
    whole.as_deref().unwrap_or(text).parse().map_err(|_| "RFC 3339 in UTC, as in 2026-11-23T08:00:00Z".to_owned())
}

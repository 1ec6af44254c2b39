//! `ca-server revoke`: end certificates before their time.

use clap::Args;
use identity::{HostId, KeyHash, Serial, SpiffeId};
use protocol::revoke::{RevokeRequest, Revoked, Target};

use super::CliError;
use super::connection::{Reach, request_id};
use super::output::Output;

/// Revoke certificates. Followers refuse them within a second; CRLs follow.
///
/// It hits what was issued so far. To keep a host from getting more, `ca-server host ban` it first.
#[derive(Debug, Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    target: Which,
    /// Reason after RFC 5280: key-compromise, affiliation-changed, superseded, cessation-of-operation, privilege-withdrawn.
    #[arg(long, default_value = "unspecified")]
    reason: String,
    /// Why, in words; stands in the ledger for ever, so it must not name a person.
    #[arg(long, default_value = "")]
    comment: String,
    /// Only tell what it would hit.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// One certificate.
    #[arg(long)]
    serial: Option<Serial>,
    /// All with this SPIFFE id.
    #[arg(long, value_name = "SPIFFE_ID")]
    agent: Option<SpiffeId>,
    /// The host's own and those of its agents.
    #[arg(long, value_name = "HOST_ID")]
    host: Option<HostId>,
    /// All with this public key (SHA-256 of its SubjectPublicKeyInfo); requests with it are refused from then on.
    #[arg(long, value_name = "SHA256")]
    key: Option<KeyHash>,
}

pub(super) fn run(command: Revoke, output: &Output) -> Result<(), CliError> {
    let Which { serial, agent, host, key } = command.target;
    let targets = [serial.map(Target::Serial), agent.map(Target::Agent), host.map(Target::Host), key.map(Target::Key)];
    let target = targets.into_iter().flatten().next();
    let body = RevokeRequest {
        request: request_id()?,
        target: target.ok_or_else(|| CliError::Usage("say what to revoke: see ca-server revoke --help".to_owned()))?,
        reason: Some(command.reason),
        comment: command.comment,
        dry_run: command.dry_run,
    };
    let revoked: Revoked = command.reach.connect()?.post("/v1/revoke", &body)?;
    output.answer(&revoked, |revoked| match revoked.index {
        Some(index) => format!("{} certificates revoked by entry {index}", revoked.count),
        None => format!("{} certificates would be revoked", revoked.count),
    })
}

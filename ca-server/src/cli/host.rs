//! `ca-server host`: list hosts; evict, ban, unban them.

use clap::{Args, Subcommand};
use identity::HostId;
use protocol::admin::{Done, HostView, StandHost};

use super::CliError;
use super::connection::{Reach, request_id};
use super::output::{Output, table};

/// Hosts.
#[derive(Debug, Subcommand)]
pub(super) enum Host {
    /// List all hosts that ever enrolled.
    List {
        #[command(flatten)]
        reach: Reach,
    },
    /// A host must prove anew what it is: its binding to a key is gone and its certificates renew no more.
    ///
    /// Certificates that it has stay valid until they expire; `ca-server revoke --host` ends them.
    Evict(Which),
    /// Keep a host out: it may not enrol again until `unban`.
    Ban(Which),
    /// End a ban: the host may enrol again, with fresh evidence.
    Unban(Which),
}

/// Which host, and why.
#[derive(Debug, Args)]
pub(super) struct Which {
    #[command(flatten)]
    reach: Reach,
    /// Its id, as `ca-server host list` shows it.
    host: HostId,
    /// Why; stands in the ledger for ever, so it must not name a person.
    #[arg(long, default_value = "")]
    reason: String,
}

pub(super) fn run(command: Host, output: &Output) -> Result<(), CliError> {
    match command {
        Host::List { reach } => {
            let hosts: Vec<HostView> = reach.connect()?.get("/v1/admin/hosts")?;
            output.answer(&hosts, |hosts| {
                let row = |h: &HostView| {
                    [
                        h.host.to_string(),
                        h.spiffe_id.to_string(),
                        h.profile.clone(),
                        h.standing.clone(),
                        h.not_after.to_string(),
                    ]
                };
                table(["HOST", "IDENTITY", "PROFILE", "STANDING", "CERTIFICATE UNTIL"], hosts.iter().map(row))
            })
        }
        Host::Evict(which) => stand(which, "evict", output),
        Host::Ban(which) => stand(which, "ban", output),
        Host::Unban(which) => stand(which, "unban", output),
    }
}

fn stand(which: Which, change: &str, output: &Output) -> Result<(), CliError> {
    let body = StandHost { request: request_id()?, change: change.to_owned(), reason: which.reason };
    let done: Done = which.reach.connect()?.post(&format!("/v1/admin/hosts/{}/standing", which.host), &body)?;
    output.answer(&done, |done| format!("{change}: entry {}", done.index))
}

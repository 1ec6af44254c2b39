//! `ca-server list`: certificates that have not expired.

use clap::Args;
use identity::{HostId, SpiffeId};
use protocol::admin::CertificateView;

use super::CliError;
use super::connection::Reach;
use super::output::{Output, table};

/// List certificates that have not expired.
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    reach: Reach,
    /// Only those with this SPIFFE id.
    #[arg(long)]
    agent: Option<SpiffeId>,
    /// Only those of this host and its agents.
    #[arg(long)]
    host: Option<HostId>,
}

pub(super) fn run(command: List, output: &Output) -> Result<(), CliError> {
    let agent = command.agent.map(|id| format!("spiffe_id={id}"));
    let host = command.host.map(|id| format!("host={id}"));
    let query: Vec<String> = [agent, host].into_iter().flatten().collect();
    let path = format!("/v1/admin/certificates?{}", query.join("&"));
    let certificates: Vec<CertificateView> = command.reach.connect()?.get(&path)?;
    output.answer(&certificates, |certificates| {
        let row = |c: &CertificateView| {
            [
                c.serial.to_string(),
                c.spiffe_id.to_string(),
                c.state.clone(),
                c.not_after.to_string(),
                c.index.to_string(),
            ]
        };
        table(["SERIAL", "IDENTITY", "STATE", "UNTIL", "ENTRY"], certificates.iter().map(row))
    })
}

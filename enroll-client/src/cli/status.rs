//! `enroll-client status`: what a running key roller has, for people or programs.

use super::arguments::StatusOptions;
use super::{CliError, block_on, failed, local, print};
use crate::identities::{FilesStatus, IdentityStatus, Phase, Status};

pub(super) fn status(options: &StatusOptions) -> Result<(), CliError> {
    let octets = block_on(async {
        local::get(&options.socket, "/v1/status").await.map_err(|error| failed("there is no status", error))
    })?;
    let status: Status = serde_json::from_slice(&octets).map_err(|error| failed("the status cannot be read", error))?;
    if options.json {
        let json =
            serde_json::to_string_pretty(&status).map_err(|error| failed("the status cannot be shown", error))?;
        print(&format!("{json}\n"))?;
    } else {
        print(&table(&status))?;
    }
    match status.trust.alarm {
        Some(_) => Err(CliError::Unhealthy("the ledger's key has contradicted itself; nothing new is taken")),
        None => Ok(()),
    }
}

/// Rows of the host and its agents under what is known of the ledger.
pub(super) fn table(status: &Status) -> String {
    let trust = &status.trust;
    let mut lines = vec![
        format!("trust domain  {}", status.trust_domain),
        format!("ledger        checkpoint of {} entries", trust.checkpoint_size),
        format!(
            "feed          {}, last heartbeat {}",
            trust.feed_index.map_or_else(|| "not followed".to_owned(), |index| format!("followed to entry {index}")),
            shown(trust.heartbeat.as_ref()),
        ),
        format!("bundle        number {}", trust.bundle_sequence),
    ];
    if let Some(alarm) = &trust.alarm {
        lines.push(format!("ALARM         {alarm}"));
    }
    lines.push(String::new());
    let rows: Vec<_> = std::iter::once(&status.host).chain(&status.agents).collect();
    let names = rows.iter().map(|row| row.name.len()).max().unwrap_or_default().max(4);
    lines.push(format!(
        "{:names$}  PHASE    SERIAL                            UNTIL                     RENEWS",
        "NAME"
    ));
    for row in rows {
        lines.push(line(row, names));
        if let (Some(why), true) = (&row.last_failure, row.failures > 0) {
            lines.push(format!("{:names$}  {} failed: {why}", "", attempts(row.failures)));
        }
    }
    if !status.files.is_empty() {
        lines.push(String::new());
        lines
            .push("FILES OF          SERIAL                            UNTIL                     DIRECTORY".to_owned());
    }
    for files in &status.files {
        lines.extend(files_lines(files));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn files_lines(files: &FilesStatus) -> Vec<String> {
    let mut lines = vec![format!(
        "{:16}  {:32}  {:24}  {}",
        files.agent,
        shown(files.serial.as_ref()),
        shown(files.not_after.as_ref()),
        files.directory.display(),
    )];
    if let (Some(why), true) = (&files.last_failure, files.failures > 0) {
        lines.push(format!("{:16}  {} failed: {why}", "", attempts(files.failures)));
    }
    if let Some(reload) = &files.reload {
        let told = match (reload.serial, reload.somebody) {
            (None, _) => "the program was not told yet".to_owned(),
            (Some(serial), true) => format!("the program was told of {serial}"),
            (Some(serial), false) => format!("the program did not run when there was {serial}"),
        };
        lines.push(format!("{:16}  {told}", ""));
        if let (Some(why), true) = (&reload.last_failure, reload.failures > 0) {
            lines.push(format!("{:16}  {} to tell it failed: {why}", "", attempts(reload.failures)));
        }
    }
    lines
}

fn line(row: &IdentityStatus, names: usize) -> String {
    let phase = match row.phase {
        Phase::Pending => "pending",
        Phase::Current => "current",
        Phase::Grace => "grace",
        Phase::Ended => "ended",
    };
    format!(
        "{:names$}  {phase:7}  {:32}  {:24}  {}",
        row.name,
        shown(row.serial.as_ref()),
        shown(row.not_after.as_ref()),
        shown(row.renew_at.as_ref()),
    )
}

fn attempts(failures: u32) -> String {
    if failures == 1 { "1 attempt".to_owned() } else { format!("{failures} attempts") }
}

fn shown<T: std::fmt::Display>(value: Option<&T>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}

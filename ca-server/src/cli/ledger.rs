//! `ca-server ledger`: verify, show, follow. Reads through the running server, trusts nothing that it says: entries are
//! hashed here, and the root is compared with a checkpoint that the ledger's key has signed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use ledger::checkpoint;
use ledger::entry::EntryBytes;
use ledger::frontier::Frontier;
use ledger::hash::leaf_hash;
use ledger::receipt::Receipt;
use protocol::enroll::ReceiptMessage;
use protocol::trust::Trust;
use serde::Serialize;

use super::CliError;
use super::connection::{Client, Reach};
use super::output::Output;
use crate::genesis::log_identity;
use crate::live::LogIdentity;
use crate::state::State;

/// The ledger.
#[derive(Debug, Subcommand)]
pub(super) enum Ledger {
    /// Read every entry, hash it, check its rules, and compare the root with the signed checkpoint.
    Verify(Where),
    /// Show one entry.
    Show {
        #[command(flatten)]
        reach: Where,
        /// Its index.
        index: u64,
        /// Print its proof too (C2SP tlog-proof), and check it.
        #[arg(long)]
        proof: bool,
    },
    /// Print the newest entries, one a line.
    Tail {
        #[command(flatten)]
        reach: Where,
        /// How many.
        #[arg(long, short = 'n', default_value_t = 10)]
        lines: u64,
        /// Go on printing what comes.
        #[arg(long, short)]
        follow: bool,
    },
}

/// The server, and whose ledger it must be.
#[derive(Debug, Args)]
pub(super) struct Where {
    #[command(flatten)]
    reach: Reach,
    /// The trust file that names the ledger's key. Default: trust.json in the data directory of the configuration.
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
}

#[derive(Serialize)]
struct Verified {
    entries: u64,
    root: String,
    origin: String,
}

pub(super) fn run(command: Ledger, output: &Output) -> Result<(), CliError> {
    match command {
        Ledger::Verify(place) => verify(&place, output),
        Ledger::Show { reach, index, proof } => show(&reach, index, proof, output),
        Ledger::Tail { reach, lines, follow } => tail(&reach.reach.connect()?, lines, follow, output),
    }
}

impl Where {
    fn identity(&self) -> Result<LogIdentity, CliError> {
        let path = match &self.trust {
            Some(path) => path.clone(),
            None => self.reach.config()?.data_dir.join("trust.json"),
        };
        let octets = std::fs::read(&path).map_err(|source| CliError::File { path, source })?;
        let trust = Trust::from_bytes(&octets).map_err(CliError::failed("the trust file"))?;
        log_identity(&trust).map_err(CliError::failed("the trust file"))
    }
}

fn verify(place: &Where, output: &Output) -> Result<(), CliError> {
    let identity = place.identity()?;
    let client = place.reach.connect()?;
    let note = client.get_octets("/v1/admin/ledger/checkpoint")?;
    let head = checkpoint::open(&note, &identity.origin, &identity.key)
        .map_err(CliError::failed("the checkpoint is not one of this ledger"))?;
    let (mut frontier, mut state, mut shown) = (Frontier::default(), State::new(), 0_u64);
    while frontier.size() < head.size() {
        let from = frontier.size();
        for entry in entries(&client, from)? {
            let index = frontier.size();
            if index == head.size() {
                break;
            }
            let wrong = |why: &(dyn std::error::Error + 'static)| {
                CliError::No(format!("entry {index}: {}", crate::api::chain(why)))
            };
            let read = entry.decode().map_err(|error| wrong(&error))?;
            state.apply(index, &read, &entry).map_err(|error| wrong(&error))?;
            frontier.push(leaf_hash(&entry));
        }
        if frontier.size() == from {
            return Err(CliError::No(format!("entry {from} is missing: the checkpoint speaks of {}", head.size())));
        }
        if frontier.size().saturating_sub(shown) >= PROGRESS_EVERY {
            shown = frontier.size();
            output.progress(&format!("{shown} of {} entries", head.size()));
        }
    }
    if frontier.root() != *head.root() {
        return Err(CliError::No(format!(
            "the {} entries have the root {}, the checkpoint says {}",
            head.size(),
            frontier.root(),
            head.root()
        )));
    }
    let verified =
        Verified { entries: head.size(), root: head.root().to_string(), origin: identity.origin.to_string() };
    output.answer(&verified, |v| format!("good: {} entries of {}, root {}", v.entries, v.origin, v.root))
}

fn show(place: &Where, index: u64, proof: bool, output: &Output) -> Result<(), CliError> {
    let client = place.reach.connect()?;
    let message: ReceiptMessage = client.get(&format!("/v1/admin/ledger/{index}"))?;
    let entry = EntryBytes::new(message.entry.0).map_err(CliError::failed(format!("entry {index}")))?;
    output.line(&String::from_utf8_lossy(&entry));
    if proof {
        let identity = place.identity()?;
        let receipt = Receipt { entry, proof: message.proof };
        let checked =
            receipt.check(&identity.origin, &identity.key).map_err(CliError::failed("the proof does not hold"))?;
        output.line(&receipt.proof);
        output.progress(&format!("the proof holds: entry {} of {}", checked.index(), identity.origin));
    }
    Ok(())
}

fn tail(client: &Client, lines: u64, follow: bool, output: &Output) -> Result<(), CliError> {
    let status: serde_json::Value = client.get("/v1/admin/status")?;
    let size = status.get("size").and_then(serde_json::Value::as_u64).unwrap_or(0);
    let mut next = size.saturating_sub(lines);
    loop {
        let found = entries(client, next)?;
        for entry in &found {
            output.line(&String::from_utf8_lossy(entry));
            next = next.saturating_add(1);
        }
        if found.is_empty() && !follow {
            return Ok(());
        }
        if found.is_empty() {
            std::thread::sleep(FOLLOW_EVERY);
        }
    }
}

/// Entries from an index on, as many as one answer holds.
fn entries(client: &Client, from: u64) -> Result<Vec<EntryBytes>, CliError> {
    let octets = client.get_octets(&format!("/v1/admin/ledger?from={from}"))?;
    let lines = octets.split(|octet| *octet == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| EntryBytes::new(line.to_vec()).map_err(CliError::failed("an entry"))).collect()
}

/// Entries between two lines of progress.
const PROGRESS_EVERY: u64 = 100_000;

/// How often a follower asks.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);

//! A batch as it is decided: commands in, entries out, each against the State that precedes it. Knows State and drafts; knows no log, key or clock.

use std::ops::Range;

use identity::{RequestId, Timestamp};
use ledger::entry::{Actor, Body, Entry, EntryBytes};
use ledger::hash::{Hash, leaf_hash};

use crate::apply::ApplyError;
use crate::decide::{Command, Decided, decide};
use crate::draft::Draft;
use crate::log::Limits;
use crate::refusal::Refusal;
use crate::state::{Changes, State};

/// One command and who asked for it.
#[derive(Debug)]
pub struct Asked {
    /// Who asks.
    pub actor: Actor,
    /// The request that it came with.
    pub request: RequestId,
    /// What is asked for.
    pub command: Command,
}

/// Entries that may land together, and what they would make true.
#[derive(Debug)]
pub(super) struct Plan {
    /// In order.
    pub(super) entries: Vec<Planned>,
    /// What the entries make true of the State that they were decided on.
    pub(super) changes: Changes,
    /// One for each command taken, in order.
    pub(super) verdicts: Vec<Verdict>,
}

/// An entry about to be committed.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) bytes: EntryBytes,
    pub(super) leaf: Hash,
    pub(super) body: Body,
}

/// What became of one command. It is true only if the batch lands: a refusal may rest on an entry before it in the same batch.
#[derive(Debug)]
pub(super) enum Verdict {
    /// These of the plan's entries.
    New(Range<usize>),
    /// An entry that was there before, or stands earlier in the same batch.
    Already(u64),
    /// No.
    Refused(Refusal),
    /// Its entries cannot be written down.
    Unwritable(Unwritable),
}

/// Why a command that was granted makes no entries.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unwritable {
    /// The entry breaks a limit.
    #[error("its entry cannot be written: {0}")]
    Entry(String),
    /// The system gave no randomness.
    #[error("there is no randomness for its salt: {0}")]
    Salt(String),
    /// Its entries alone are more than a batch may have.
    #[error("{entries} entries with {octets} octets are more than a batch may have ({limits:?})")]
    Batch {
        /// Its entries.
        entries: usize,
        /// Their octets.
        octets: usize,
        /// What may be.
        limits: Limits,
    },
}

/// Decides commands in order, until one does not fit any more. That one and those after it stay for the next batch.
///
/// # Errors
/// [`ApplyError`] when an entry that `decide` made cannot follow: the rules contradict each other, and nobody may go on.
pub(super) fn plan<'a>(
    state: &State,
    now: Timestamp,
    asked: impl Iterator<Item = &'a Asked>,
    limits: Limits,
    mut salt: impl FnMut() -> Result<[u8; 16], getrandom::Error>,
) -> Result<Plan, ApplyError> {
    let mut draft = Draft::over(state, now);
    let mut entries: Vec<Planned> = Vec::new();
    let mut verdicts = Vec::new();
    let mut octets = 0_usize;
    for asked in asked {
        let bodies = match decide(&draft, &asked.command) {
            Decided::New(bodies) => bodies,
            Decided::Already(index) => {
                verdicts.push(Verdict::Already(index));
                continue;
            }
            Decided::Refused(refusal) => {
                verdicts.push(Verdict::Refused(refusal));
                continue;
            }
        };
        // Everything that can fail comes before the draft is touched.
        let stamped = match stamp(asked, draft.time(), bodies, &mut salt) {
            Ok(stamped) => stamped,
            Err(error) => {
                verdicts.push(Verdict::Unwritable(error));
                continue;
            }
        };
        let added = stamped.iter().map(|(_, bytes)| bytes.len()).fold(0, usize::saturating_add);
        if stamped.len() > limits.entries || added > limits.octets {
            let unwritable = Unwritable::Batch { entries: stamped.len(), octets: added, limits };
            verdicts.push(Verdict::Unwritable(unwritable));
            continue;
        }
        octets = octets.saturating_add(added);
        if entries.len().saturating_add(stamped.len()) > limits.entries || octets > limits.octets {
            break;
        }
        let first = entries.len();
        for (entry, bytes) in stamped {
            draft.apply(draft.size(), &entry, &bytes)?;
            entries.push(Planned { leaf: leaf_hash(&bytes), bytes, body: entry.body });
        }
        verdicts.push(Verdict::New(first..entries.len()));
    }
    Ok(Plan { entries, changes: draft.into_changes(), verdicts })
}

/// Entries from bodies: time, actor, request and salt added, octets fixed.
fn stamp(
    asked: &Asked,
    time: Timestamp,
    bodies: Vec<Body>,
    salt: &mut impl FnMut() -> Result<[u8; 16], getrandom::Error>,
) -> Result<Vec<(Entry, EntryBytes)>, Unwritable> {
    let mut stamped = Vec::with_capacity(bodies.len());
    for body in bodies {
        let salt = salt().map_err(|error| Unwritable::Salt(error.to_string()))?;
        let entry = Entry { time, actor: asked.actor, request: asked.request, salt, body };
        let bytes = entry.encode().map_err(|error| Unwritable::Entry(error.to_string()))?;
        stamped.push((entry, bytes));
    }
    Ok(stamped)
}

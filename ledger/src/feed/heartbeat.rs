//! A signed statement of how far the feed is. Knows its text and the note around it; compares with nothing.

use identity::{Timestamp, TimestampError};
use thiserror::Error;

use super::RunningHash;
use crate::{
    checkpoint::{CheckpointError, parse_decimal},
    hash::{Hash, HashError, MAX_TREE_SIZE},
    note::{Note, NoteError, NoteSigner, SignError, VerifierKey, sign_note},
    origin::Origin,
};

/// What the server states every few seconds, signed with the ledger's key.
///
/// Text is six lines: `brevet-feed/v1`, origin, time, size of the ledger, number of events, their running hash in
/// base64. The first line keeps it apart from a checkpoint, whose first line is an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// When the server said so.
    pub time: Timestamp,
    /// Entries of the ledger that the events speak for.
    pub size: u64,
    /// Number of events among those entries, and their running hash.
    pub events: RunningHash,
}

impl Heartbeat {
    /// Signs it: the octets of a note, which is text.
    ///
    /// # Errors
    /// When the signer fails, or the size is beyond that of any ledger.
    pub fn sign(&self, origin: &Origin, signer: &dyn NoteSigner) -> Result<String, HeartbeatError> {
        if self.size > MAX_TREE_SIZE || self.events.count() > self.size {
            return Err(HeartbeatError::Numbers { events: self.events.count(), size: self.size });
        }
        let note = sign_note(&self.to_text(origin), signer).map_err(HeartbeatError::Sign)?;
        String::from_utf8(note).map_err(|_| HeartbeatError::Note(NoteError::NotUtf8))
    }

    /// Checks that `note` is a heartbeat of the log `origin`, signed with `key`.
    ///
    /// # Errors
    /// When the note is malformed, not signed by the key, or says something else.
    pub fn open(note: &[u8], origin: &Origin, key: &VerifierKey) -> Result<Self, HeartbeatError> {
        let verified = Note::parse(note)?.verify(&[key])?;
        let mut lines = verified.text().split('\n');
        let mut line = || lines.next().ok_or(HeartbeatError::Lines);
        if line()? != FIRST_LINE {
            return Err(HeartbeatError::FirstLine);
        }
        let found = line()?;
        if found != origin.as_str() {
            return Err(HeartbeatError::Origin { expected: origin.clone(), found: found.to_owned() });
        }
        let time = line()?.parse()?;
        let size = parse_decimal(line()?).map_err(|error| HeartbeatError::Number(Box::new(error)))?;
        let events = parse_decimal(line()?).map_err(|error| HeartbeatError::Number(Box::new(error)))?;
        let running = Hash::from_base64(line()?)?;
        // Behind the last newline there is nothing.
        if !line()?.is_empty() || lines.next().is_some() {
            return Err(HeartbeatError::Lines);
        }
        if events > size {
            return Err(HeartbeatError::Numbers { events, size });
        }
        Ok(Self { time, size, events: RunningHash::new(events, *running.as_bytes()) })
    }

    fn to_text(self, origin: &Origin) -> String {
        let running = Hash::from_bytes(*self.events.hash()).to_base64();
        format!("{FIRST_LINE}\n{origin}\n{}\n{}\n{}\n{running}\n", self.time, self.size, self.events.count())
    }
}

/// Why a heartbeat is refused or cannot be made.
#[derive(Debug, Error)]
pub enum HeartbeatError {
    /// Not a note, or not signed by the ledger's key.
    #[error("the heartbeat is not a note that the ledger's key has signed")]
    Note(#[from] NoteError),
    /// Something else that the ledger's key signs, or another version.
    #[error("the note is no heartbeat")]
    FirstLine,
    /// More or fewer lines.
    #[error("a heartbeat has six lines")]
    Lines,
    /// Of another log.
    #[error("the heartbeat is of the log {found}, not {expected}")]
    Origin {
        /// The log that is followed.
        expected: Origin,
        /// The log that the heartbeat names.
        found: String,
    },
    /// The time is malformed.
    #[error("the time of the heartbeat is malformed")]
    Time(#[from] TimestampError),
    /// A number is malformed.
    #[error("a number of the heartbeat is malformed")]
    Number(#[source] Box<CheckpointError>),
    /// The hash is malformed.
    #[error("the running hash of the heartbeat is malformed")]
    Hash(#[from] HashError),
    /// An entry gives at most one event.
    #[error("{events} events cannot come from {size} entries")]
    Numbers {
        /// Number of events stated.
        events: u64,
        /// Number of entries stated.
        size: u64,
    },
    /// Our key failed.
    #[error("the heartbeat could not be signed")]
    Sign(#[source] SignError),
}

/// Names the form and its version.
const FIRST_LINE: &str = "brevet-feed/v1";

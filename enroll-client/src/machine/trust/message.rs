//! What the trust machine hears and says: statements of the ledger's key, and what follows from them. Knows the words.

use std::sync::Arc;

use identity::{Serial, Timestamp};
use ledger::checkpoint::SignedCheckpoint;
use ledger::feed::{FeedEvent, RunningHash, Told};
use ledger::hash::Hash;

use super::Contradiction;

/// A head of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Entries.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// The checkpoint that states both.
    pub note: SignedCheckpoint,
}

/// A heartbeat of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// When it was signed, by the server's clock.
    pub time: Timestamp,
    /// Entries of the ledger.
    pub size: u64,
    /// Events of the feed, and the hash over them.
    pub running: RunningHash,
    /// The note that states all of it.
    pub note: Arc<str>,
}

/// A snapshot of what the feed has led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Index of the newest entry that it covers.
    pub as_of: u64,
    /// Events up to there.
    pub running: RunningHash,
    /// The note that states its hash.
    pub note: Arc<str>,
    /// Serials that are revoked and have not expired.
    pub revoked: Vec<Serial>,
    /// Serials that are superseded, and from when on they are refused.
    pub cutoffs: Vec<(Serial, Timestamp)>,
}

/// What came.
#[derive(Debug, Clone)]
pub enum TrustEvent {
    /// A certificate with its receipt.
    Recorded {
        /// The head under which the receipt proves the entry.
        head: Head,
        /// Index of the entry.
        index: u64,
        /// Size of the head that we held when we made the key for it.
        floor: u64,
    },
    /// The snapshot that was asked for.
    Snapshot(Seen),
    /// An event of the feed, in the order in which it came.
    Event {
        /// As it is hashed.
        event: FeedEvent,
        /// What it tells.
        told: Told,
    },
    /// A heartbeat, in its order among the events.
    Heartbeat(Beat),
}

/// What the driver must do.
#[derive(Debug, Clone)]
pub enum TrustCommand {
    /// Pass on to local followers the event or heartbeat that just came.
    Relay,
    /// Let local followers begin again from the snapshot that just came.
    RelayAnew,
    /// Let local followers who are far behind begin from the snapshot that just came; those who follow go on.
    RelaySnapshot,
    /// These serials are revoked.
    Revoked(Vec<Serial>),
    /// This serial is refused from then on.
    CutOff {
        /// The superseded one.
        serial: Serial,
        /// Its cutoff.
        at: Timestamp,
    },
    /// Fetch the list of agents.
    FetchAgents,
    /// Fetch the bundle.
    FetchBundle,
    /// Begin again: fetch a snapshot, and follow the feed from there.
    Resync,
    /// Tell the server how far we are.
    Acknowledge,
    /// Put the newest checkpoint on disk.
    KeepHead(Head),
    /// Put the newest heartbeat on disk.
    KeepBeat(Beat),
    /// Take nothing new from here on, and put the evidence on disk.
    Alarm(Box<Contradiction>),
}

/// How far we have followed the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Index of the newest event, or what the snapshot covers.
    pub index: u64,
    /// Events up to there.
    pub running: RunningHash,
}

//! The log: the one place where entries become durable, in one order. Knows batches, sizes and who was first; knows no kind of entry.
//!
//! A batch says on which size it was decided, and lands only if the log still has that size: whoever decided on an older state is told,
//! and nothing of theirs is kept. That is all the mutual exclusion there is, on one machine and on many.

use std::ops::Range;
use std::sync::Arc;

use identity::BatchId;
use ledger::checkpoint::SignedCheckpoint;
use ledger::entry::EntryBytes;
use ledger::hash::Hash;

mod places;
mod recovery;
mod segment;
pub mod segments;
mod spare;

pub use recovery::OpenLogError;
pub use segments::{SegmentOptions, Segments};
pub use spare::Prepare;

/// Where entries are kept while they are recent, and where the head is.
///
/// Calls block and are made from threads of their own, never from an async task.
pub trait Log: Send + Sync {
    /// The newest state of the log.
    ///
    /// # Errors
    /// [`LogError`] when it cannot be learned.
    fn head(&self) -> Result<Head, LogError>;

    /// How large a batch may be.
    fn limits(&self) -> Limits;

    /// Appends the entries of a batch, all or none, durably.
    ///
    /// # Errors
    /// [`LogError::Full`]: nothing was written, and the same batch may be tried later. Any other: nobody knows what was
    /// written, nothing of it may be acknowledged, and the process ends.
    fn commit(&self, batch: &Batch) -> Result<Outcome, LogError>;

    /// The entries that a recent batch landed as; `None` if it did not land.
    ///
    /// # Errors
    /// [`LogError`] when it cannot be learned.
    fn find(&self, batch: BatchId) -> Result<Option<Range<u64>>, LogError>;

    /// The oldest entry that can still be read here. What lies before is in the full entry bundles (`crate::tiles`).
    fn first(&self) -> u64;

    /// Entries in order from index `from`, at least one, and as many as [`READ_OCTETS`] allows; `None` when there is none here.
    ///
    /// # Errors
    /// [`LogError::Damage`] when what is read is not what was written.
    fn read(&self, from: u64) -> Result<Option<Vec<EntryBytes>>, LogError>;

    /// Says that all entries below `index` are durable elsewhere, so that they need no longer be kept here.
    ///
    /// # Errors
    /// [`LogError`] when the disk fails.
    fn forget(&self, index: u64) -> Result<(), LogError>;
}

/// The newest state of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Number of entries.
    pub size: u64,
    /// The checkpoint of that size; `None` while the log is empty.
    pub checkpoint: Option<SignedCheckpoint>,
}

/// How large a batch may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Entries.
    pub entries: usize,
    /// Octets of all entries together.
    pub octets: usize,
}

/// Entries that land together.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Names the batch, so that who did not hear the answer can ask for it.
    pub id: BatchId,
    /// The size that it was decided on.
    pub expected_size: u64,
    /// The entries, at least one.
    pub entries: Vec<EntryBytes>,
    /// What their leaf hashes were when the tree was made of them.
    pub leaves: Vec<Hash>,
    /// The signed checkpoint of the tree with these entries.
    pub checkpoint: SignedCheckpoint,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All its entries are durable, from `expected_size` on.
    Landed,
    /// Another batch was there first; none of its entries are in the log.
    Lost {
        /// The log as it is now.
        head: Head,
    },
    /// The answer was lost: [`Log::find`] tells. A log on the local disk never says so.
    Unknown,
}

/// A shared log.
pub type SharedLog = Arc<dyn Log>;

/// Why a log cannot do what it was asked; all of it is ours, never the asker's.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// There is no room, and nothing was written.
    #[error("no room for more entries: {detail}")]
    Full {
        /// What the disk said.
        detail: String,
    },
    /// A batch that the committer must not have made.
    #[error("a batch of {entries} entries and {octets} octets; limits are {limits:?}")]
    Oversized {
        /// Entries in it.
        entries: usize,
        /// Their octets.
        octets: usize,
        /// What is allowed.
        limits: Limits,
    },
    /// The checkpoint of the batch does not speak about its entries (T-80).
    #[error("the tree was made of another entry {index} than is about to be written")]
    Mismatch {
        /// The entry.
        index: u64,
    },
    /// What is stored is not what was written.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// The disk failed, here or earlier. The process ends: what is durable is known only after a restart.
    #[error("the disk failed: {detail}")]
    Broken {
        /// What the disk said.
        detail: String,
    },
}

impl From<std::io::Error> for LogError {
    fn from(error: std::io::Error) -> Self {
        Self::Broken { detail: error.to_string() }
    }
}

/// Something stored is not what was written, and no crash explains it. The server refuses to serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("damage at entry {index}, in {place}: {what}")]
pub struct Damage {
    /// The first entry that cannot be trusted.
    pub index: u64,
    /// The file.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

/// Octets of entries that one [`Log::read`] returns at most (save that it returns at least one): a batch's worth, so that
/// a reader of the whole log holds little at a time.
pub const READ_OCTETS: usize = 1 << 20;

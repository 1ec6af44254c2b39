//! A start: from a data directory to a ledger that can be trusted, or a refusal that names the entry. Knows the order of checks; decides nothing.
//!
//! 1. Tiles: a log of fewer than [`CHECKED_WHOLE`] published entries is read and hashed whole; of a larger one the tiles along the right edge are.
//! 2. Segments: every frame, every checksum; each entry that is in a full tile too is held against it; no entry may be missing between the two.
//! 3. Roots: those of the published checkpoint and of the log's newest one, under the ledger's key. What somebody outside may have seen (published
//!    checkpoint, snapshots) must not be newer than the log: a ledger does not go back.
//! 4. State: the newest snapshot that is whole, and every entry after it.

use std::io;
use std::sync::Arc;

use ledger::checkpoint::{Checkpoint, SignedCheckpoint};

use crate::disk::Disk;
use crate::live::{Live, LogIdentity};
use crate::log::{Damage, Head, Log as _, LogError, OpenLogError, SegmentOptions, Segments};
use crate::snapshot::{self, SnapshotName};
use crate::state::State;
use crate::tiles::Tiles;
use crate::tree::{Nodes, Tree, root_at};

mod fold;
mod growing;
mod partials;
pub mod whole;

use fold::fold;
use growing::Growing;

/// A ledger that was opened, and where its followers go on.
pub struct Opened {
    /// The ledger.
    pub live: Arc<Live>,
    /// Size of the published checkpoint, for the publisher.
    pub published: u64,
    /// Size of the newest snapshot, for the keeper.
    pub snapshot: u64,
}

/// Why a ledger cannot be opened. The server does not serve.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Something is not what was written.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// The log cannot be opened.
    #[error(transparent)]
    Log(LogError),
    /// The segments cannot be opened.
    #[error(transparent)]
    Segments(OpenLogError),
    /// The disk fails.
    #[error("the ledger cannot be read")]
    Disk(#[from] io::Error),
}

/// Opens the ledger of a data directory, or begins an empty one.
///
/// # Errors
/// [`OpenError::Damage`] names the first entry that cannot be trusted.
pub fn open(disk: &Arc<dyn Disk>, options: SegmentOptions, identity: LogIdentity) -> Result<Opened, OpenError> {
    let tiles = Arc::new(Tiles::new(Arc::clone(disk)));
    let published = published(&tiles, &identity)?;
    let mut growing = Growing::over(&tiles, published)?;
    let log = Segments::open(Arc::clone(disk), options, &mut |frame| growing.frame(frame))?;
    let (tree, published) = growing.finish()?;

    let head = log.head()?;
    let published = published.map_or(0, |checkpoint| checkpoint.size());
    check_head(&head, &tree, published, &identity)?;
    let nodes = Nodes { tree: &tree, tiles: &*tiles };
    let root = |size| root_at(&nodes, size);
    for name in snapshot::list(&**disk)? {
        if name.size > head.size || root(name.size)? != name.root {
            let what = format!(
                "a snapshot of {} entries with root {} was written of a ledger that this one is not",
                name.size, name.root
            );
            return Err(Damage { index: name.size.min(head.size), place: "ledger/snapshots".to_owned(), what }.into());
        }
    }
    let found = snapshot::newest(&**disk)?;
    let (snapshot, mut state) =
        found.map_or_else(|| (0, State::new()), |(SnapshotName { size, .. }, state)| (size, state));
    fold(&mut state, &log, &tiles, &tree)?;

    let live = Live::new(Arc::new(log), tiles, identity, state, tree, head);
    Ok(Opened { live: Arc::new(live), published, snapshot })
}

/// The published checkpoint, under the ledger's key.
fn published(tiles: &Tiles, identity: &LogIdentity) -> Result<Option<Checkpoint>, OpenError> {
    let Some(note) = tiles.checkpoint()? else { return Ok(None) };
    Ok(Some(opened(&note, identity, "ledger/checkpoint", 0)?))
}

fn opened(note: &SignedCheckpoint, identity: &LogIdentity, place: &str, index: u64) -> Result<Checkpoint, Damage> {
    let opened = note.open(&identity.origin, &identity.key);
    opened.map_err(|error| Damage { index, place: place.to_owned(), what: error.to_string() })
}

/// The log's newest checkpoint must be that of the tree, and nothing that was published may be newer.
fn check_head(head: &Head, tree: &Tree, published: u64, identity: &LogIdentity) -> Result<(), Damage> {
    let damage = |what| Damage { index: tree.size(), place: "ledger/segments".to_owned(), what };
    if published > tree.size() {
        return Err(damage(format!("{published} entries are published, {} are there", tree.size())));
    }
    let Some(checkpoint) = &head.checkpoint else {
        return if tree.size() == 0 { Ok(()) } else { Err(damage("the newest checkpoint is missing".to_owned())) };
    };
    let claim = opened(checkpoint, identity, "ledger/segments", head.size)?;
    if (claim.size(), *claim.root()) != (tree.size(), tree.root()) {
        let what = format!(
            "the tree has size {} and root {}, its checkpoint says {} and {}",
            tree.size(),
            tree.root(),
            claim.size(),
            claim.root()
        );
        return Err(Damage { index: 0, place: "ledger".to_owned(), what });
    }
    Ok(())
}

impl From<LogError> for OpenError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Damage(damage) => Self::Damage(damage),
            LogError::Full { .. }
            | LogError::Oversized { .. }
            | LogError::Mismatch { .. }
            | LogError::Broken { .. } => Self::Log(error),
        }
    }
}

impl From<OpenLogError> for OpenError {
    fn from(error: OpenLogError) -> Self {
        match error {
            OpenLogError::Damage(damage) => Self::Damage(damage),
            OpenLogError::Disk(_) | OpenLogError::SegmentOctets { .. } => Self::Segments(error),
        }
    }
}

/// A log with fewer published entries is checked whole at each start (design, section 1): that takes a quarter of a second.
pub const CHECKED_WHOLE: u64 = 100_000;

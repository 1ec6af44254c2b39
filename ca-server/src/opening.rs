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
use ledger::hash::leaf_hash;

use crate::disk::Disk;
use crate::live::{Live, LogIdentity};
use crate::log::{Damage, Head, LogError, OpenLogError, SegmentOptions, Segments, SharedLog};
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
    let tiles = Tiles::new(Arc::clone(disk));
    let mut growing = Growing::over(&tiles, published(&tiles, &identity)?)?;
    let log = Segments::open(Arc::clone(disk), options, &mut |frame| growing.frame(frame))?;
    let (tree, published) = growing.finish()?;
    finish(disk, Arc::new(log), tiles, identity, tree, published.as_ref())
}

/// Opens a ledger whose log is kept by somebody else, and may have other writers; tiles and snapshots are in `disk`.
///
/// # Errors
/// As [`open`].
pub fn open_over(disk: &Arc<dyn Disk>, log: SharedLog, identity: LogIdentity) -> Result<Opened, OpenError> {
    let tiles = Tiles::new(Arc::clone(disk));
    let mut growing = Growing::over(&tiles, published(&tiles, &identity)?)?;
    let head = log.head()?;
    let mut next = log.first();
    while next < head.size {
        let missing = || Damage { index: next, place: "the log".to_owned(), what: "the entry is missing".to_owned() };
        let entries = log.read(next)?.ok_or_else(missing)?;
        for (index, entry) in (next..head.size).zip(&entries) {
            growing.leaf(index, &leaf_hash(entry))?;
        }
        next = next.saturating_add(u64::try_from(entries.len()).unwrap_or(u64::MAX));
    }
    let (tree, published) = growing.finish()?;
    finish(disk, log, tiles, identity, tree, published.as_ref())
}

/// Roots, snapshots, State.
fn finish(
    disk: &Arc<dyn Disk>,
    log: SharedLog,
    tiles: Tiles,
    identity: LogIdentity,
    tree: Tree,
    published: Option<&Checkpoint>,
) -> Result<Opened, OpenError> {
    let head = log.head()?;
    let published = published.map_or(0, Checkpoint::size);
    check_head(&head, &tree, published, &identity)?;
    let nodes = Nodes { tree: &tree, tiles: &tiles };
    for name in snapshot::list(&**disk)? {
        if name.size > head.size || root_at(&nodes, name.size)? != name.root {
            let (size, root) = (name.size, name.root);
            let what =
                format!("a snapshot of {size} entries with root {root} was written of a ledger that this one is not");
            return Err(Damage { index: size.min(head.size), place: "ledger/snapshots".to_owned(), what }.into());
        }
    }
    let (snapshot, mut state) = match snapshot::newest(&**disk)? {
        Some((SnapshotName { size, .. }, state)) => (size, state),
        None => (0, State::new()),
    };
    fold(&mut state, &*log, &tiles, &tree)?;
    let live = Live::new(log, Arc::new(tiles), identity, state, tree, head, published);
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

//! Nodes of the tree, wherever they are: in memory, or in a full tile. Knows where in a tile a node lies; knows no file.

use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use ledger::hash::{Hash, node_hash};
use ledger::proof::HashSource;

use super::{FullTiles, LEVELS_PER_TILE, Tree, WIDTH, fold};

/// A tree with its full tiles: answers the makers of proofs in `ledger`.
#[derive(Debug)]
pub struct Nodes<'a, T, F> {
    /// What is in memory; a lock is taken for one node at a time, never while a tile is read.
    pub tree: &'a T,
    /// What is not.
    pub tiles: &'a F,
}

/// A tree, or the lock around one.
pub trait Held {
    /// As [`Tree::node`].
    fn held(&self, level: u32, index: u64) -> Option<Hash>;
}

impl Held for Tree {
    fn held(&self, level: u32, index: u64) -> Option<Hash> {
        self.node(level, index)
    }
}

impl Held for RwLock<Tree> {
    fn held(&self, level: u32, index: u64) -> Option<Hash> {
        self.read().unwrap_or_else(PoisonError::into_inner).node(level, index)
    }
}

impl<T: Held, F: FullTiles> HashSource for Nodes<'_, T, F> {
    type Error = F::Error;

    fn node(&self, level: u32, index: u64) -> Result<Hash, F::Error> {
        if let Some(node) = self.tree.held(level, index) {
            return Ok(node);
        }
        // Not in memory any more: a tile is forgotten only when it is durable.
        let place = Place::of(level, index);
        let tile = self.tiles.full_tile(place.tile_level, place.number)?;
        #[expect(
            clippy::indexing_slicing,
            reason = "2^height divides 256, and the range starts at a multiple of it below 256"
        )]
        Ok(fold(&tile[place.range]))
    }
}

/// The root of the tree of the first `size` leaves.
///
/// # Errors
/// When a node cannot be had.
pub fn root_at<S: HashSource>(nodes: &S, size: u64) -> Result<Hash, S::Error> {
    let mut root = None;
    for level in (0..u64::BITS).filter(|level| size >> level & 1 == 1) {
        let left = nodes.node(level, (size >> level) - 1)?;
        root = Some(root.map_or(left, |right| node_hash(&left, &right)));
    }
    Ok(root.unwrap_or_else(ledger::hash::empty_root))
}

/// Where the leaves of a node lie: which tile, and which of its hashes.
pub(super) struct Place {
    pub(super) tile_level: u32,
    pub(super) number: u64,
    pub(super) range: Range<usize>,
}

impl Place {
    pub(super) fn of(level: u32, index: u64) -> Self {
        let (tile_level, height) = (level / LEVELS_PER_TILE, level % LEVELS_PER_TILE);
        let start = index << height;
        let offset = usize::try_from(start % WIDTH).unwrap_or(0);
        Self { tile_level, number: start / WIDTH, range: offset..offset + (1 << height) }
    }
}

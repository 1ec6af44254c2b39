//! The nodes of the Merkle tree: the right edge in memory, the rest in full tiles. Knows hashes and tile numbers; knows no entry and no file.
//!
//! Tile `(level, number)` holds the 256 nodes of tree level `8 * level` from `256 * number` on. A tile is kept here until it is full *and*
//! durable elsewhere; what is asked of it after that is read back and hashed up again.

use std::collections::VecDeque;

use ledger::frontier::Frontier;
use ledger::hash::{Hash, node_hash};

mod nodes;

pub use nodes::{Held, Nodes, root_at};

use nodes::Place;

/// Full tiles that are durable.
pub trait FullTiles {
    /// Why a tile cannot be had.
    type Error: std::error::Error + 'static;

    /// The hashes of a full tile.
    ///
    /// # Errors
    /// When it is missing or of another length.
    fn full_tile(&self, level: u32, number: u64) -> Result<FullTile, Self::Error>;
}

/// The hashes of a full tile.
pub type FullTile = Box<[Hash; WIDTH_USIZE]>;

/// Everything needed to append, to know the root, and (with the full tiles) to prove.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    frontier: Frontier,
    levels: Vec<Level>,
}

/// The tiles of one level that are not durable yet. All are full save the last.
#[derive(Debug, Clone, Default)]
struct Level {
    /// Number of the first tile in `tiles`; those before are durable.
    first: u64,
    tiles: VecDeque<Vec<Hash>>,
}

impl Tree {
    /// The tree of the entries that lie in the first `tiles` full tiles of level 0. Reads one path of tiles down the right edge.
    ///
    /// Whether it is the right tree shows when its root is compared with a checkpoint.
    ///
    /// # Errors
    /// When a tile cannot be read.
    pub fn over_full_tiles<F: FullTiles>(tiles: u64, source: &F) -> Result<Self, F::Error> {
        let mut tree = Self::default();
        let mut level = 0;
        // At each level the nodes in full tiles are durable; those after them are the roots of full tiles one level below.
        let mut below = tiles;
        let mut frontier = Vec::new();
        while below > 0 {
            let (full, width) = (below / WIDTH, below % WIDTH);
            let mut edge = Vec::with_capacity(WIDTH_USIZE);
            for number in full * WIDTH..full * WIDTH + width {
                edge.push(fold(&*source.full_tile(level, number)?));
            }
            // The edge of this level covers its width in complete subtrees, largest first; levels above are larger still.
            frontier.splice(0..0, complete_subtrees(&edge));
            tree.level_mut(level).first = below;
            level += 1;
            tree.level_mut(level).first = full;
            tree.level_mut(level).tiles.extend((!edge.is_empty()).then_some(edge));
            below = full;
        }
        let size = tiles.saturating_mul(WIDTH);
        // The number of subtrees is the number of set bits by construction; were it not, the root would not fit any checkpoint.
        tree.frontier = Frontier::from_parts(size, frontier).unwrap_or_default();
        Ok(tree)
    }

    /// Number of entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Enough to append and to prove a batch.
    #[must_use]
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Appends one leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        self.frontier.push(leaf);
        let mut node = leaf;
        for level in 0..MAX_TILE_LEVELS {
            match self.level_mut(level).push(node) {
                Some(full) => node = full,
                None => return,
            }
        }
    }

    /// The complete node of the `2^level` leaves from `index * 2^level` on, if its tile is still in memory.
    #[must_use]
    pub fn node(&self, level: u32, index: u64) -> Option<Hash> {
        let place = Place::of(level, index);
        let held = self.levels.get(usize::try_from(place.tile_level).ok()?)?;
        held.tile(place.number)?.get(place.range).map(fold)
    }

    /// The tiles of level `level` in the tree of the first `size` entries that are not durable yet: number and hashes, the last perhaps not full.
    #[must_use]
    pub fn waiting(&self, level: u32, size: u64) -> Vec<(u64, Vec<Hash>)> {
        let Some(held) = usize::try_from(level).ok().and_then(|level| self.levels.get(level)) else {
            return Vec::new();
        };
        let nodes = size.checked_shr(level * LEVELS_PER_TILE).unwrap_or(0);
        let mut found = Vec::new();
        for (number, tile) in (held.first..).zip(&held.tiles) {
            let width = nodes.saturating_sub(number * WIDTH).min(WIDTH);
            let Some(hashes) = usize::try_from(width).ok().and_then(|width| tile.get(..width)) else { break };
            if hashes.is_empty() {
                break;
            }
            found.push((number, hashes.to_vec()));
        }
        found
    }

    /// The first tile of level `level` that is not durable, if it is full.
    #[must_use]
    pub fn first_full(&self, level: u32) -> Option<(u64, &[Hash])> {
        let held = self.levels.get(usize::try_from(level).ok()?)?;
        let tile = held.tiles.front().filter(|tile| tile.len() == WIDTH_USIZE)?;
        Some((held.first, tile))
    }

    /// Forgets the full tiles of level `level` before number `before`: they are durable now.
    pub fn release(&mut self, level: u32, before: u64) {
        let level = self.level_mut(level);
        while level.first < before && level.tiles.front().is_some_and(|tile| tile.len() == WIDTH_USIZE) {
            level.tiles.pop_front();
            level.first += 1;
        }
    }

    /// Levels of tiles that there are.
    #[must_use]
    pub fn tile_levels(&self) -> u32 {
        u32::try_from(self.levels.len()).unwrap_or(MAX_TILE_LEVELS)
    }

    fn level_mut(&mut self, level: u32) -> &mut Level {
        let place = usize::try_from(level).unwrap_or(usize::MAX).min(usize::try_from(MAX_TILE_LEVELS).unwrap_or(0));
        while self.levels.len() <= place {
            self.levels.push(Level::default());
        }
        #[expect(clippy::indexing_slicing, reason = "the loop above made it that long")]
        &mut self.levels[place]
    }
}

impl Level {
    /// Appends one node; gives the root of the tile that it fills.
    fn push(&mut self, node: Hash) -> Option<Hash> {
        if self.tiles.back().is_none_or(|tile| tile.len() == WIDTH_USIZE) {
            self.tiles.push_back(Vec::with_capacity(WIDTH_USIZE));
        }
        let tile = self.tiles.back_mut()?;
        tile.push(node);
        (tile.len() == WIDTH_USIZE).then(|| fold(tile))
    }

    fn tile(&self, number: u64) -> Option<&[Hash]> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.tiles.get(place).map(Vec::as_slice)
    }
}

/// The root of a power of two of nodes.
#[must_use]
pub fn fold(nodes: &[Hash]) -> Hash {
    let mut row = nodes.to_vec();
    while row.len() > 1 {
        row = row
            .chunks_exact(2)
            .filter_map(|pair| pair.first_chunk().map(|[left, right]| node_hash(left, right)))
            .collect();
    }
    row.first().copied().unwrap_or_else(ledger::hash::empty_root)
}

/// The complete subtrees over a row of nodes, largest first.
fn complete_subtrees(row: &[Hash]) -> Vec<Hash> {
    let mut found = Vec::new();
    let mut rest = row;
    while !rest.is_empty() {
        let largest = 1 << rest.len().ilog2();
        let (subtree, after) = rest.split_at(largest);
        found.push(fold(subtree));
        rest = after;
    }
    found
}

/// Full tiles of a level in a tree of `size` entries.
#[must_use]
pub fn full_tiles(level: u32, size: u64) -> u64 {
    size.checked_shr(LEVELS_PER_TILE * (level + 1)).unwrap_or(0)
}

/// Hashes in a full tile (C2SP tlog-tiles, "Merkle Tree": height 8).
pub const WIDTH: u64 = 256;

/// The same.
const WIDTH_USIZE: usize = 256;

/// Levels of the tree that one tile spans (the same).
const LEVELS_PER_TILE: u32 = 8;

/// Tile levels of a tree of 2^53 leaves, the largest there is.
const MAX_TILE_LEVELS: u32 = 7;

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use super::*;
    use ledger::hash::leaf_hash;
    use ledger::proof::{check_consistency, check_inclusion, consistency, inclusion};

    /// Full tiles that were taken out of a tree.
    #[derive(Default)]
    struct Shelf(RefCell<BTreeMap<(u32, u64), FullTile>>);

    #[derive(Debug, thiserror::Error)]
    #[error("no tile {0}/{1}")]
    struct Missing(u32, u64);

    impl FullTiles for Shelf {
        type Error = Missing;

        fn full_tile(&self, level: u32, number: u64) -> Result<FullTile, Missing> {
            self.0.borrow().get(&(level, number)).cloned().ok_or(Missing(level, number))
        }
    }

    impl Shelf {
        /// Does what the publisher does: takes every full tile, then has it forgotten.
        fn take_from(&self, tree: &mut Tree) {
            for level in 0..tree.tile_levels() {
                for (number, hashes) in tree.waiting(level, tree.size()) {
                    if let Ok(full) = hashes.try_into() {
                        self.0.borrow_mut().insert((level, number), full);
                        tree.release(level, number + 1);
                    }
                }
            }
        }
    }

    fn leaf(index: u64) -> Hash {
        leaf_hash(&index.to_be_bytes())
    }

    fn grown(size: u64, shelf: &Shelf) -> Tree {
        let mut tree = Tree::default();
        for index in 0..size {
            tree.push(leaf(index));
            if index % 1000 == 0 {
                shelf.take_from(&mut tree);
            }
        }
        tree
    }

    #[track_caller]
    fn check_proofs(tree: &Tree, shelf: &Shelf, index: u64, old: u64) {
        let nodes = Nodes { tree, tiles: shelf };
        let path = inclusion(&nodes, index, tree.size()).unwrap();
        check_inclusion(&leaf(index), index, tree.size(), &tree.root(), &path).unwrap();
        let path = consistency(&nodes, old, tree.size()).unwrap();
        let mut before = Frontier::new();
        before.extend((0..old).map(leaf));
        assert_eq!(root_at(&nodes, old).unwrap(), before.root());
        check_consistency(old, &before.root(), tree.size(), &tree.root(), &path).unwrap();
    }

    // 65,536 entries fill a tile of level 1.
    #[test]
    fn proofs_hold_with_tiles_in_memory_and_on_the_shelf() {
        let shelf = Shelf::default();
        let tree = grown(65_601, &shelf);
        for (index, old) in [(0, 1), (255, 256), (256, 257), (65_535, 65_536), (65_536, 65_537), (65_600, 65_599)] {
            check_proofs(&tree, &shelf, index, old);
        }
    }

    #[track_caller]
    fn check_restored(size: u64) {
        let shelf = Shelf::default();
        let mut tree = grown(size, &shelf);
        shelf.take_from(&mut tree);
        let mut again = Tree::over_full_tiles(size / WIDTH, &shelf).unwrap();
        for index in size / WIDTH * WIDTH..size {
            again.push(leaf(index));
        }
        assert_eq!((again.size(), again.root()), (size, tree.root()), "{size}");
        for level in 0..3 {
            assert_eq!(again.waiting(level, size), tree.waiting(level, size), "level {level} of {size}");
        }
        again.push(leaf(size));
        check_proofs(&again, &shelf, size / 2, size.max(1));
    }

    #[test]
    fn a_tree_is_restored_from_its_full_tiles() {
        for size in [0, 1, 255, 256, 257, 1000, 65_536 + 300] {
            check_restored(size);
        }
    }

    #[test]
    fn what_waits_is_cut_at_the_size_asked_for() {
        let mut tree = Tree::default();
        (0..600).for_each(|index| tree.push(leaf(index)));
        let widths = |level, size| tree.waiting(level, size).iter().map(|(_, hashes)| hashes.len()).collect::<Vec<_>>();
        assert_eq!(widths(0, 600), [256, 256, 88]);
        assert_eq!(widths(1, 600), [2]);
        assert_eq!(widths(0, 512), [256, 256]);
        assert_eq!(widths(0, 300), [256, 44]);
        assert_eq!(widths(1, 300), [1]);
        assert!(widths(1, 255).is_empty() && widths(2, 600).is_empty());
    }
}

//! Tiles that have been fetched, as a source of proofs. Knows which are needed and asks for them by name; fetches
//! nothing.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use thiserror::Error;

use super::{HashTile, HashTileError, TILE_HEIGHT, TILE_WIDTH, Tile, TilePath};
use crate::{
    frontier::{Frontier, FrontierError},
    hash::{Hash, MAX_TREE_SIZE, empty_root},
    proof::{self, HashSource, MakeError},
};

/// Tiles of a tree of one size.
///
/// Ask one of the `needed_for` functions which tiles a proof takes, fetch and [insert](TileSet::insert) them, make the
/// proof. The hashes in it are whatever the tiles say: check the proof against the root of a checkpoint that has been
/// verified.
#[derive(Clone, Debug)]
pub struct TileSet {
    size: u64,
    tiles: BTreeMap<(u8, u64), HashTile>,
}

impl TileSet {
    /// No tiles yet, of a tree of `size` leaves.
    pub const fn new(size: u64) -> Self {
        Self { size, tiles: BTreeMap::new() }
    }

    /// The tiles that the inclusion proof of leaf `index` is made of.
    ///
    /// # Errors
    /// When the tree has no such leaf.
    pub fn needed_for_inclusion(&self, index: u64) -> Result<BTreeSet<TilePath>, MakeError<TileSetError>> {
        let questions = Questions::about(self.size);
        proof::inclusion(&questions, index, self.size)?;
        Ok(questions.asked.into_inner())
    }

    /// The tiles that the consistency proof from the first `old_size` leaves is made of.
    ///
    /// # Errors
    /// When the tree is not that large.
    pub fn needed_for_consistency(&self, old_size: u64) -> Result<BTreeSet<TilePath>, MakeError<TileSetError>> {
        let questions = Questions::about(self.size);
        proof::consistency(&questions, old_size, self.size)?;
        Ok(questions.asked.into_inner())
    }

    /// The tiles that the root of the tree is computed from.
    ///
    /// # Errors
    /// When the tree is larger than a ledger can be.
    pub fn needed_for_root(&self) -> Result<BTreeSet<TilePath>, TileSetError> {
        let questions = Questions::about(self.size);
        frontier(&questions, self.size)?;
        Ok(questions.asked.into_inner())
    }

    /// Takes the octets of a tile that was fetched under `path`. A tile may be wider than it is in this tree, since a
    /// log may have only the full one left.
    ///
    /// # Errors
    /// When it is not of this tree, or its octets are not as many as its width says.
    pub fn insert(&mut self, path: TilePath, octets: &[u8]) -> Result<(), TileSetError> {
        let here = TilePath::in_tree(path.tile(), path.index(), self.size);
        let wide_enough = here.is_some_and(|here| here.width() <= path.width());
        if path.tile() == Tile::Entries || !wide_enough {
            return Err(TileSetError::NotOfTree { path, size: self.size });
        }
        let tile =
            HashTile::from_octets(octets, path.width()).map_err(|source| TileSetError::Octets { path, source })?;
        self.tiles.insert((path.tile().level(), path.index()), tile);
        Ok(())
    }

    /// The frontier of the tree, and so its root: compare that with the checkpoint.
    ///
    /// # Errors
    /// When a tile is missing.
    pub fn frontier(&self) -> Result<Frontier, TileSetError> {
        frontier(self, self.size)
    }

    /// The inclusion proof of leaf `index`.
    ///
    /// # Errors
    /// When a tile is missing or the tree has no such leaf.
    pub fn inclusion(&self, index: u64) -> Result<Vec<Hash>, MakeError<TileSetError>> {
        proof::inclusion(self, index, self.size)
    }

    /// The consistency proof from the first `old_size` leaves.
    ///
    /// # Errors
    /// When a tile is missing or the tree is not that large.
    pub fn consistency(&self, old_size: u64) -> Result<Vec<Hash>, MakeError<TileSetError>> {
        proof::consistency(self, old_size, self.size)
    }
}

impl HashSource for TileSet {
    type Error = TileSetError;

    fn node(&self, level: u32, index: u64) -> Result<Hash, TileSetError> {
        let place = Place::of(level, index, self.size)?;
        self.tiles
            .get(&(place.path.tile().level(), place.path.index()))
            .and_then(|tile| tile.node(place.height, place.within))
            .ok_or(TileSetError::Missing { path: place.path })
    }
}

/// Notes which tiles are asked for, and answers with any hash.
struct Questions {
    size: u64,
    asked: RefCell<BTreeSet<TilePath>>,
}

impl Questions {
    const fn about(size: u64) -> Self {
        Self { size, asked: RefCell::new(BTreeSet::new()) }
    }
}

impl HashSource for Questions {
    type Error = TileSetError;

    fn node(&self, level: u32, index: u64) -> Result<Hash, TileSetError> {
        self.asked.borrow_mut().insert(Place::of(level, index, self.size)?.path);
        Ok(empty_root())
    }
}

/// Where a node of the tree is found: the tile below it, and the node's place in that tile's subtree.
struct Place {
    path: TilePath,
    height: u32,
    within: usize,
}

impl Place {
    fn of(level: u32, index: u64, size: u64) -> Result<Self, TileSetError> {
        let no_node = TileSetError::NoNode { level, index, size };
        let (tile_level, height) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        let tile = Tile::Hashes { level: u8::try_from(tile_level).map_err(|_| no_node.clone())? };
        // On this level one tile spans this many nodes.
        let span = u64::from(TILE_WIDTH) >> height;
        let path = TilePath::in_tree(tile, index / span, size).ok_or_else(|| no_node.clone())?;
        let within = usize::try_from(index % span).map_err(|_| no_node)?;
        Ok(Self { path, height, within })
    }
}

/// The frontier: one complete subtree for each set bit of the size, largest first.
fn frontier<S: HashSource<Error = TileSetError>>(source: &S, size: u64) -> Result<Frontier, TileSetError> {
    if size > MAX_TREE_SIZE {
        return Err(TileSetError::Frontier(FrontierError::TooLarge { size }));
    }
    let levels = (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1);
    let subtrees = levels.map(|level| source.node(level, (size >> level) - 1)).collect::<Result<_, _>>()?;
    Frontier::from_parts(size, subtrees).map_err(TileSetError::Frontier)
}

/// Why tiles do not give a node.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TileSetError {
    /// Fetch it and insert it.
    #[error("{path} is needed")]
    Missing {
        /// The tile, as wide as it is in this tree.
        path: TilePath,
    },
    /// The tree has no such node, or it is not complete.
    #[error("a tree of {size} leaves has no node {index} on level {level}")]
    NoNode {
        /// Level of the node.
        level: u32,
        /// Index of the node.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// The tile is of another tree, or narrower than it is in this one.
    #[error("{path} is no tile of hashes that a tree of {size} leaves needs")]
    NotOfTree {
        /// The tile given.
        path: TilePath,
        /// Size of the tree.
        size: u64,
    },
    /// The octets are not the tile that its path says.
    #[error("{path} cannot be read")]
    Octets {
        /// The tile given.
        path: TilePath,
        /// Why.
        source: HashTileError,
    },
    /// The tree is larger than a ledger can be.
    #[error("the tree has no frontier")]
    Frontier(#[source] FrontierError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        hash::leaf_hash,
        proof::{check_consistency, check_inclusion},
        testing::{entry, leaves, oracle},
        tile::TileEdge,
    };

    /// All tiles of a tree, as a log would serve them.
    fn published(size: u64) -> BTreeMap<TilePath, Vec<u8>> {
        let mut edge = TileEdge::new();
        let mut tiles = BTreeMap::new();
        for leaf in leaves(size) {
            edge.push(leaf, |path, tile| drop(tiles.insert(path, tile.to_octets())));
        }
        tiles.extend(edge.partial_tiles().map(|(path, tile)| (path, tile.to_octets())));
        tiles
    }

    fn root(size: u64) -> Hash {
        let mut frontier = Frontier::new();
        frontier.extend(leaves(size));
        frontier.root()
    }

    fn fetch(size: u64, published: &BTreeMap<TilePath, Vec<u8>>, needed: BTreeSet<TilePath>) -> TileSet {
        let mut set = TileSet::new(size);
        needed.into_iter().for_each(|path| set.insert(path, &published[&path]).unwrap());
        set
    }

    #[track_caller]
    fn check(size: u64, indexes: &[u64]) {
        let (published, root_now, empty) = (published(size), root(size), TileSet::new(size));
        let set = fetch(size, &published, empty.needed_for_root().unwrap());
        assert_eq!(set.frontier().unwrap().root(), root_now);
        for index in indexes {
            let set = fetch(size, &published, empty.needed_for_inclusion(*index).unwrap());
            let path = set.inclusion(*index).unwrap();
            assert_eq!(check_inclusion(&leaf_hash(&entry(*index)), *index, size, &root_now, &path), Ok(()));
            let set = fetch(size, &published, empty.needed_for_consistency(*index).unwrap());
            let path = set.consistency(*index).unwrap();
            assert_eq!(check_consistency(*index, &root(*index), size, &root_now, &path), Ok(()));
        }
    }

    #[test]
    fn the_tiles_asked_for_give_the_root_and_every_proof() {
        check(1, &[0]);
        check(255, &[0, 100, 254]);
        check(256, &[0, 255]);
        check(257, &[0, 255, 256]);
        check(1000, &[0, 255, 256, 511, 512, 767, 768, 999]);
        check(66_000, &[0, 255, 256, 40_000, 65_535, 65_536, 65_999]);
    }

    #[test]
    fn a_proof_from_tiles_is_that_of_the_oracle() {
        let (tree, published, size) = (oracle::tree(1000), published(1000), 1000);
        for index in (0..size).step_by(37) {
            let set = fetch(size, &published, TileSet::new(size).needed_for_inclusion(index).unwrap());
            assert_eq!(set.inclusion(index).unwrap(), oracle::inclusion(&tree, index));
        }
    }

    #[test]
    fn few_tiles_are_needed() {
        let needed = TileSet::new(1_000_000).needed_for_inclusion(500_000).unwrap();
        let names: Vec<String> = needed.iter().map(TilePath::to_string).collect();
        assert_eq!(
            names,
            ["tile/0/x001/953", "tile/0/x003/906.p/64", "tile/1/007", "tile/1/015.p/66", "tile/2/000.p/15"]
        );
    }

    #[test]
    fn a_full_tile_serves_for_a_partial_one() {
        let published = published(512);
        let mut set = TileSet::new(300);
        for path in set.needed_for_root().unwrap() {
            let full =
                if path.tile().level() == 0 { path.full() } else { TilePath::in_tree(path.tile(), 0, 512).unwrap() };
            set.insert(full, &published[&full]).unwrap();
        }
        assert_eq!(set.frontier().unwrap().root(), root(300));
    }

    #[test]
    fn what_is_missing_is_named_and_what_is_wrong_refused() {
        let mut set = TileSet::new(300);
        let level_0: TilePath = "tile/0/001.p/44".parse().unwrap();
        assert_eq!(set.inclusion(299), Err(MakeError::Source(TileSetError::Missing { path: level_0 })));
        assert_eq!(set.inclusion(300), Err(MakeError::Leaf { index: 300, size: 300 }));
        for name in ["tile/0/001.p/43", "tile/0/002.p/1", "tile/2/000.p/1", "tile/entries/000"] {
            let path = name.parse().unwrap();
            assert_eq!(set.insert(path, &[0; 32]), Err(TileSetError::NotOfTree { path, size: 300 }), "{name}");
        }
        assert!(matches!(set.insert(level_0, &[0; 32]), Err(TileSetError::Octets { .. })));
        assert!(matches!(TileSet::new(u64::MAX).needed_for_root(), Err(TileSetError::Frontier(_))));
        assert!(TileSet::new(0).needed_for_root().unwrap().is_empty());
        assert_eq!(TileSet::new(0).frontier().unwrap().root(), empty_root());
    }

    /// A flipped bit in any tile shows in the root or in a proof; trust comes from the checkpoint, not from the tiles.
    #[test]
    fn a_changed_tile_gives_another_root() {
        let size = 300;
        let published = published(size);
        for path in TileSet::new(size).needed_for_root().unwrap() {
            let mut changed = published.clone();
            changed.get_mut(&path).unwrap()[7] ^= 1;
            let set = fetch(size, &changed, TileSet::new(size).needed_for_root().unwrap());
            assert_ne!(set.frontier().unwrap().root(), root(size), "{path}");
        }
    }
}

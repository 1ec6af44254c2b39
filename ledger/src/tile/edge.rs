//! The tiles of a growing tree that are not full yet. Knows hashes; writes nothing.

use thiserror::Error;

use super::{HashTile, TILE_HEIGHT, TILE_WIDTH, Tile, TilePath};
use crate::hash::{Hash, MAX_TREE_SIZE};

/// Collects leaf hashes into tiles: the part of the published tree that still changes, at most 255 hashes on each
/// level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileEdge {
    size: u64,
    /// The hashes of the partial tile of each level; a level without any is left empty.
    levels: Vec<Vec<Hash>>,
}

impl TileEdge {
    /// The edge of the tree without leaves.
    pub const fn new() -> Self {
        Self { size: 0, levels: Vec::new() }
    }

    /// The edge of a tree of `size` leaves, from its partial tiles, as [`TileEdge::partial_tiles`] lists them.
    ///
    /// Says only that these are all partial tiles and have the right widths. Whether their hashes are right shows when
    /// the root is compared with a checkpoint, for which [`super::TileSet`] has what it takes.
    ///
    /// # Errors
    /// When a tile is missing, not of this tree or not partial.
    pub fn from_tiles(size: u64, tiles: impl IntoIterator<Item = (TilePath, HashTile)>) -> Result<Self, EdgeError> {
        if size > MAX_TREE_SIZE {
            return Err(EdgeError::TooLarge { size });
        }
        let mut edge = Self { size, levels: Vec::new() };
        for (path, tile) in tiles {
            let of_edge = path.tile() != Tile::Entries && path.is_partial() && path.exists_in(size);
            if !of_edge || tile.hashes().len() != usize::from(path.width()) {
                return Err(EdgeError::NotOfEdge { path, size });
            }
            *edge.level(path.tile().level()) = tile.hashes().to_vec();
        }
        match Self::partial_paths(size).find(|path| edge.level(path.tile().level()).is_empty()) {
            Some(path) => Err(EdgeError::Missing { path }),
            None => Ok(edge),
        }
    }

    /// Number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends one leaf hash. Tiles that become full are handed to `full`, lowest level first: write them, they never
    /// change again.
    pub fn push(&mut self, leaf: Hash, mut full: impl FnMut(TilePath, HashTile)) {
        self.size += 1;
        let mut next = Some(leaf);
        for level in 0.. {
            let Some(hash) = next.take() else { break };
            let hashes = self.level(level);
            hashes.push(hash);
            if hashes.len() < usize::from(TILE_WIDTH) {
                break;
            }
            let Ok(tile) = HashTile::new(std::mem::take(hashes)) else { break };
            next = tile.root();
            let index = (self.size >> (u32::from(level) * TILE_HEIGHT)) / u64::from(TILE_WIDTH) - 1;
            if let Ok(path) = TilePath::new(Tile::Hashes { level }, index, TILE_WIDTH) {
                full(path, tile);
            }
        }
    }

    /// The partial tiles, lowest level first: publish them with a checkpoint of [`TileEdge::size`].
    pub fn partial_tiles(&self) -> impl Iterator<Item = (TilePath, HashTile)> {
        Self::partial_paths(self.size).filter_map(|path| {
            let hashes = self.levels.get(usize::from(path.tile().level()))?;
            Some((path, HashTile::new(hashes.clone()).ok()?))
        })
    }

    /// The paths of the partial tiles of hashes of a tree of `size` leaves, lowest level first.
    pub fn partial_paths(size: u64) -> impl Iterator<Item = TilePath> {
        let levels =
            (0_u8..).map_while(move |level| size.checked_shr(u32::from(level) * TILE_HEIGHT).map(|n| (level, n)));
        levels.take_while(|(_, hashes)| *hashes > 0).filter_map(move |(level, hashes)| {
            TilePath::in_tree(Tile::Hashes { level }, hashes / u64::from(TILE_WIDTH), size)
        })
    }

    fn level(&mut self, level: u8) -> &mut Vec<Hash> {
        let level = usize::from(level);
        while self.levels.len() <= level {
            self.levels.push(Vec::new());
        }
        #[expect(clippy::indexing_slicing, reason = "the loop above has made the level")]
        &mut self.levels[level]
    }
}

impl Default for TileEdge {
    fn default() -> Self {
        Self::new()
    }
}

/// Why tiles are not the edge of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EdgeError {
    /// More leaves than a ledger can have.
    #[error("a tree of {size} leaves is larger than {MAX_TREE_SIZE}")]
    TooLarge {
        /// The size given.
        size: u64,
    },
    /// A tile too many.
    #[error("{path} is no partial tile of a tree of {size} leaves, or has another width")]
    NotOfEdge {
        /// The tile given.
        path: TilePath,
        /// The size of the tree.
        size: u64,
    },
    /// A tile too few.
    #[error("{path} is missing")]
    Missing {
        /// The first one that is missing.
        path: TilePath,
    },
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{testing::leaves, tile::tiles_changed};

    #[test]
    fn the_edge_gives_every_tile_once_and_restores_itself() {
        let mut edge = TileEdge::new();
        let mut full = BTreeMap::new();
        for leaf in leaves(70_000) {
            edge.push(leaf, |path, tile| assert_eq!(full.insert(path, tile), None, "{path}"));
            let size = edge.size();
            if size.is_multiple_of(997) || size.is_multiple_of(256) {
                assert_eq!(TileEdge::from_tiles(size, edge.partial_tiles()).as_ref(), Ok(&edge), "{size}");
                let mut all: Vec<TilePath> = full.keys().copied().collect();
                all.extend(edge.partial_tiles().map(|(path, _)| path));
                all.sort();
                let mut expected: Vec<TilePath> =
                    tiles_changed(0, size).filter(|path| path.tile() != Tile::Entries).collect();
                expected.sort();
                assert_eq!(all, expected, "{size}");
            }
        }
        let level_1: TilePath = "tile/1/000".parse().unwrap();
        let of_level_0 = (0..256).map(|index| TilePath::new(Tile::Hashes { level: 0 }, index, 256).unwrap());
        let roots: Vec<Hash> = of_level_0.map(|path| full[&path].root().unwrap()).collect();
        assert_eq!(full[&level_1].hashes(), roots);
    }

    #[test]
    fn other_tiles_are_refused() {
        let mut edge = TileEdge::new();
        leaves(300).for_each(|leaf| edge.push(leaf, |_, _| {}));
        let tiles: Vec<_> = edge.partial_tiles().collect();
        assert_eq!(tiles.len(), 2);
        let missing = EdgeError::Missing { path: tiles[1].0 };
        assert_eq!(TileEdge::from_tiles(300, tiles[..1].to_vec()), Err(missing));
        let other = EdgeError::NotOfEdge { path: tiles[0].0, size: 301 };
        assert_eq!(TileEdge::from_tiles(301, tiles.clone()), Err(other));
        let narrow = HashTile::new(tiles[0].1.hashes()[1..].to_vec()).unwrap();
        let other = EdgeError::NotOfEdge { path: tiles[0].0, size: 300 };
        assert_eq!(TileEdge::from_tiles(300, [(tiles[0].0, narrow)]), Err(other));
        assert_eq!(TileEdge::from_tiles(u64::MAX, []), Err(EdgeError::TooLarge { size: u64::MAX }));
        assert_eq!(TileEdge::from_tiles(0, []), Ok(TileEdge::new()));
    }
}

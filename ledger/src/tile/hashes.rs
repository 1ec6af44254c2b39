//! The contents of a tile of hashes. Knows its octets and the subtree above them; knows not where it lies.

use thiserror::Error;

use super::{TILE_HEIGHT, TILE_WIDTH};
use crate::hash::{HASH_OCTETS, Hash, node_hash};

/// 1 to 256 hashes side by side (C2SP tlog-tiles, section Merkle Tree).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashTile {
    hashes: Vec<Hash>,
}

impl HashTile {
    /// The tile of these hashes.
    ///
    /// # Errors
    /// When there are none or more than 256: empty tiles do not exist.
    pub fn new(hashes: Vec<Hash>) -> Result<Self, HashTileError> {
        if hashes.is_empty() || hashes.len() > usize::from(TILE_WIDTH) {
            return Err(HashTileError::Width { found: hashes.len() });
        }
        Ok(Self { hashes })
    }

    /// Reads the tile of this width: exactly 32 octets for each hash.
    ///
    /// # Errors
    /// When it has another length.
    pub fn from_octets(octets: &[u8], width: u16) -> Result<Self, HashTileError> {
        let needed = usize::from(width) * HASH_OCTETS;
        if octets.len() != needed {
            return Err(HashTileError::Octets { found: octets.len(), needed });
        }
        let (hashes, _) = octets.as_chunks::<HASH_OCTETS>();
        Self::new(hashes.iter().copied().map(Hash::from_bytes).collect())
    }

    /// The octets as they are served.
    pub fn to_octets(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
    }

    /// The hashes.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The node that stands `height` levels above the hashes of this tile and is number `place` there, if the tile has
    /// all hashes below it.
    pub fn node(&self, height: u32, place: usize) -> Option<Hash> {
        if height > TILE_HEIGHT {
            return None;
        }
        let width = 1_usize << height;
        let first = place.checked_mul(width)?;
        let mut nodes = self.hashes.get(first..first.checked_add(width)?)?.to_vec();
        while nodes.len() > 1 {
            let (pairs, _) = nodes.as_chunks::<2>();
            nodes = pairs.iter().map(|[left, right]| node_hash(left, right)).collect();
        }
        nodes.first().copied()
    }

    /// The hash that stands for this tile on the next level. Nothing for a partial tile, which must not be hashed into
    /// one.
    pub fn root(&self) -> Option<Hash> {
        self.node(TILE_HEIGHT, 0)
    }
}

/// Why octets or hashes are no tile.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HashTileError {
    /// Empty, or too wide.
    #[error("a tile has 1 to 256 hashes, not {found}")]
    Width {
        /// Hashes given.
        found: usize,
    },
    /// Not as long as its path says.
    #[error("the tile has {found} octets where its width needs {needed}")]
    Octets {
        /// Octets given.
        found: usize,
        /// Octets of that width.
        needed: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{frontier::Frontier, testing::leaves};

    fn tile(width: u64) -> HashTile {
        HashTile::new(leaves(width).collect()).unwrap()
    }

    #[test]
    fn octets_come_back() {
        for width in [1, 5, 255, 256] {
            let octets = tile(width.into()).to_octets();
            assert_eq!(HashTile::from_octets(&octets, width), Ok(tile(width.into())));
            let needed = octets.len();
            let short = HashTileError::Octets { found: needed - 1, needed };
            assert_eq!(HashTile::from_octets(&octets[1..], width), Err(short));
            let long = HashTileError::Octets { found: needed + 1, needed };
            assert_eq!(HashTile::from_octets(&[&octets, [0].as_slice()].concat(), width), Err(long));
        }
    }

    #[test]
    fn there_are_no_empty_and_no_wider_tiles() {
        assert_eq!(HashTile::new(vec![]), Err(HashTileError::Width { found: 0 }));
        assert_eq!(HashTile::from_octets(&[], 0), Err(HashTileError::Width { found: 0 }));
        assert_eq!(HashTile::new(leaves(257).collect()), Err(HashTileError::Width { found: 257 }));
    }

    #[test]
    fn a_node_covers_complete_subtrees_only() {
        let mut frontier = Frontier::new();
        frontier.extend(leaves(256));
        assert_eq!(tile(256).root(), Some(frontier.root()));
        assert_eq!(tile(255).root(), None);
        assert_eq!(tile(6).node(1, 2), Some(node_hash(&tile(6).hashes()[4], &tile(6).hashes()[5])));
        assert_eq!(tile(6).node(2, 1), None);
        assert_eq!(tile(256).node(9, 0), None);
        assert_eq!(tile(256).node(3, usize::MAX), None);
    }
}

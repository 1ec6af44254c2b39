//! The whole check of what is in full tiles: every entry, every hash, bundle by bundle. Knows tiles; used by small logs at each start, by the scrubber and
//! by `ledger verify`.

use ledger::hash::{Hash, leaf_hash};

use crate::log::{Damage, LogError};
use crate::tiles::Tiles;
use crate::tree::{FullTiles as _, Tree, WIDTH};

/// A check that has come some way. Holds a few kilobytes, however large the ledger is.
#[derive(Debug, Default)]
pub struct WholeCheck {
    tree: Tree,
}

impl WholeCheck {
    /// Reads the next full bundle: every entry must hash to its place in its tile, and every tile that is full with it, on any level, must be the one that
    /// those hashes make.
    ///
    /// # Errors
    /// [`LogError::Damage`] names the first entry that cannot be trusted.
    pub fn next_bundle(&mut self, tiles: &Tiles) -> Result<(), LogError> {
        for entry in tiles.bundle(self.tree.size() / WIDTH)? {
            self.tree.push(leaf_hash(&entry));
        }
        for level in 0..self.tree.tile_levels() {
            while let Some((number, hashes)) = self.tree.first_full(level) {
                if tiles.full_tile(level, number)?.as_slice() != hashes {
                    let what = format!("tile {level}/{number} is not what its entries make");
                    let index = number << (8 * (level + 1));
                    return Err(LogError::Damage(Damage { index, place: "ledger/tiles".to_owned(), what }));
                }
                self.tree.release(level, number + 1);
            }
        }
        Ok(())
    }

    /// Entries read so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The root that they make: to be held against one that was signed.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// The tree of what was read.
    #[must_use]
    pub fn into_tree(self) -> Tree {
        self.tree
    }
}

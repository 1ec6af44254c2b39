//! The whole check of what is in full tiles: every entry, every hash. Knows tiles; used by small logs at each start, by the scrubber and by `ledger verify`.

use ledger::hash::leaf_hash;
use ledger::tile::{Tile, TilePath};

use crate::log::{Damage, LogError};
use crate::tiles::{Tiles, tile_path};
use crate::tree::{FullTiles as _, Tree, WIDTH};

/// Reads and hashes every full bundle and every full tile below number `bundles`. Gives the tree that they make; whether it is the one that was signed
/// shows when its root is compared.
///
/// # Errors
/// [`LogError::Damage`] names the first entry that cannot be trusted.
pub fn check_tiles(tiles: &Tiles, bundles: u64) -> Result<Tree, LogError> {
    let mut tree = Tree::default();
    for number in 0..bundles {
        let first = number * WIDTH;
        for (index, entry) in (first..).zip(tiles.bundle(number)?) {
            entry.decode().map_err(|error| {
                let place =
                    TilePath::in_tree(Tile::Entries, number, first + WIDTH).and_then(|path| tile_path(&path).ok());
                let place = place.map_or_else(String::new, |path| path.to_string());
                LogError::Damage(Damage { index, place, what: error.to_string() })
            })?;
            tree.push(leaf_hash(&entry));
        }
        for level in 0..tree.tile_levels() {
            while let Some((number, hashes)) = tree.first_full(level) {
                let first = number << (8 * (level + 1));
                if tiles.full_tile(level, number)?.as_slice() != hashes {
                    let what = format!("tile {level}/{number} is not what its entries make");
                    return Err(LogError::Damage(Damage { index: first, place: "ledger/tiles".to_owned(), what }));
                }
                tree.release(level, number + 1);
            }
        }
    }
    Ok(tree)
}

//! Partial tiles and bundles: are those there that were published, and is every one that is there right? Knows the tree; writes nothing.

use ledger::hash::{Hash, leaf_hash};
use ledger::tile::{EntryBundle, HashTile, Tile, TilePath};

use crate::log::LogError;
use crate::tiles::{Tiles, flawed};
use crate::tree::{Tree, WIDTH, full_tiles};

/// Checks that each partial tile of the tree of `size` entries is there: as itself, or in its full form, which alone may be left once there is one (C2SP
/// tlog-tiles, "Partial Tiles"), also after a crash between that and the next checkpoint.
///
/// # Errors
/// [`LogError::Damage`] for one that is missing or not right.
pub(super) fn check_there(tiles: &Tiles, tree: &Tree, size: u64) -> Result<(), LogError> {
    for kind in kinds(tree) {
        let number = full_tiles(u32::from(kind.level()), size);
        let Some(path) = TilePath::in_tree(kind, number, size) else { continue };
        match tiles.octets(&path)? {
            Some(octets) => check(tree, path, &octets)?,
            None => {
                let octets = tiles.octets(&path.full())?;
                check_start(
                    tree,
                    path,
                    &octets.ok_or_else(|| flawed(first_below(path), &path, &"the file is missing"))?,
                )?;
            }
        }
    }
    Ok(())
}

/// Checks every partial form that is there of the tiles that were not full in the tree of `published` entries: readers of older checkpoints still ask for it.
///
/// # Errors
/// [`LogError::Damage`] for one that is not right.
pub(super) fn check_all(tiles: &Tiles, tree: &Tree, published: u64) -> Result<(), LogError> {
    for kind in kinds(tree) {
        for path in tiles.partials(kind, full_tiles(u32::from(kind.level()), published))? {
            check(tree, path, &tiles.octets(&path)?.unwrap_or_default())?;
        }
    }
    Ok(())
}

/// All kinds of tiles that a tree has.
fn kinds(tree: &Tree) -> impl Iterator<Item = Tile> {
    let levels = (0..tree.tile_levels()).filter_map(|level| u8::try_from(level).ok());
    levels.map(|level| Tile::Hashes { level }).chain([Tile::Entries])
}

/// A form is right when it has as many hashes or entries as its path says, and they are those of the tree.
fn check(tree: &Tree, path: TilePath, octets: &[u8]) -> Result<(), LogError> {
    let hashes = hashes(path, octets)?;
    compare(tree, path, &hashes)
}

/// The full form of a tile of which only the start is in the tree yet.
fn check_start(tree: &Tree, path: TilePath, octets: &[u8]) -> Result<(), LogError> {
    let hashes = hashes(path.full(), octets)?;
    compare(tree, path, hashes.get(..usize::from(path.width())).unwrap_or(&hashes))
}

fn hashes(path: TilePath, octets: &[u8]) -> Result<Vec<Hash>, LogError> {
    let flaw = |what: &dyn std::fmt::Display| flawed(first_below(path), &path, what);
    match path.tile() {
        Tile::Hashes { .. } => {
            let tile = HashTile::from_octets(octets, path.width()).map_err(|error| flaw(&error))?;
            Ok(tile.hashes().to_vec())
        }
        Tile::Entries => {
            let bundle = EntryBundle::from_octets(octets, path.width()).map_err(|error| flaw(&error))?;
            Ok(bundle.entries().iter().map(|entry| leaf_hash(entry)).collect())
        }
    }
}

fn compare(tree: &Tree, path: TilePath, hashes: &[Hash]) -> Result<(), LogError> {
    let height = u32::from(path.tile().level()) * 8;
    for (index, hash) in (path.index() * WIDTH..).zip(hashes) {
        if tree.node(height, index) != Some(*hash) {
            return Err(flawed(index << height, &path, &"it is not what the ledger makes"));
        }
    }
    Ok(())
}

fn first_below(path: TilePath) -> u64 {
    (path.index() * WIDTH) << (u32::from(path.tile().level()) * 8)
}

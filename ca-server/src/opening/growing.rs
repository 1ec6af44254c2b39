//! The tree while the segments of a start are read. Knows leaf hashes and what was published; knows no kind of entry.

use ledger::checkpoint::Checkpoint;
use ledger::frame::Frame;
use ledger::hash::{Hash, leaf_hash};
use ledger::tile::{EntryBundle, HashTile, Tile, TilePath};

use super::whole::check_tiles;
use super::{CHECKED_WHOLE, OpenError};
use crate::log::{Damage, LogError};
use crate::tiles::{Tiles, flawed};
use crate::tree::{FullTile, FullTiles as _, Tree, WIDTH};

/// The tree while the segments are read.
pub(super) struct Growing<'a> {
    tiles: &'a Tiles,
    tree: Tree,
    /// Entries in full tiles.
    tiled: u64,
    published: Option<Checkpoint>,
    /// The tile that an entry was compared with last.
    compared: Option<(u64, FullTile)>,
}

impl<'a> Growing<'a> {
    pub(super) fn over(tiles: &'a Tiles, published: Option<Checkpoint>) -> Result<Self, OpenError> {
        let size = published.as_ref().map_or(0, Checkpoint::size);
        let tree = if size < CHECKED_WHOLE {
            check_tiles(tiles, size / WIDTH)?
        } else {
            Tree::over_full_tiles(size / WIDTH, tiles)?
        };
        let tiled = tree.size();
        let growing = Self { tiles, tree, tiled, published, compared: None };
        growing.check_published()?;
        Ok(growing)
    }

    /// The tree of everything that was read, and the checkpoint that was published of a part of it.
    pub(super) fn finish(self) -> (Tree, Option<Checkpoint>) {
        (self.tree, self.published)
    }

    pub(super) fn frame(&mut self, frame: &Frame) -> Result<(), Damage> {
        for (index, leaf) in (frame.size_before..).zip(&frame.leaves) {
            if index > self.tree.size() {
                let what = format!("entries {} to {index} are neither in tiles nor in segments", self.tree.size());
                return Err(Damage { index: self.tree.size(), place: "ledger".to_owned(), what });
            }
            if index == self.tree.size() {
                self.tree.push(*leaf);
                self.check_published().map_err(damage_of)?;
            } else if index < self.tiled {
                self.compare(index, leaf).map_err(damage_of)?;
            }
        }
        Ok(())
    }

    /// An entry that is in a full tile as well must be the same in both.
    fn compare(&mut self, index: u64, leaf: &Hash) -> Result<(), LogError> {
        let (number, place) = (index / WIDTH, usize::try_from(index % WIDTH).unwrap_or(0));
        if self.compared.as_ref().is_none_or(|(compared, _)| *compared != number) {
            self.compared = Some((number, self.tiles.full_tile(0, number)?));
        }
        let tile = self.compared.as_ref().map(|(_, tile)| tile);
        if tile.and_then(|tile| tile.get(place)) == Some(leaf) {
            return Ok(());
        }
        let what = "the entry in the segments is not the one in the tiles".to_owned();
        Err(LogError::Damage(Damage { index, place: "ledger/tiles".to_owned(), what }))
    }

    /// When the tree has the size that was published: is it what was published, and are its partial tiles?
    fn check_published(&self) -> Result<(), LogError> {
        let Some(published) = self.published.as_ref().filter(|published| published.size() == self.tree.size()) else {
            return Ok(());
        };
        let size = self.tree.size();
        if *published.root() != self.tree.root() {
            let what =
                format!("the tree of {size} entries has root {}, published is {}", self.tree.root(), published.root());
            return Err(LogError::Damage(Damage { index: 0, place: "ledger/checkpoint".to_owned(), what }));
        }
        for level in 0..self.tree.tile_levels() {
            let kind = Tile::Hashes { level: u8::try_from(level).unwrap_or(u8::MAX) };
            for (number, hashes) in self.tree.waiting(level, size) {
                let Some(path) = TilePath::in_tree(kind, number, size) else { continue };
                let (path, octets) = self.partial_or_full(path)?;
                let tile = HashTile::from_octets(&octets, path.width());
                let tile = tile.map_err(|error| flawed(size / WIDTH * WIDTH, &path, &error))?;
                if !tile.hashes().starts_with(&hashes) {
                    return Err(flawed(size / WIDTH * WIDTH, &path, &"it is not what was published"));
                }
            }
        }
        self.check_partial_bundle(size)
    }

    fn check_partial_bundle(&self, size: u64) -> Result<(), LogError> {
        let path = TilePath::in_tree(Tile::Entries, size / WIDTH, size).filter(TilePath::is_partial);
        let Some(path) = path else { return Ok(()) };
        let first = size / WIDTH * WIDTH;
        let (path, octets) = self.partial_or_full(path)?;
        let bundle = EntryBundle::from_octets(&octets, path.width()).map_err(|error| flawed(first, &path, &error))?;
        for (index, entry) in (first..size).zip(bundle.entries()) {
            if self.tree.node(0, index) != Some(leaf_hash(entry)) {
                return Err(flawed(index, &path, &"the entry is not what was published"));
            }
        }
        Ok(())
    }

    /// A partial tile or bundle; once it is full only the full form may be there (C2SP tlog-tiles, "Partial Tiles"), also after a crash that
    /// came between that and the next checkpoint.
    fn partial_or_full(&self, path: TilePath) -> Result<(TilePath, Vec<u8>), LogError> {
        for path in [path, path.full()] {
            if let Some(octets) = self.tiles.octets(&path)? {
                return Ok((path, octets));
            }
        }
        Err(flawed(path.index().saturating_mul(WIDTH), &path, &"the file is missing"))
    }
}

fn damage_of(error: LogError) -> Damage {
    match error {
        LogError::Damage(damage) => damage,
        LogError::Full { .. } | LogError::Oversized { .. } | LogError::Mismatch { .. } | LogError::Broken { .. } => {
            Damage { index: 0, place: "ledger".to_owned(), what: error.to_string() }
        }
    }
}

//! The tree while the segments of a start are read. Knows leaf hashes and what was published; knows no kind of entry.

use ledger::checkpoint::Checkpoint;
use ledger::frame::Frame;
use ledger::hash::Hash;

use super::whole::WholeCheck;
use super::{CHECKED_WHOLE, OpenError, partials};
use crate::log::{Damage, LogError};
use crate::tiles::Tiles;
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
        let bundles = size / WIDTH;
        let tree = if size < CHECKED_WHOLE {
            let mut check = WholeCheck::default();
            (0..bundles).try_for_each(|_| check.next_bundle(tiles))?;
            check.into_tree()
        } else {
            Tree::over_full_tiles(bundles, tiles)?
        };
        let tiled = tree.size();
        let growing = Self { tiles, tree, tiled, published, compared: None };
        growing.check_published()?;
        Ok(growing)
    }

    /// The tree of everything that was read, and the checkpoint that was published of a part of it.
    pub(super) fn finish(self) -> Result<(Tree, Option<Checkpoint>), LogError> {
        partials::check_all(self.tiles, &self.tree, self.published.as_ref().map_or(0, Checkpoint::size))?;
        Ok((self.tree, self.published))
    }

    /// Takes the entries of a frame.
    pub(super) fn frame(&mut self, frame: &Frame) -> Result<(), Damage> {
        (frame.size_before..).zip(&frame.leaves).try_for_each(|(index, leaf)| self.leaf(index, leaf))
    }

    /// Takes the next entry of the log, in order; those that are in full tiles too are held against them.
    pub(super) fn leaf(&mut self, index: u64, leaf: &Hash) -> Result<(), Damage> {
        if index > self.tree.size() {
            let what = format!("entries {} to {index} are neither in tiles nor in segments", self.tree.size());
            return Err(Damage { index: self.tree.size(), place: "ledger".to_owned(), what });
        }
        if index < self.tree.size() {
            return if index < self.tiled { self.compare(index, leaf).map_err(damage_of) } else { Ok(()) };
        }
        self.tree.push(*leaf);
        self.check_published().map_err(damage_of)
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

    /// When the tree has the size that was published: is it what was published, and are its tiles there?
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
        partials::check_there(self.tiles, &self.tree, size)
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

//! The published form of the ledger as it lies on disk: full and partial tiles, entry bundles, checkpoint (C2SP tlog-tiles). Knows their files;
//! knows no kind of entry.
//!
//! What is full never changes, and is the only copy of old entries once their segments are forgotten. So nothing is taken from here unchecked: an
//! entry has to hash to its place in its tile, and whoever uses a tile holds the result against a signed root.

use std::io;
use std::sync::Arc;

use ledger::checkpoint::SignedCheckpoint;
use ledger::entry::EntryBytes;
use ledger::note::MAX_NOTE_OCTETS;
use ledger::tile::{EntryBundle, HashTile, MAX_BUNDLE_OCTETS, TILE_WIDTH, Tile, TilePath};

use crate::disk::{Disk, DiskPath, Listed, whole};
use crate::log::{Damage, LogError};
use crate::tree::{FullTile, FullTiles, WIDTH};

pub mod publisher;

/// Reads the published form.
pub struct Tiles {
    disk: Arc<dyn Disk>,
}

impl Tiles {
    /// The published form in a data directory.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk }
    }

    /// The published checkpoint, as it is served; `None` before the first.
    ///
    /// # Errors
    /// [`LogError::Damage`] when the file is no note; [`LogError::Broken`] when the disk fails.
    pub fn checkpoint(&self) -> Result<Option<SignedCheckpoint>, LogError> {
        let path = checkpoint_path()?;
        let Some(octets) = whole::read_whole(&*self.disk, &path, MAX_NOTE_OCTETS)? else { return Ok(None) };
        let note = SignedCheckpoint::parse(&octets).map_err(|error| damage(0, &path, &error.to_string()))?;
        Ok(Some(note))
    }

    /// The octets of a tile or bundle, as they are served; `None` when there is none. They are not checked.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn octets(&self, tile: &TilePath) -> io::Result<Option<Vec<u8>>> {
        whole::read_whole(&*self.disk, &tile_path(tile)?, MAX_BUNDLE_OCTETS)
    }

    /// A full bundle, every entry of which hashes to its place in its tile.
    ///
    /// # Errors
    /// [`LogError::Damage`] names the first entry that does not.
    pub fn bundle(&self, number: u64) -> Result<Vec<EntryBytes>, LogError> {
        let first = number.saturating_mul(WIDTH);
        let path = full(Tile::Entries, number, first)?;
        let octets = self.octets(&path)?.ok_or_else(|| missing(first, &path))?;
        let bundle = EntryBundle::from_octets(&octets, TILE_WIDTH).map_err(|error| flawed(first, &path, &error))?;
        let tile = self.tile(0, number)?;
        let wrong =
            bundle.entries().iter().zip(tile.iter()).position(|(entry, leaf)| ledger::hash::leaf_hash(entry) != *leaf);
        match wrong {
            None => Ok(bundle.entries().to_vec()),
            Some(place) => {
                let index = first.saturating_add(u64::try_from(place).unwrap_or(0));
                Err(flawed(index, &path, &"the entry does not hash to its place in its tile"))
            }
        }
    }

    /// Entries from `index` on, to the end of its bundle.
    ///
    /// # Errors
    /// As [`Tiles::bundle`].
    pub fn entries_from(&self, index: u64) -> Result<Vec<EntryBytes>, LogError> {
        let skip = usize::try_from(index % WIDTH).unwrap_or(0);
        Ok(self.bundle(index / WIDTH)?.into_iter().skip(skip).collect())
    }

    /// The partial forms of a tile that are there.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn partials(&self, kind: Tile, number: u64) -> io::Result<Vec<TilePath>> {
        let listed = list_if_there(&*self.disk, &partial_directory(kind, number)?)?.unwrap_or_default();
        let widths = listed.iter().filter_map(|file| file.name.parse().ok());
        Ok(widths.filter_map(|width| TilePath::new(kind, number, width).ok().filter(TilePath::is_partial)).collect())
    }

    fn tile(&self, level: u32, number: u64) -> Result<FullTile, LogError> {
        // The first entry below the tile is what damage is named by.
        let first = number.checked_shl(8 * (level + 1)).unwrap_or(u64::MAX);
        let path = full(Tile::Hashes { level: u8::try_from(level).unwrap_or(u8::MAX) }, number, first)?;
        let octets = self.octets(&path)?.ok_or_else(|| missing(first, &path))?;
        let tile = HashTile::from_octets(&octets, TILE_WIDTH).map_err(|error| flawed(first, &path, &error))?;
        let hashes = Box::<[_]>::from(tile.hashes());
        hashes.try_into().map_err(|_| flawed(first, &path, &"it has not 256 hashes"))
    }
}

impl FullTiles for Tiles {
    type Error = LogError;

    fn full_tile(&self, level: u32, number: u64) -> Result<FullTile, LogError> {
        self.tile(level, number)
    }
}

/// The file of a tile or bundle.
pub(crate) fn tile_path(tile: &TilePath) -> io::Result<DiskPath> {
    DiskPath::parse(DIRECTORY).and_then(|path| path.join(&tile.to_string())).map_err(io::Error::other)
}

/// The directory of the partial forms of a tile or bundle.
pub(crate) fn partial_directory(kind: Tile, number: u64) -> io::Result<DiskPath> {
    let one_wide = TilePath::new(kind, number, 1).map_err(io::Error::other)?;
    Ok(tile_path(&one_wide)?.parent())
}

/// What is in a directory; `None` if there is no such directory.
pub(crate) fn list_if_there(disk: &dyn Disk, directory: &DiskPath) -> io::Result<Option<Vec<Listed>>> {
    match disk.list(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        listed => listed.map(Some),
    }
}

/// The file of the published checkpoint.
pub(crate) fn checkpoint_path() -> io::Result<DiskPath> {
    DiskPath::parse(CHECKPOINT).map_err(io::Error::other)
}

/// What is wrong with a published file, by the first entry concerned.
pub(crate) fn flawed(index: u64, tile: &TilePath, what: &dyn std::fmt::Display) -> LogError {
    LogError::Damage(Damage { index, place: format!("{DIRECTORY}/{tile}"), what: what.to_string() })
}

fn full(tile: Tile, number: u64, first: u64) -> Result<TilePath, LogError> {
    TilePath::new(tile, number, TILE_WIDTH).map_err(|error| damage_at(first, DIRECTORY, &error.to_string()))
}

fn missing(index: u64, tile: &TilePath) -> LogError {
    flawed(index, tile, &"the file is missing")
}

fn damage(index: u64, place: &DiskPath, what: &str) -> LogError {
    damage_at(index, place.as_str(), what)
}

fn damage_at(index: u64, place: &str, what: &str) -> LogError {
    LogError::Damage(Damage { index, place: place.to_owned(), what: what.to_owned() })
}

const DIRECTORY: &str = "ledger/tiles";
const CHECKPOINT: &str = "ledger/checkpoint";

//! Publishes the ledger: tiles and bundles, and then the checkpoint that needs them, at most once a second. Knows the order of durable writes;
//! decides nothing.
//!
//! The order is: content of every file, then its name, then every directory, then the checkpoint, and only then is anything forgotten. So a reader
//! never sees a checkpoint whose tiles are not there, neither now nor after a crash; and a crash anywhere is mended by doing it all again,
//! since the same entries make the same files.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ledger::entry::EntryBytes;
use ledger::tile::{EntryBundle, HashTile, TILE_WIDTH, Tile, TilePath};

use super::{checkpoint_path, list_if_there, partial_directory, tile_path};
use crate::disk::{Disk, DiskPath, SyncPoint, whole};
use crate::live::{Live, ReadError};
use crate::log::LogError;
use crate::tree::{WIDTH, full_tiles};

/// Publishes one ledger.
pub struct Publisher {
    disk: Arc<dyn Disk>,
    live: Arc<Live>,
    /// The size of the published checkpoint.
    published: u64,
    /// Directories that this process has made durable.
    directories: BTreeSet<DiskPath>,
}

impl Publisher {
    /// Goes on where the published checkpoint of size `published` left off.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, live: Arc<Live>, published: u64) -> Self {
        Self { disk, live, published, directories: BTreeSet::new() }
    }

    /// Publishes now, and then whenever something has landed, at most once in `EVERY`.
    ///
    /// # Errors
    /// [`PublishError`]: what is published is behind from then on, and the server should say so and end.
    pub async fn run(mut self) -> Result<(), PublishError> {
        let mut size = self.live.subscribe();
        loop {
            let step = tokio::task::spawn_blocking(move || {
                let done = self.step();
                (self, done)
            });
            let done;
            (self, done) = step.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
            done?;
            tokio::time::sleep(EVERY).await;
            if size.wait_for(|size| *size > self.published).await.is_err() {
                return Ok(());
            }
        }
    }

    /// Publishes the newest checkpoint, if it is not. May block.
    ///
    /// # Errors
    /// [`PublishError`]; the next step begins anew.
    pub fn step(&mut self) -> Result<(), PublishError> {
        let head = self.live.head();
        let Some(checkpoint) = head.checkpoint.filter(|_| head.size > self.published) else { return Ok(()) };
        let mut placed = BTreeSet::new();
        self.place_bundles(head.size, &mut placed)?;
        self.place_tiles(head.size, &mut placed)?;
        for directory in &placed {
            self.disk.sync_dir(directory, TILE_NAME)?;
        }
        // From here everything that the checkpoint needs is durable.
        self.remove_partials(head.size)?;
        let points = whole::WholePoints { content: CHECKPOINT_CONTENT, name: CHECKPOINT_NAME };
        whole::write_whole(&*self.disk, &checkpoint_path()?, checkpoint.as_bytes(), points)?;
        // From here it is published: what follows only frees memory and segments.
        self.published = head.size;
        self.live.set_published(head.size);
        let levels = self.live.tree().tile_levels();
        for level in 0..levels {
            self.live.release(level, full_tiles(level, head.size));
        }
        self.live.log().forget(full_tiles(0, head.size).saturating_mul(WIDTH))?;
        Ok(())
    }

    fn place_bundles(&mut self, size: u64, placed: &mut BTreeSet<DiskPath>) -> Result<(), PublishError> {
        let mut index = self.published / WIDTH * WIDTH;
        let mut bundle: Vec<EntryBytes> = Vec::new();
        while index < size {
            for entry in self.live.read(index)? {
                bundle.push(entry);
                index = index.saturating_add(1);
                if index.is_multiple_of(WIDTH) || index == size {
                    let path = in_tree(Tile::Entries, (index - 1) / WIDTH, size)?;
                    let octets = EntryBundle::new(std::mem::take(&mut bundle)).map_err(io::Error::other)?.to_octets();
                    self.place(&path, &octets, placed)?;
                }
                if index == size {
                    break;
                }
            }
        }
        Ok(())
    }

    fn place_tiles(&mut self, size: u64, placed: &mut BTreeSet<DiskPath>) -> Result<(), PublishError> {
        let levels = self.live.tree().tile_levels();
        for level in 0..levels {
            let waiting = self.live.tree().waiting(level, size);
            for (number, hashes) in waiting {
                let path = in_tree(hashes_of(level), number, size)?;
                let octets = HashTile::new(hashes).map_err(io::Error::other)?.to_octets();
                self.place(&path, &octets, placed)?;
            }
        }
        Ok(())
    }

    fn place(&mut self, tile: &TilePath, octets: &[u8], placed: &mut BTreeSet<DiskPath>) -> io::Result<()> {
        let path = tile_path(tile)?;
        let directory = path.parent();
        if self.directories.insert(directory.clone()) {
            whole::make_dirs(&*self.disk, &directory, DIRECTORY_NAME)?;
        }
        whole::place(&*self.disk, &path, octets, TILE_CONTENT)?;
        placed.insert(directory);
        Ok(())
    }

    /// Removes the partial forms of what has become full: at most the first tile of each level that has grown (C2SP tlog-tiles, "Partial
    /// Tiles": only once the full one is there).
    fn remove_partials(&mut self, size: u64) -> io::Result<()> {
        let levels = self.live.tree().tile_levels();
        for (level, kind) in (0..levels).map(|level| (level, hashes_of(level))).chain([(0, Tile::Entries)]) {
            let number = full_tiles(level, self.published);
            if number >= full_tiles(level, size) {
                continue;
            }
            let directory = partial_directory(kind, number)?;
            let Some(partial) = list_if_there(&*self.disk, &directory)? else { continue };
            for file in partial {
                self.disk.remove(&directory.join(&file.name).map_err(io::Error::other)?)?;
            }
            self.disk.remove_dir(&directory)?;
            self.directories.remove(&directory);
        }
        Ok(())
    }
}

/// Why the ledger could not be published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The disk.
    #[error("the ledger cannot be published")]
    Disk(#[from] io::Error),
    /// What should be published cannot be read.
    #[error("what is to be published cannot be read")]
    Read(#[from] ReadError),
    /// The log beneath.
    #[error(transparent)]
    Log(#[from] LogError),
}

fn hashes_of(level: u32) -> Tile {
    Tile::Hashes { level: u8::try_from(level).unwrap_or(u8::MAX) }
}

fn in_tree(tile: Tile, number: u64, size: u64) -> io::Result<TilePath> {
    let path = TilePath::in_tree(tile, number, size).filter(|path| path.width() <= TILE_WIDTH);
    path.ok_or_else(|| io::Error::other(format!("a tree of {size} entries has no tile {number}")))
}

/// Time between two checkpoints (design, section 1: at most once a second).
const EVERY: Duration = Duration::from_secs(1);

/// The content of a tile or bundle, before it is named: what is named is whole.
const TILE_CONTENT: SyncPoint = SyncPoint::new("tiles: content of a tile or bundle, before it is named");

/// The names of tiles and bundles, before the checkpoint that needs them.
const TILE_NAME: SyncPoint = SyncPoint::new("tiles: names of tiles and bundles, before the checkpoint");

/// The name of a directory, before anything is in it.
const DIRECTORY_NAME: SyncPoint = SyncPoint::new("tiles: name of a directory, before anything is in it");

/// The checkpoint, before it is named.
const CHECKPOINT_CONTENT: SyncPoint = SyncPoint::new("tiles: the checkpoint, before it is named");

/// The name of the checkpoint: from here it is published, and segments may be forgotten.
const CHECKPOINT_NAME: SyncPoint = SyncPoint::new("tiles: the name of the checkpoint, before segments are forgotten");

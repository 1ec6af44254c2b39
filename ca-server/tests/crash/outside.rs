//! Somebody outside who writes everything down: answers, receipts, what was published. Holds each new life against it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use ca_server::committer::Recorded;
use ca_server::disk::Disk;
use ca_server::draft::Draft;
use ca_server::snapshot::{self, SnapshotName};
use ca_server::state::State;
use ca_server::tiles::Tiles;
use ledger::entry::EntryBytes;
use ledger::feed::FeedLog;
use ledger::hash::leaf_hash;
use ledger::receipt::{CheckedReceipt, Receipt};
use ledger::tile::{EntryBundle, Tile, TilePath, TileSet};

use crate::faulty_disk::FaultyDisk;
use crate::life::{Life, identity};

#[derive(Default)]
pub struct Outside {
    /// Entries that were acknowledged, or that a life has shown.
    pub known: BTreeMap<u64, EntryBytes>,
    receipts: Vec<CheckedReceipt>,
    /// Size of the newest published checkpoint.
    pub published: u64,
    /// The newest snapshot that was written.
    pub snapshot: Option<SnapshotName>,
}

impl Outside {
    /// What lies on the disk between a crash and the next start is what a reader of the files sees.
    pub fn look_at_disk(&self, disk: &FaultyDisk) -> Result<(), String> {
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let tiles = Tiles::new(Arc::clone(&shared));
        let published = match tiles.checkpoint().map_err(|error| format!("published checkpoint: {error}"))? {
            Some(note) => Some(note.open(&identity().origin, &identity().key).map_err(|error| error.to_string())?),
            None => None,
        };
        let size = published.as_ref().map_or(0, |checkpoint| checkpoint.size());
        if size < self.published {
            return Err(format!("{} entries were published, now it is {size}", self.published));
        }
        if let Some(checkpoint) = published.filter(|checkpoint| checkpoint.size() > 0) {
            check_published(&tiles, checkpoint.size(), checkpoint.root())?;
        }
        let snapshots = snapshot::list(&*shared).map_err(|error| error.to_string())?;
        if let Some(newest) = self.snapshot
            && !snapshots.contains(&newest)
        {
            return Err(format!("the snapshot of {} entries is gone", newest.size));
        }
        // A snapshot under its name is whole: one that is not would be passed over, and the newest be another one.
        match (snapshots.first(), snapshot::newest(&*shared).map_err(|error| error.to_string())?) {
            (Some(newest), Some((found, _))) if found == *newest => Ok(()),
            (None, None) => Ok(()),
            (newest, found) => Err(format!("snapshot {newest:?} is there, whole is {:?}", found.map(|(name, _)| name))),
        }
    }

    /// Starts a life; `None` if the disk crashed under it.
    pub fn start(&mut self, disk: &FaultyDisk, clock: &Arc<AtomicU64>) -> Result<Option<Life>, String> {
        match Life::start(disk.clone(), clock) {
            Ok(life) => self.look_at_life(&life).map(|()| Some(life)),
            Err(_) if disk.is_down() => Ok(None),
            Err(error) => Err(format!(
                "does not start: {error}: {:?}",
                std::error::Error::source(&error).map(ToString::to_string)
            )),
        }
    }

    /// Everything known is there, at its index; from here on all that is there is known.
    pub fn look_at_life(&mut self, life: &Life) -> Result<(), String> {
        let size = life.live.head().size;
        let (mut rebuilt, mut feed) = (State::new(), FeedLog::new());
        let mut index = 0;
        while index < size {
            for bytes in life.live.read(index).map_err(|error| format!("entry {index}: {error}"))? {
                if self.known.get(&index).is_some_and(|known| *known != bytes) {
                    return Err(format!("entry {index} is another one"));
                }
                let entry = bytes.decode().map_err(|error| format!("entry {index}: {error}"))?;
                rebuilt.apply(index, &entry, &bytes).map_err(|error| format!("entry {index}: {error}"))?;
                feed.take(&bytes).map_err(|error| format!("the feed: {error}"))?;
                if feed.events() != Draft::over(&rebuilt, entry.time).scalars().feed {
                    return Err(format!("entry {index}: State and the feed's log see different events"));
                }
                self.known.insert(index, bytes);
                index += 1;
            }
        }
        if let Some((last, _)) = self.known.last_key_value()
            && *last >= size
        {
            return Err(format!("entry {last} was acknowledged, {size} entries are there"));
        }
        if rebuilt.digests() != life.live.state().digests() {
            return Err("State is not what its entries make".to_owned());
        }
        Ok(())
    }

    /// Takes an answer: the receipt must hold, and be for the entry that was acknowledged.
    pub fn take(&mut self, recorded: &Recorded) -> Result<(), String> {
        if let Some(known) = self.known.insert(recorded.index(), recorded.entry().clone())
            && known != *recorded.entry()
        {
            return Err(format!("entry {} was acknowledged twice, with two contents", recorded.index()));
        }
        let receipt: Receipt = recorded.receipt();
        let checked = receipt.check(&identity().origin, &identity().key);
        let checked = checked.map_err(|error| format!("the receipt for entry {}: {error}", recorded.index()))?;
        if checked.index() != recorded.index() || **checked.entry_bytes() != **recorded.entry() {
            return Err(format!("the receipt for entry {} is for another one", recorded.index()));
        }
        self.receipts.push(checked);
        Ok(())
    }

    /// What every receipt said is still so.
    pub fn check_receipts(&self, life: &Life) -> Result<(), String> {
        for receipt in &self.receipts {
            let (index, size) = (receipt.index(), receipt.checkpoint().size());
            if life.live.root_at(size).ok() != Some(*receipt.checkpoint().root()) {
                return Err(format!("the receipt for entry {index} is for another tree of {size} entries"));
            }
        }
        Ok(())
    }
}

/// A checkpoint was published: then all its tiles and bundles are there, and make its root.
fn check_published(tiles: &Tiles, size: u64, root: &ledger::hash::Hash) -> Result<(), String> {
    let fetch = |path: &TilePath| match tiles.octets(path) {
        Ok(Some(octets)) => Ok((*path, octets)),
        _ => match tiles.octets(&path.full()) {
            Ok(Some(octets)) => Ok((path.full(), octets)),
            _ => Err(format!("{size} entries are published, {path} is missing")),
        },
    };
    let mut set = TileSet::new(size);
    let (mut level, mut last) = (0_u8, size);
    while last > 0 {
        for number in 0..last.div_ceil(256) {
            if let Some(path) = TilePath::in_tree(Tile::Hashes { level }, number, size) {
                let (path, octets) = fetch(&path)?;
                set.insert(path, &octets).map_err(|error| error.to_string())?;
            }
        }
        (level, last) = (level + 1, last >> 8);
    }
    if set.frontier().map_err(|error| error.to_string())?.root() != *root {
        return Err(format!("the tiles of {size} published entries make another root"));
    }
    for number in 0..size.div_ceil(256) {
        let Some(path) = TilePath::in_tree(Tile::Entries, number, size) else { continue };
        let (path, octets) = fetch(&path)?;
        let bundle = EntryBundle::from_octets(&octets, path.width()).map_err(|error| format!("{path}: {error}"))?;
        let leaves: Vec<_> = bundle.entries().iter().map(|entry| leaf_hash(entry)).collect();
        let hashes = TilePath::in_tree(Tile::Hashes { level: 0 }, number, size).unwrap();
        let (_, octets) = fetch(&hashes)?;
        let same = octets.chunks(32).zip(&leaves).all(|(hash, leaf)| hash == leaf.as_bytes());
        if !same {
            return Err(format!("{path} has other entries than {hashes}"));
        }
    }
    Ok(())
}

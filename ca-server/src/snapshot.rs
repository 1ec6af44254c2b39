//! Snapshots of State: written aside, checksummed, named by ledger size and root. Knows the file; knows no entry and no rule.
//!
//! A snapshot saves time and holds nothing that the ledger does not. So one that is damaged is passed over with a line in the log: an older one
//! takes its place, or State is folded from entry 0. One that is whole and of another ledger is no accident: the ledger went back, or was exchanged,
//! and the start refuses (`crate::opening`).

use std::io;

use ledger::hash::Hash;

use crate::disk::{Disk, DiskPath, SyncPoint, whole};
use crate::state::State;

mod file;
pub mod keeper;

pub use file::SnapshotError;

/// What a snapshot is of; also its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotName {
    /// Entries folded into it.
    pub size: u64,
    /// Root of the tree of that size.
    pub root: Hash,
}

impl SnapshotName {
    fn path(&self) -> io::Result<DiskPath> {
        directory()?.join(&format!("{:016x}-{}{SUFFIX}", self.size, self.root)).map_err(io::Error::other)
    }

    fn parse(name: &str) -> Option<Self> {
        let (size, root) = name.strip_suffix(SUFFIX)?.split_once('-')?;
        let found = Self { size: u64::from_str_radix(size, 16).ok()?, root: root.parse().ok()? };
        // Both have one form only.
        (found.path().ok()?.name() == name).then_some(found)
    }
}

/// Writes a snapshot, durably under its name, and removes all but the newest [`KEPT`].
///
/// # Errors
/// Whatever the disk says; the snapshots that were there are still there.
pub fn write(disk: &dyn Disk, name: SnapshotName, state: &State) -> Result<(), SnapshotError> {
    whole::make_dirs(disk, &directory()?, DIRECTORY_NAME)?;
    let path = name.path()?;
    let aside = directory()?.join(ASIDE).map_err(io::Error::other)?;
    whole::remove_if_there(disk, &aside)?;
    file::write(&*disk.create(&aside)?, name, state)?;
    disk.rename(&aside, &path)?;
    disk.sync_dir(&directory()?, NAME)?;
    for old in list(disk)?.into_iter().skip(KEPT) {
        disk.remove(&old.path()?)?;
    }
    Ok(())
}

/// The newest snapshot that is whole, and whose State has the size that its name says. Whether its root is that of the ledger is for the caller to say.
///
/// # Errors
/// When the directory cannot be read; never because of a snapshot.
pub fn newest(disk: &dyn Disk) -> io::Result<Option<(SnapshotName, State)>> {
    whole::remove_if_there(disk, &directory()?.join(ASIDE).map_err(io::Error::other)?)?;
    for name in list(disk)? {
        match file::read(disk, &name.path()?, name) {
            Ok(state) if state.size() == name.size => return Ok(Some((name, state))),
            Ok(state) => tracing::warn!(
                size = name.size,
                found = state.size(),
                "a snapshot is of another size and is passed over"
            ),
            Err(error) => tracing::warn!(size = name.size, %error, "a snapshot is damaged and is passed over"),
        }
    }
    Ok(None)
}

/// The snapshots there are, newest first.
///
/// # Errors
/// When the directory cannot be read; a missing one is empty.
pub fn list(disk: &dyn Disk) -> io::Result<Vec<SnapshotName>> {
    let listed = match disk.list(&directory()?) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        listed => listed?,
    };
    let mut names: Vec<_> = listed.iter().filter_map(|listed| SnapshotName::parse(&listed.name)).collect();
    names.sort_unstable_by_key(|name| std::cmp::Reverse((name.size, name.root)));
    Ok(names)
}

fn directory() -> io::Result<DiskPath> {
    DiskPath::parse(DIRECTORY).map_err(io::Error::other)
}

/// Entries between two snapshots: what a start then folds takes half a second at 200,000 entries a second (design, section 1; targets).
pub const EVERY_ENTRIES: u64 = 100_000;

/// Snapshots kept: the newest, and one in case it is damaged (design, section 1).
pub const KEPT: usize = 2;

const DIRECTORY: &str = "ledger/snapshots";
const SUFFIX: &str = ".state";
const ASIDE: &str = "snapshot.aside";

/// The name of the directory.
const DIRECTORY_NAME: SyncPoint = SyncPoint::new("snapshot: its directory, before a snapshot is in it");

/// The name of a snapshot: from here on a start finds it.
const NAME: SyncPoint = SyncPoint::new("snapshot: its name");

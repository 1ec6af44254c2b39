//! The disk of this machine. Knows files, directories and the lock on the data directory; knows nothing of what is in them.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::{Disk, DiskFile, DiskPath, Listed, ListedKind, SyncPoint};

/// A data directory that this process alone may write to.
///
/// Whoever holds one holds the lock: it cannot be made without, and dropping it, or the death of the process, gives the lock back.
#[derive(Debug)]
pub struct RealDisk {
    root: PathBuf,
    /// Held for its lock only.
    _lock: File,
}

impl RealDisk {
    /// Takes the data directory at `root`, and makes it first where it is missing (its parent must be there).
    ///
    /// # Errors
    /// [`TakeError::Held`] with the process id of who has it; [`TakeError::Io`] for anything the system says.
    pub fn take(root: &Path) -> Result<Self, TakeError> {
        let failed = |source| TakeError::Io { path: root.to_owned(), source };
        make_private_dir(root).map_err(failed)?;
        let mut lock = private_options().create(true).truncate(false).open(root.join(LOCK_NAME)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = read_holder(&mut lock);
                return Err(TakeError::Held { path: root.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // Only who holds the lock writes here, so that the number is always the holder's, or an old one for a moment.
        lock.set_len(0).map_err(failed)?;
        lock.write_all(format!("{}\n", std::process::id()).as_bytes()).map_err(failed)?;
        Ok(Self { root: root.to_owned(), _lock: lock })
    }

    fn at(&self, path: &DiskPath) -> PathBuf {
        self.root.join(path.as_str())
    }
}

impl Disk for RealDisk {
    fn make_dir(&self, dir: &DiskPath) -> io::Result<()> {
        make_private_dir(&self.at(dir))
    }

    fn create(&self, path: &DiskPath) -> io::Result<Box<dyn DiskFile>> {
        let file = private_options().create_new(true).open(self.at(path))?;
        Ok(Box::new(RealFile(file)))
    }

    fn open(&self, path: &DiskPath) -> io::Result<Box<dyn DiskFile>> {
        let file = private_options().open(self.at(path))?;
        Ok(Box::new(RealFile(file)))
    }

    fn rename(&self, from: &DiskPath, to: &DiskPath) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn remove(&self, path: &DiskPath) -> io::Result<()> {
        fs::remove_file(self.at(path))
    }

    fn remove_dir(&self, dir: &DiskPath) -> io::Result<()> {
        fs::remove_dir(self.at(dir))
    }

    fn sync_dir(&self, dir: &DiskPath, point: SyncPoint) -> io::Result<()> {
        File::open(self.at(dir)).and_then(|dir| dir.sync_all()).map_err(|error| named(&error, point))
    }

    fn list(&self, dir: &DiskPath) -> io::Result<Vec<Listed>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.at(dir))? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let kind = match (kind.is_file(), kind.is_dir()) {
                (true, _) => ListedKind::File,
                (_, true) => ListedKind::Directory,
                (false, false) => continue,
            };
            // A name that is not UTF-8 is none of ours: every path we make is ASCII.
            if let Ok(name) = entry.file_name().into_string() {
                found.push(Listed { name, kind });
            }
        }
        Ok(found)
    }
}

struct RealFile(File);

impl DiskFile for RealFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(into, offset)
    }

    fn sync(&self, point: SyncPoint) -> io::Result<()> {
        self.0.sync_data().map_err(|error| named(&error, point))
    }
}

/// Why a data directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// Another process has it.
    #[error("the data directory {} is in use by {holder}; stop that one first, two would corrupt each other", path.display())]
    Held {
        /// The data directory.
        path: PathBuf,
        /// Who has it.
        holder: Holder,
    },
    /// The system refused.
    #[error("cannot take the data directory {}", path.display())]
    Io {
        /// The data directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The process that holds a data directory, as far as its lock file tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// Its process id (in its own pid namespace).
    Process(u32),
    /// It has taken the lock and not yet written its number.
    Unnamed,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Process(id) => write!(f, "process {id}"),
            Self::Unnamed => f.write_str("another process"),
        }
    }
}

/// Everything we make is for our own user only; what others may read is served, not shared.
fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

fn make_private_dir(path: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

fn read_holder(lock: &mut File) -> Holder {
    let mut text = String::new();
    let read = lock.rewind().and_then(|()| lock.take(MAX_LOCK_OCTETS).read_to_string(&mut text));
    match (read, text.trim().parse()) {
        (Ok(_), Ok(id)) => Holder::Process(id),
        _ => Holder::Unnamed,
    }
}

/// The error of a durable write, with the point that failed.
fn named(error: &io::Error, point: SyncPoint) -> io::Error {
    io::Error::new(error.kind(), format!("{point}: {error}"))
}

/// Name of the lock file in the data directory.
const LOCK_NAME: &str = "lock";

/// A process id has at most 7 digits (pid_max, proc(5)).
const MAX_LOCK_OCTETS: u64 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const POINT: SyncPoint = SyncPoint::new("test: anything");

    fn path(text: &str) -> DiskPath {
        DiskPath::parse(text).unwrap()
    }

    #[test]
    fn a_second_taker_learns_who_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let first = RealDisk::take(dir.path()).unwrap();
        let refused = RealDisk::take(dir.path()).unwrap_err();
        assert!(matches!(&refused, TakeError::Held { holder: Holder::Process(id), .. } if *id == std::process::id()));
        assert!(refused.to_string().contains(&std::process::id().to_string()));
        drop(first);
        RealDisk::take(dir.path()).unwrap();
    }

    #[test]
    fn what_is_written_is_read_back_and_listed() {
        let dir = tempfile::tempdir().unwrap();
        let disk = RealDisk::take(&dir.path().join("data")).unwrap();
        disk.make_dir(&path("a")).unwrap();
        disk.make_dir(&path("a")).unwrap();
        let file = disk.create(&path("a/one")).unwrap();
        file.write_at(3, b"xyz").unwrap();
        file.sync(POINT).unwrap();
        disk.rename(&path("a/one"), &path("a/two")).unwrap();
        disk.sync_dir(&path("a"), POINT).unwrap();

        let file = disk.open(&path("a/two")).unwrap();
        let mut back = [9; 6];
        file.read_at(0, &mut back).unwrap();
        assert_eq!((file.length().unwrap(), &back), (6, b"\0\0\0xyz"));
        assert_eq!(file.read_at(4, &mut back).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(disk.list(&path("a")).unwrap(), [Listed { name: "two".into(), kind: ListedKind::File }]);
    }

    #[test]
    fn nothing_is_opened_by_making_it_or_made_by_opening_it() {
        let dir = tempfile::tempdir().unwrap();
        let disk = RealDisk::take(dir.path()).unwrap();
        disk.create(&path("one")).unwrap();
        assert_eq!(disk.create(&path("one")).err().unwrap().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(disk.open(&path("two")).err().unwrap().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn files_are_for_our_user_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("data");
        let disk = RealDisk::take(&root).unwrap();
        disk.create(&path("one")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&root), mode(&root.join("one"))), (0o700, 0o600));
    }
}

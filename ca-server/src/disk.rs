//! The disk: what the server may ask of storage, and what each act makes durable. Knows paths below one data directory; knows no entry, frame or format.
//!
//! Everything that must survive a crash goes through [`Disk`], so that a test can put a disk beneath the real code that loses
//! whatever was not made durable. The rules are the weakest that POSIX leaves us, not what a given file system happens to do:
//!
//! * what was written to a file may be lost, wholly or sector by sector, until that file's [`DiskFile::sync`] has returned;
//! * a name (created, renamed or removed) may be lost until [`Disk::sync_dir`] of its directory has returned;
//! * making a file durable does not make its name durable, nor the other way round;
//! * a `sync` that failed may have dropped what it was to keep, so the process ends instead of trying again.

use std::fmt;
use std::io;

mod path;
pub mod real;
pub mod whole;

pub use path::{DiskPath, DiskPathError};
pub use real::RealDisk;

/// Storage below one data directory: the one seam at which faults are injected.
///
/// Every call is synchronous and may block; none is made from an async task.
pub trait Disk: Send + Sync {
    /// Makes a directory whose parent exists. One that is there already is no error.
    ///
    /// # Errors
    /// Whatever the system says.
    fn make_dir(&self, dir: &DiskPath) -> io::Result<()>;

    /// Makes a new, empty file.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] when the name is taken: nothing here is ever truncated by being opened.
    fn create(&self, path: &DiskPath) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file that exists, to read and to write.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when there is none.
    fn open(&self, path: &DiskPath) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name; what had that name before is replaced in one step.
    ///
    /// # Errors
    /// Whatever the system says.
    fn rename(&self, from: &DiskPath, to: &DiskPath) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when there is none.
    fn remove(&self, path: &DiskPath) -> io::Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// [`io::ErrorKind::DirectoryNotEmpty`] when something is in it.
    fn remove_dir(&self, dir: &DiskPath) -> io::Result<()>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// After an error nobody knows what is durable: the caller ends the process.
    fn sync_dir(&self, dir: &DiskPath, point: SyncPoint) -> io::Result<()>;

    /// What is in a directory, in no order.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when there is no such directory.
    fn list(&self, dir: &DiskPath) -> io::Result<Vec<Listed>>;
}

/// One open file.
pub trait DiskFile: Send + Sync {
    /// How many octets the file has now.
    ///
    /// # Errors
    /// Whatever the system says.
    fn length(&self) -> io::Result<u64>;

    /// Writes all of `bytes` at `offset`; past the end the file grows, and a gap reads as zeros.
    ///
    /// # Errors
    /// After an error any part of it may have been written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Fills `into` from `offset`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when the file ends first.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()>;

    /// Makes content and length durable (fdatasync); not the name, see [`Disk::sync_dir`].
    ///
    /// # Errors
    /// After an error nobody knows what is durable: the caller ends the process.
    fn sync(&self, point: SyncPoint) -> io::Result<()>;
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// The last component of its path.
    pub name: String,
    /// File or directory.
    pub kind: ListedKind,
}

/// What a name in a directory stands for. Anything that is neither is not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListedKind {
    /// A plain file.
    File,
    /// A directory.
    Directory,
}

/// The name of one place in this program that makes something durable.
///
/// Each is a const beside the code that uses it, and says what holds once the call has returned. An error names it, and the crash
/// tests take them out one at a time: for each there is a test that fails without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SyncPoint(&'static str);

impl SyncPoint {
    /// A point by its name, `<owner>: <what is durable from here on>`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for SyncPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The unit in which a disk writes all or nothing. 512 octets is the smallest logical sector of any drive that Linux drives
/// (a 4 KiB drive keeps the promise too, being made of eight).
pub const SECTOR_OCTETS: usize = 512;

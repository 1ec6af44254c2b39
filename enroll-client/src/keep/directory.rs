//! A directory of small files that are there as a whole or not at all. Knows names and octets; knows not what they mean.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags};

/// The steps that a durable write consists of: the seam at which tests let power fail.
pub trait Directory {
    /// The octets of a file, if it is there.
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>>;
    /// Writes a file, which others may not read (0600). Nothing is durable yet.
    fn write(&self, name: &str, octets: &[u8]) -> io::Result<()>;
    /// Makes a file's octets durable.
    fn sync(&self, name: &str) -> io::Result<()>;
    /// Puts a file in the place of another, all at once. Not durable yet.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file if it is there. Not durable yet.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes renames and removals durable.
    fn sync_all(&self) -> io::Result<()>;
}

/// Writes a file so that after a crash there is either the old one or the new one: aside, fsync, rename, fsync of the directory.
///
/// # Errors
/// Whatever the directory says. The old file still stands, or the new one; ask again.
pub(super) fn replace(directory: &impl Directory, name: &str, octets: &[u8]) -> io::Result<()> {
    let aside = format!("{name}{ASIDE}");
    directory.write(&aside, octets)?;
    directory.sync(&aside)?;
    directory.rename(&aside, name)?;
    directory.sync_all()
}

/// Removes a file for good.
///
/// # Errors
/// Whatever the directory says.
pub(super) fn erase(directory: &impl Directory, name: &str) -> io::Result<()> {
    directory.remove(name)?;
    directory.sync_all()
}

/// A directory of this machine, held open, so that nobody can put another in its place.
#[derive(Debug)]
pub struct HostDirectory {
    fd: OwnedFd,
}

impl HostDirectory {
    /// Takes an open directory.
    #[must_use]
    pub fn new(fd: OwnedFd) -> Self {
        Self { fd }
    }
}

impl Directory for HostDirectory {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut octets = Vec::new();
        file.take(MAX_FILE_OCTETS + 1).read_to_end(&mut octets)?;
        if u64::try_from(octets.len()).is_ok_and(|length| length > MAX_FILE_OCTETS) {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {MAX_FILE_OCTETS} octets")));
        }
        Ok(Some(octets))
    }

    fn write(&self, name: &str, octets: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR)?);
        // A file that a crash left aside may have other permissions.
        rustix::fs::fchmod(&file, Mode::RUSR | Mode::WUSR)?;
        file.write_all(octets)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::empty())?;
        Ok(rustix::fs::fsync(fd)?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.fd, from, &self.fd, to)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn sync_all(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.fd)?)
    }
}

/// What a file that is being written is called: never read, overwritten by the next attempt.
const ASIDE: &str = ".new";
/// Largest file that is read. Ours: a certificate answer is bounded by [`protocol::limits::MAX_RESPONSE_OCTETS`], and the rest is smaller.
const MAX_FILE_OCTETS: u64 = 1 << 20;

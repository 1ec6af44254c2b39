//! The directory under the files, step by step: the seam at which tests fail a step or kill the process. Knows names and octets; knows not
//! what they mean, nor in which order they come.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Uid};

use super::Permissions;

/// The steps that a swap consists of. `set` is a directory below ours, one step deep; none of them follows a symbolic link.
pub trait Ground {
    /// Names in our directory.
    fn names(&self) -> io::Result<Vec<String>>;
    /// Where the symbolic link `name` leads, if there is anything; an error if it is no symbolic link.
    fn link(&self, name: &str) -> io::Result<Option<String>>;
    /// Makes a symbolic link.
    fn make_link(&self, target: &str, name: &str) -> io::Result<()>;
    /// Makes the directory of a set, closed to all others.
    fn make_set(&self, set: &str) -> io::Result<()>;
    /// Writes a file of a set that is not there yet, closed to all others.
    fn write(&self, set: &str, name: &str, octets: &[u8]) -> io::Result<()>;
    /// Gives a file of a set its owner, group and mode.
    fn settle(&self, set: &str, name: &str, permissions: Permissions, mode: u32) -> io::Result<()>;
    /// Lets others into the directory of a set.
    fn open_up(&self, set: &str) -> io::Result<()>;
    /// Puts one name in the place of another, all at once.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a symbolic link, if it is there.
    fn remove_link(&self, name: &str) -> io::Result<()>;
    /// The octets of a file of a set.
    fn read(&self, set: &str, name: &str) -> io::Result<Vec<u8>>;
    /// Names in the directory of a set.
    fn names_of(&self, set: &str) -> io::Result<Vec<String>>;
    /// Overwrites a file of a set with zeros, and removes it.
    fn erase(&self, set: &str, name: &str) -> io::Result<()>;
    /// Removes the empty directory of a set.
    fn remove_set(&self, set: &str) -> io::Result<()>;
}

/// A directory of this machine, held open, so that nobody can put another in its place.
#[derive(Debug)]
pub struct HostGround {
    fd: OwnedFd,
}

impl HostGround {
    /// Takes an open directory.
    #[must_use]
    pub fn new(fd: OwnedFd) -> Self {
        Self { fd }
    }

    fn set(&self, set: &str) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.fd, set, flags, Mode::empty())?)
    }

    fn file(&self, set: &str, name: &str, flags: OFlags, mode: Mode) -> io::Result<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        Ok(File::from(rustix::fs::openat(self.set(set)?, name, flags, mode)?))
    }
}

impl Ground for HostGround {
    fn names(&self) -> io::Result<Vec<String>> {
        list(&self.fd)
    }

    fn link(&self, name: &str) -> io::Result<Option<String>> {
        match rustix::fs::readlinkat(&self.fd, name, Vec::new()) {
            // A link of somebody else's may hold any octets; it is compared with ours and then leads elsewhere.
            Ok(target) => Ok(Some(target.to_string_lossy().into_owned())),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn make_link(&self, target: &str, name: &str) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, &self.fd, name)?)
    }

    fn make_set(&self, set: &str) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(&self.fd, set, Mode::RWXU)?)
    }

    fn write(&self, set: &str, name: &str, octets: &[u8]) -> io::Result<()> {
        let new = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        self.file(set, name, new, Mode::RUSR | Mode::WUSR)?.write_all(octets)
    }

    fn settle(&self, set: &str, name: &str, permissions: Permissions, mode: u32) -> io::Result<()> {
        let file = self.file(set, name, OFlags::RDONLY, Mode::empty())?;
        if permissions.owner.is_some() || permissions.group.is_some() {
            let (owner, group) = (permissions.owner.map(Uid::from_raw), permissions.group.map(Gid::from_raw));
            rustix::fs::fchown(&file, owner, group)?;
        }
        // After the owner, since chown(2) may clear bits; and by fchmod, which no umask touches.
        Ok(rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?)
    }

    fn open_up(&self, set: &str) -> io::Result<()> {
        Ok(rustix::fs::fchmod(self.set(set)?, Mode::from_raw_mode(SET_MODE))?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.fd, from, &self.fd, to)?)
    }

    fn remove_link(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn read(&self, set: &str, name: &str) -> io::Result<Vec<u8>> {
        let file = self.file(set, name, OFlags::RDONLY, Mode::empty())?;
        // Large enough from the start: a vector that grows leaves copies of a key behind.
        let mut octets = Vec::with_capacity(usize::try_from(MAX_FILE_OCTETS).unwrap_or_default());
        file.take(MAX_FILE_OCTETS).read_to_end(&mut octets)?;
        Ok(octets)
    }

    fn names_of(&self, set: &str) -> io::Result<Vec<String>> {
        list(&self.set(set)?)
    }

    fn erase(&self, set: &str, name: &str) -> io::Result<()> {
        let directory = self.set(set)?;
        // On tmpfs this overwrites the pages themselves, also for who holds the file open. Where it cannot be done (a mode without write, a
        // file system that writes elsewhere) the name goes all the same.
        let _best_effort = zero(&directory, name);
        Ok(rustix::fs::unlinkat(&directory, name, AtFlags::empty())?)
    }

    fn remove_set(&self, set: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.fd, set, AtFlags::REMOVEDIR)?)
    }
}

fn zero(directory: &OwnedFd, name: &str) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::openat(directory, name, flags, Mode::empty())?);
    let facts = file.metadata()?;
    if facts.is_file() {
        io::copy(&mut io::repeat(0).take(facts.len().min(MAX_FILE_OCTETS)), &mut file)?;
    }
    Ok(())
}

fn list(fd: &OwnedFd) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(fd)? {
        let entry = entry?;
        // Ours are all ASCII; what is not is not ours.
        if let Ok(name) = entry.file_name().to_str()
            && !(entry.file_type() == FileType::Directory && [".", ".."].contains(&name))
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Who may read the files may look them up: their own modes guard them.
const SET_MODE: u32 = 0o755;
/// Largest file that is read or overwritten. Ours: a chain or bundle is bounded by [`protocol::limits::MAX_RESPONSE_OCTETS`].
const MAX_FILE_OCTETS: u64 = 1 << 20;

//! The directory that files are delivered to: found without following a link, in memory, and nobody else's to write to. Knows paths, owners and
//! modes; knows no identity.
//!
//! It is opened anew for each swap, from `/` down, one name at a time: what was sound at the start may since have been unmounted,
//! replaced or opened to others.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::{HostGround, Order, Paging, is_in_memory};

/// A directory that passed the checks a moment ago.
#[derive(Debug)]
pub struct Place {
    /// What is done there.
    pub ground: HostGround,
    /// Whether what lies there may reach a disk through swap.
    pub paging: Paging,
}

/// Why nothing is written there.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Not `/a/b/c`.
    #[error("{} is no absolute path without '.' and '..'", .path.display())]
    Path {
        /// As configured.
        path: PathBuf,
    },
    /// Something else than a directory; a symbolic link above all.
    #[error("{} is not a directory itself: symbolic links are not followed on the way to keys", .path.display())]
    NotADirectory {
        /// What.
        path: PathBuf,
    },
    /// It belongs to another user, who could put another directory in its place.
    #[error("{} belongs to user {owner}, not to us ({ours}) or root", .path.display())]
    Foreign {
        /// What.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Our effective user.
        ours: u32,
    },
    /// Others could put files or directories of theirs there.
    #[error("{} has mode {mode:04o}: others than its owner may write there; close it, or set others_may_write if they are trusted", .path.display())]
    WritableByOthers {
        /// What.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is on a disk.
    #[error("{} is on a disk, where a key would rest: give a directory on tmpfs, or set allow_disk", .path.display())]
    Disk {
        /// What.
        path: PathBuf,
    },
    /// The system said no.
    #[error("could not {act} {}", .path.display())]
    Failed {
        /// What was tried.
        act: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Place {
    /// Opens it, and makes it if only the last name is missing.
    ///
    /// # Errors
    /// See [`PlaceError`].
    pub fn open(order: &Order) -> Result<Self, PlaceError> {
        let fd = descend(&order.directory, order.others_may_write)?;
        let failed = |act| failed(act, &order.directory);
        let in_memory = is_in_memory(&fd).map_err(failed("ask for the file system of"))?;
        if !in_memory && !order.allow_disk {
            return Err(PlaceError::Disk { path: order.directory.clone() });
        }
        let paging = if in_memory { Paging::of(&fd).map_err(failed("look at"))? } else { Paging::Never };
        // A descriptor of O_PATH lists nothing.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&fd, ".", flags, Mode::empty()).map_err(|error| failed("open")(error.into()))?;
        Ok(Self { ground: HostGround::new(fd), paging })
    }
}

fn descend(path: &Path, others_may_write: bool) -> Result<OwnedFd, PlaceError> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::RootDir => {}
            Component::Normal(name) => names.push(name),
            Component::Prefix(_) | Component::CurDir | Component::ParentDir => {
                return Err(PlaceError::Path { path: path.to_owned() });
            }
        }
    }
    if !path.is_absolute() || names.is_empty() {
        return Err(PlaceError::Path { path: path.to_owned() });
    }
    let mut so_far = PathBuf::from("/");
    let mut fd = rustix::fs::open("/", DOWN, Mode::empty()).map_err(|error| failed("open", &so_far)(error.into()))?;
    let last = names.len() - 1;
    for (at, name) in names.into_iter().enumerate() {
        check(&fd, &so_far, others_may_write, Sticky::Suffices)?;
        so_far.push(name);
        fd = match rustix::fs::openat(&fd, name, DOWN, Mode::empty()) {
            Ok(next) => next,
            Err(rustix::io::Errno::NOENT) if at == last => {
                make(&fd, name).map_err(|error| failed("make", &so_far)(error.into()))?
            }
            // O_NOFOLLOW and O_DIRECTORY together: a link is no directory (open(2)).
            Err(rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => {
                return Err(PlaceError::NotADirectory { path: so_far });
            }
            Err(error) => return Err(failed("open", &so_far)(error.into())),
        };
    }
    check(&fd, &so_far, others_may_write, Sticky::IsNoExcuse)?;
    Ok(fd)
}

fn make(parent: &OwnedFd, name: &std::ffi::OsStr) -> rustix::io::Result<OwnedFd> {
    rustix::fs::mkdirat(parent, name, Mode::RWXU)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let made = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    rustix::fs::fchmod(&made, Mode::from_raw_mode(MADE_MODE))?;
    rustix::fs::openat(parent, name, DOWN, Mode::empty())
}

/// Whether the sticky bit makes up for a directory that everybody may write to: names in it that are ours are nobody else's to rename.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sticky {
    Suffices,
    IsNoExcuse,
}

fn check(fd: &OwnedFd, path: &Path, others_may_write: bool, sticky: Sticky) -> Result<(), PlaceError> {
    let facts = rustix::fs::fstat(fd).map_err(|error| failed("look at", path)(error.into()))?;
    let (owner, ours) = (facts.st_uid, rustix::process::geteuid().as_raw());
    if owner != ours && owner != 0 {
        return Err(PlaceError::Foreign { path: path.to_owned(), owner, ours });
    }
    let mode = facts.st_mode & 0o7777;
    let excused = others_may_write || (sticky == Sticky::Suffices && mode & STICKY != 0);
    if mode & GROUP_OR_OTHERS_WRITE != 0 && !excused {
        return Err(PlaceError::WritableByOthers { path: path.to_owned(), mode });
    }
    Ok(())
}

fn failed(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PlaceError + use<> {
    let path = path.to_owned();
    move |source| PlaceError::Failed { act, path, source }
}

/// One name down, whatever permissions the directory itself has, and never through a link.
const DOWN: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Who may read a file may look it up.
const MADE_MODE: u32 = 0o755;
const STICKY: u32 = 0o1000;
/// The two write bits that let others than the owner replace a file in a directory.
const GROUP_OR_OTHERS_WRITE: u32 = 0o022;

#[cfg(test)]
mod tests;

//! Where the local socket lies, and how it gets there without a moment in which the wrong one could connect or be connected to.
//! Knows paths, modes and owners; knows no protocol.
//!
//! For a socket `/run/brevet/agent.sock` (T-61):
//!
//! 1. `/run/brevet` must be ours or root's, and writable by nobody else; if it is missing it is made.
//! 2. `/run/brevet/.agent.sock/` is a directory with mode 0700; its lock says which process serves. Who finds it locked stops.
//! 3. What lies at `agent.sock` already must be a socket of ours that nobody answers: a link, a file, a foreign or a living socket stops us.
//! 4. The socket is bound *inside* that directory, gets its group and mode there, and is renamed to its place.
//!
//! The abstract namespace is not used: it knows no modes, so anybody could take the name.

use std::fs::{DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

/// Whom the file system lets connect. Being let in gives nothing yet: agents are told apart by credentials and selectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Our own user and root: mode 0600.
    Owner,
    /// The members of one group too: mode 0660, owned by that group id.
    Group(u32),
    /// Every local user: mode 0666.
    Everyone,
}

/// A bound, listening socket at its place. Dropped, it takes its file away.
#[derive(Debug)]
pub struct LocalSocket {
    listener: tokio::net::UnixListener,
    path: PathBuf,
    device: u64,
    inode: u64,
    /// Held as long as we serve: see step 2 above.
    _lock: File,
}

impl LocalSocket {
    /// Binds at `path`, taking over what an earlier run of ours has left. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// See [`PlaceError`]: each says what stands in the way and what would mend it.
    pub fn bind(path: &Path, access: Access) -> Result<Self, PlaceError> {
        let name = path.file_name().ok_or_else(|| PlaceError::NotAbsolute { path: path.to_owned() })?;
        let parent = path.parent().filter(|_| path.is_absolute());
        let parent = parent.ok_or_else(|| PlaceError::NotAbsolute { path: path.to_owned() })?;
        // Bound there first, so this is the longer name of the two.
        let mut private_name = std::ffi::OsString::from(".");
        private_name.push(name);
        let private = parent.join(private_name);
        let bound = private.join(BOUND_NAME);
        let octets = bound.as_os_str().len();
        if octets > MAX_ADDRESS_OCTETS {
            let limit = MAX_ADDRESS_OCTETS - (octets - path.as_os_str().len());
            return Err(PlaceError::TooLong { path: path.to_owned(), octets: path.as_os_str().len(), limit });
        }

        parent_directory(parent, access)?;
        let lock = private_directory(&private)?;
        refuse_what_is_not_ours(path)?;

        remove_if_there(&bound)?;
        let listener = UnixListener::bind(&bound).map_err(failed("bind", &bound))?;
        if let Access::Group(gid) = access {
            std::os::unix::fs::chown(&bound, None, Some(gid)).map_err(failed("chown", &bound))?;
        }
        set_mode(&bound, access.socket_mode())?;
        let facts = std::fs::symlink_metadata(&bound).map_err(failed("stat", &bound))?;
        // From here on it can be connected to, with the right mode from the first moment.
        std::fs::rename(&bound, path).map_err(failed("rename", path))?;

        listener.set_nonblocking(true).map_err(failed("set non-blocking", path))?;
        let listener = tokio::net::UnixListener::from_std(listener).map_err(failed("register", path))?;
        Ok(Self { listener, path: path.to_owned(), device: facts.dev(), inode: facts.ino(), _lock: lock })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next connection.
    ///
    /// # Errors
    /// What accept(2) says; some pass (too many open files), so callers wait and go on.
    pub async fn accept(&self) -> io::Result<tokio::net::UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }
}

impl Drop for LocalSocket {
    fn drop(&mut self) {
        // Only what we put there: somebody may have moved it away and put another in its place.
        if let Ok(found) = std::fs::symlink_metadata(&self.path)
            && (found.dev(), found.ino()) == (self.device, self.inode)
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "the local socket could not be taken away");
        }
    }
}

impl Access {
    const fn socket_mode(self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::Group(_) => 0o660,
            Self::Everyone => 0o666,
        }
    }

    const fn directory_mode(self) -> u32 {
        match self {
            Self::Owner => 0o700,
            Self::Group(_) => 0o750,
            Self::Everyone => 0o755,
        }
    }
}

/// Makes the directory, or checks the one that is there: who can write to it can put another socket at our name.
fn parent_directory(path: &Path, access: Access) -> Result<(), PlaceError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {
            if let Access::Group(gid) = access {
                std::os::unix::fs::chown(path, None, Some(gid)).map_err(failed("chown", path))?;
            }
            return set_mode(path, access.directory_mode());
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed("create", path)(error)),
    }
    let found = std::fs::metadata(path).map_err(failed("stat", path))?;
    if !found.is_dir() {
        return Err(PlaceError::NotADirectory { path: path.to_owned() });
    }
    check_owner(path, &found)?;
    let mode = found.permissions().mode() & 0o7777;
    if mode & GROUP_OR_OTHERS_WRITE != 0 {
        return Err(PlaceError::WritableByOthers { path: path.to_owned(), mode });
    }
    Ok(())
}

/// Makes or reuses the directory the socket is bound in, and takes its lock.
fn private_directory(path: &Path) -> Result<File, PlaceError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed("create", path)(error)),
    }
    let found = std::fs::symlink_metadata(path).map_err(failed("stat", path))?;
    if !found.is_dir() {
        return Err(PlaceError::NotADirectory { path: path.to_owned() });
    }
    check_owner(path, &found)?;
    set_mode(path, 0o700)?;
    let directory = File::open(path).map_err(failed("open", path))?;
    match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(directory),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(PlaceError::Served { path: path.to_owned() }),
        Err(error) => Err(failed("lock", path)(error.into())),
    }
}

/// Looks at what lies at the place: nothing, or a dead socket of our own, may be replaced.
fn refuse_what_is_not_ours(path: &Path) -> Result<(), PlaceError> {
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed("stat", path)(error)),
    };
    if !found.file_type().is_socket() {
        return Err(PlaceError::NotASocket { path: path.to_owned() });
    }
    check_owner(path, &found)?;
    match UnixStream::connect(path) {
        Ok(_) => Err(PlaceError::Served { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(failed("connect to", path)(error)),
    }
}

fn check_owner(path: &Path, found: &Metadata) -> Result<(), PlaceError> {
    let ours = rustix::process::geteuid().as_raw();
    if found.uid() == ours || found.uid() == 0 {
        return Ok(());
    }
    Err(PlaceError::Foreign { path: path.to_owned(), owner: found.uid(), ours })
}

fn remove_if_there(path: &Path) -> Result<(), PlaceError> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("remove", path)(error)),
    }
}

fn set_mode(path: &Path, mode: u32) -> Result<(), PlaceError> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(failed("chmod", path))
}

fn failed(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PlaceError {
    let path = path.to_owned();
    move |source| PlaceError::Failed { act, path, source }
}

/// Why the socket is not there.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// SPIFFE Workload Endpoint, section 4: the path of a `unix` endpoint is absolute.
    #[error("the socket needs an absolute path with a file name, {} is none", path.display())]
    NotAbsolute {
        /// What was asked for.
        path: PathBuf,
    },
    /// The kernel's address structure is too small for it.
    #[error("the socket path {} has {octets} octets, the kernel leaves room for {limit}", path.display())]
    TooLong {
        /// What was asked for.
        path: PathBuf,
        /// Its length.
        octets: usize,
        /// The longest that would do in this directory.
        limit: usize,
    },
    /// Something that is no directory lies where the directory should be.
    #[error("{} is not a directory", path.display())]
    NotADirectory {
        /// Where.
        path: PathBuf,
    },
    /// A link or an ordinary file lies at the place: it is not touched.
    #[error("{} is there already and is not a socket: move it away first", path.display())]
    NotASocket {
        /// Where.
        path: PathBuf,
    },
    /// It belongs to another user.
    #[error("{} belongs to user {owner}, not to us ({ours}) or root", path.display())]
    Foreign {
        /// What.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Our effective user.
        ours: u32,
    },
    /// Others could put a socket of theirs at our name.
    #[error("{} has mode {mode:04o}: others than its owner may write there; take that away or name another directory", path.display())]
    WritableByOthers {
        /// The directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Another process serves it now.
    #[error("another process serves {} already", path.display())]
    Served {
        /// What is locked or answers.
        path: PathBuf,
    },
    /// The system said no.
    #[error("could not {act} {}", path.display())]
    Failed {
        /// What was tried.
        act: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// `sun_path` holds 108 octets with its final zero: unix(7).
const MAX_ADDRESS_OCTETS: usize = 107;
/// The socket's name until it is renamed into place.
const BOUND_NAME: &str = "s";
/// The two write bits that let others than the owner replace a file in a directory.
const GROUP_OR_OTHERS_WRITE: u32 = 0o022;

#[cfg(test)]
mod tests;

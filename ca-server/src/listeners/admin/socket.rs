//! The admin socket's name in the file system: there from the first moment with its mode, gone at the end. Knows files; knows
//! no peer.
//!
//! bind(2) makes a socket with a mode that the umask decides, and chmod(2) comes after: in between anybody may connect
//! (T-61). So it is bound in a directory of mode 0700 that nobody else enters, gets its mode there, and is renamed.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, chown};
use tokio::net::UnixListener;

use super::Access;

/// A socket that listens under its name. The name goes away with it.
pub struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and number of the file, so that nobody else's is taken away.
    file: (u64, u64),
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Something that is no socket has its name: it is not touched.
    #[error("{} is there and is no socket", path.display())]
    Occupied {
        /// The name.
        path: PathBuf,
    },
    /// A socket of another user has its name: it is not touched.
    #[error("{} is a socket of user {owner}, not of ours ({ours})", path.display())]
    Foreign {
        /// The name.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Our user.
        ours: u32,
    },
    /// The name has no directory.
    #[error("{} is no name of a socket", path.display())]
    Name {
        /// The name.
        path: PathBuf,
    },
    /// The system refused.
    #[error("the socket {} cannot be made: {doing}", path.display())]
    System {
        /// The name.
        path: PathBuf,
        /// At which step.
        doing: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl AdminSocket {
    /// Makes the socket `path`. A socket that a dead server of ours left there is replaced; that no other server lives is
    /// what the lock of the data directory says.
    ///
    /// # Errors
    /// [`SocketError`].
    pub fn bind(path: &Path, access: Access) -> Result<Self, SocketError> {
        let failed = |doing| move |source| SocketError::System { path: path.to_owned(), doing, source };
        check_free(path)?;
        let private = private_directory(path)?;
        let made = bind_in(&private, access, path);
        // Whether or not a socket was made, the directory has done its work.
        let removed = fs::remove_dir_all(&private);
        let socket = made?;
        removed.map_err(failed("take the private directory away"))?;
        Ok(socket)
    }

    /// Where to accept.
    pub(super) fn listener(&self) -> &UnixListener {
        &self.listener
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.file);
        if ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "the admin socket could not be taken away");
        }
    }
}

/// Nothing has the name, or a socket of our own user: never a link, whatever it leads to.
fn check_free(path: &Path) -> Result<(), SocketError> {
    let path_owned = || path.to_owned();
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(SocketError::System { path: path_owned(), doing: "look at its name", source }),
    };
    if !found.file_type().is_socket() {
        return Err(SocketError::Occupied { path: path_owned() });
    }
    let ours = rustix::process::geteuid().as_raw();
    if found.uid() != ours {
        return Err(SocketError::Foreign { path: path_owned(), owner: found.uid(), ours });
    }
    Ok(())
}

/// A new directory beside the socket that only we enter. Its name is short: a socket's path has 107 octets (unix(7)).
fn private_directory(path: &Path) -> Result<PathBuf, SocketError> {
    let name = || SocketError::Name { path: path.to_owned() };
    path.file_name().ok_or_else(name)?;
    let parent = path.parent().ok_or_else(name)?;
    let mut octets = [0; 4];
    getrandom::fill(&mut octets).map_err(|error| SocketError::System {
        path: path.to_owned(),
        doing: "name a private directory",
        source: io::Error::other(error),
    })?;
    let private = parent.join(format!(".{}", hex::encode(octets)));
    DirBuilder::new().mode(0o700).create(&private).map_err(|source| SocketError::System {
        path: path.to_owned(),
        doing: "make a private directory",
        source,
    })?;
    Ok(private)
}

fn bind_in(private: &Path, access: Access, path: &Path) -> Result<AdminSocket, SocketError> {
    let failed = |doing| move |source| SocketError::System { path: path.to_owned(), doing, source };
    let hidden = private.join("s");
    let listener = UnixListener::bind(&hidden).map_err(failed("bind it"))?;
    let mode = match access {
        Access::Own => 0o600,
        Access::Group(group) => {
            let changed = chown(&hidden, None, Some(Gid::from_raw(group)));
            changed.map_err(|error| failed("give it to the group")(error.into()))?;
            0o660
        }
    };
    fs::set_permissions(&hidden, Permissions::from_mode(mode)).map_err(failed("set its mode"))?;
    let made = fs::symlink_metadata(&hidden).map_err(failed("look at it"))?;
    fs::rename(&hidden, path).map_err(failed("give it its name"))?;
    Ok(AdminSocket { listener, path: path.to_owned(), file: (made.dev(), made.ino()) })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};

    use super::{AdminSocket, SocketError};
    use crate::listeners::Access;

    #[tokio::test]
    async fn it_has_its_mode_and_leaves_nothing_behind_t61() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        let socket = AdminSocket::bind(&path, Access::Own).unwrap();
        let found = fs::symlink_metadata(&path).unwrap();
        assert!(found.file_type().is_socket());
        assert_eq!(found.permissions().mode() & 0o7777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        drop(socket);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_dead_servers_socket_is_replaced_and_not_taken_away_from_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        let first = AdminSocket::bind(&path, Access::Own).unwrap();
        let _second = AdminSocket::bind(&path, Access::Own).unwrap();
        drop(first);
        assert!(path.exists(), "the second one's");
    }

    #[tokio::test]
    async fn what_is_no_socket_of_ours_is_not_touched_t61() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "kept").unwrap();
        symlink(directory.path().join("elsewhere"), &link).unwrap();
        for path in [&file, &link] {
            assert!(matches!(AdminSocket::bind(path, Access::Own), Err(SocketError::Occupied { .. })), "{path:?}");
        }
        assert_eq!(fs::read(&file).unwrap(), b"kept");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[tokio::test]
    async fn a_group_gets_its_mode() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        let group = rustix::process::getegid().as_raw();
        let _socket = AdminSocket::bind(&path, Access::Group(group)).unwrap();
        assert_eq!(fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o7777, 0o660);
    }
}

//! What a host keeps between two lives of this program: its own key and certificate, the trust file, how far it has seen the ledger.
//!
//! | file | what | lost, it |
//! |---|---|---|
//! | `lock` | the process that uses the directory | is made again |
//! | `trust.json` | what we start from, octet for octet | comes again from configuration or token |
//! | `host.json` | the host's key, sealed where configured, and its newest certificate with receipt | needs an admin: the host cannot prove that it is the same |
//! | `unsettled.json` | keys that were sent to the server and of which we do not know whether it took them | may need an admin, too |
//! | `checkpoint` | the newest head of the ledger that we have seen signed | makes a rollback of the ledger invisible to us |
//! | `feed.json` | how far we followed the feed | the same |
//! | `alarm.json` | two signed statements that contradict each other | silences the alarm: an operator removes it after looking into it |
//!
//! Keys of agents are never here. A file is there as a whole or not at all; one that is there and does not read is an error
//! and never treated as missing: to enrol anew without the bound key would lose the host's identity.

mod alarm;
mod cursor;
mod directory;
mod host;
mod lock;
mod seal;

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use identity::KeyHash;
use ledger::checkpoint::SignedCheckpoint;
use protocol::limits;
use rustix::fs::{Mode, OFlags};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

pub use alarm::KeptAlarm;
pub use cursor::KeptCursor;
pub use directory::{Directory, HostDirectory};
pub use host::KeptHost;
pub use seal::{Seal, SealError};

use directory::{erase, replace};
use lock::Lock;

/// The state directory, held by this process alone.
#[derive(Debug)]
pub struct Keep<D = HostDirectory> {
    directory: D,
    seal: Seal,
    _lock: Option<Lock>,
}

/// Why the state directory cannot be used. The fault is the operator's or the machine's.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It cannot be made or opened.
    #[error("the state directory {} cannot be opened", .path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It belongs to another user.
    #[error("the state directory {} belongs to uid {owner}, and this process is uid {us}", .path.display())]
    Owner {
        /// Which.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Us.
        us: u32,
    },
    /// Others can get in.
    #[error("the state directory {} has mode {mode:o}, and must be closed to group and others: chmod 700 it", .path.display())]
    Mode {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Another process uses it.
    #[error("the state directory is in use by process {pid}: two key rollers would take each other's certificates")]
    Locked {
        /// What that process wrote into the lock.
        pid: String,
    },
    /// A file cannot be read or written.
    #[error("{file} in the state directory")]
    File {
        /// Which.
        file: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A file does not read as what it should be.
    #[error(
        "{file} in the state directory is damaged: restore it, or have an admin evict this host and remove the directory"
    )]
    Damaged {
        /// Which.
        file: &'static str,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file was written by a newer program.
    #[error("{file} in the state directory has version {found}, this program knows {known}")]
    Version {
        /// Which.
        file: &'static str,
        /// In the file.
        found: u64,
        /// Here.
        known: u64,
    },
    /// The host's key cannot be opened or sealed.
    #[error("the key in {file} of the state directory")]
    Seal {
        /// Which.
        file: &'static str,
        /// Why.
        source: SealError,
    },
    /// Key and certificate do not belong together.
    #[error("host.json in the state directory holds a certificate for key {certificate}, and key {key}")]
    OtherKey {
        /// The certificate's.
        certificate: KeyHash,
        /// The one beside it.
        key: KeyHash,
    },
    /// Too many keys were sent without an answer.
    #[error("{limit} keys were sent to the server without an answer")]
    TooManyUnsettled {
        /// How many are kept.
        limit: usize,
    },
}

impl Keep<HostDirectory> {
    /// Opens the directory, makes it if it is missing, and takes its lock.
    ///
    /// # Errors
    /// It is not ours alone, or another process has it.
    pub fn open(path: &Path, seal: Seal) -> Result<Self, KeepError> {
        let fd = open_directory(path).map_err(|source| KeepError::Directory { path: path.to_owned(), source })?;
        let stat = rustix::fs::fstat(&fd)
            .map_err(|source| KeepError::Directory { path: path.to_owned(), source: source.into() })?;
        let us = rustix::process::geteuid().as_raw();
        if stat.st_uid != us {
            return Err(KeepError::Owner { path: path.to_owned(), owner: stat.st_uid, us });
        }
        let mode = stat.st_mode & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeepError::Mode { path: path.to_owned(), mode });
        }
        let lock = Lock::take(&fd)?;
        Ok(Self { directory: HostDirectory::new(fd), seal, _lock: Some(lock) })
    }
}

impl<D: Directory> Keep<D> {
    /// The trust file's octets.
    ///
    /// # Errors
    /// [`KeepError::File`].
    pub fn trust(&self) -> Result<Option<Vec<u8>>, KeepError> {
        self.read(TRUST)
    }

    /// Keeps the trust file.
    ///
    /// # Errors
    /// [`KeepError::File`].
    pub fn set_trust(&self, octets: &[u8]) -> Result<(), KeepError> {
        self.write(TRUST, octets)
    }

    /// The newest checkpoint that was kept; only its form is checked here.
    ///
    /// # Errors
    /// [`KeepError::File`], [`KeepError::Damaged`].
    pub fn checkpoint(&self) -> Result<Option<SignedCheckpoint>, KeepError> {
        let octets = self.read(CHECKPOINT)?;
        octets.map(|octets| SignedCheckpoint::parse(&octets).map_err(|error| damaged(CHECKPOINT, error))).transpose()
    }

    /// Keeps a newer checkpoint.
    ///
    /// # Errors
    /// [`KeepError::File`].
    pub fn set_checkpoint(&self, checkpoint: &SignedCheckpoint) -> Result<(), KeepError> {
        self.write(CHECKPOINT, checkpoint.as_bytes())
    }

    fn read(&self, file: &'static str) -> Result<Option<Vec<u8>>, KeepError> {
        self.directory.read(file).map_err(|source| KeepError::File { file, source })
    }

    fn write(&self, file: &'static str, octets: &[u8]) -> Result<(), KeepError> {
        replace(&self.directory, file, octets).map_err(|source| KeepError::File { file, source })
    }

    fn erase(&self, file: &'static str) -> Result<(), KeepError> {
        erase(&self.directory, file).map_err(|source| KeepError::File { file, source })
    }

    fn read_json<T: DeserializeOwned>(&self, file: &'static str) -> Result<Option<T>, KeepError> {
        let octets = self.read(file)?.map(Zeroizing::new);
        octets.map(|octets| serde_json::from_slice(&octets).map_err(|error| damaged(file, error))).transpose()
    }

    fn write_json(&self, file: &'static str, value: &impl Serialize) -> Result<(), KeepError> {
        // A vector that grows leaves copies of what it held behind it.
        let mut octets = Zeroizing::new(Vec::with_capacity(limits::MAX_RESPONSE_OCTETS));
        serde_json::to_writer(&mut *octets, value).map_err(|error| damaged(file, error))?;
        self.write(file, &octets)
    }
}

fn open_directory(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Err(rustix::io::Errno::NOENT) => {
            rustix::fs::mkdir(path, Mode::RWXU)?;
            if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                rustix::fs::fsync(rustix::fs::open(parent, flags, Mode::empty())?)?;
            }
            Ok(rustix::fs::open(path, flags, Mode::empty())?)
        }
        opened => Ok(opened?),
    }
}

fn damaged(file: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> KeepError {
    KeepError::Damaged { file, source: source.into() }
}

fn check_version(file: &'static str, found: u64) -> Result<(), KeepError> {
    if found == VERSION { Ok(()) } else { Err(KeepError::Version { file, found, known: VERSION }) }
}

/// Version of the JSON files.
const VERSION: u64 = 1;
const TRUST: &str = "trust.json";
const CHECKPOINT: &str = "checkpoint";

#[cfg(test)]
mod tests;

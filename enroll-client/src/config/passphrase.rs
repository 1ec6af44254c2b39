//! The passphrase that seals the host's key. Knows where it may come from; keeps it zeroed after use.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{ConfigError, HostKeyFile, Surroundings};
use crate::keep::Seal;

/// Why there is no passphrase. None of these repeats any of it.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    /// The file cannot be read.
    #[error("{} cannot be read", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Everybody can read the file.
    #[error("{} can be read by others (mode {mode:o}): chmod 600 it", .path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Empty, or longer than a passphrase.
    #[error("the passphrase in {} has {octets} octets, from 1 to {limit} are allowed", .path.display())]
    Length {
        /// Which.
        path: PathBuf,
        /// How many it has.
        octets: usize,
        /// At most.
        limit: usize,
    },
    /// There is no systemd that could have given a credential.
    #[error("credential {name:?} is configured, and this process was given no credentials (systemd: LoadCredential=)")]
    NoCredentials {
        /// Which.
        name: String,
    },
    /// The credential's name is a path.
    #[error("{name:?} is not the name of a credential")]
    Name {
        /// As given.
        name: String,
    },
}

/// How the host's key is to rest.
pub(super) fn seal(file: HostKeyFile, surroundings: &Surroundings) -> Result<Seal, ConfigError> {
    match (file.passphrase_file, file.credential) {
        (None, None) => Ok(Seal::Permissions),
        (Some(_), Some(_)) => Err(ConfigError::TwoSeals),
        (Some(path), None) => {
            let path = super::absolute("host_key.passphrase_file", Some(path), "")?;
            Ok(Seal::Passphrase(read(&path)?))
        }
        (None, Some(name)) => {
            // systemd.exec(5): a file name, so that it cannot lead out of the directory.
            if name.is_empty() || name.contains('/') || name == "." || name == ".." {
                return Err(PassphraseError::Name { name }.into());
            }
            let Some(directory) = &surroundings.credentials else {
                return Err(PassphraseError::NoCredentials { name }.into());
            };
            Ok(Seal::Passphrase(read(&directory.join(name))?))
        }
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, PassphraseError> {
    let failed = |source| PassphraseError::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode() & 0o777;
    if mode & 0o007 != 0 {
        return Err(PassphraseError::Open { path: path.to_owned(), mode });
    }
    let mut octets = Zeroizing::new(Vec::with_capacity(MAX_PASSPHRASE_OCTETS + 2));
    let limit = u64::try_from(MAX_PASSPHRASE_OCTETS).unwrap_or(u64::MAX).saturating_add(2);
    file.take(limit).read_to_end(&mut octets).map_err(failed)?;
    // The line end that editors and echo leave.
    while octets.last().is_some_and(|octet| matches!(octet, b'\n' | b'\r')) {
        octets.pop();
    }
    if octets.is_empty() || octets.len() > MAX_PASSPHRASE_OCTETS {
        let octets = octets.len();
        return Err(PassphraseError::Length { path: path.to_owned(), octets, limit: MAX_PASSPHRASE_OCTETS });
    }
    Ok(octets)
}

/// Octets of a passphrase: more than any entropy that scrypt would keep.
const MAX_PASSPHRASE_OCTETS: usize = 1024;

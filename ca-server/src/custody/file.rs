//! Sealed keys as files: `keys/<name>.key` in the data directory. Knows names and the order of durable writes; knows no
//! cryptography.

use std::fmt;
use std::io;
use std::str::FromStr;

use identity::{KeyHash, KeyKind};

use super::sealed::MAX_SEALED_OCTETS;
use super::{Custody as _, KeyError, Passphrase, SealError, SealedKey, SoftwareKey};
use crate::disk::whole::{WholePoints, make_dirs, read_whole, write_whole};
use crate::disk::{Disk, DiskPath, SyncPoint};

/// The name of a key: `root`, `issuer-1`, `ledger`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// A text that is no key's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key's name is 1 to {MAX_NAME_OCTETS} of a-z, 0-9 and `-`, beginning with a letter")]
pub struct KeyNameError;

/// Why a key's file cannot be made or opened. Every one is for the operator to mend.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// There is one of that name. A key is never overwritten: what it signed would stand without it.
    #[error("there is a key {name} already; a key is never overwritten")]
    Exists {
        /// Which.
        name: KeyName,
    },
    /// There is none of that name.
    #[error("there is no key {name}")]
    Missing {
        /// Which.
        name: KeyName,
    },
    /// The disk failed.
    #[error("cannot reach the file of key {name}")]
    Disk {
        /// Which.
        name: KeyName,
        /// What the disk says.
        source: io::Error,
    },
    /// It cannot be sealed or opened.
    #[error("cannot open or seal the key {name}")]
    Seal {
        /// Which.
        name: KeyName,
        /// Why.
        source: SealError,
    },
    /// It cannot be generated, or is another one than the ledger names.
    #[error("the key {name} cannot be used")]
    Key {
        /// Which.
        name: KeyName,
        /// Why.
        source: KeyError,
    },
}

/// Makes a new key and its file. Once this returns, the sealed key is durable, and may be named in an entry.
///
/// The file is opened again before the key is given out, so that no key comes into use that could not be opened after a
/// restart.
///
/// # Errors
/// [`KeyFileError`]; [`KeyFileError::Exists`] where the name is taken.
pub fn create(
    disk: &dyn Disk,
    name: &KeyName,
    kind: KeyKind,
    passphrase: &Passphrase,
) -> Result<SoftwareKey, KeyFileError> {
    let failed = |source| KeyFileError::Disk { name: name.clone(), source };
    let path = name.path().map_err(failed)?;
    if read_whole(disk, &path, MAX_SEALED_OCTETS).map_err(failed)?.is_some() {
        return Err(KeyFileError::Exists { name: name.clone() });
    }
    let key = SoftwareKey::generate(kind).map_err(|source| KeyFileError::Key { name: name.clone(), source })?;
    let sealed =
        SealedKey::seal(&key, passphrase).map_err(|source| KeyFileError::Seal { name: name.clone(), source })?;
    make_dirs(disk, &path.parent(), DIRECTORY_DURABLE).map_err(failed)?;
    write_whole(disk, &path, sealed.as_pem().as_bytes(), DURABLE).map_err(failed)?;
    open(disk, name, passphrase, key.public_key().hash())
}

/// Opens a key's file, and gives the key only if it is the one that the ledger names.
///
/// # Errors
/// [`KeyFileError`].
pub fn open(
    disk: &dyn Disk,
    name: &KeyName,
    passphrase: &Passphrase,
    expected: KeyHash,
) -> Result<SoftwareKey, KeyFileError> {
    let failed = |source| KeyFileError::Disk { name: name.clone(), source };
    let path = name.path().map_err(failed)?;
    let Some(pem) = read_whole(disk, &path, MAX_SEALED_OCTETS).map_err(failed)? else {
        return Err(KeyFileError::Missing { name: name.clone() });
    };
    let key = SealedKey::parse(&pem)
        .and_then(|sealed| sealed.unseal(passphrase))
        .map_err(|source| KeyFileError::Seal { name: name.clone(), source })?;
    key.expect(expected).map_err(|source| KeyFileError::Key { name: name.clone(), source })
}

/// Opens the key of an `init` that did not finish, whatever key it is; `None` where there is no file.
///
/// # Errors
/// [`KeyFileError`].
pub fn open_unfinished(
    disk: &dyn Disk,
    name: &KeyName,
    passphrase: &Passphrase,
) -> Result<Option<SoftwareKey>, KeyFileError> {
    let path = name.path().map_err(|source| KeyFileError::Disk { name: name.clone(), source })?;
    let pem = read_whole(disk, &path, MAX_SEALED_OCTETS);
    let Some(pem) = pem.map_err(|source| KeyFileError::Disk { name: name.clone(), source })? else { return Ok(None) };
    let key = SealedKey::parse(&pem).and_then(|sealed| sealed.unseal(passphrase));
    key.map(Some).map_err(|source| KeyFileError::Seal { name: name.clone(), source })
}

/// Takes away the key of an `init` that did not finish: no entry names it, so that nobody trusts what it signed.
///
/// # Errors
/// [`KeyFileError::Disk`].
pub fn discard_unfinished(disk: &dyn Disk, name: &KeyName) -> Result<(), KeyFileError> {
    let failed = |source| KeyFileError::Disk { name: name.clone(), source };
    let path = name.path().map_err(failed)?;
    match disk.remove(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    }
}

impl KeyName {
    /// The root's key.
    #[must_use]
    pub fn root() -> Self {
        Self("root".to_owned())
    }

    /// The key that signs checkpoints.
    #[must_use]
    pub fn ledger() -> Self {
        Self("ledger".to_owned())
    }

    /// The key of the issuer of this number, counted from 1.
    #[must_use]
    pub fn issuer(number: u32) -> Self {
        Self(format!("issuer-{number}"))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn path(&self) -> io::Result<DiskPath> {
        DiskPath::parse(&format!("{DIRECTORY}/{}.key", self.0)).map_err(io::Error::other)
    }
}

impl FromStr for KeyName {
    type Err = KeyNameError;

    fn from_str(text: &str) -> Result<Self, KeyNameError> {
        let named = text.bytes().all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-');
        let begins = text.bytes().next().is_some_and(|octet| octet.is_ascii_lowercase());
        if named && begins && text.len() <= MAX_NAME_OCTETS { Ok(Self(text.to_owned())) } else { Err(KeyNameError) }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the files lie, below the data directory.
const DIRECTORY: &str = "keys";
/// Long enough for `issuer-4294967295`, short enough for a file's name.
const MAX_NAME_OCTETS: usize = 64;
const DIRECTORY_DURABLE: SyncPoint = SyncPoint::new("custody: the directory of keys is there");
const DURABLE: WholePoints = WholePoints {
    content: SyncPoint::new("custody: the sealed key is written"),
    name: SyncPoint::new("custody: the sealed key has its name"),
};

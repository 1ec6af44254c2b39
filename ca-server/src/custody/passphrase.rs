//! The passphrase that opens sealed keys, and where it comes from. Knows files and their modes; knows no key.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// A passphrase. It is overwritten when it is dropped, and is never shown.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<Vec<u8>>);

/// Why there is no passphrase. Every one is for the operator to mend.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    /// The file cannot be read.
    #[error("cannot read the passphrase file {}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Not a plain file.
    #[error("the passphrase file {} is not a plain file", path.display())]
    NotAFile {
        /// Which.
        path: PathBuf,
    },
    /// Others may read it.
    #[error("the passphrase file {} has mode {mode:04o}, and nobody else may have a right to it: chmod {fix:04o} it", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode it should have.
        fix: u32,
    },
    /// It belongs to another user, who could change it.
    #[error("the passphrase file {} belongs to user {owner}, not to user {user} or root", path.display())]
    Owner {
        /// Which file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        user: u32,
    },
    /// Too short to protect a key, or too long.
    #[error("the passphrase has {octets} octets, {MIN_OCTETS} to {MAX_OCTETS} are allowed")]
    Length {
        /// How long it is.
        octets: usize,
    },
    /// A line break or NUL within it: other tools would stop reading there.
    #[error("the passphrase has a line break or NUL within it")]
    SeveralLines,
    /// A name that is no credential's.
    #[error("{name:?} is not a credential's name")]
    CredentialName {
        /// The name.
        name: String,
    },
}

impl Passphrase {
    /// Takes a passphrase as it is.
    ///
    /// # Errors
    /// [`PassphraseError::Length`], [`PassphraseError::SeveralLines`].
    pub fn new(octets: Zeroizing<Vec<u8>>) -> Result<Self, PassphraseError> {
        if !(MIN_OCTETS..=MAX_OCTETS).contains(&octets.len()) {
            return Err(PassphraseError::Length { octets: octets.len() });
        }
        if octets.iter().any(|octet| matches!(octet, b'\n' | b'\r' | 0)) {
            return Err(PassphraseError::SeveralLines);
        }
        Ok(Self(octets))
    }

    /// Reads a file of one line, which our user or root owns and to which nobody else has any right.
    ///
    /// # Errors
    /// [`PassphraseError`].
    pub fn from_file(path: &Path) -> Result<Self, PassphraseError> {
        read(path, OTHERS_AND_GROUP)
    }

    /// Reads a systemd credential: `name` below the directory that `$CREDENTIALS_DIRECTORY` names, which the composition
    /// root read. systemd gives the service's user its right by an access control list, which shows as a right of the
    /// group; so here only rights of others are refused.
    ///
    /// # Errors
    /// [`PassphraseError`].
    pub fn from_credential(directory: &Path, name: &str) -> Result<Self, PassphraseError> {
        if name.is_empty() || name.contains(['/', '\0']) || name.starts_with('.') || name.len() > MAX_NAME_OCTETS {
            return Err(PassphraseError::CredentialName { name: name.escape_default().to_string() });
        }
        read(&directory.join(name), OTHERS)
    }

    pub(super) fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(withheld)")
    }
}

/// Everything is asked of the open file, so that it cannot be exchanged between the check and the reading.
fn read(path: &Path, forbidden: u32) -> Result<Passphrase, PassphraseError> {
    let unreadable = |source| PassphraseError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(PassphraseError::NotAFile { path: path.to_owned() });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & forbidden != 0 {
        return Err(PassphraseError::Exposed { path: path.to_owned(), mode, fix: mode & !forbidden });
    }
    let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != user && owner != 0 {
        return Err(PassphraseError::Owner { path: path.to_owned(), owner, user });
    }
    // Room for all of it at once: a buffer that grows would leave copies behind.
    let mut octets = Zeroizing::new(Vec::with_capacity(MAX_OCTETS + LINE_END_OCTETS + 1));
    let limit = u64::try_from(MAX_OCTETS + LINE_END_OCTETS + 1).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut octets).map_err(unreadable)?;
    if octets.ends_with(b"\n") {
        octets.pop();
        if octets.ends_with(b"\r") {
            octets.pop();
        }
    }
    Passphrase::new(octets)
}

/// Rights of the group and of others.
const OTHERS_AND_GROUP: u32 = 0o077;
/// Rights of others.
const OTHERS: u32 = 0o007;
/// NIST SP 800-63B-4, section 3.1.1.2: at least 15 characters where the passphrase stands alone.
const MIN_OCTETS: usize = 15;
/// OpenSSL reads at most 1,024 octets of a passphrase (`PEM_BUFSIZE`, and `APP_PASS_LEN` of its tools).
const MAX_OCTETS: usize = 1023;
/// A carriage return and a line feed.
const LINE_END_OCTETS: usize = 2;
/// NAME_MAX (limits.h).
const MAX_NAME_OCTETS: usize = 255;

//! One whole set of files: key, chain and roots that belong together. Knows what is in them; knows no directory.

use std::fmt;

use identity::svid::{CertificateFacts, Svid};
use identity::{KeyHash, Serial, Timestamp};
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::pem::{CERTIFICATE, PRIVATE_KEY, pem};
use super::{Names, Permissions};
use crate::check::{self, CheckError};
use crate::identities::{CurrentIdentity, Snapshot};
use crate::key::{KeyError, PrivateKey};

/// A set that was checked: the key is the certificate's, and the chain leads to one of the roots beside it, now.
pub struct FileSet {
    serial: Serial,
    not_after: Timestamp,
    label: String,
    names: Names,
    permissions: Permissions,
    key: Zeroizing<String>,
    certificate: Zeroizing<String>,
    authorities: Zeroizing<String>,
}

/// One file of a set.
#[derive(Clone, Copy)]
pub struct SetFile<'a> {
    /// Its name.
    pub name: &'a str,
    /// What is in it.
    pub octets: &'a [u8],
    /// Its mode.
    pub mode: u32,
}

/// Why an identity is not written to files.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// The key.
    #[error("the key cannot be read")]
    Key(#[from] KeyError),
    /// The certificate.
    #[error("the certificate cannot be read")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// They are no pair.
    #[error("the certificate is for key {certificate}, and the key is {key}")]
    OtherKey {
        /// In the certificate.
        certificate: KeyHash,
        /// Of the key.
        key: KeyHash,
    },
    /// It is over, or not yet.
    #[error("the certificate is valid from {not_before} to {not_after}, and it is {now}")]
    Validity {
        /// From when.
        not_before: Timestamp,
        /// Until when.
        not_after: Timestamp,
        /// Our clock.
        now: Timestamp,
    },
    /// The chain leads to none of the roots that would lie beside it.
    #[error("the chain does not lead to the bundle's roots")]
    Chain(#[source] CheckError),
}

impl FileSet {
    /// Checks once more what was checked when it came, since from here on it leaves our memory.
    ///
    /// # Errors
    /// See [`SetError`].
    pub fn new(
        identity: &CurrentIdentity,
        snapshot: &Snapshot,
        names: Names,
        permissions: Permissions,
        now: Timestamp,
    ) -> Result<Self, SetError> {
        let key = PrivateKey::from_pkcs8(&identity.key_pkcs8)?;
        let svid = svid(&identity.chain)?;
        if svid.key() != key.hash() {
            return Err(SetError::OtherKey { certificate: svid.key(), key: key.hash() });
        }
        let (not_before, not_after) = (svid.not_before(), svid.not_after().min(identity.not_after));
        if now < not_before || now >= not_after {
            return Err(SetError::Validity { not_before, not_after, now });
        }
        check::leads_to(&identity.chain, &snapshot.bundle, now).map_err(SetError::Chain)?;
        Ok(Self {
            serial: svid.serial(),
            not_after,
            label: label(svid.serial(), snapshot.bundle_sequence),
            names,
            permissions,
            key: pem(PRIVATE_KEY, &[identity.key_pkcs8.as_slice()]),
            certificate: pem(CERTIFICATE, &identity.chain),
            authorities: pem(CERTIFICATE, &snapshot.bundle),
        })
    }

    /// The certificate's serial.
    #[must_use]
    pub fn serial(&self) -> Serial {
        self.serial
    }

    /// When it ends.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// What its directory is called.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What its files are called.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Whose they are.
    #[must_use]
    pub fn permissions(&self) -> Permissions {
        self.permissions
    }

    /// Its files.
    #[must_use]
    pub fn files(&self) -> [SetFile<'_>; 3] {
        [
            SetFile { name: self.names.key(), octets: self.key.as_bytes(), mode: self.permissions.key_mode },
            SetFile { name: self.names.certificate(), octets: self.certificate.as_bytes(), mode: CERTIFICATE_MODE },
            SetFile { name: self.names.authorities(), octets: self.authorities.as_bytes(), mode: CERTIFICATE_MODE },
        ]
    }
}

impl fmt::Debug for FileSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSet").field("label", &self.label).field("names", &self.names).finish_non_exhaustive()
    }
}

/// The leaf of a chain.
pub(super) fn svid(chain: &[CertificateDer<'static>]) -> Result<Svid, SetError> {
    let leaf = chain.first().ok_or_else(|| SetError::Certificate("there is none".into()))?;
    let facts = CertificateFacts::from_der(leaf).map_err(|error| SetError::Certificate(error.into()))?;
    Svid::leaf(&facts).map_err(|error| SetError::Certificate(error.into()))
}

/// A directory for each certificate and bundle: the same label never means two contents.
fn label(serial: Serial, bundle: u64) -> String {
    format!("{LABEL_START}{serial}.{bundle}")
}

/// Whether a directory's name is a set's: two dots, 32 hexadecimal digits, a dot, a number.
pub(super) fn is_label(name: &str) -> bool {
    let parts = name.strip_prefix(LABEL_START).and_then(|rest| rest.split_once('.'));
    parts.is_some_and(|(serial, bundle)| {
        serial.len() == SERIAL_DIGITS
            && serial.bytes().all(|octet| octet.is_ascii_digit() || (b'a'..=b'f').contains(&octet))
            && !bundle.is_empty()
            && bundle.bytes().all(|octet| octet.is_ascii_digit())
    })
}

/// Names that begin so are ours alone; no configured name may.
const LABEL_START: &str = "..";
/// A serial has 16 octets (design, section 4).
const SERIAL_DIGITS: usize = 32;
/// A certificate is public.
const CERTIFICATE_MODE: u32 = 0o644;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Layout;
    use crate::delivery::testing::{PRIVATE, fixture};

    #[test]
    fn labels() {
        let serial = Serial::from_bytes([0x1f; 16]).unwrap();
        assert_eq!(label(serial, 7), format!("..{}.7", "1f".repeat(16)));
        assert!(is_label(&label(serial, u64::MAX)));
        let digits = "1f".repeat(16);
        for name in [
            String::new(),
            "..".to_owned(),
            "..current".to_owned(),
            format!("{digits}.7"),
            format!("..{digits}"),
            format!("..{digits}."),
            format!("..{digits}.x"),
            format!("..{digits}.7/x"),
            format!("..{}.7", digits.to_uppercase()),
            format!("..{}.7", &digits[1..]),
            format!("../{digits}.7"),
        ] {
            assert!(!is_label(&name), "{name}");
        }
    }

    /// T-63, and the boundaries of its life.
    #[test]
    fn what_is_in_it_and_when() {
        let fixture = fixture();
        let identity = fixture.identity("web");
        let names = || Layout::Nginx.names();
        let at = |now| FileSet::new(&identity, &fixture.snapshot(), names(), PRIVATE, now);
        let set = at(fixture.now).unwrap();
        assert_eq!((set.serial(), set.not_after()), (identity.serial, identity.not_after));
        assert_eq!(set.files().map(|file| file.mode), [0o600, 0o644, 0o644]);
        assert_eq!(set.files().map(|file| file.octets.windows(5).filter(|part| part == b"BEGIN").count()), [1, 2, 1]);
        let shown = format!("{set:?}");
        assert!(!shown.contains("BEGIN") && !shown.contains("66, 69, 71"), "{shown}");
        let svid = svid(&identity.chain).unwrap();
        let second = std::time::Duration::from_secs(1);
        assert!(at(svid.not_before()).is_ok() && at(identity.not_after.minus(second)).is_ok());
        for now in [svid.not_before().minus(second), identity.not_after] {
            assert!(matches!(at(now), Err(SetError::Validity { .. })));
        }
        // A cutoff ends it earlier than its own notAfter.
        let cut = CurrentIdentity { not_after: fixture.now.plus(second), ..identity.clone() };
        let at = |now| FileSet::new(&cut, &fixture.snapshot(), names(), PRIVATE, now);
        assert!(at(fixture.now).is_ok() && at(fixture.now.plus(second)).is_err());
    }
}

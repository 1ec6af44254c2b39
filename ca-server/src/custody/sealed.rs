//! A private key that rests: PKCS#8 EncryptedPrivateKeyInfo in PEM. Knows PBES2 and scrypt; knows no file and no clock.
//!
//! The form is the common one (RFC 8018, RFC 7914, RFC 7468), so that in an emergency a key can be opened without Brevet:
//! `openssl pkey -in keys/root.key -passin file:passphrase`.

use std::fmt;

use der::asn1::OctetString;
use der::pem::LineEnding;
use der::{Decode, Encode};
use pkcs8::EncryptedPrivateKeyInfoOwned;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{self, Kdf, Parameters, Salt, ScryptParams};
use zeroize::Zeroizing;

use super::{KeyError, Passphrase, SoftwareKey};

/// A sealed key: a PEM text that is of no use without its passphrase.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedKey {
    pem: String,
}

/// Why a key cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Longer than a sealed key is.
    #[error("the sealed key has {octets} octets, {limit} are allowed")]
    TooLong {
        /// How long it is.
        octets: usize,
        /// How long it may be.
        limit: usize,
    },
    /// Not a PEM block `ENCRYPTED PRIVATE KEY` with the DER of one.
    #[error("not a PEM block `ENCRYPTED PRIVATE KEY`")]
    Malformed,
    /// A private key in clear, which is never read.
    #[error("the private key is not encrypted")]
    NotEncrypted,
    /// Sealed in another way than by PBES2 with scrypt and AES-256-CBC.
    #[error("the key is sealed by other algorithms than PBES2 with scrypt and AES-256-CBC")]
    Scheme,
    /// Sealed at a cost that would take more memory or time than allowed.
    #[error(
        "the key is sealed at a scrypt cost of N {n}, r {r}, p {p}; at most N {MAX_N}, r {R}, p {MAX_P} are opened"
    )]
    Cost {
        /// CPU and memory cost.
        n: u64,
        /// Block size.
        r: u16,
        /// Parallelization.
        p: u16,
    },
    /// The passphrase is not the one it was sealed with, or the text was changed: the form does not tell which.
    #[error("the passphrase is wrong, or the sealed key is damaged")]
    WrongPassphrase,
    /// What was inside is no usable key.
    #[error("what was sealed is no usable key")]
    Key(#[from] KeyError),
    /// Encoding or encryption failed.
    #[error("the key could not be sealed")]
    Seal,
    /// The random source failed.
    #[error("no random octets")]
    Random,
}

impl SealedKey {
    /// Seals a key, under a new salt.
    ///
    /// # Errors
    /// [`SealError::Seal`], [`SealError::Random`]: faults of this machine.
    pub fn seal(key: &SoftwareKey, passphrase: &Passphrase) -> Result<Self, SealError> {
        let parameters = new_parameters()?;
        let plain = key.to_pkcs8()?;
        let encrypted = parameters.encrypt(passphrase.octets(), &plain).map_err(|_| SealError::Seal)?;
        let info = EncryptedPrivateKeyInfoOwned {
            encryption_algorithm: EncryptionScheme::Pbes2(parameters),
            encrypted_data: OctetString::new(encrypted).map_err(|_| SealError::Seal)?,
        };
        let der = info.to_der().map_err(|_| SealError::Seal)?;
        let pem = der::pem::encode_string(LABEL, LineEnding::LF, &der).map_err(|_| SealError::Seal)?;
        Ok(Self { pem })
    }

    /// Takes the text of a sealed key. What is inside shows when it is opened.
    ///
    /// # Errors
    /// [`SealError::TooLong`], [`SealError::NotEncrypted`], [`SealError::Malformed`].
    pub fn parse(pem: &[u8]) -> Result<Self, SealError> {
        if pem.len() > MAX_SEALED_OCTETS {
            return Err(SealError::TooLong { octets: pem.len(), limit: MAX_SEALED_OCTETS });
        }
        match der::pem::decode_label(pem) {
            Ok(LABEL) => {}
            Ok(label) if label.ends_with("PRIVATE KEY") => return Err(SealError::NotEncrypted),
            _ => return Err(SealError::Malformed),
        }
        let pem = String::from_utf8(pem.to_vec()).map_err(|_| SealError::Malformed)?;
        Ok(Self { pem })
    }

    /// The PEM text.
    #[must_use]
    pub fn as_pem(&self) -> &str {
        &self.pem
    }

    /// Opens the key, checks that its halves belong together, and tests it. Takes about a fifth of a second on purpose.
    ///
    /// # Errors
    /// [`SealError`]: what keeps it from being a usable key.
    pub fn unseal(&self, passphrase: &Passphrase) -> Result<SoftwareKey, SealError> {
        let (_, der) = der::pem::decode_vec(self.pem.as_bytes()).map_err(|_| SealError::Malformed)?;
        let info = EncryptedPrivateKeyInfoOwned::from_der(&der).map_err(|_| SealError::Malformed)?;
        let parameters = checked_parameters(&info.encryption_algorithm)?;
        let mut buffer = Zeroizing::new(info.encrypted_data.as_bytes().to_vec());
        let plain =
            parameters.decrypt_in_place(passphrase.octets(), &mut buffer).map_err(|_| SealError::WrongPassphrase)?;
        // One wrong passphrase in 256 gives padding that looks right; what it covers is then no SEQUENCE.
        if !plain.starts_with(&[0x30]) {
            return Err(SealError::WrongPassphrase);
        }
        Ok(SoftwareKey::from_pkcs8(plain)?)
    }
}

impl fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedKey({} octets)", self.pem.len())
    }
}

fn new_parameters() -> Result<Parameters, SealError> {
    let mut salt = [0; SALT_OCTETS];
    let mut iv = [0; IV_OCTETS];
    getrandom::fill(&mut salt).map_err(|_| SealError::Random)?;
    getrandom::fill(&mut iv).map_err(|_| SealError::Random)?;
    Ok(Parameters {
        kdf: Kdf::Scrypt(ScryptParams {
            salt: Salt::new(salt).map_err(|_| SealError::Seal)?,
            cost_parameter: N,
            block_size: R,
            parallelization: P,
            key_length: None,
        }),
        encryption: pbes2::EncryptionScheme::Aes256Cbc { iv },
    })
}

/// The parameters stand in the file in clear: they are checked before any memory is given to them.
fn checked_parameters(scheme: &EncryptionScheme) -> Result<&Parameters, SealError> {
    let parameters = scheme.pbes2().ok_or(SealError::Scheme)?;
    let (Kdf::Scrypt(scrypt), pbes2::EncryptionScheme::Aes256Cbc { .. }) = (&parameters.kdf, &parameters.encryption)
    else {
        return Err(SealError::Scheme);
    };
    let (n, r, p) = (scrypt.cost_parameter, scrypt.block_size, scrypt.parallelization);
    if !n.is_power_of_two() || !(2..=MAX_N).contains(&n) || r != R || !(1..=MAX_P).contains(&p) {
        return Err(SealError::Cost { n, r, p });
    }
    Ok(parameters)
}

/// RFC 7468, section 11.
const LABEL: &str = "ENCRYPTED PRIVATE KEY";

/// scrypt at N 2^14, r 8, p 5 is one of the equally strong settings of the OWASP password storage cheat sheet (the
/// others trade p for N). Of these it is the largest N that OpenSSL 3 opens: its limit is 32 MiB, and 128 * N * r is 16 MiB.
const N: u64 = 1 << 14;
/// Block size, see [`N`].
const R: u16 = 8;
/// Parallelization, see [`N`].
const P: u16 = 5;
/// The largest N of the OWASP settings: 128 MiB of memory at r 8. A file that asks for more is a denial of service.
const MAX_N: u64 = 1 << 17;
/// The largest p of the OWASP settings (with N 2^13).
const MAX_P: u16 = 10;
/// RFC 8018, section 4.1, asks for at least 8 octets; 16 is what NIST SP 800-132, section 5.1, asks for.
const SALT_OCTETS: usize = 16;
/// One block of AES.
const IV_OCTETS: usize = 16;
/// A sealed P-256 key has about 420 octets.
pub(super) const MAX_SEALED_OCTETS: usize = 4096;

//! How the host's key rests: sealed with a passphrase, or as it is where the operator gave none. Knows PKCS#8; knows no file.

use std::fmt;

use pkcs8::der::pem::LineEnding;
use pkcs8::pkcs5::{pbes2, scrypt};
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef, SecretDocument};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::key::PrivateKey;

/// With what the host's key is sealed.
#[derive(Clone)]
pub enum Seal {
    /// Nothing: file permissions are all that guards it.
    Permissions,
    /// A passphrase, from a file or a systemd credential. Zeroed when dropped.
    Passphrase(Zeroizing<Vec<u8>>),
}

/// The PEM of a key, sealed or not. Zeroed when dropped, and not shown.
pub struct KeyPem(Zeroizing<String>);

impl Serialize for KeyPem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for KeyPem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

/// Why a key cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The text is no PEM of a key.
    #[error("not a PEM of a private key")]
    Form,
    /// It is sealed, and there is no passphrase.
    #[error("the key is sealed, and no passphrase is configured")]
    NoPassphrase,
    /// It is not sealed, and a passphrase is configured: somebody may have put it there.
    #[error("the key is not sealed, though a passphrase is configured")]
    NotSealed,
    /// The passphrase does not open it.
    #[error("the passphrase does not open the key")]
    WrongPassphrase,
    /// The library failed.
    #[error("the key cannot be sealed")]
    Failed,
}

impl Seal {
    /// The key as PEM: `ENCRYPTED PRIVATE KEY` (RFC 5958, section 3; PBES2 with scrypt and AES-256-CBC, RFC 8018 and RFC 7914)
    /// or `PRIVATE KEY`.
    ///
    /// # Errors
    /// [`SealError::Failed`].
    pub fn close(&self, key: &PrivateKey) -> Result<KeyPem, SealError> {
        let info = PrivateKeyInfoRef::try_from(key.pkcs8().as_slice()).map_err(|_| SealError::Failed)?;
        let pem = match self {
            Self::Permissions => {
                SecretDocument::encode_msg(&info).map_err(|_| SealError::Failed)?.to_pem(PLAIN, LineEnding::LF)
            }
            Self::Passphrase(passphrase) => info
                .encrypt_with_params(parameters()?, passphrase.as_slice())
                .map_err(|_| SealError::Failed)?
                .to_pem(SEALED, LineEnding::LF),
        };
        pem.map(KeyPem).map_err(|_| SealError::Failed)
    }

    /// The key from its PEM.
    ///
    /// # Errors
    /// See [`SealError`].
    pub fn open(&self, pem: &KeyPem) -> Result<PrivateKey, SealError> {
        let (label, document) = SecretDocument::from_pem(&pem.0).map_err(|_| SealError::Form)?;
        match (label, self) {
            (PLAIN, Self::Permissions) => PrivateKey::from_pkcs8(document.as_bytes()).map_err(|_| SealError::Form),
            (PLAIN, Self::Passphrase(_)) => Err(SealError::NotSealed),
            (SEALED, Self::Permissions) => Err(SealError::NoPassphrase),
            (SEALED, Self::Passphrase(passphrase)) => {
                let sealed = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| SealError::Form)?;
                let opened = sealed.decrypt(passphrase.as_slice()).map_err(|_| SealError::WrongPassphrase)?;
                PrivateKey::from_pkcs8(opened.as_bytes()).map_err(|_| SealError::Form)
            }
            (_, Self::Permissions | Self::Passphrase(_)) => Err(SealError::Form),
        }
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Permissions => "Seal::Permissions",
            Self::Passphrase(_) => "Seal::Passphrase(..)",
        })
    }
}

fn parameters() -> Result<pbes2::Parameters, SealError> {
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    getrandom::fill(&mut salt).map_err(|_| SealError::Failed)?;
    getrandom::fill(&mut iv).map_err(|_| SealError::Failed)?;
    let cost = scrypt::Params::new(SCRYPT_LOG_N, 8, 1).map_err(|_| SealError::Failed)?;
    pbes2::Parameters::generate_scrypt_aes256cbc(cost, &salt, iv).map_err(|_| SealError::Failed)
}

/// N = 2^14, r = 8, p = 1: 16 MiB and some 40 ms for each guess, and what OpenSSL's default memory limit of 32 MiB still opens.
const SCRYPT_LOG_N: u8 = 14;
const PLAIN: &str = "PRIVATE KEY";
const SEALED: &str = "ENCRYPTED PRIVATE KEY";

#[cfg(test)]
mod tests {
    use identity::KeyKind;

    use super::*;

    fn passphrase(text: &str) -> Seal {
        Seal::Passphrase(Zeroizing::new(text.as_bytes().to_vec()))
    }

    #[track_caller]
    fn check(close: &Seal, open: &Seal, expected: Result<(), &str>) {
        for kind in [KeyKind::P256, KeyKind::Ed25519] {
            let key = PrivateKey::generate(kind).unwrap();
            let pem = close.close(&key).unwrap();
            let opened = open.open(&pem).map(|opened| assert_eq!(opened.hash(), key.hash()));
            assert_eq!(opened.map_err(|error| error.to_string()), expected.map_err(str::to_owned));
        }
    }

    #[test]
    fn seals() {
        check(&Seal::Permissions, &Seal::Permissions, Ok(()));
        check(&passphrase("p"), &passphrase("p"), Ok(()));
        check(&passphrase("p"), &passphrase("q"), Err("the passphrase does not open the key"));
        check(&passphrase("p"), &Seal::Permissions, Err("the key is sealed, and no passphrase is configured"));
        check(&Seal::Permissions, &passphrase("p"), Err("the key is not sealed, though a passphrase is configured"));
    }

    #[track_caller]
    fn check_no_key(seal: &Seal, text: &str) {
        assert!(matches!(seal.open(&KeyPem(Zeroizing::new(text.to_owned()))), Err(SealError::Form)));
    }

    #[test]
    fn no_pem_of_a_key() {
        let other = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        check_no_key(&Seal::Permissions, "nonsense");
        check_no_key(&Seal::Permissions, other);
        check_no_key(&Seal::Permissions, &other.replace("CERTIFICATE", PLAIN));
        check_no_key(&passphrase("p"), &other.replace("CERTIFICATE", SEALED));
    }

    /// T-63.
    #[test]
    fn debug_hides_the_passphrase() {
        assert_eq!(format!("{:?}", passphrase("canary")), "Seal::Passphrase(..)");
    }
}

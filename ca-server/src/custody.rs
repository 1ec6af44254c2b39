//! Keeps private keys: others hand in octets and get signatures. Knows keys and how they rest; knows no certificate, entry,
//! route or clock.
//!
//! A key that rests is sealed: PKCS#8 under a passphrase, which lies elsewhere ([`Passphrase`]). A key in use is in memory
//! only, behind [`Custody`], which gives out its public half and signatures and nothing else. Who may sign what is not
//! decided here: for certificates and CRLs, `issuance` lets nothing reach a key that is not recorded in the ledger.
//!
//! | noun | what it is |
//! |---|---|
//! | [`Custody`] | a key in use, wherever it lies |
//! | [`SoftwareKey`] | one in this process's memory |
//! | [`SealedKey`] | the text of one that rests |
//! | [`KeyName`], [`create`], [`open`] | its file below `keys/` |
//! | [`Passphrase`] | what opens it |

mod file;
mod passphrase;
mod sealed;
mod software;

use std::fmt;

use identity::KeyHash;

use crate::public_key::PublicKey;

pub use file::{KeyFileError, KeyName, KeyNameError, create, discard_unfinished, open, open_unfinished};
pub use passphrase::{Passphrase, PassphraseError};
pub use sealed::{SealError, SealedKey};
pub use software::{KeyError, SoftwareKey};

/// A private key in use. A key in a token or behind a service is another implementation of it.
///
/// `Debug` shows the public half at most.
pub trait Custody: Send + Sync + fmt::Debug {
    /// The public half: its SubjectPublicKeyInfo, and with it kind and algorithm.
    fn public_key(&self) -> &PublicKey;

    /// Signs `message`. The signature is in the form that X.509 uses: ECDSA-Sig-Value over SHA-256 (RFC 5758, section
    /// 3.2), or the 64 octets of Ed25519 (RFC 8410, section 6).
    ///
    /// # Errors
    /// [`SignError`] where the key cannot be used now. Whether a signature that comes back is right is for the caller to
    /// verify.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// The key did not sign. This is our failure, never the asker's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key {key} did not sign")]
pub struct SignError {
    /// Which key.
    pub key: KeyHash,
}

#[cfg(test)]
mod tests;

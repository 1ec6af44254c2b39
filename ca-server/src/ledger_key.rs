//! The ledger's own key: it signs checkpoints, heartbeats and agent lists. Knows a custody; knows no ledger.

use std::sync::Arc;

use identity::KeyKind;
use ledger::note::{NoteSigner, SigningError, VerifierKey};

use crate::custody::Custody;

/// The ledger's key in use, under the log's name.
#[derive(Clone, Debug)]
pub struct LedgerKey {
    custody: Arc<dyn Custody>,
    verifier: VerifierKey,
}

/// Why a key cannot be the ledger's.
#[derive(Debug, thiserror::Error)]
pub enum LedgerKeyError {
    /// Checkpoints are signed with Ed25519 (C2SP tlog-checkpoint).
    #[error("the ledger's key is of kind {found}, Ed25519 is needed")]
    Kind {
        /// What it is.
        found: KeyKind,
    },
    /// Its public half or name cannot stand in a verifier key.
    #[error("the ledger's key makes no verifier key: {0}")]
    Verifier(String),
}

impl LedgerKey {
    /// Takes a key into use as that of the log `origin`.
    ///
    /// # Errors
    /// [`LedgerKeyError`].
    pub fn new(origin: &str, custody: Arc<dyn Custody>) -> Result<Self, LedgerKeyError> {
        let found = custody.public_key().kind();
        if found != KeyKind::Ed25519 {
            return Err(LedgerKeyError::Kind { found });
        }
        let spki = custody.public_key().spki_der();
        // RFC 8410, section 4: the 32 octets of the key end its SubjectPublicKeyInfo.
        let public = spki.last_chunk::<32>().ok_or_else(|| LedgerKeyError::Verifier("too short".to_owned()))?;
        let verifier =
            VerifierKey::ed25519(origin, public).map_err(|error| LedgerKeyError::Verifier(error.to_string()))?;
        Ok(Self { custody, verifier })
    }

    /// Its verifier key, as `trust.json` and entry 0 state it.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs octets that are no note: an agent list.
    ///
    /// # Errors
    /// The key did not sign.
    pub fn sign_octets(&self, octets: &[u8]) -> Result<Vec<u8>, crate::custody::SignError> {
        self.custody.sign(octets)
    }
}

impl NoteSigner for LedgerKey {
    fn name(&self) -> &str {
        self.verifier.name()
    }

    fn key_id(&self) -> u32 {
        self.verifier.key_id()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningError> {
        let signature = self.custody.sign(message)?;
        <[u8; 64]>::try_from(signature.as_slice()).map_err(|_| "an Ed25519 signature has 64 octets".into())
    }
}

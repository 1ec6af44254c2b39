//! A ledger key for tests. Knows Ed25519.

use ed25519_dalek::{Signer as _, SigningKey};
use ledger::note::{NoteSigner, SigningError, VerifierKey};
use ledger::origin::Origin;

pub const ORIGIN: &str = "example.org/brevet";

pub struct TestKey {
    key: SigningKey,
    verifier: VerifierKey,
}

impl TestKey {
    pub fn new() -> Self {
        let key = SigningKey::from_bytes(&[7; 32]);
        let verifier = VerifierKey::ed25519(ORIGIN, key.verifying_key().as_bytes()).unwrap();
        Self { key, verifier }
    }

    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }
}

pub fn origin() -> Origin {
    Origin::parse(ORIGIN).unwrap()
}

impl NoteSigner for TestKey {
    fn name(&self) -> &str {
        ORIGIN
    }

    fn key_id(&self) -> u32 {
        self.verifier.key_id()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningError> {
        Ok(self.key.sign(message).to_bytes())
    }
}

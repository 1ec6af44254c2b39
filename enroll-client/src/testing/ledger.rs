//! A ledger in memory that makes receipts and signs notes.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use identity::{RequestId, Timestamp};
use ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use ledger::entry::{Actor, Body, Entry, EntryBytes};
use ledger::frontier::Frontier;
use ledger::hash::leaf_hash;
use ledger::note::{NoteSigner, SigningError, VerifierKey, ed25519_key_id};
use ledger::origin::Origin;
use ledger::proof::BatchProofs;
use ledger::receipt::Receipt;
use protocol::enroll::ReceiptMessage;

/// Entries are forgotten once hashed.
pub(crate) struct Ledger {
    pub(crate) signer: Signer,
    frontier: Frontier,
}

/// The ledger's key.
pub(crate) struct Signer {
    name: String,
    key: Ed25519KeyPair,
}

impl Signer {
    pub(crate) fn new(name: &str, seed: u8) -> Self {
        Self { name: name.to_owned(), key: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap() }
    }

    fn public_key(&self) -> [u8; 32] {
        self.key.public_key().as_ref().try_into().unwrap()
    }

    pub(crate) fn verifier(&self) -> VerifierKey {
        VerifierKey::ed25519(&self.name, &self.public_key()).unwrap()
    }
}

impl Signer {
    /// A signature over octets that are no note.
    pub(crate) fn raw(&self, octets: &[u8]) -> Vec<u8> {
        self.key.sign(octets).as_ref().to_vec()
    }
}

impl NoteSigner for Signer {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        ed25519_key_id(&self.name, &self.public_key())
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningError> {
        Ok(self.key.sign(message).as_ref().try_into()?)
    }
}

impl Ledger {
    /// A ledger with a few entries that are nobody's business.
    pub(crate) fn new(name: &str, seed: u8) -> Self {
        let mut ledger = Self { signer: Signer::new(name, seed), frontier: Frontier::new() };
        (0..7_u8).for_each(|n| ledger.frontier.push(leaf_hash(&[n])));
        ledger
    }

    pub(crate) fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin::parse(self.signer.name()).unwrap()
    }

    pub(crate) fn checkpoint(&self) -> SignedCheckpoint {
        let checkpoint = Checkpoint::new(self.origin(), self.size(), self.frontier.root()).unwrap();
        checkpoint.sign(&self.signer).unwrap()
    }

    /// Appends an entry and gives its receipt.
    pub(crate) fn record(&mut self, body: Body, time: Timestamp) -> ReceiptMessage {
        let entry = Entry { time, actor: Actor::Server, request: RequestId::from_bytes([3; 16]), salt: [4; 16], body };
        self.append(&entry.encode().unwrap())
    }

    pub(crate) fn append(&mut self, entry: &EntryBytes) -> ReceiptMessage {
        let leaf = leaf_hash(entry);
        let index = self.size();
        let path = BatchProofs::new(&self.frontier, &[leaf]).inclusion(index).unwrap();
        self.frontier.push(leaf);
        let receipt = Receipt::make(index, entry.clone(), path, self.checkpoint());
        ReceiptMessage { entry: entry.to_vec().into(), proof: receipt.proof }
    }
}

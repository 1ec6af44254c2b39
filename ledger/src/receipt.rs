//! A receipt: one entry, and the proof that it is in the ledger. Knows entries, checkpoints and inclusion; knows no
//! store.
//!
//! The server makes one from a batch that is durable ([`Receipt::make`]). The client recomputes everything
//! ([`Receipt::check`]): the leaf hash from the entry's octets, the root from leaf hash and path, and holds the root
//! against a checkpoint that carries the signature of its ledger's key. So what comes out, a [`CheckedReceipt`], is
//! bound to these octets, this index, this origin and this key (T-82).
//!
//! A receipt says that the log has committed itself to the entry; that the log shows everybody the same tree is for
//! witnesses to say.

mod proof_text;

use thiserror::Error;

pub use proof_text::{MAX_PROOF_OCTETS, ProofText, ProofTextError};

use crate::{
    checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint},
    entry::{Entry, EntryBytes, EntryError},
    hash::{Hash, leaf_hash},
    note::VerifierKey,
    origin::Origin,
    proof::{ProofError, check_inclusion},
};

/// One entry and its C2SP tlog-proof. Nothing about it has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The entry, as it was hashed.
    pub entry: EntryBytes,
    /// Text of the proof: index, inclusion path, checkpoint.
    pub proof: String,
}

/// What a receipt says, after all of it has been checked. There is no other way to make one than [`Receipt::check`].
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedReceipt {
    index: u64,
    entry: Entry,
    entry_bytes: EntryBytes,
    checkpoint: Checkpoint,
}

impl Receipt {
    /// The receipt for entry number `index`, with its inclusion path in the tree of `checkpoint`, as
    /// [`crate::proof::BatchProofs`] or tiles give it.
    pub fn make(index: u64, entry: EntryBytes, path: Vec<Hash>, checkpoint: SignedCheckpoint) -> Self {
        Self { entry, proof: ProofText { extra: None, index, path, checkpoint }.to_string() }
    }

    /// Checks everything that the receipt claims, after the steps of C2SP tlog-proof, section Verifying a tlog proof.
    ///
    /// Step 3 of those, cosignatures, is not for receipts: witnesses cosign the published checkpoint.
    ///
    /// # Errors
    /// When anything does not hold. Then install nothing of what came with the receipt.
    pub fn check(&self, origin: &Origin, key: &VerifierKey) -> Result<CheckedReceipt, ReceiptError> {
        let proof = ProofText::parse(&self.proof)?;
        if proof.extra.is_some() {
            // Nothing authenticates it, and we never write it.
            return Err(ReceiptError::Extra);
        }
        // Step 1.
        let leaf = leaf_hash(&self.entry);
        // Step 2.
        let checkpoint = proof.checkpoint.open(origin, key)?;
        // Step 4.
        check_inclusion(&leaf, proof.index, checkpoint.size(), checkpoint.root(), &proof.path)?;
        let entry = self.entry.decode()?;
        Ok(CheckedReceipt { index: proof.index, entry, entry_bytes: self.entry.clone(), checkpoint })
    }
}

impl CheckedReceipt {
    /// The entry's index in the ledger.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The entry.
    pub const fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The entry's octets, as they were hashed.
    pub const fn entry_bytes(&self) -> &EntryBytes {
        &self.entry_bytes
    }

    /// The checkpoint that covers it. It may be older than one that the client holds already; it must be consistent
    /// with that one, which [`crate::proof::check_consistency`] says.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

/// Why a receipt does not hold. The fault is with the server, or with whoever changed what it sent.
#[derive(Debug, Error)]
pub enum ReceiptError {
    /// The proof's text is malformed.
    #[error("the proof of the receipt cannot be read")]
    ProofText(#[from] ProofTextError),
    /// The proof carries extra data.
    #[error("the proof of the receipt carries extra data, which nothing authenticates")]
    Extra,
    /// The checkpoint is malformed, of another log, or not signed by its key.
    #[error("the checkpoint of the receipt does not hold")]
    Checkpoint(#[from] CheckpointError),
    /// The entry is not at that index of that tree.
    #[error("the entry is not where the receipt says it is in the ledger")]
    Inclusion(#[from] ProofError),
    /// The octets are in the ledger, and are no entry that this program knows.
    #[error("the entry of the receipt cannot be read")]
    Entry(#[from] EntryError),
}

#[cfg(test)]
mod tests;

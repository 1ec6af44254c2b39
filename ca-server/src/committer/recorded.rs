//! What is durable and in the ledger, with its proof. Knows entries and receipts; made here and nowhere else.

use std::ops::Range;
use std::sync::Arc;

use identity::BatchId;
use ledger::checkpoint::SignedCheckpoint;
use ledger::entry::{Body, EntryBytes};
use ledger::proof::BatchProofs;
use ledger::receipt::Receipt;

use super::plan::{Planned, Verdict};

/// An entry that is durable in the ledger. The only way to the signing key leads through one of these, and only this module makes them.
#[derive(Debug, Clone)]
pub struct Recorded {
    index: u64,
    bytes: EntryBytes,
    body: Body,
    proof: Proof,
}

/// What the receipt is made of.
#[derive(Debug, Clone)]
enum Proof {
    /// Its own batch: made when asked for, on the thread of who asks.
    Batch(Arc<Sealed>),
    /// Tiles, for an entry that was there before.
    Made(Receipt),
}

/// A batch, hashed and signed.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) batch: BatchId,
    first: u64,
    entries: Vec<Planned>,
    proofs: BatchProofs,
    checkpoint: SignedCheckpoint,
    verdicts: Vec<Verdict>,
}

impl Recorded {
    /// The entry's place in the ledger.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The entry as it is hashed.
    #[must_use]
    pub fn entry(&self) -> &EntryBytes {
        &self.bytes
    }

    /// Whether it was recorded for this request, and not read back because it was there before.
    #[must_use]
    pub fn is_new(&self) -> bool {
        matches!(self.proof, Proof::Batch(_))
    }

    /// What it says.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The receipt for whoever asked: entry, inclusion proof, checkpoint. Costs some microseconds.
    #[must_use]
    pub fn receipt(&self) -> Receipt {
        match &self.proof {
            Proof::Batch(sealed) => {
                // An entry of a batch always has a proof in it; an empty path would be refused by whoever checks.
                let path = sealed.proofs.inclusion(self.index).unwrap_or_default();
                Receipt::make(self.index, self.bytes.clone(), path, sealed.checkpoint.clone())
            }
            Proof::Made(receipt) => receipt.clone(),
        }
    }

    /// Those entries of a batch that has landed.
    pub(super) fn of_batch(sealed: &Arc<Sealed>, range: Range<usize>) -> Vec<Self> {
        let first = sealed.first;
        let entries = (first..).zip(&sealed.entries).skip(range.start).take(range.len());
        entries
            .map(|(index, entry)| Self {
                index,
                bytes: entry.bytes.clone(),
                body: entry.body.clone(),
                proof: Proof::Batch(Arc::clone(sealed)),
            })
            .collect()
    }

    /// An entry that was read back from the ledger, with a receipt that was made from its tiles.
    pub(super) fn read_back(index: u64, bytes: EntryBytes, body: Body, receipt: Receipt) -> Self {
        Self { index, bytes, body, proof: Proof::Made(receipt) }
    }
}

impl Sealed {
    pub(super) fn new(
        batch: BatchId,
        first: u64,
        entries: Vec<Planned>,
        proofs: BatchProofs,
        checkpoint: SignedCheckpoint,
    ) -> Self {
        Self { batch, first, entries, proofs, checkpoint, verdicts: Vec::new() }
    }

    /// Keeps the verdicts with a batch whose fate is not known yet.
    pub(super) fn with_verdicts(self, verdicts: Vec<Verdict>) -> Self {
        Self { verdicts, ..self }
    }

    pub(super) fn take_verdicts(&mut self) -> Vec<Verdict> {
        std::mem::take(&mut self.verdicts)
    }
}

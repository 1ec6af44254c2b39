//! The authorities in use: prepare under the active issuer, sign what was recorded. Knows which issuer is active from
//! State alone; holds keys, decides nothing.

use std::sync::Arc;

use arc_swap::ArcSwap;
use identity::{Serial, SerialError, Timestamp};

use crate::committer::Recorded;
use crate::csr::OpenedCsr;
use crate::decision::Grant;
use crate::draft::Draft;
use crate::issuance::{Issuer, Issuers, PrepareError, Prepared, SignError, Signed, prepare, sign};
use crate::ledger_key::LedgerKey;
use crate::service::{NoRandom, random};

/// The authorities in use and the ledger's key.
pub struct Issuing {
    issuers: ArcSwap<Issuers>,
    ledger: LedgerKey,
}

/// Why nothing was prepared. Ours, save for a key of another kind than was granted.
#[derive(Debug, thiserror::Error)]
pub enum IssuingError {
    /// No authority is active.
    #[error("no issuing authority is active")]
    NoneActive,
    /// The active authority's key is not here.
    #[error("the key of the active issuing authority is not open in this process")]
    KeyNotOpen,
    /// No serial could be made.
    #[error(transparent)]
    Random(#[from] NoRandom),
    /// The clock gives no serial.
    #[error(transparent)]
    Serial(#[from] SerialError),
    /// It could not be prepared.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
}

impl Issuing {
    /// Takes authorities and the ledger's key into use.
    #[must_use]
    pub fn new(issuers: Issuers, ledger: LedgerKey) -> Self {
        Self { issuers: ArcSwap::from_pointee(issuers), ledger }
    }

    /// The ledger's key.
    #[must_use]
    pub fn ledger_key(&self) -> &LedgerKey {
        &self.ledger
    }

    /// The issuers whose keys are open.
    #[must_use]
    pub fn issuers(&self) -> Arc<Issuers> {
        self.issuers.load_full()
    }

    /// The authority that signs leaves now.
    ///
    /// # Errors
    /// There is none, or its key is not open here.
    pub fn active(&self, draft: &Draft<'_>) -> Result<Arc<Issuer>, IssuingError> {
        let (id, _) = draft.active_issuer().ok_or(IssuingError::NoneActive)?;
        self.issuers.load().get(&id).cloned().ok_or(IssuingError::KeyNotOpen)
    }

    /// Prepares what was granted for the key of `csr`, with a new serial.
    ///
    /// # Errors
    /// [`IssuingError`].
    pub fn prepare(issuer: &Issuer, grant: Grant, csr: OpenedCsr, now: Timestamp) -> Result<Prepared, IssuingError> {
        let serial = Serial::new(now, random()?)?;
        Ok(prepare(grant, csr, issuer, now, serial)?)
    }

    /// Signs what was recorded, under the issuer that its entry names.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, recorded: &Recorded) -> Result<Signed, SignError> {
        sign(recorded, &self.issuers.load())
    }
}

//! The proof that an answer was checked. Made in one place; what is delivered is made from it.

use identity::svid::Svid;
use identity::{HostId, KeyHash, Serial, SpiffeId, Timestamp};
use ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use rustls_pki_types::CertificateDer;

use super::receipt::Recorded;

/// A certificate that passed every check of this module; nothing else makes one.
///
/// The key roller's machines deliver only this type, so that delivering what was not checked does not compile.
#[derive(Debug)]
pub struct Checked {
    spiffe_id: SpiffeId,
    serial: Serial,
    key: KeyHash,
    chain: Vec<CertificateDer<'static>>,
    not_after: Timestamp,
    host: HostId,
    recorded: Recorded,
}

impl Checked {
    pub(super) fn new(svid: &Svid, chain: Vec<CertificateDer<'static>>, host: HostId, recorded: Recorded) -> Self {
        Self {
            spiffe_id: svid.spiffe_id().clone(),
            serial: svid.serial(),
            key: svid.key(),
            chain,
            not_after: svid.not_after(),
            host,
            recorded,
        }
    }

    /// The one URI name of the leaf.
    #[must_use]
    pub fn spiffe_id(&self) -> &SpiffeId {
        &self.spiffe_id
    }

    /// The leaf's serial.
    #[must_use]
    pub fn serial(&self) -> Serial {
        self.serial
    }

    /// Hash of the leaf's public key.
    #[must_use]
    pub fn key(&self) -> KeyHash {
        self.key
    }

    /// Leaf first, then its issuers; without the root.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// End of its validity.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The host that it was issued through.
    #[must_use]
    pub fn host(&self) -> HostId {
        self.host
    }

    /// Time of the ledger entry that let it be signed: when its life began.
    #[must_use]
    pub fn authorised_at(&self) -> Timestamp {
        self.recorded.authorised_at
    }

    /// Index of that entry.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.recorded.index
    }

    /// The certificate that it supersedes, by its entry.
    #[must_use]
    pub fn supersedes(&self) -> Option<Serial> {
        self.recorded.supersedes
    }

    /// From when on the superseded one is refused, by its entry; none: it simply expires.
    #[must_use]
    pub fn cutoff(&self) -> Option<Timestamp> {
        self.recorded.cutoff
    }

    /// The ledger's head under which the receipt proves the entry.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.recorded.checkpoint
    }

    /// The same as it was signed.
    #[must_use]
    pub fn signed_checkpoint(&self) -> &SignedCheckpoint {
        &self.recorded.signed_checkpoint
    }
}

#[cfg(test)]
impl Checked {
    /// A certificate for tests of the machines, which look at nothing but these facts.
    pub(crate) fn sample(
        serial: Serial,
        authorised_at: Timestamp,
        not_after: Timestamp,
        supersedes: Option<(Serial, Option<Timestamp>)>,
    ) -> Self {
        Self {
            spiffe_id: SpiffeId::parse("spiffe://example.org/web").unwrap(),
            serial,
            key: KeyHash::of(b"a key"),
            chain: Vec::new(),
            not_after,
            host: HostId::from_bytes([1; 16]),
            recorded: Recorded::sample(
                authorised_at,
                supersedes.map(|(serial, _)| serial),
                supersedes.and_then(|(_, cutoff)| cutoff),
            ),
        }
    }
}

//! What is checked before anything is delivered. Knows certificates, receipts and pins; knows no socket and no clock.

use identity::{KeyHash, Serial, SpiffeId, Timestamp};
use rustls_pki_types::CertificateDer;

/// A certificate that passed every check of this module; nothing else makes one.
///
/// The key roller's machines deliver only this type, so that delivering what was not checked does not compile.
#[derive(Debug)]
pub struct Checked {
    spiffe_id: SpiffeId,
    serial: Serial,
    key: KeyHash,
    chain: Vec<CertificateDer<'static>>,
    authorised_at: Timestamp,
    not_after: Timestamp,
    supersedes: Option<Serial>,
    cutoff: Option<Timestamp>,
}

impl Checked {
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

    /// Leaf first, then its issuer; without the root.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// Time of the ledger entry that let it be signed: when its life began.
    #[must_use]
    pub fn authorised_at(&self) -> Timestamp {
        self.authorised_at
    }

    /// End of its validity.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The certificate that it supersedes, by its entry.
    #[must_use]
    pub fn supersedes(&self) -> Option<Serial> {
        self.supersedes
    }

    /// From when on the superseded one is refused, by its entry; none: it simply expires.
    #[must_use]
    pub fn cutoff(&self) -> Option<Timestamp> {
        self.cutoff
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
            authorised_at,
            not_after,
            supersedes: supersedes.map(|(serial, _)| serial),
            cutoff: supersedes.and_then(|(_, cutoff)| cutoff),
        }
    }
}

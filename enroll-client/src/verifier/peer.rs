//! Who is at the other end of a connection. Knows the chain it showed; a verdict on it is [`Agent::still_valid`](super::Agent::still_valid)'s.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use identity::svid::{CertificateFacts, Svid};
use identity::{Serial, SpiffeId, Timestamp};
use rustls::CommonState;
use rustls::pki_types::CertificateDer;

use super::judge::Judged;
use super::refusal::Refusal;

/// The identity a connection's peer has shown. Keep it beside the connection and ask [`Agent::still_valid`](super::Agent::still_valid)
/// before each call that matters.
#[derive(Clone, Debug)]
pub struct PeerId {
    judged: Judged,
    chain: Arc<[CertificateDer<'static>]>,
    /// Generation of the material under which the chain was verified last; 0 for none.
    verified: Arc<AtomicU64>,
}

impl PeerId {
    /// Its SPIFFE id.
    #[must_use]
    pub fn id(&self) -> &SpiffeId {
        &self.judged.id
    }

    /// Its certificate's serial.
    #[must_use]
    pub fn serial(&self) -> Serial {
        self.judged.serial
    }

    /// The last second of its certificate. A connection may outlive it; [`Agent::still_valid`](super::Agent::still_valid) then says so.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.judged.not_after
    }

    pub(super) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    pub(super) fn judged(&self) -> &Judged {
        &self.judged
    }

    pub(super) fn is_verified_under(&self, generation: u64) -> bool {
        self.verified.load(Ordering::Acquire) == generation
    }

    pub(super) fn verified_under(&self, generation: u64) {
        self.verified.store(generation, Ordering::Release);
    }
}

/// The peer of a connection (`rustls::ClientConnection` and `ServerConnection` both dereference to [`CommonState`]).
///
/// It reads the certificate and verifies nothing: in a handshake made with one of our configurations that has happened.
///
/// # Errors
/// Before the handshake is done there is no certificate; a chain that no configuration of ours would have let through is refused.
pub fn peer_id(connection: &CommonState) -> Result<PeerId, Refusal> {
    let chain = connection.peer_certificates().unwrap_or_default();
    let (leaf, issuers) = chain.split_first().ok_or(Refusal::NoCertificate)?;
    let facts = |(position, certificate): (usize, &CertificateDer<'_>)| {
        CertificateFacts::from_der(certificate).map_err(|source| Refusal::Malformed { position, source })
    };
    let svid = Svid::leaf(&facts((0, leaf))?).map_err(Refusal::NotAnSvid)?;
    let mut serials = Vec::with_capacity(issuers.len());
    for issuer in (1..).zip(issuers) {
        serials.extend(Serial::from_der_content(&facts(issuer)?.serial_octets));
    }
    let (id, serial, not_after) = (svid.spiffe_id().clone(), svid.serial(), svid.not_after());
    let judged = Judged { id, serial, not_after, issuers: serials };
    Ok(PeerId { judged, chain: chain.into(), verified: Arc::default() })
}

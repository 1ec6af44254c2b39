//! A ledger's feed to follow: its key, its events, its signed statements, written to a host's relay as the roller would. Knows the feed's wire form;
//! knows no server.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use bytes::Bytes;
use identity::{RequestId, Serial, Sha256Hash, Timestamp};
use ledger::entry::{Actor, Body, CertificatesRevoked, Entry, Predicate, RevocationReason};
use ledger::feed::{CutoffSerial, FeedEvent, FeedMessage, Heartbeat, RevokedSerial, RunningHash, Snapshot};
use ledger::note::{NoteSigner, SigningError, VerifierKey};
use ledger::origin::Origin;
use protocol::feed::SnapshotMessage;

use super::super::options::Trust;
use super::{HOUR, World};
use crate::identities::RelayEvent;

/// The server's side of a feed.
pub(crate) struct LedgerFeed {
    pub(crate) trust: Trust,
    key: Ed25519KeyPair,
    pkcs8: Vec<u8>,
    size: u64,
    events: RunningHash,
    revoked: Vec<RevokedSerial>,
    cutoffs: Vec<CutoffSerial>,
}

impl LedgerFeed {
    pub(crate) fn new(world: &World) -> Self {
        let name = format!("{}/brevet", world.domain);
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap().as_ref().to_vec();
        let key = Ed25519KeyPair::from_pkcs8(&pkcs8).unwrap();
        let ledger_key = VerifierKey::ed25519(&name, key.public_key().as_ref().try_into().unwrap()).unwrap();
        let trust = Trust { trust_domain: world.domain.clone(), origin: Origin::parse(&name).unwrap(), ledger_key };
        let (revoked, cutoffs) = (Vec::new(), Vec::new());
        Self { trust, key, pkcs8, size: 10, events: RunningHash::default(), revoked, cutoffs }
    }

    /// The same ledger restored from before its first event.
    pub(crate) fn with_key_of(mut self, other: &Self) -> Self {
        self.key = Ed25519KeyPair::from_pkcs8(&other.pkcs8).unwrap();
        self.trust = other.trust.clone();
        self
    }

    /// Revokes, and gives the event.
    pub(crate) fn revoke(&mut self, mut serials: Vec<Serial>, now: Timestamp) -> FeedMessage {
        serials.sort_unstable();
        let octets: Vec<u8> = serials.iter().flat_map(|serial| *serial.as_bytes()).collect();
        let body = CertificatesRevoked {
            predicate: Predicate::Serial(serials[0]),
            evaluated_at: self.size,
            count: u64::try_from(serials.len()).unwrap(),
            serials: Sha256Hash::of(&octets),
            reason: RevocationReason::KeyCompromise,
            comment: String::new(),
        };
        let entry = Entry {
            time: now,
            actor: Actor::Local,
            request: RequestId::from_bytes([1; 16]),
            salt: [2; 16],
            body: Body::CertificatesRevoked(Box::new(body)),
        };
        let not_after = now.plus(HOUR);
        for serial in &serials {
            self.revoked.push(RevokedSerial { serial: *serial, not_after, reason: RevocationReason::KeyCompromise });
        }
        self.revoked.sort_unstable_by_key(|row| row.serial);
        self.event(|index| FeedEvent::revoked(index, &entry.encode().unwrap(), &serials, not_after))
    }

    /// Cuts off, and gives the event.
    pub(crate) fn cut_off(&mut self, serial: Serial, cutoff: Timestamp) -> FeedMessage {
        let not_after = cutoff.plus(HOUR);
        self.cutoffs.push(CutoffSerial { serial, cutoff, not_after });
        self.event(|index| FeedEvent::superseded(index, serial, cutoff, not_after))
    }

    pub(crate) fn heartbeat(&self, time: Timestamp) -> FeedMessage {
        let heartbeat = Heartbeat { time, size: self.size, events: self.events };
        FeedMessage::Heartbeat(heartbeat.sign(&self.trust.origin, self).unwrap())
    }

    /// Index it speaks for, and body of `GET /v1/snapshot`.
    pub(crate) fn snapshot(&self, time: Timestamp) -> (u64, Bytes) {
        let (revoked, cutoffs) = (self.revoked.clone(), self.cutoffs.clone());
        let snapshot = Snapshot { time, as_of: self.size - 1, events: self.events, revoked, cutoffs };
        let signed = snapshot.sign(&self.trust.origin, self).unwrap();
        let message = SnapshotMessage { snapshot: signed.document, note: signed.note };
        (self.size - 1, serde_json::to_vec(&message).unwrap().into())
    }

    /// An entry that is no event.
    pub(crate) fn grow(&mut self) {
        self.size += 1;
    }

    fn event(&mut self, event: impl FnOnce(u64) -> FeedEvent) -> FeedMessage {
        let event = event(self.size);
        self.size += 1;
        self.events.extend(&event);
        FeedMessage::Event(event)
    }
}

/// As the relay keeps it.
pub(crate) fn relayed(message: &FeedMessage) -> RelayEvent {
    let id = match message {
        FeedMessage::Event(event) => Some(event.index),
        FeedMessage::Heartbeat(_) => None,
    };
    RelayEvent { id, text: message.to_string().into() }
}

impl NoteSigner for LedgerFeed {
    fn name(&self) -> &str {
        self.trust.ledger_key.name()
    }

    fn key_id(&self) -> u32 {
        self.trust.ledger_key.key_id()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningError> {
        Ok(self.key.sign(message).as_ref().try_into()?)
    }
}

//! The whole feed, computed from the ledger's entries alone. Knows what each entry means to the feed; trusts no server.

use std::collections::BTreeMap;

use identity::{HostId, KeyHash, Serial, Sha256Hash, SpiffeId, Timestamp};
use thiserror::Error;

use super::{CutoffSerial, FeedEvent, KEPT_AFTER_EXPIRY, RevokedSerial, RunningHash, Snapshot, told::hash_of};
use crate::entry::{
    Body, CertificateAuthorised, CertificatesRevoked, Entry, EntryBytes, EntryError, Predicate, RevocationReason,
    Subject,
};

/// Folds entries, in order and from the first, into events, their running hash and a snapshot.
///
/// It expands every revocation itself and holds the result against count and hash in the entry, so an auditor who feeds
/// it a verified log knows that each revocation hit what it said, and can compare any heartbeat or snapshot with the
/// truth. The server's State comes to the same events by its own way.
#[derive(Clone, Debug, Default)]
pub struct FeedLog {
    size: u64,
    time: Option<Timestamp>,
    events: RunningHash,
    certificates: BTreeMap<Serial, Certificate>,
}

/// What the feed needs to know of a certificate.
#[derive(Clone, Debug)]
struct Certificate {
    spiffe_id: SpiffeId,
    host: Option<HostId>,
    key: KeyHash,
    not_after: Timestamp,
    revoked: Option<RevocationReason>,
    cutoff: Option<Timestamp>,
    revoke_at_cutoff: bool,
}

impl FeedLog {
    /// Before entry 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next entry, and gives its event if it is one.
    ///
    /// # Errors
    /// When it cannot be read, or contradicts the entries before it. The log is then not worth following.
    pub fn take(&mut self, octets: &EntryBytes) -> Result<Option<FeedEvent>, FeedLogError> {
        let index = self.size;
        let entry = octets.decode().map_err(|source| FeedLogError::Entry { index, source })?;
        if let Some(before) = self.time.filter(|before| entry.time < *before) {
            return Err(FeedLogError::TimeFell { index, before, found: entry.time });
        }
        let event = self.event(index, &entry, octets)?;
        self.size = index.saturating_add(1);
        self.time = Some(entry.time);
        if let Some(event) = &event {
            self.events.extend(event);
        }
        if index.is_multiple_of(SWEEP_EVERY_ENTRIES) {
            let before = entry.time.minus(KEPT_AFTER_EXPIRY);
            self.certificates.retain(|_, certificate| certificate.not_after >= before);
        }
        Ok(event)
    }

    /// Number of events so far, and their running hash.
    #[must_use]
    pub const fn events(&self) -> RunningHash {
        self.events
    }

    /// Entries taken so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The snapshot that a server should give now, at `time`. Nothing before entry 0.
    #[must_use]
    pub fn snapshot(&self, time: Timestamp) -> Option<Snapshot> {
        let as_of = self.size.checked_sub(1)?;
        let before = time.minus(KEPT_AFTER_EXPIRY);
        let kept = || self.certificates.iter().filter(|(_, certificate)| certificate.not_after >= before);
        let revoked = |(serial, certificate): (&Serial, &Certificate)| {
            let reason = certificate.revoked?;
            Some(RevokedSerial { serial: *serial, not_after: certificate.not_after, reason })
        };
        let cutoff = |(serial, certificate): (&Serial, &Certificate)| {
            let cutoff = certificate.cutoff?;
            Some(CutoffSerial { serial: *serial, cutoff, not_after: certificate.not_after })
        };
        let (revoked, cutoffs) = (kept().filter_map(revoked).collect(), kept().filter_map(cutoff).collect());
        Some(Snapshot { time, as_of, events: self.events, revoked, cutoffs })
    }

    fn event(&mut self, index: u64, entry: &Entry, octets: &EntryBytes) -> Result<Option<FeedEvent>, FeedLogError> {
        match &entry.body {
            Body::CertificateAuthorised(body) => self.certified(index, body),
            Body::CertificatesRevoked(body) => self.revoked(index, entry.time, body, octets).map(Some),
            Body::AgentAdded(_) | Body::AgentRemoved(_) | Body::PolicyLoaded(_) => {
                Ok(Some(FeedEvent::agents_changed(index)))
            }
            Body::AuthorityCreated(_) | Body::AuthorityChanged(_) => Ok(Some(FeedEvent::bundle_changed(index))),
            Body::LedgerCreated(_)
            | Body::PersonAdmitted(_)
            | Body::PersonRemoved(_)
            | Body::ApprovalGiven(_)
            | Body::TokenCreated(_)
            | Body::TokenRevoked(_)
            | Body::RequestRefused(_)
            | Body::RefusalsSummed(_)
            | Body::HostEvicted(_)
            | Body::HostBanned(_)
            | Body::HostUnbanned(_)
            | Body::CrlAuthorised(_) => Ok(None),
        }
    }

    fn certified(&mut self, index: u64, body: &CertificateAuthorised) -> Result<Option<FeedEvent>, FeedLogError> {
        if self.certificates.contains_key(&body.serial) {
            return Err(FeedLogError::SerialTwice { index, serial: body.serial });
        }
        let mut event = None;
        if let (Some(serial), Some(cutoff)) = (body.supersedes, body.cutoff) {
            let superseded = self.certificates.get_mut(&serial).ok_or(FeedLogError::UnknownSerial { index, serial })?;
            superseded.cutoff = Some(cutoff);
            superseded.revoke_at_cutoff = body.revoke_at_cutoff;
            event = Some(FeedEvent::superseded(index, serial, cutoff, superseded.not_after));
        }
        let host = match &body.subject {
            Subject::Host { host } | Subject::Agent { host, .. } => Some(*host),
            Subject::Server | Subject::Person { .. } => None,
        };
        let certificate = Certificate {
            spiffe_id: body.spiffe_id.clone(),
            host,
            key: body.key,
            not_after: body.not_after,
            revoked: None,
            cutoff: None,
            revoke_at_cutoff: false,
        };
        self.certificates.insert(body.serial, certificate);
        Ok(event)
    }

    fn revoked(
        &mut self,
        index: u64,
        time: Timestamp,
        body: &CertificatesRevoked,
        octets: &EntryBytes,
    ) -> Result<FeedEvent, FeedLogError> {
        let hit = |serial: &Serial, certificate: &Certificate| match &body.predicate {
            Predicate::Serial(one) => one == serial,
            Predicate::Agent(spiffe_id) => certificate.spiffe_id == *spiffe_id,
            Predicate::Host(host) => certificate.host == Some(*host),
            Predicate::Key(key) => certificate.key == *key,
            Predicate::Cutoff(until) => {
                certificate.revoke_at_cutoff && certificate.cutoff.is_some_and(|cutoff| cutoff <= *until)
            }
        };
        let (mut serials, mut last) = (Vec::new(), time);
        for (serial, certificate) in &mut self.certificates {
            let lives = certificate.not_after >= time && certificate.revoked.is_none();
            if lives && hit(serial, certificate) {
                certificate.revoked = Some(body.reason);
                serials.push(*serial);
                last = last.max(certificate.not_after);
            }
        }
        let (found, hash) = (u64::try_from(serials.len()).unwrap_or(u64::MAX), hash_of(&serials));
        if found != body.count || hash != body.serials {
            let (stated, stated_hash) = (body.count, body.serials);
            return Err(FeedLogError::Hits { index, stated, stated_hash, found, hash });
        }
        Ok(FeedEvent::revoked(index, octets, &serials, last))
    }
}

/// Why entries do not make a feed: the log contradicts itself.
#[derive(Debug, Error)]
pub enum FeedLogError {
    /// The octets are no entry that this program knows.
    #[error("entry {index} cannot be read")]
    Entry {
        /// Index of the entry.
        index: u64,
        /// Why.
        source: EntryError,
    },
    /// Time fell from one entry to the next.
    #[error("entry {index} is from {found}, before {before}")]
    TimeFell {
        /// Index of the entry.
        index: u64,
        /// Time of the entry before.
        before: Timestamp,
        /// Its own time.
        found: Timestamp,
    },
    /// Two certificates with one serial.
    #[error("entry {index} gives the serial {serial} again")]
    SerialTwice {
        /// Index of the entry.
        index: u64,
        /// The serial.
        serial: Serial,
    },
    /// A certificate that is to be superseded was never recorded, or expired long ago.
    #[error("entry {index} supersedes {serial}, which is not known")]
    UnknownSerial {
        /// Index of the entry.
        index: u64,
        /// The serial.
        serial: Serial,
    },
    /// A revocation did not hit what it states.
    #[error("entry {index} states {stated} serials with hash {stated_hash}; it hit {found} with hash {hash}")]
    Hits {
        /// Index of the entry.
        index: u64,
        /// Number of serials stated.
        stated: u64,
        /// Hash stated.
        stated_hash: Sha256Hash,
        /// Number of serials hit.
        found: u64,
        /// Their hash.
        hash: Sha256Hash,
    },
}

/// Entries between two sweeps of expired certificates: each sweep looks at every certificate held.
const SWEEP_EVERY_ENTRIES: u64 = 4096;

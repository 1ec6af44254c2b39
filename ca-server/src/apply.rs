//! The fold: what an entry changes in State. Pure; it permits nothing and forbids nothing, `decide` did that before.
//!
//! An entry that cannot follow those before it (a revocation whose count is wrong, an unknown authority) is damage: the
//! server does not start on such a ledger.

mod certificates;
mod revocation;
mod rules;
mod trust;

pub use revocation::hash_of_serials;

use identity::{Sha256Hash, Timestamp};
use ledger::entry::{Body, Entry, EntryBytes, Kind};
use ledger::feed::FeedEvent;

use crate::draft::Draft;
use crate::state::State;

/// Why an entry cannot stand where it stands.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ApplyError {
    /// Not the next entry.
    #[error("entry {found} does not follow {expected} entries")]
    Index {
        /// Its index.
        found: u64,
        /// Entries so far.
        expected: u64,
    },
    /// Older than the one before it.
    #[error("entry {index} bears the time {found}, the one before it {before}")]
    Time {
        /// Its index.
        index: u64,
        /// Its time.
        found: Timestamp,
        /// That of the entry before it.
        before: Timestamp,
    },
    /// Names something that does not exist.
    #[error("entry {index} ({kind}) names {what}, which does not exist")]
    Unknown {
        /// Its index.
        index: u64,
        /// Its kind.
        kind: Kind,
        /// What is missing.
        what: &'static str,
    },
    /// Makes something that exists already.
    #[error("entry {index} ({kind}) makes {what}, which exists")]
    Exists {
        /// Its index.
        index: u64,
        /// Its kind.
        kind: Kind,
        /// What exists.
        what: &'static str,
    },
    /// A revocation that does not hit what it says it hits.
    #[error("entry {index} says it revokes {said} certificates ({said_hash}), but it hits {hit} ({hit_hash})")]
    RevocationHits {
        /// Its index.
        index: u64,
        /// The count it states.
        said: u64,
        /// The hash it states.
        said_hash: Sha256Hash,
        /// What its predicate hits.
        hit: u64,
        /// The hash of what its predicate hits.
        hit_hash: Sha256Hash,
    },
}

/// An entry with its place.
#[derive(Clone, Copy)]
struct At<'a> {
    index: u64,
    kind: Kind,
    time: Timestamp,
    bytes: &'a EntryBytes,
}

impl At<'_> {
    fn unknown(&self, what: &'static str) -> ApplyError {
        ApplyError::Unknown { index: self.index, kind: self.kind, what }
    }

    fn exists(&self, what: &'static str) -> ApplyError {
        ApplyError::Exists { index: self.index, kind: self.kind, what }
    }
}

impl State {
    /// Folds one entry, as at a start or a rebuild.
    ///
    /// # Errors
    /// [`ApplyError`]; the State is then as it was.
    pub fn apply(&mut self, index: u64, entry: &Entry, bytes: &EntryBytes) -> Result<(), ApplyError> {
        let mut draft = Draft::over(self, entry.time);
        draft.apply(index, entry, bytes)?;
        let changes = draft.into_changes();
        self.absorb(changes);
        Ok(())
    }
}

impl Draft<'_> {
    /// Lays the changes of one entry over State. `bytes` are the entry's octets, which the feed carries as they are.
    ///
    /// # Errors
    /// [`ApplyError`]; the draft must then be thrown away.
    pub fn apply(&mut self, index: u64, entry: &Entry, bytes: &EntryBytes) -> Result<(), ApplyError> {
        let scalars = &mut self.changes.scalars;
        if index != scalars.size {
            return Err(ApplyError::Index { found: index, expected: scalars.size });
        }
        if entry.time < scalars.time {
            return Err(ApplyError::Time { index, found: entry.time, before: scalars.time });
        }
        scalars.size = index.saturating_add(1);
        scalars.time = entry.time;
        let at = At { index, kind: entry.body.kind(), time: entry.time, bytes };
        match &entry.body {
            Body::LedgerCreated(body) => self.ledger_created(at, body),
            Body::AuthorityCreated(body) => self.authority_created(at, body),
            Body::AuthorityChanged(body) => self.authority_changed(at, body),
            Body::PersonAdmitted(body) => self.person_admitted(at, body),
            Body::PersonRemoved(body) => self.person_removed(at, body),
            Body::ApprovalGiven(body) => self.approval_given(at, body),
            Body::PolicyLoaded(body) => self.policy_loaded(at, body),
            Body::AgentAdded(body) => self.agent_added(at, body),
            Body::AgentRemoved(body) => self.agent_removed(at, body),
            Body::TokenCreated(body) => self.token_created(at, body),
            Body::TokenRevoked(body) => self.token_revoked(at, body),
            Body::CertificateAuthorised(body) => self.certificate_authorised(at, body),
            Body::RequestRefused(_) => self.refused(1),
            Body::RefusalsSummed(body) => {
                let named =
                    body.groups.iter().flat_map(|group| group.rules.values()).fold(0, |a: u64, b| a.saturating_add(*b));
                self.refused(named.saturating_add(body.others))
            }
            Body::CertificatesRevoked(body) => self.certificates_revoked(at, body),
            Body::HostEvicted(body) => self.host_evicted(at, body),
            Body::HostBanned(body) => self.host_banned(at, body),
            Body::HostUnbanned(body) => self.host_unbanned(at, body),
            Body::CrlAuthorised(body) => self.crl_authorised(at, body),
        }
    }

    fn refused(&mut self, count: u64) -> Result<(), ApplyError> {
        let counters = &mut self.changes.scalars.counters;
        counters.refused = counters.refused.saturating_add(count);
        Ok(())
    }

    fn emit(&mut self, event: FeedEvent) {
        self.changes.scalars.feed.extend(&event);
        self.changes.events.push(event);
    }
}

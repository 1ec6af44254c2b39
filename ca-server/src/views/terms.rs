//! What an entry can be found by. Knows the kinds and their fields; knows no store.

use ledger::entry::{Actor, Body, CertificateAuthorised, Entry, Predicate, Subject};
use sha2::{Digest as _, Sha256};

/// One way to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// By SPIFFE id.
    Agent,
    /// By host id.
    Host,
    /// By serial number.
    Serial,
    /// By public key.
    Key,
    /// By kind of entry.
    Kind,
    /// By who asked for it.
    Actor,
}

impl View {
    /// Every view.
    pub const ALL: &[Self] = &[Self::Agent, Self::Host, Self::Serial, Self::Key, Self::Kind, Self::Actor];

    /// Its name in `status` and `find`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Host => "host",
            Self::Serial => "serial",
            Self::Key => "key",
            Self::Kind => "kind",
            Self::Actor => "actor",
        }
    }

    /// Its octet in the store. Part of the format.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Agent => 1,
            Self::Host => 2,
            Self::Serial => 3,
            Self::Key => 4,
            Self::Kind => 5,
            Self::Actor => 6,
        }
    }
}

/// What is asked for, at a fixed length: half a SHA-256, 128 bits, so that no two texts share one by chance or by search for a given one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Term(pub(super) [u8; TERM_OCTETS]);

impl Term {
    pub(super) fn of(text: &str) -> Self {
        let mut half = [0; TERM_OCTETS];
        for (to, from) in half.iter_mut().zip(Sha256::digest(text)) {
            *to = from;
        }
        Self(half)
    }
}

/// Octets of a term.
pub(super) const TERM_OCTETS: usize = 16;

/// Everything that an entry can be found by.
pub(super) fn of(entry: &Entry) -> Vec<(View, String)> {
    let mut terms = vec![(View::Kind, entry.body.kind().as_str().to_owned()), (View::Actor, entry.actor.to_string())];
    if let Actor::Host(host) = entry.actor {
        terms.push((View::Host, host.to_string()));
    }
    match &entry.body {
        Body::CertificateAuthorised(body) => certificate(&mut terms, body),
        Body::CertificatesRevoked(body) => terms.push(match &body.predicate {
            Predicate::Serial(serial) => (View::Serial, serial.to_string()),
            Predicate::Agent(id) => (View::Agent, id.to_string()),
            Predicate::Host(host) => (View::Host, host.to_string()),
            Predicate::Key(key) => (View::Key, key.to_string()),
            // The certificates that it hits are found by the renewals that set their cutoffs.
            Predicate::Cutoff(_) => return terms,
        }),
        Body::HostEvicted(body) => terms.push((View::Host, body.host.to_string())),
        Body::HostBanned(body) => terms.push((View::Host, body.host.to_string())),
        Body::HostUnbanned(body) => terms.push((View::Host, body.host.to_string())),
        Body::AuthorityCreated(body) => terms.push((View::Key, body.key.to_string())),
        Body::PersonAdmitted(body) => terms.push((View::Key, body.key.to_string())),
        Body::LedgerCreated(_)
        | Body::AuthorityChanged(_)
        | Body::PersonRemoved(_)
        | Body::ApprovalGiven(_)
        | Body::PolicyLoaded(_)
        | Body::AgentAdded(_)
        | Body::AgentRemoved(_)
        | Body::TokenCreated(_)
        | Body::TokenRevoked(_)
        | Body::RequestRefused(_)
        | Body::RefusalsSummed(_)
        | Body::CrlAuthorised(_) => {}
    }
    terms
}

fn certificate(terms: &mut Vec<(View, String)>, body: &CertificateAuthorised) {
    terms.push((View::Agent, body.spiffe_id.to_string()));
    terms.push((View::Serial, body.serial.to_string()));
    terms.push((View::Key, body.key.to_string()));
    if let Some(superseded) = &body.supersedes {
        terms.push((View::Serial, superseded.to_string()));
    }
    match &body.subject {
        Subject::Host { host } | Subject::Agent { host, .. } => terms.push((View::Host, host.to_string())),
        Subject::Server | Subject::Person { .. } => {}
    }
}

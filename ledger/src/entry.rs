//! One entry of the ledger: its envelope, its octets, its strict reading. Knows the kinds; knows no tree, file or clock.
//!
//! An entry is one line of JSON and is hashed as the octets that were written (RFC 6962, section 2.1), so there is no
//! canonical form to agree on. `docs/ledger.md` lists kinds and fields and how each is protected.

mod actor;
mod certificates;
mod claims;
mod kind;
mod octets;
mod persons;
mod refusals;
mod revocation;
mod rules;
mod tokens;
mod trust;

use std::sync::Arc;

use identity::{RequestId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use actor::{Actor, ActorError};
pub use certificates::{CertificateAuthorised, EvidenceUsed, Subject};
pub use claims::{ClaimValue, Claims};
pub use kind::{Body, Kind, UnknownKind};
pub use octets::Octets;
pub use persons::{ApprovalGiven, PersonAdmitted, PersonRemoved, Role};
pub use refusals::{RefusalGroup, RefusalsSummed, RequestRefused};
pub use revocation::{
    CertificatesRevoked, CrlAuthorised, HostBanned, HostEvicted, HostUnbanned, Predicate, RevocationReason,
};
pub use rules::{AgentAdded, AgentRemoved, PolicyLoaded, Selectors};
pub use tokens::{TokenCreated, TokenRevoked};
pub use trust::{AuthorityChanged, AuthorityCreated, AuthorityRole, AuthorityState, LedgerCreated};

/// One change of state, as it stands in the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When the committer took it; never earlier than that of the entry before.
    pub time: Timestamp,
    /// Who asked for it.
    pub actor: Actor,
    /// The request that it came from; several entries may come from one.
    pub request: RequestId,
    /// 16 random octets, so that the hash of an entry says nothing about what it might contain.
    pub salt: [u8; SALT_OCTETS],
    /// What changed.
    pub body: Body,
}

/// The octets of an entry as they are hashed and stored: one line of JSON without its newline, at most
/// [`MAX_ENTRY_OCTETS`]. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct EntryBytes(Arc<[u8]>);

/// Why octets are no entry, or a value cannot become one.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Longer than an entry may be.
    #[error("the entry has {octets} octets, {limit} are allowed")]
    TooLong {
        /// How long it is.
        octets: usize,
        /// How long it may be.
        limit: usize,
    },
    /// More than one line.
    #[error("the entry holds a line break at octet {at}")]
    LineBreak {
        /// Where.
        at: usize,
    },
    /// Not JSON, a member missing, unknown, twice, or of the wrong type.
    #[error("the entry is not well-formed")]
    Malformed(#[source] serde_json::Error),
    /// The members of its body are not those of its kind.
    #[error("the body is not that of kind {kind}")]
    Body {
        /// The kind that the envelope names.
        kind: Kind,
        /// What serde found.
        #[source]
        source: serde_json::Error,
    },
    /// Written by a version of the format that this program does not know.
    #[error("the entry has format version {found}, this program knows {known}")]
    Version {
        /// In the entry.
        found: u64,
        /// Here.
        known: u64,
    },
    /// A kind that this program does not know: a newer Brevet wrote it.
    #[error(transparent)]
    Kind(#[from] UnknownKind),
}

impl Entry {
    /// The octets to be hashed and stored.
    ///
    /// # Errors
    /// [`EntryError::TooLong`]: the content belongs beside the ledger, named by its SHA-256.
    pub fn encode(&self) -> Result<EntryBytes, EntryError> {
        let envelope = EnvelopeOut {
            v: FORMAT,
            kind: self.body.kind(),
            time: self.time,
            actor: &self.actor,
            request: self.request,
            salt: Octets(self.salt.to_vec()),
            body: &self.body,
        };
        let octets = serde_json::to_vec(&envelope).map_err(EntryError::Malformed)?;
        EntryBytes::new(octets)
    }

    /// Reads an entry strictly: every member known, none twice, none missing.
    ///
    /// # Errors
    /// Whatever keeps `octets` from being an entry of this format.
    pub fn decode(octets: &[u8]) -> Result<Self, EntryError> {
        check_shape(octets)?;
        let envelope: EnvelopeIn<'_> = serde_json::from_slice(octets).map_err(EntryError::Malformed)?;
        if envelope.v != FORMAT {
            return Err(EntryError::Version { found: envelope.v, known: FORMAT });
        }
        let kind: Kind = envelope.kind.parse()?;
        let body = Body::from_json(kind, envelope.body.get()).map_err(|source| EntryError::Body { kind, source })?;
        let salt = <[u8; SALT_OCTETS]>::try_from(envelope.salt.0.as_slice()).map_err(|_| {
            EntryError::Malformed(serde::de::Error::invalid_length(envelope.salt.0.len(), &"16 octets of salt"))
        })?;
        Ok(Self { time: envelope.time, actor: envelope.actor, request: envelope.request, salt, body })
    }
}

impl EntryBytes {
    /// Takes octets that are one line within the limit; their meaning is read by [`Entry::decode`].
    ///
    /// # Errors
    /// [`EntryError::TooLong`], [`EntryError::LineBreak`].
    pub fn new(octets: Vec<u8>) -> Result<Self, EntryError> {
        check_shape(&octets)?;
        Ok(Self(octets.into()))
    }

    /// The entry that these octets are.
    ///
    /// # Errors
    /// As [`Entry::decode`].
    pub fn decode(&self) -> Result<Entry, EntryError> {
        Entry::decode(&self.0)
    }
}

impl std::ops::Deref for EntryBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for EntryBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for EntryBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

fn check_shape(octets: &[u8]) -> Result<(), EntryError> {
    if octets.len() > MAX_ENTRY_OCTETS {
        return Err(EntryError::TooLong { octets: octets.len(), limit: MAX_ENTRY_OCTETS });
    }
    match octets.iter().position(|&octet| octet == b'\n' || octet == b'\r') {
        Some(at) => Err(EntryError::LineBreak { at }),
        None => Ok(()),
    }
}

#[derive(Serialize)]
struct EnvelopeOut<'a> {
    v: u64,
    kind: Kind,
    #[serde(with = "identity::text")]
    time: Timestamp,
    #[serde(with = "identity::text")]
    actor: &'a Actor,
    #[serde(with = "identity::text")]
    request: RequestId,
    salt: Octets,
    body: &'a Body,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeIn<'a> {
    v: u64,
    #[serde(borrow)]
    kind: &'a str,
    #[serde(with = "identity::text")]
    time: Timestamp,
    #[serde(with = "identity::text")]
    actor: Actor,
    #[serde(with = "identity::text")]
    request: RequestId,
    salt: Octets,
    #[serde(borrow)]
    body: &'a RawValue,
}

/// The version of the envelope. Kinds are added under the same version; a written kind never changes its meaning.
pub const FORMAT: u64 = 1;

/// Octets of an entry, at most: it must fit the 16-bit length of an entry bundle (C2SP tlog-tiles, "Log Entries") and
/// leave room for many in one etcd value (design, section 1).
pub const MAX_ENTRY_OCTETS: usize = 16 * 1024;

/// Octets of salt: 128 bits, so that a guess at an erased or committed value cannot be confirmed by hashing.
pub const SALT_OCTETS: usize = 16;

#[cfg(test)]
mod tests;

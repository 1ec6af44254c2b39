//! What an event's data says. Knows the form of each kind; keeps nothing.

use identity::{Serial, Sha256Hash, Timestamp};
use serde::Deserialize;
use thiserror::Error;

use super::{EventKind, FeedEvent, MAX_EVENT_OCTETS, event::EMPTY};
use crate::entry::{Body, Entry, EntryError, Kind, RevocationReason};

/// What an event tells a follower.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// These certificates are revoked.
    Revoked {
        /// Their serials, sorted.
        serials: Vec<Serial>,
        /// Why.
        reason: RevocationReason,
        /// When the last of them expires.
        not_after: Timestamp,
    },
    /// This certificate was superseded, and is to be refused from its cutoff on.
    Superseded {
        /// The certificate.
        serial: Serial,
        /// From when on it is refused.
        cutoff: Timestamp,
        /// When it expires.
        not_after: Timestamp,
    },
    /// What hosts may ask for has changed.
    AgentsChanged,
    /// The trust bundle has changed.
    BundleChanged,
}

impl FeedEvent {
    /// Reads the event's data.
    ///
    /// The entry of a revocation states count and hash of the serials, so a list that does not fit its entry is
    /// refused.
    ///
    /// # Errors
    /// When the data is not what this kind of event says.
    pub fn read(&self) -> Result<Told, EventError> {
        if self.data.len() > MAX_EVENT_OCTETS {
            return Err(EventError::TooLong { found: self.data.len(), limit: MAX_EVENT_OCTETS });
        }
        match self.kind {
            EventKind::Revoked => read_revoked(&self.data),
            EventKind::Superseded => {
                let Superseded { serial, cutoff, not_after } = from_json(&self.data)?;
                Ok(Told::Superseded { serial, cutoff, not_after })
            }
            EventKind::AgentsChanged => empty(&self.data, Told::AgentsChanged),
            EventKind::BundleChanged => empty(&self.data, Told::BundleChanged),
        }
    }
}

/// SHA-256 of serials, 16 octets each, one after the other: what a `certificates-revoked` entry states of those it
/// hits.
#[must_use]
pub(super) fn hash_of(serials: &[Serial]) -> Sha256Hash {
    let octets: Vec<u8> = serials.iter().flat_map(|serial| *serial.as_bytes()).collect();
    Sha256Hash::of(&octets)
}

fn read_revoked(data: &str) -> Result<Told, EventError> {
    let (entry, list) = data.split_once('\n').ok_or(EventError::Lines)?;
    let entry = Entry::decode(entry.as_bytes())?;
    let kind = entry.body.kind();
    let Body::CertificatesRevoked(body) = entry.body else { return Err(EventError::Kind { kind }) };
    let Serials { serials, not_after } = from_json(list)?;
    if !serials.is_sorted_by(|one, next| one < next) {
        return Err(EventError::NotSorted);
    }
    let found = u64::try_from(serials.len()).unwrap_or(u64::MAX);
    if found != body.count || hash_of(&serials) != body.serials {
        return Err(EventError::OtherSerials { stated: body.count, found });
    }
    Ok(Told::Revoked { serials, reason: body.reason, not_after })
}

fn from_json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, EventError> {
    serde_json::from_str(text).map_err(EventError::Malformed)
}

fn empty(data: &str, told: Told) -> Result<Told, EventError> {
    if data == EMPTY { Ok(told) } else { Err(EventError::NotEmpty) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Serials {
    #[serde(with = "identity::text::list")]
    serials: Vec<Serial>,
    #[serde(with = "identity::text")]
    not_after: Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Superseded {
    #[serde(with = "identity::text")]
    serial: Serial,
    #[serde(with = "identity::text")]
    cutoff: Timestamp,
    #[serde(with = "identity::text")]
    not_after: Timestamp,
}

/// Why an event's data is not what its kind says. The fault is with the server, or with whoever changed the stream.
#[derive(Debug, Error)]
pub enum EventError {
    /// Longer than any event.
    #[error("the event has {found} octets, more than {limit}")]
    TooLong {
        /// Octets given.
        found: usize,
        /// Octets allowed.
        limit: usize,
    },
    /// A revocation has two lines.
    #[error("a revocation has two lines")]
    Lines,
    /// The first line is no entry.
    #[error("the first line is no entry")]
    Entry(#[from] EntryError),
    /// The first line is another entry.
    #[error("the first line is an entry of the kind {kind}")]
    Kind {
        /// Its kind.
        kind: Kind,
    },
    /// Not the JSON that this kind of event has.
    #[error("the event is not well-formed")]
    Malformed(#[source] serde_json::Error),
    /// Serials out of order or twice.
    #[error("the serials of the revocation are not sorted")]
    NotSorted,
    /// The serials are not those that the entry states.
    #[error("the entry states {stated} serials, and these {found} are not they")]
    OtherSerials {
        /// How many the entry states.
        stated: u64,
        /// How many the event lists.
        found: u64,
    },
    /// Data where there is nothing to be said.
    #[error("an event of this kind says nothing more")]
    NotEmpty,
}

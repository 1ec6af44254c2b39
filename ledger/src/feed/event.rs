//! One event of the feed, and the running hash over all of them. Knows no entry but its octets.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use identity::{Serial, Sha256Hash, Timestamp};
use serde::{Deserialize, Serialize};

use crate::entry::EntryBytes;

/// One event. Its place in the stream is the index of the entry that it comes from; an entry gives at most one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEvent {
    /// Index of the entry: the event's `id`.
    pub index: u64,
    /// What it tells: the event's `event`.
    pub kind: EventKind,
    /// One or two lines: the event's `data`.
    pub data: String,
}

/// What an event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// Certificates were revoked. Line 1: the entry's octets. Line 2: `{"serials":[…],"not_after":…}`, sorted; the time
    /// is when the last of them expires.
    Revoked,
    /// A certificate was superseded and has a cutoff: `{"serial":…,"cutoff":…,"not_after":…}`.
    Superseded,
    /// What hosts may ask for has changed: ask `/v1/agents` again.
    AgentsChanged,
    /// The trust bundle has changed: ask `/v1/bundle` again.
    BundleChanged,
}

/// How many events there were so far, and a hash that chains them: h' = SHA-256(h, SHA-256(id, newline, kind, newline,
/// data)). An event that is left out, added or changed shows at the next heartbeat.
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunningHash {
    events: u64,
    hash: [u8; 32],
}

impl FeedEvent {
    /// The event of a revocation. `serials` is what it hit, sorted; `not_after` when the last of these certificates
    /// expires, or the time of the entry if it hit none.
    #[must_use]
    pub fn revoked(index: u64, entry: &EntryBytes, serials: &[Serial], not_after: Timestamp) -> Self {
        let mut data = String::from_utf8_lossy(entry).into_owned();
        data.push_str("\n{\"serials\":[");
        // Written by hand, since none of these texts needs escaping and nothing may fail here.
        for (place, serial) in serials.iter().enumerate() {
            data.push_str(if place == 0 { "\"" } else { ",\"" });
            data.push_str(&serial.to_string());
            data.push('"');
        }
        data.push_str(&format!("],\"not_after\":\"{not_after}\"}}"));
        Self { index, kind: EventKind::Revoked, data }
    }

    /// The event of a supersession with a cutoff.
    #[must_use]
    pub fn superseded(index: u64, serial: Serial, cutoff: Timestamp, not_after: Timestamp) -> Self {
        let data = format!("{{\"serial\":\"{serial}\",\"cutoff\":\"{cutoff}\",\"not_after\":\"{not_after}\"}}");
        Self { index, kind: EventKind::Superseded, data }
    }

    /// The event of a change to what hosts may ask for.
    #[must_use]
    pub fn agents_changed(index: u64) -> Self {
        Self { index, kind: EventKind::AgentsChanged, data: EMPTY.to_owned() }
    }

    /// The event of a change to the trust bundle.
    #[must_use]
    pub fn bundle_changed(index: u64) -> Self {
        Self { index, kind: EventKind::BundleChanged, data: EMPTY.to_owned() }
    }
}

impl RunningHash {
    /// The count and hash that a heartbeat or snapshot states.
    #[must_use]
    pub fn new(events: u64, hash: [u8; 32]) -> Self {
        Self { events, hash }
    }

    /// Events so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.events
    }

    /// The hash so far; all zeros before the first event.
    #[must_use]
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Takes the next event in.
    pub fn extend(&mut self, event: &FeedEvent) {
        let text = format!("{}\n{}\n{}", event.index, event.kind, event.data);
        let mut octets = [0; 64];
        let event = Sha256Hash::of(text.as_bytes());
        for (to, from) in octets.iter_mut().zip(self.hash.iter().chain(event.as_bytes())) {
            *to = *from;
        }
        self.hash = *Sha256Hash::of(&octets).as_bytes();
        self.events = self.events.saturating_add(1);
    }
}

impl fmt::Debug for RunningHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events, {}", self.events, STANDARD.encode(self.hash))
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Revoked => "certificates-revoked",
            Self::Superseded => "certificate-superseded",
            Self::AgentsChanged => "agents-changed",
            Self::BundleChanged => "bundle-changed",
        })
    }
}

/// A name that is no kind of event.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown kind of event {0:?}")]
pub struct UnknownEvent(pub String);

impl FromStr for EventKind {
    type Err = UnknownEvent;

    fn from_str(name: &str) -> Result<Self, UnknownEvent> {
        match name {
            "certificates-revoked" => Ok(Self::Revoked),
            "certificate-superseded" => Ok(Self::Superseded),
            "agents-changed" => Ok(Self::AgentsChanged),
            "bundle-changed" => Ok(Self::BundleChanged),
            other => Err(UnknownEvent(other.chars().take(64).collect())),
        }
    }
}

/// Data of an event that only says that something changed.
pub(super) const EMPTY: &str = "{}";

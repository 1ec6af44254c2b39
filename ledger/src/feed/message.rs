//! Events and heartbeats as server-sent events. Knows the fields; reads no stream and checks no signature.

use std::fmt;

use thiserror::Error;

use super::{EventKind, FeedEvent, UnknownEvent};
use crate::{
    checkpoint::{CheckpointError, parse_decimal},
    note::MAX_NOTE_OCTETS,
};

/// What the feed carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedMessage {
    /// An event: `id` is its index, `event` its kind, `data` its data.
    Event(FeedEvent),
    /// A heartbeat, still unchecked: no `id`, `event` is [`HEARTBEAT_KIND`], `data` the note.
    Heartbeat(String),
}

impl FeedMessage {
    /// Reads the fields of a server-sent event, `data` being its lines joined by newlines (HTML, section 9.2.6).
    ///
    /// # Errors
    /// When it is neither. A kind that this program does not know may take trust away: stop following, do not skip it.
    pub fn from_fields(id: Option<&str>, event: &str, data: &str) -> Result<Self, FeedMessageError> {
        if event == HEARTBEAT_KIND {
            return match id {
                None if data.len() <= MAX_NOTE_OCTETS => Ok(Self::Heartbeat(data.to_owned())),
                None => Err(FeedMessageError::TooLong { found: data.len(), limit: MAX_NOTE_OCTETS }),
                Some(_) => Err(FeedMessageError::HeartbeatWithId),
            };
        }
        let kind: EventKind = event.parse()?;
        let index = parse_decimal(id.ok_or(FeedMessageError::NoId { kind })?)
            .map_err(|error| FeedMessageError::Id(Box::new(error)))?;
        Ok(Self::Event(FeedEvent { index, kind, data: data.to_owned() }))
    }
}

impl fmt::Display for FeedMessage {
    /// The octets of the server-sent event, with the empty line that ends it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = match self {
            Self::Event(event) => {
                writeln!(f, "id: {}\nevent: {}", event.index, event.kind)?;
                &event.data
            }
            Self::Heartbeat(note) => {
                writeln!(f, "event: {HEARTBEAT_KIND}")?;
                note
            }
        };
        // One field per line; a note's last newline gives one more, empty, so that joining the lines gives the note
        // back.
        data.split('\n').try_for_each(|line| writeln!(f, "data: {line}"))?;
        writeln!(f)
    }
}

/// Why a server-sent event is none of the feed.
#[derive(Debug, Error)]
pub enum FeedMessageError {
    /// A newer server tells something that this program does not understand.
    #[error(transparent)]
    Kind(#[from] UnknownEvent),
    /// An event without its place.
    #[error("an event of the kind {kind} has no id")]
    NoId {
        /// Its kind.
        kind: EventKind,
    },
    /// An id that is no index.
    #[error("the id of the event is malformed")]
    Id(#[source] Box<CheckpointError>),
    /// A heartbeat has no place of its own among the events.
    #[error("a heartbeat has no id")]
    HeartbeatWithId,
    /// Longer than any note.
    #[error("the heartbeat has {found} octets, more than {limit}")]
    TooLong {
        /// Octets given.
        found: usize,
        /// Octets allowed.
        limit: usize,
    },
}

/// The `event` field of a heartbeat.
pub const HEARTBEAT_KIND: &str = "heartbeat";

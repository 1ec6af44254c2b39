//! What is revoked, as far as the ledger's key vouches for it. Knows two states of the feed and when it was heard; knows no stream.
//!
//! There is the state that answers, and while we begin again a second one that catches up from a snapshot. It takes over once a signed
//! statement of its own is no older than the newest one of the first, so beginning again never forgets: until then both are asked. Whatever
//! is wrong with the feed, what was revoked stays revoked, and what is not known to be revoked is believed only while the newest signed
//! statement is fresh.

use std::fmt;
use std::time::Duration;

use identity::{Serial, Timestamp};
use ledger::feed::{
    Change, FeedMessage, FeedMessageError, FeedState, FollowError, Heartbeat, SignedSnapshot, Staleness, Standing,
};
use ledger::note::VerifierKey;
use ledger::origin::Origin;
use protocol::feed::SnapshotMessage;

use super::clock::Moment;
use super::refusal::Refusal;
use crate::sse::SseEvent;

/// The feed as it stands.
pub(super) struct Revocations {
    origin: Origin,
    key: VerifierKey,
    /// Answers.
    current: FeedState,
    /// Catches up, if we are beginning again.
    next: Option<FeedState>,
    /// Whether the next thing to do is to fetch a snapshot.
    wants_snapshot: bool,
    /// When the newest statement of `current` came, by the clock that nobody sets.
    heard_since_boot: Duration,
    /// The last heartbeat as it came: the relay sends it again to whoever comes back.
    last_note: String,
}

/// What came of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Applied {
    /// So many certificates are refused from now on, or from a cutoff on.
    Refused(usize),
    /// A signed statement: we know as of now.
    Heard,
    /// Nothing that changes a verdict.
    Nothing,
}

impl Revocations {
    /// Nothing heard yet.
    pub(super) fn new(origin: Origin, key: VerifierKey) -> Self {
        let current = FeedState::new(origin.clone(), key.clone());
        let (heard_since_boot, last_note) = (Duration::ZERO, String::new());
        Self { origin, key, current, next: None, wants_snapshot: true, heard_since_boot, last_note }
    }

    /// What to send as `Last-Event-ID`, or nothing when a snapshot is wanted first.
    pub(super) fn position(&self) -> Option<u64> {
        if self.wants_snapshot { None } else { self.next.as_ref().unwrap_or(&self.current).position() }
    }

    /// Something did not fit: the next thing to do is [`Revocations::begin`].
    pub(super) fn begin_again(&mut self) {
        self.next = None;
        self.wants_snapshot = true;
    }

    /// Takes a snapshot, the body of `GET /v1/snapshot`, and gives the index it speaks for.
    pub(super) fn begin(&mut self, body: &[u8], now: Moment) -> Result<u64, FeedError> {
        let SnapshotMessage { snapshot: document, note } = serde_json::from_slice(body)?;
        let mut state = FeedState::new(self.origin.clone(), self.key.clone());
        let heard = state.adopt(&SignedSnapshot { document, note })?;
        let as_of = state.position().unwrap_or_default();
        self.next = Some(state);
        self.wants_snapshot = false;
        self.last_note.clear();
        self.take_over(heard, now)?;
        Ok(as_of)
    }

    /// Takes one message of the stream.
    pub(super) fn apply(&mut self, event: &SseEvent, now: Moment) -> Result<Applied, FeedError> {
        match FeedMessage::from_fields(event.id.as_deref(), &event.kind, &event.data)? {
            FeedMessage::Event(event) => match self.newest().apply(&event)? {
                Change::Revoked(serials) => Ok(Applied::Refused(serials.len())),
                Change::Superseded(_) => Ok(Applied::Refused(1)),
                Change::Known | Change::AgentsChanged | Change::BundleChanged => Ok(Applied::Nothing),
            },
            FeedMessage::Heartbeat(note) => self.heartbeat(note, now),
        }
    }

    /// Whether `serial` is refused, by what is known. Says nothing about how fresh that is.
    pub(super) fn check(&self, serial: Serial, now: Timestamp) -> Result<(), Refusal> {
        for state in std::iter::once(&self.current).chain(&self.next) {
            match state.standing(&serial, now) {
                Standing::Good => {}
                Standing::Revoked { .. } => return Err(Refusal::Revoked { serial }),
                Standing::CutOff { cutoff } => return Err(Refusal::CutOff { serial, cutoff, now }),
            }
        }
        Ok(())
    }

    /// Whether the newest signed statement is young enough, by both clocks.
    pub(super) fn check_fresh(&self, now: Moment, limit: Duration) -> Result<(), Refusal> {
        let by_wall = match self.current.staleness(now.wall) {
            Staleness::NeverHeard => return Err(Refusal::FeedNotHeard),
            Staleness::Behind(age) => age,
            Staleness::Ahead(ahead) if ahead <= MAX_AHEAD => Duration::ZERO,
            Staleness::Ahead(ahead) => {
                return Err(Refusal::FeedAhead { heartbeat: now.wall.plus(ahead), now: now.wall });
            }
        };
        let age = by_wall.max(now.since_boot.saturating_sub(self.heard_since_boot));
        if age > limit { Err(Refusal::FeedStale { age, limit }) } else { Ok(()) }
    }

    fn heartbeat(&mut self, note: String, now: Moment) -> Result<Applied, FeedError> {
        if note == self.last_note {
            return Ok(Applied::Nothing);
        }
        let before = self.current.heard();
        let heard = match self.newest().heartbeat(note.as_bytes()) {
            Ok(heard) => heard,
            // Overtaken on the way, or an old one sent again: it says nothing about now.
            Err(FollowError::Older { .. }) => return Ok(Applied::Nothing),
            Err(error) => return Err(error.into()),
        };
        self.last_note = note;
        if self.next.is_some() {
            self.take_over(heard, now)?;
        } else if before.is_none_or(|before| heard.time > before.time) {
            self.heard_since_boot = now.since_boot;
        }
        Ok(Applied::Heard)
    }

    /// The state that messages go to.
    fn newest(&mut self) -> &mut FeedState {
        self.next.as_mut().unwrap_or(&mut self.current)
    }

    /// Lets the state that catches up answer, if it knows as much as the other by its own signed statement.
    fn take_over(&mut self, heard: Heartbeat, now: Moment) -> Result<(), FeedError> {
        if let Some(before) = self.current.heard() {
            if heard.time < before.time {
                return Ok(());
            }
            let (size, events) = (heard.size, heard.events.count());
            let forked = events == before.events.count() && heard.events != before.events;
            if size < before.size || events < before.events.count() || forked {
                self.begin_again();
                return Err(FeedError::WentBack { before: Box::new(before), found: Box::new(heard) });
            }
            if heard.time > before.time {
                self.heard_since_boot = now.since_boot;
            }
        } else {
            self.heard_since_boot = now.since_boot;
        }
        if let Some(next) = self.next.take() {
            self.current = next;
        }
        Ok(())
    }
}

/// Not the serials: there may be a million, and rustls prints a configuration's verifier.
impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (position, heard) = (self.current.position(), self.current.heard());
        f.debug_struct("Revocations").field("position", &position).field("heard", &heard).finish_non_exhaustive()
    }
}

/// Why a message or snapshot is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum FeedError {
    /// It cannot be said when it came.
    #[error(transparent)]
    NoTime(#[from] Refusal),
    /// The snapshot's envelope cannot be read.
    #[error("the snapshot is not the JSON it should be")]
    Envelope(#[from] serde_json::Error),
    /// None of the feed's messages; perhaps of a later version.
    #[error("a message of the feed cannot be read")]
    Message(#[from] FeedMessageError),
    /// A signature, a count or a hash does not hold.
    #[error("the feed does not hold")]
    Follow(#[from] FollowError),
    /// The server states less than it stated before.
    #[error("the feed went back from {before:?} to {found:?}")]
    WentBack {
        /// What was heard before.
        before: Box<Heartbeat>,
        /// What is stated now.
        found: Box<Heartbeat>,
    },
}

/// How far the server's clock may be ahead of ours: the five minutes of security.md, T-52. Further, and nobody can say how old a heartbeat is.
const MAX_AHEAD: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests;

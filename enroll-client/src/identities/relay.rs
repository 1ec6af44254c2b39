//! The server's feed, kept for local followers. Knows event texts and their order; does not read what they say.
//!
//! Followers get the server's octets unchanged, heartbeats with their signature included, so that they trust the ledger key
//! and not this process. The relay keeps every event after its snapshot, and the newest heartbeat in its place among
//! them; a follower that is behind the snapshot starts again from the snapshot.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::broadcast;

/// One server-sent event, verbatim, from its first field to the empty line that ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayEvent {
    /// The event's id, its ledger index. Heartbeats have none.
    pub id: Option<u64>,
    /// The event's octets, ending in an empty line.
    pub text: Bytes,
}

/// What a follower gets: first all of `backlog`, then what `live` brings, with no gap between the two.
///
/// When `live` reports that it lagged, the follower has lost events and must ask again, from the last id it has.
#[derive(Debug)]
pub struct Follow {
    /// Events after the one asked for, in order, and the newest heartbeat in its place.
    pub backlog: Vec<RelayEvent>,
    /// What comes from now on.
    pub live: broadcast::Receiver<RelayEvent>,
}

/// Why the relay cannot answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RelayError {
    /// Nothing was received from the server yet (or too much at once): there is no state to follow from. Answer 503.
    #[error("the feed has not been received from the server yet")]
    NotYet,
    /// The events right after `after` are no longer kept. Answer 410: the follower fetches the snapshot.
    #[error("events after {after} are no longer kept; the snapshot speaks as of {as_of}")]
    TooFarBehind {
        /// The id asked for.
        after: u64,
        /// The snapshot's index.
        as_of: u64,
    },
}

/// A handle to the relay. Clones share it.
#[derive(Debug, Clone)]
pub struct FeedRelay {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    kept: Mutex<Kept>,
    live: broadcast::Sender<RelayEvent>,
}

#[derive(Debug, Default)]
struct Kept {
    snapshot: Option<(u64, Bytes)>,
    events: VecDeque<RelayEvent>,
    octets: usize,
}

impl FeedRelay {
    pub(super) fn new() -> Self {
        let (live, _) = broadcast::channel(LIVE_EVENTS);
        Self { shared: Arc::new(Shared { kept: Mutex::default(), live }) }
    }

    /// The newest snapshot: the body of the server's `GET /v1/snapshot`, verbatim.
    #[must_use]
    pub fn snapshot(&self) -> Option<Bytes> {
        self.kept().snapshot.as_ref().map(|(_, body)| body.clone())
    }

    /// Starts to follow after the event `after`, or after the snapshot if none is named.
    ///
    /// # Errors
    /// See [`RelayError`].
    pub fn follow(&self, after: Option<u64>) -> Result<Follow, RelayError> {
        let kept = self.kept();
        let as_of = kept.snapshot.as_ref().map(|(as_of, _)| *as_of).ok_or(RelayError::NotYet)?;
        let after = after.unwrap_or(as_of);
        if after < as_of {
            return Err(RelayError::TooFarBehind { after, as_of });
        }
        let backlog = kept.events.iter().filter(|event| event.id.is_none_or(|id| id > after)).cloned().collect();
        // Subscribed under the lock: what is pushed next is in `live`, and only there.
        Ok(Follow { backlog, live: self.shared.live.subscribe() })
    }

    /// Forgets everything and begins again from a snapshot. Followers who stand elsewhere find out by themselves, at the next heartbeat.
    pub fn begin(&self, as_of: u64, body: Bytes) {
        *self.kept() = Kept { snapshot: Some((as_of, body)), ..Kept::default() };
    }

    /// Replaces the snapshot and drops the events it already contains.
    pub fn set_snapshot(&self, as_of: u64, body: Bytes) {
        let mut kept = self.kept();
        kept.events.retain(|event| event.id.is_none_or(|id| id > as_of));
        // A heartbeat from before the snapshot counts fewer events than the snapshot holds.
        while kept.events.front().is_some_and(|event| event.id.is_none()) {
            kept.events.pop_front();
        }
        kept.octets = kept.events.iter().map(|event| event.text.len()).sum();
        kept.snapshot = Some((as_of, body));
    }

    /// Whether the snapshot should be renewed soon: half of what is kept after it is used up.
    #[must_use]
    pub fn wants_snapshot(&self) -> bool {
        let kept = self.kept();
        kept.snapshot.is_none() || kept.events.len() > MAX_EVENTS / 2 || kept.octets > MAX_OCTETS / 2
    }

    /// Adds an event and sends it to all followers.
    pub fn push(&self, event: RelayEvent) {
        let mut kept = self.kept();
        if event.id.is_none()
            && let Some(place) = kept.events.iter().position(|kept| kept.id.is_none())
            && let Some(old) = kept.events.remove(place)
        {
            kept.octets = kept.octets.saturating_sub(old.text.len());
        }
        kept.octets = kept.octets.saturating_add(event.text.len());
        kept.events.push_back(event.clone());
        if kept.events.len() > MAX_EVENTS || kept.octets > MAX_OCTETS {
            // Nobody can start from here until there is a newer snapshot; those who follow are not touched.
            *kept = Kept::default();
        }
        // No follower is no failure.
        let _followers = self.shared.live.send(event);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // No code that holds the lock leaves `Kept` half changed by a panic: lengths are recomputed or saturate.
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Events kept after the snapshot. Ours: at 100 revocations a second, 80 s between snapshots.
const MAX_EVENTS: usize = 8192;
/// Octets kept after the snapshot. Ours: 8 MiB of a host's memory.
const MAX_OCTETS: usize = 8 << 20;
/// Events a slow follower may be behind before it must ask again. Ours: a tenth of a second of 10,000 events.
const LIVE_EVENTS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: u64) -> RelayEvent {
        RelayEvent { id: Some(id), text: Bytes::from(format!("id: {id}\n\n")) }
    }

    fn heartbeat(text: &'static str) -> RelayEvent {
        RelayEvent { id: None, text: Bytes::from_static(text.as_bytes()) }
    }

    #[track_caller]
    fn check_backlog(relay: &FeedRelay, after: Option<u64>, expected: &[RelayEvent]) {
        assert_eq!(relay.follow(after).unwrap().backlog, expected);
    }

    #[test]
    fn nothing_to_follow_before_the_first_snapshot() {
        let relay = FeedRelay::new();
        relay.push(event(3));
        assert!(relay.wants_snapshot());
        assert_eq!(relay.follow(None).unwrap_err(), RelayError::NotYet);
        assert_eq!(relay.snapshot(), None);
    }

    #[test]
    fn backlog_starts_after_the_id_asked_for() {
        let relay = FeedRelay::new();
        relay.set_snapshot(4, Bytes::from_static(b"s"));
        relay.push(event(5));
        assert!(!relay.wants_snapshot());
        relay.push(event(9));
        check_backlog(&relay, None, &[event(5), event(9)]);
        check_backlog(&relay, Some(4), &[event(5), event(9)]);
        check_backlog(&relay, Some(5), &[event(9)]);
        check_backlog(&relay, Some(9), &[]);
        assert_eq!(relay.follow(Some(3)).unwrap_err(), RelayError::TooFarBehind { after: 3, as_of: 4 });
    }

    #[test]
    fn only_the_newest_heartbeat_is_kept_and_in_its_place() {
        let relay = FeedRelay::new();
        relay.set_snapshot(0, Bytes::new());
        relay.push(heartbeat("h1"));
        relay.push(event(1));
        check_backlog(&relay, None, &[heartbeat("h1"), event(1)]);
        relay.push(heartbeat("h2"));
        check_backlog(&relay, None, &[event(1), heartbeat("h2")]);
        relay.push(event(2));
        check_backlog(&relay, Some(1), &[heartbeat("h2"), event(2)]);
    }

    #[test]
    fn a_newer_snapshot_drops_what_it_contains() {
        let relay = FeedRelay::new();
        relay.set_snapshot(0, Bytes::new());
        relay.push(event(1));
        relay.push(heartbeat("h1"));
        relay.push(event(2));
        relay.set_snapshot(1, Bytes::from_static(b"newer"));
        check_backlog(&relay, None, &[event(2)]);
        assert_eq!(relay.snapshot().unwrap(), "newer");
    }

    #[tokio::test]
    async fn live_events_follow_the_backlog_without_a_gap() {
        let relay = FeedRelay::new();
        relay.set_snapshot(0, Bytes::new());
        relay.push(event(1));
        let mut follow = relay.follow(None).unwrap();
        relay.push(event(2));
        assert_eq!(follow.backlog, [event(1)]);
        assert_eq!(follow.live.recv().await.unwrap(), event(2));
    }

    #[test]
    fn too_much_at_once_asks_for_a_snapshot_and_forgets() {
        let relay = FeedRelay::new();
        relay.set_snapshot(0, Bytes::new());
        let wanted = (1..=8193).position(|id| {
            relay.push(event(id));
            relay.wants_snapshot()
        });
        assert_eq!(wanted, Some(4096));
        (4098..=8193).for_each(|id| relay.push(event(id)));
        assert_eq!(relay.follow(Some(8192)).unwrap_err(), RelayError::NotYet);
    }
}

//! What a follower knows. Knows events, heartbeats and snapshots; knows no stream and no clock.

use std::{collections::BTreeMap, time::Duration};

use identity::{Serial, Timestamp};
use thiserror::Error;

use super::{
    EventError, FeedEvent, Heartbeat, HeartbeatError, KEPT_AFTER_EXPIRY, MAX_SERIALS, RunningHash, SignedSnapshot,
    SnapshotError, Told,
};
use crate::{entry::RevocationReason, note::VerifierKey, origin::Origin};

/// Follows the feed of one log: takes events in order, checks heartbeats against them, and answers what is revoked.
///
/// An error leaves it as it was. It goes on refusing what it knows to be revoked, but no heartbeat freshens it any
/// more, so whoever asks [`FeedState::staleness`] stops trusting it in time. The way out of every error is a snapshot.
#[derive(Clone, Debug)]
pub struct FeedState {
    origin: Origin,
    key: VerifierKey,
    position: Option<u64>,
    events: RunningHash,
    /// The newest heartbeat, or the snapshot since: what is known to be true, and so the floor for all that comes.
    heard: Option<Heartbeat>,
    revoked: BTreeMap<Serial, Revoked>,
    cutoffs: BTreeMap<Serial, Cutoff>,
    swept: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Revoked {
    not_after: Timestamp,
    reason: RevocationReason,
}

#[derive(Clone, Copy, Debug)]
struct Cutoff {
    cutoff: Timestamp,
    not_after: Timestamp,
}

/// What an event has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing: it was known already.
    Known,
    /// These certificates are refused from now on.
    Revoked(Vec<Serial>),
    /// This certificate is refused from its cutoff on.
    Superseded(Serial),
    /// A host should ask again which agents it may have.
    AgentsChanged,
    /// The trust bundle should be fetched again.
    BundleChanged,
}

/// What is known of one certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing against it.
    Good,
    /// It is revoked.
    Revoked {
        /// Why.
        reason: RevocationReason,
    },
    /// It was superseded, and its time has come.
    CutOff {
        /// From when on it is refused.
        cutoff: Timestamp,
    },
}

/// How old the newest heartbeat is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Staleness {
    /// There has been none. Trust nothing.
    NeverHeard,
    /// It is this old.
    Behind(Duration),
    /// It is from the future by this much: one of the two clocks is wrong, and nobody knows how old it is.
    Ahead(Duration),
}

impl FeedState {
    /// Knows nothing yet of the log `origin`: feed it from the first event, or adopt a snapshot.
    #[must_use]
    pub fn new(origin: Origin, key: VerifierKey) -> Self {
        Self {
            origin,
            key,
            position: None,
            events: RunningHash::default(),
            heard: None,
            revoked: BTreeMap::new(),
            cutoffs: BTreeMap::new(),
            swept: Timestamp::EPOCH,
        }
    }

    /// Takes the next event. Ids rise, with gaps where entries are no events; one that is not beyond the newest is
    /// known.
    ///
    /// # Errors
    /// When its data is not what its kind says, or there are more serials than a follower holds.
    pub fn apply(&mut self, event: &FeedEvent) -> Result<Change, FollowError> {
        if self.position.is_some_and(|newest| event.index <= newest) {
            return Ok(Change::Known);
        }
        let change = match event.read()? {
            Told::Revoked { serials, reason, not_after } => {
                self.revoke(&serials, Revoked { not_after, reason })?;
                Change::Revoked(serials)
            }
            Told::Superseded { serial, cutoff, not_after } => {
                self.cut_off(serial, Cutoff { cutoff, not_after })?;
                Change::Superseded(serial)
            }
            Told::AgentsChanged => Change::AgentsChanged,
            Told::BundleChanged => Change::BundleChanged,
        };
        self.events.extend(event);
        self.position = Some(event.index);
        Ok(change)
    }

    /// Takes a heartbeat: a signed note that must count exactly the events that were taken, and hash them alike.
    ///
    /// # Errors
    /// When the signature does not hold, time, size or count went back, or the events are not those that were sent.
    /// Only [`FollowError::Older`] is harmless; all others mean that what was received is not what the server states.
    pub fn heartbeat(&mut self, note: &[u8]) -> Result<Heartbeat, FollowError> {
        let heartbeat = Heartbeat::open(note, &self.origin, &self.key)?;
        self.check_not_back(heartbeat)?;
        let (ours, theirs) = (self.events.count(), heartbeat.events.count());
        if theirs > ours {
            return Err(FollowError::EventsMissing { ours, theirs });
        }
        if theirs < ours {
            return Err(FollowError::EventsAdded { ours, theirs });
        }
        if heartbeat.events != self.events {
            return Err(FollowError::EventsDiffer { events: ours });
        }
        if let Some(position) = self.position.filter(|position| *position >= heartbeat.size) {
            return Err(FollowError::BeyondSize { position, size: heartbeat.size });
        }
        self.heard = Some(heartbeat);
        self.sweep(heartbeat.time);
        Ok(heartbeat)
    }

    /// Starts anew from a snapshot, which counts as a heartbeat. Follow events beyond [`FeedState::position`] from here
    /// on.
    ///
    /// # Errors
    /// When signature or hash do not hold, or it lies before what the newest heartbeat has stated.
    pub fn adopt(&mut self, snapshot: &SignedSnapshot) -> Result<Heartbeat, FollowError> {
        let snapshot = snapshot.open(&self.origin, &self.key)?;
        let heartbeat =
            Heartbeat { time: snapshot.time, size: snapshot.as_of.saturating_add(1), events: snapshot.events };
        self.check_not_back(heartbeat)?;
        let revoked =
            |row: super::RevokedSerial| (row.serial, Revoked { not_after: row.not_after, reason: row.reason });
        let cutoff = |row: super::CutoffSerial| (row.serial, Cutoff { cutoff: row.cutoff, not_after: row.not_after });
        self.revoked = snapshot.revoked.into_iter().map(revoked).collect();
        self.cutoffs = snapshot.cutoffs.into_iter().map(cutoff).collect();
        self.position = Some(snapshot.as_of);
        self.events = snapshot.events;
        self.heard = Some(heartbeat);
        self.swept = heartbeat.time;
        Ok(heartbeat)
    }

    /// What is known of a certificate at `now`. Says nothing of its validity, and is worth as much as
    /// [`FeedState::staleness`] says.
    #[must_use]
    pub fn standing(&self, serial: &Serial, now: Timestamp) -> Standing {
        if let Some(revoked) = self.revoked.get(serial) {
            return Standing::Revoked { reason: revoked.reason };
        }
        match self.cutoffs.get(serial) {
            Some(superseded) if superseded.cutoff <= now => Standing::CutOff { cutoff: superseded.cutoff },
            _ => Standing::Good,
        }
    }

    /// How old the newest heartbeat is at `now`.
    #[must_use]
    pub fn staleness(&self, now: Timestamp) -> Staleness {
        match self.heard {
            None => Staleness::NeverHeard,
            Some(heard) if heard.time > now => Staleness::Ahead(heard.time.since(now)),
            Some(heard) => Staleness::Behind(now.since(heard.time)),
        }
    }

    /// Id of the newest event taken, or index up to which the snapshot spoke: what to send as `Last-Event-ID`.
    #[must_use]
    pub const fn position(&self) -> Option<u64> {
        self.position
    }

    /// Number of events taken, and their running hash: what to acknowledge.
    #[must_use]
    pub const fn events(&self) -> RunningHash {
        self.events
    }

    /// The newest heartbeat that held.
    #[must_use]
    pub const fn heard(&self) -> Option<Heartbeat> {
        self.heard
    }

    fn check_not_back(&self, found: Heartbeat) -> Result<(), FollowError> {
        let Some(heard) = self.heard else { return Ok(()) };
        if found.time < heard.time {
            return Err(FollowError::Older { heard: heard.time, found: found.time });
        }
        if found.size < heard.size || found.events.count() < heard.events.count() {
            return Err(FollowError::WentBack { heard: Box::new(heard), found: Box::new(found) });
        }
        if found.events.count() == heard.events.count() && found.events != heard.events {
            return Err(FollowError::Fork { heard: Box::new(heard), found: Box::new(found) });
        }
        Ok(())
    }

    fn revoke(&mut self, serials: &[Serial], revoked: Revoked) -> Result<(), FollowError> {
        room(self.revoked.len().saturating_add(serials.len()))?;
        for serial in serials {
            // One that is revoked twice stays so until the later end; the first reason stands.
            let known = self.revoked.entry(*serial).or_insert(revoked);
            known.not_after = known.not_after.max(revoked.not_after);
        }
        Ok(())
    }

    fn cut_off(&mut self, serial: Serial, cutoff: Cutoff) -> Result<(), FollowError> {
        room(self.cutoffs.len().saturating_add(1))?;
        let known = self.cutoffs.entry(serial).or_insert(cutoff);
        // Nothing gives trust back.
        known.cutoff = known.cutoff.min(cutoff.cutoff);
        known.not_after = known.not_after.max(cutoff.not_after);
        Ok(())
    }

    /// Forgets certificates that are long expired. Goes by the server's time, which is signed and never falls.
    fn sweep(&mut self, time: Timestamp) {
        if time.since(self.swept) < SWEEP_EVERY {
            return;
        }
        self.swept = time;
        let before = time.minus(KEPT_AFTER_EXPIRY);
        self.revoked.retain(|_, revoked| revoked.not_after >= before);
        self.cutoffs.retain(|_, cutoff| cutoff.not_after >= before);
    }
}

fn room(needed: usize) -> Result<(), FollowError> {
    if needed > MAX_SERIALS { Err(FollowError::Full { limit: MAX_SERIALS }) } else { Ok(()) }
}

/// Why something of the feed was not taken. Adopt a snapshot; if that fails too, say so loudly.
#[derive(Debug, Error)]
pub enum FollowError {
    /// An event does not say what its kind says.
    #[error("an event cannot be read")]
    Event(#[from] EventError),
    /// A heartbeat does not hold.
    #[error("a heartbeat does not hold")]
    Heartbeat(#[from] HeartbeatError),
    /// A snapshot does not hold.
    #[error("a snapshot does not hold")]
    Snapshot(#[from] SnapshotError),
    /// It is from before what was heard last: overtaken on the way, or sent again by somebody. Wait for the next.
    #[error("this is from {found}, before {heard}")]
    Older {
        /// Time of what was heard last.
        heard: Timestamp,
        /// Time of this.
        found: Timestamp,
    },
    /// The log went back: a server restored from an old copy, or a lie. An alarm.
    #[error("the feed went back from {heard:?} to {found:?}")]
    WentBack {
        /// What was heard last.
        heard: Box<Heartbeat>,
        /// What is stated now.
        found: Box<Heartbeat>,
    },
    /// Two statements that cannot both be true, each signed. An alarm; keep both.
    #[error("the feed forked: {heard:?} and {found:?}")]
    Fork {
        /// What was heard last.
        heard: Box<Heartbeat>,
        /// What is stated now.
        found: Box<Heartbeat>,
    },
    /// Events were left out on the way.
    #[error("{theirs} events were sent, {ours} have come")]
    EventsMissing {
        /// Events taken.
        ours: u64,
        /// Events stated.
        theirs: u64,
    },
    /// Events came that the server has not sent.
    #[error("{theirs} events were sent, {ours} have come")]
    EventsAdded {
        /// Events taken.
        ours: u64,
        /// Events stated.
        theirs: u64,
    },
    /// As many events as were sent, but not the same.
    #[error("the {events} events that have come are not those that were sent")]
    EventsDiffer {
        /// Events taken, and stated.
        events: u64,
    },
    /// An event came from an entry that the ledger does not have yet.
    #[error("an event of entry {position} has come from a ledger of {size} entries")]
    BeyondSize {
        /// Id of the newest event.
        position: u64,
        /// Size stated.
        size: u64,
    },
    /// More serials than a follower holds.
    #[error("there are more than {limit} serials to be held")]
    Full {
        /// Serials allowed.
        limit: usize,
    },
}

/// Time of the feed between two sweeps, each of which looks at every serial held.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestSigner;

    fn serial(number: usize) -> Serial {
        let mut octets = [1; 16];
        octets[8..].copy_from_slice(&number.to_be_bytes());
        Serial::from_bytes(octets).unwrap()
    }

    #[test]
    fn a_follower_holds_no_more_than_its_limit() {
        let signer = TestSigner::new("example.org/brevet", 1);
        let mut state = FeedState::new(Origin::parse("example.org/brevet").unwrap(), signer.verifier().clone());
        let time = Timestamp::EPOCH;
        let cutoff = Cutoff { cutoff: time, not_after: time };
        state.cutoffs = (1..MAX_SERIALS).map(|number| (serial(number), cutoff)).collect();
        state.apply(&FeedEvent::superseded(1, serial(0), time, time)).unwrap();
        let one_more = FeedEvent::superseded(2, serial(MAX_SERIALS), time, time);
        assert!(matches!(state.apply(&one_more), Err(FollowError::Full { .. })));
        assert_eq!((state.position(), state.events().count()), (Some(1), 1));
    }
}

//! Feeds that hold and feeds that do not, with a clock that the test sets. Knows the wire form through the test's own ledger.

use super::*;
use crate::verifier::testing::feed::LedgerFeed;
use crate::verifier::testing::{TestClock, World};
use ledger::feed::FeedMessage;

const LIMIT: Duration = Duration::from_secs(30);

/// A follower, its server and its clock.
struct Story {
    feed: LedgerFeed,
    clock: TestClock,
    revocations: Revocations,
}

impl Story {
    fn new() -> Self {
        let world = World::new("example.org");
        let feed = LedgerFeed::new(&world);
        let revocations = Revocations::new(feed.trust.origin.clone(), feed.trust.ledger_key.clone());
        Self { feed, clock: TestClock::at(world.now), revocations }
    }

    fn begun() -> Self {
        let mut story = Self::new();
        story.begin().unwrap();
        story
    }

    fn begin(&mut self) -> Result<u64, FeedError> {
        let (_, body) = self.feed.snapshot(self.clock.now().wall);
        self.revocations.begin(&body, self.clock.now())
    }

    fn take(&mut self, message: &FeedMessage) -> Result<Applied, FeedError> {
        let event = match message {
            FeedMessage::Event(event) => {
                SseEvent { kind: event.kind.to_string(), id: Some(event.index.to_string()), data: event.data.clone() }
            }
            FeedMessage::Heartbeat(note) => SseEvent { kind: "heartbeat".into(), id: None, data: note.clone() },
        };
        self.revocations.apply(&event, self.clock.now())
    }

    fn beat(&mut self) -> Result<Applied, FeedError> {
        let message = self.feed.heartbeat(self.clock.now().wall);
        self.take(&message)
    }

    fn revoke(&mut self, number: u8) -> FeedMessage {
        self.feed.revoke(vec![serial(number)], self.clock.now().wall)
    }

    #[track_caller]
    fn check_revoked(&self, number: u8, expected: bool) {
        let outcome = self.revocations.check(serial(number), self.clock.now().wall);
        assert_eq!(outcome, if expected { Err(Refusal::Revoked { serial: serial(number) }) } else { Ok(()) });
    }

    #[track_caller]
    fn check_age(&self, expected: u64) {
        let outcome = self.revocations.check_fresh(self.clock.now(), LIMIT);
        let age = Duration::from_secs(expected);
        assert_eq!(outcome, if age > LIMIT { Err(Refusal::FeedStale { age, limit: LIMIT }) } else { Ok(()) });
    }
}

fn serial(number: u8) -> Serial {
    Serial::from_bytes([number; 16]).unwrap()
}

#[test]
fn before_anything_is_heard_nothing_is_believed() {
    let story = Story::new();
    assert_eq!(story.revocations.check_fresh(story.clock.now(), LIMIT), Err(Refusal::FeedNotHeard));
    assert_eq!(story.revocations.position(), None);
}

#[test]
fn a_revocation_counts_before_the_heartbeat_that_vouches_for_it() {
    let mut story = Story::begun();
    story.check_revoked(7, false);
    let event = story.revoke(7);
    assert_eq!(story.take(&event).unwrap(), Applied::Refused(1));
    story.check_revoked(7, true);
    story.check_revoked(8, false);
    assert_eq!(story.take(&event).unwrap(), Applied::Nothing, "known by now");
    assert_eq!(story.beat().unwrap(), Applied::Heard);
    story.check_revoked(7, true);
}

#[test]
fn a_cutoff_counts_from_its_moment_on() {
    let mut story = Story::begun();
    let now = story.clock.now().wall;
    let cutoff = now.plus(Duration::from_millis(1500));
    let event = story.feed.cut_off(serial(7), cutoff);
    story.take(&event).unwrap();
    assert_eq!(story.revocations.check(serial(7), now.plus(Duration::from_millis(1499))), Ok(()));
    let refusal = Refusal::CutOff { serial: serial(7), cutoff, now: cutoff };
    assert_eq!(story.revocations.check(serial(7), cutoff), Err(refusal));
}

#[test]
fn silence_makes_stale_and_a_heartbeat_fresh() {
    let mut story = Story::begun();
    story.clock.pass(Duration::from_secs(30));
    story.check_age(30);
    story.clock.pass(Duration::from_secs(1));
    story.check_age(31);
    assert_eq!(story.beat().unwrap(), Applied::Heard);
    story.check_age(0);
}

/// T-52.
#[test]
fn a_clock_that_is_set_back_makes_nothing_fresh() {
    let story = Story::begun();
    let then = story.clock.now().wall;
    story.clock.pass(Duration::from_secs(31));
    story.clock.set_wall(then);
    story.check_age(31);
}

/// T-52.
#[test]
fn a_heartbeat_from_far_ahead_says_nothing() {
    let mut story = Story::begun();
    let now = story.clock.now().wall;
    for (ahead, believed) in [(300, true), (301, false)] {
        let heartbeat = now.plus(Duration::from_secs(ahead));
        let message = story.feed.heartbeat(heartbeat);
        story.take(&message).unwrap();
        let outcome = story.revocations.check_fresh(story.clock.now(), LIMIT);
        assert_eq!(outcome, if believed { Ok(()) } else { Err(Refusal::FeedAhead { heartbeat, now }) });
    }
}

#[test]
fn a_heartbeat_sent_again_freshens_nothing() {
    let mut story = Story::begun();
    let first = story.feed.heartbeat(story.clock.now().wall);
    story.clock.pass(Duration::from_secs(5));
    let second = story.feed.heartbeat(story.clock.now().wall);
    story.take(&second).unwrap();
    story.clock.pass(Duration::from_secs(31));
    // Set back, so that only the clock nobody sets can tell.
    let now = story.clock.now().wall;
    story.clock.set_wall(now.minus(Duration::from_secs(31)));
    for old in [&second, &first, &second] {
        assert_eq!(story.take(old).unwrap(), Applied::Nothing);
        story.check_age(31);
    }
    // The relay sends its newest heartbeat again to whoever comes back, also after events.
    let event = story.revoke(7);
    story.take(&event).unwrap();
    assert_eq!(story.take(&second).unwrap(), Applied::Nothing);
}

/// Nor does beginning again from the same snapshot make an old heartbeat new.
#[test]
fn a_heartbeat_of_the_snapshots_own_time_freshens_nothing() {
    let mut story = Story::begun();
    let then = story.clock.now().wall;
    let (_, snapshot) = story.feed.snapshot(then);
    let heartbeat = story.feed.heartbeat(then);
    story.clock.pass(Duration::from_secs(31));
    story.clock.set_wall(then);
    for _ in 0..2 {
        story.revocations.begin_again();
        story.revocations.begin(&snapshot, story.clock.now()).unwrap();
        story.check_age(31);
        story.take(&heartbeat).unwrap();
        story.check_age(31);
    }
}

#[test]
fn an_event_left_out_shows_and_beginning_again_forgets_nothing() {
    let mut story = Story::begun();
    let known = story.revoke(1);
    story.take(&known).unwrap();
    let _left_out = story.revoke(2);
    story.clock.pass(Duration::from_secs(5));
    let beat = story.feed.heartbeat(story.clock.now().wall);
    assert!(matches!(story.take(&beat), Err(FeedError::Follow(FollowError::EventsMissing { .. }))));
    story.check_age(5);
    story.revocations.begin_again();
    assert_eq!(story.revocations.position(), None, "a snapshot is wanted");
    story.check_revoked(1, true);
    story.begin().unwrap();
    story.check_revoked(1, true);
    story.check_revoked(2, true);
    story.check_age(0);
}

#[test]
fn an_old_snapshot_catches_up_before_it_answers() {
    let mut story = Story::begun();
    let (_, old) = story.feed.snapshot(story.clock.now().wall);
    let first = story.revoke(1);
    story.take(&first).unwrap();
    story.clock.pass(Duration::from_secs(10));
    story.beat().unwrap();
    story.clock.pass(Duration::from_secs(10));
    // The relay still has the old snapshot, and all events since.
    story.revocations.begin_again();
    let as_of = story.revocations.begin(&old, story.clock.now()).unwrap();
    assert_eq!(story.revocations.position(), Some(as_of));
    story.check_revoked(1, true);
    story.check_age(10);
    let second = story.revoke(2);
    story.take(&first).unwrap();
    story.take(&second).unwrap();
    story.check_revoked(1, true);
    story.check_revoked(2, true);
    story.check_age(10);
    story.beat().unwrap();
    story.check_age(0);
    assert!(story.revocations.next.is_none(), "it has taken over");
    story.check_revoked(1, true);
    story.check_revoked(2, true);
}

#[test]
fn a_server_that_goes_back_is_not_followed() {
    let mut story = Story::begun();
    let event = story.revoke(1);
    story.take(&event).unwrap();
    story.beat().unwrap();
    let restored = LedgerFeed::new(&World::new("example.org")).with_key_of(&story.feed);
    story.clock.pass(Duration::from_secs(5));
    let (_, body) = restored.snapshot(story.clock.now().wall);
    story.revocations.begin_again();
    assert!(matches!(story.revocations.begin(&body, story.clock.now()), Err(FeedError::WentBack { .. })));
    story.check_revoked(1, true);
    story.check_age(5);
}

#[test]
fn only_the_ledgers_key_is_believed() {
    let mut story = Story::new();
    let other = LedgerFeed::new(&World::new("example.org"));
    let (_, body) = other.snapshot(story.clock.now().wall);
    assert!(matches!(story.revocations.begin(&body, story.clock.now()), Err(FeedError::Follow(_))));
    story.begin().unwrap();
    story.clock.pass(Duration::from_secs(31));
    let forged = other.heartbeat(story.clock.now().wall);
    assert!(story.take(&forged).is_err());
    story.check_age(31);
}

#[test]
fn what_is_not_understood_is_not_skipped() {
    let mut story = Story::begun();
    let now = story.clock.now();
    let event = |kind: &str, id: Option<&str>, data: &str| SseEvent {
        kind: kind.into(),
        id: id.map(Into::into),
        data: data.into(),
    };
    for wrong in [
        event("certificates-unrevoked", Some("11"), "{}"),
        event("certificates-revoked", Some("11"), "{}"),
        event("certificates-revoked", None, "{}"),
        event("agents-changed", Some("x"), "{}"),
        event("heartbeat", None, "not a note"),
        event("message", None, ""),
    ] {
        assert!(story.revocations.apply(&wrong, now).is_err(), "{wrong:?}");
    }
    assert!(matches!(story.revocations.begin(b"{}", now), Err(FeedError::Envelope(_))));
}

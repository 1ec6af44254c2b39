//! Statements that fit, and each pair that does not.

use identity::{Serial, Timestamp};
use ledger::checkpoint::SignedCheckpoint;
use ledger::feed::RunningHash;
use ledger::hash::Hash;

use super::*;

mod promises;

fn now(seconds: u64) -> Now {
    Now {
        wall: Timestamp::from_seconds(1_900_000_000 + seconds).unwrap(),
        boot: BootTime::after_start(Duration::from_secs(seconds)),
    }
}

fn head(size: u64, root: u8) -> Head {
    let root = Hash::from_bytes([root; 32]);
    let note = format!("example.org/brevet\n{size}\n{}\n\n\u{2014} example.org/brevet AAAAAAA=\n", root.to_base64());
    Head { size, root, note: SignedCheckpoint::parse(note.as_bytes()).unwrap() }
}

fn beat(seconds: u64, size: u64, running: RunningHash) -> Beat {
    let note = format!("beat {seconds} {size} {running:?}").into();
    Beat { time: now(seconds).wall, size, running, note }
}

/// The first `count` events of the feed: at indexes 10, 20, 30 …
fn feed(count: u64) -> RunningHash {
    let mut running = RunningHash::default();
    (1..=count).for_each(|n| running.extend(&FeedEvent::agents_changed(n * 10)));
    running
}

fn event(n: u64) -> TrustEvent {
    TrustEvent::Event { event: FeedEvent::agents_changed(n * 10), told: Told::AgentsChanged }
}

fn seen(count: u64) -> TrustEvent {
    TrustEvent::Snapshot(Seen {
        as_of: count * 10,
        running: feed(count),
        note: "snapshot".into(),
        revoked: vec![serial(1)],
        cutoffs: vec![(serial(2), now(7).wall)],
    })
}

fn serial(n: u8) -> Serial {
    Serial::from_bytes([n; 16]).unwrap()
}

fn recorded(head: Head, index: u64, floor: u64) -> TrustEvent {
    TrustEvent::Recorded { head, index, floor }
}

struct Play {
    trust: Option<Trust>,
}

impl Play {
    fn new() -> Self {
        Self { trust: Some(Trust::new(head(100, 1), None, now(0))) }
    }

    /// Follows from a snapshot of two events, which a heartbeat has confirmed.
    fn following() -> Self {
        let mut play = Self::new();
        play.step(seen(2), 0);
        play.check(TrustEvent::Heartbeat(beat(5, 100, feed(2))), 5, &["relay", "keep beat"]);
        play
    }

    fn step(&mut self, event: TrustEvent, seconds: u64) -> Vec<String> {
        let (trust, commands) = self.trust.take().unwrap().step(event, now(seconds));
        self.trust = Some(trust);
        commands.iter().map(line).collect()
    }

    #[track_caller]
    fn check(&mut self, event: TrustEvent, seconds: u64, expected: &[&str]) {
        assert_eq!(self.step(event, seconds), expected);
    }

    /// After `event` nothing new is taken, and what is revoked is still taken away.
    #[track_caller]
    fn check_alarm(mut self, event: TrustEvent, seconds: u64, what: &str) {
        self.check(event, seconds, &[&format!("alarm: {what}")]);
        assert_eq!(self.trust.as_ref().unwrap().alarm(), Some(what));
        self.check(recorded(head(1000, 9), 999, 0), seconds, &[]);
        self.check(TrustEvent::Heartbeat(beat(900, 1000, feed(3))), seconds, &[]);
        let reason = ledger::entry::RevocationReason::KeyCompromise;
        let told = Told::Revoked { serials: vec![serial(1)], reason, not_after: now(900).wall };
        let revoked = TrustEvent::Event { event: FeedEvent::agents_changed(990), told };
        self.check(revoked, seconds, &["revoked 1"]);
        self.check(seen(3), seconds, &["revoked 1", "cutoff 2"]);
    }
}

fn line(command: &TrustCommand) -> String {
    match command {
        TrustCommand::Relay => "relay".into(),
        TrustCommand::RelayAnew => "relay anew".into(),
        TrustCommand::RelaySnapshot => "relay snapshot".into(),
        TrustCommand::Revoked(serials) => format!("revoked {}", serials.len()),
        TrustCommand::CutOff { serial, .. } => format!("cutoff {}", serial.as_bytes()[0]),
        TrustCommand::FetchAgents => "agents".into(),
        TrustCommand::FetchBundle => "bundle".into(),
        TrustCommand::Resync => "resync".into(),
        TrustCommand::Acknowledge => "ack".into(),
        TrustCommand::KeepHead(head) => format!("keep head {}", head.size),
        TrustCommand::KeepBeat(_) => "keep beat".into(),
        TrustCommand::Alarm(contradiction) => format!("alarm: {contradiction}"),
    }
}

#[test]
fn follows_from_a_snapshot() {
    let mut play = Play::new();
    // Without a snapshot an event has no place.
    play.check(event(1), 0, &[]);
    play.check(seen(2), 1, &["relay anew", "revoked 1", "cutoff 2", "agents", "bundle", "ack"]);
    play.check(event(2), 2, &[]);
    play.check(event(3), 2, &["relay", "agents", "ack"]);
    play.check(TrustEvent::Heartbeat(beat(5, 100, feed(3))), 5, &["relay", "keep beat"]);
    play.check(TrustEvent::Heartbeat(beat(10, 120, feed(3))), 10, &["relay"]);
    play.check(TrustEvent::Heartbeat(beat(65, 120, feed(3))), 65, &["relay", "keep beat"]);
    assert_eq!(play.trust.unwrap().cursor(), Some(Cursor { index: 30, running: feed(3) }));
}

#[test]
fn an_event_that_is_missing_shows_at_the_next_heartbeat() {
    let mut play = Play::following();
    play.check(event(4), 6, &["relay", "agents", "ack"]);
    play.check(TrustEvent::Heartbeat(beat(10, 100, feed(4))), 10, &["resync"]);
    assert_eq!(play.trust.as_ref().unwrap().cursor(), None);
    play.check(event(5), 11, &[]);
    play.check(seen(4), 11, &["relay anew", "revoked 1", "cutoff 2", "agents", "bundle", "ack"]);
    play.check(TrustEvent::Heartbeat(beat(15, 100, feed(4))), 15, &["relay"]);
}

/// A snapshot for local followers, while we follow: events that it covers and we have not seen yet are not told twice.
#[test]
fn a_snapshot_while_we_follow() {
    let mut play = Play::following();
    play.check(event(3), 6, &["relay", "agents", "ack"]);
    play.check(seen(2), 7, &["relay snapshot", "revoked 1", "cutoff 2", "ack"]);
    play.check(seen(4), 7, &["relay snapshot", "revoked 1", "cutoff 2", "ack"]);
    play.check(event(4), 8, &[]);
    play.check(event(5), 8, &["relay", "agents", "ack"]);
    play.check(TrustEvent::Heartbeat(beat(10, 100, feed(5))), 10, &["relay"]);
}

#[test]
fn a_heartbeat_from_before_the_last_event_is_waited_out() {
    let mut play = Play::following();
    play.check(event(3), 6, &["relay", "agents", "ack"]);
    play.check(TrustEvent::Heartbeat(beat(6, 100, feed(2))), 7, &[]);
    play.check(TrustEvent::Heartbeat(beat(11, 100, feed(3))), 11, &["relay"]);
}

#[test]
fn an_old_heartbeat_says_nothing() {
    let mut play = Play::following();
    play.check(TrustEvent::Heartbeat(beat(4, 90, feed(1))), 6, &[]);
}

#[test]
fn heads_move_forward() {
    let mut play = Play::new();
    play.check(recorded(head(120, 2), 119, 100), 1, &["keep head 120"]);
    // Made with an older checkpoint, and proved by it; the entry is one of a lost answer.
    play.check(recorded(head(110, 3), 105, 100), 2, &[]);
    play.check(recorded(head(120, 2), 119, 100), 2, &[]);
    assert_eq!(play.trust.unwrap().head_size(), 120);
}

#[test]
fn contradictions() {
    Play::new().check_alarm(recorded(head(100, 2), 99, 0), 1, "the ledger has two roots for 100 entries");
    Play::new().check_alarm(
        recorded(head(100, 1), 99, 100),
        1,
        "the ledger made a new entry at index 99 after it had 100 entries",
    );
    let less = TrustEvent::Heartbeat(beat(6, 99, feed(2)));
    Play::following().check_alarm(less, 6, "the ledger had 100 entries and now has 99");
    let fewer = TrustEvent::Heartbeat(beat(6, 100, feed(1)));
    Play::following().check_alarm(fewer, 6, "the feed had 2 events and now has 1");
    let other = TrustEvent::Heartbeat(beat(6, 100, RunningHash::new(2, [7; 32])));
    Play::following().check_alarm(other, 6, "there are two feeds of 2 events");
    let other =
        Seen { as_of: 20, running: RunningHash::new(2, [7; 32]), note: "s".into(), revoked: vec![], cutoffs: vec![] };
    Play::following().check_alarm(TrustEvent::Snapshot(other), 6, "there are two feeds of 2 events");
}

/// A head that has been known for a minute is one that every replica knows.
#[test]
fn a_heartbeat_below_a_known_head() {
    let mut play = Play::new();
    play.check(TrustEvent::Heartbeat(beat(5, 90, feed(0))), 59, &[]);
    play.check_alarm(TrustEvent::Heartbeat(beat(60, 90, feed(0))), 60, "the ledger had 100 entries and now has 90");
}

/// The server was put back to an older state while we were away: the heartbeat that was kept tells.
#[test]
fn a_rollback_while_we_were_away() {
    let kept = beat(5, 200, feed(4));
    let mut play = Play { trust: Some(Trust::new(head(100, 1), Some(kept), now(0))) };
    play.step(seen(3), 1);
    play.check_alarm(TrustEvent::Heartbeat(beat(6, 150, feed(3))), 2, "the ledger had 200 entries and now has 150");
}

#[test]
fn the_evidence_is_both_texts() {
    let (_, commands) = Trust::new(head(100, 1), None, now(0)).step(recorded(head(100, 2), 99, 0), now(0));
    let [TrustCommand::Alarm(contradiction)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((contradiction.held(), contradiction.came()), (head(100, 1).note.as_str(), head(100, 2).note.as_str()));
}

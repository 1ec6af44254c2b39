//! A log with certificates, its feed, and followers that get all of it, or not.

mod log;
mod random;
mod signed;

use std::collections::BTreeMap;

use identity::{HostId, KeyHash, KeyIdentifier, RequestId, Serial, SpiffeId, Timestamp};

use super::{told::hash_of, *};
use crate::{
    entry::{
        Actor, AgentRemoved, AuthorityChanged, AuthorityState, Body, CertificateAuthorised, CertificatesRevoked, Entry,
        EntryBytes, Octets, Predicate, RevocationReason, Subject,
    },
    origin::Origin,
    testing::{TestSigner, token_revoked},
};

const ORIGIN: &str = "example.org/brevet";
const START: u64 = 1_790_000_000_000;
const HOUR: Duration = Duration::from_secs(3600);

fn origin() -> Origin {
    Origin::parse(ORIGIN).unwrap()
}

fn signer() -> TestSigner {
    TestSigner::new(ORIGIN, 1)
}

fn serial(number: u8) -> Serial {
    let mut octets = [1; 16];
    octets[15] = number;
    Serial::from_bytes(octets).unwrap()
}

fn host(number: u8) -> HostId {
    HostId::from_bytes([number; 16])
}

fn key(number: u8) -> KeyHash {
    KeyHash::from_bytes([number; 32])
}

fn spiffe_id(number: u8) -> SpiffeId {
    format!("spiffe://example.org/host/{number}").parse().unwrap()
}

/// A server: it writes entries, and gives events, heartbeats and snapshots.
#[derive(Clone, Debug)]
struct Server {
    now: Timestamp,
    log: FeedLog,
    entries: Vec<EntryBytes>,
    events: Vec<FeedEvent>,
    /// Certificates that live and are not revoked: host and end.
    live: BTreeMap<Serial, (u8, Timestamp)>,
}

impl Server {
    fn new() -> Self {
        let now = Timestamp::from_millis(START).unwrap();
        Self { now, log: FeedLog::new(), entries: Vec::new(), events: Vec::new(), live: BTreeMap::new() }
    }

    fn write(&mut self, body: impl Into<Body>) {
        let entry = self.entry(body);
        let event = self.log.take(&entry).unwrap();
        self.events.extend(event);
        self.entries.push(entry);
    }

    fn entry(&self, body: impl Into<Body>) -> EntryBytes {
        let (actor, request, salt) = (Actor::Server, RequestId::from_bytes([1; 16]), [2; 16]);
        Entry { time: self.now, actor, request, salt, body: body.into() }.encode().unwrap()
    }

    /// Certificate `number` for the host `host`, which lives an hour.
    fn issue(&mut self, number: u8, host: u8, supersedes: Option<(u8, Duration)>) {
        let body = self.certificate(number, host, supersedes);
        self.live.insert(body.serial, (host, body.not_after));
        self.write(body);
    }

    fn certificate(&self, number: u8, of: u8, supersedes: Option<(u8, Duration)>) -> CertificateAuthorised {
        CertificateAuthorised {
            subject: Subject::Host { host: host(of) },
            spiffe_id: spiffe_id(of),
            serial: serial(number),
            issuer: KeyIdentifier::from_bytes([5; 20]),
            key: key(number),
            not_before: self.now.floor_second(),
            not_after: self.now.floor_second().plus(HOUR),
            profile: None,
            policy: 0,
            rules: Vec::new(),
            evidence: None,
            supersedes: supersedes.map(|(number, _)| serial(number)),
            cutoff: supersedes.map(|(_, grace)| self.now.plus(grace)),
            revoke_at_cutoff: supersedes.is_some_and(|(_, grace)| grace < HOUR / 2),
            shard: 0,
            tbs: Octets(vec![0x30, 0]),
        }
    }

    fn revoke(&mut self, predicate: Predicate) {
        let body = self.revocation(predicate);
        self.write(body);
    }

    fn revocation(&mut self, predicate: Predicate) -> CertificatesRevoked {
        let hit = |known: &Serial, of: u8| match &predicate {
            Predicate::Serial(one) => one == known,
            Predicate::Agent(id) => *id == spiffe_id(of),
            Predicate::Host(id) => *id == host(of),
            Predicate::Key(hash) => *hash == key(known.as_bytes()[15]),
            // The one that `with_history` supersedes, 300 s after a minute.
            Predicate::Cutoff(until) => *known == serial(1) && until.millis() >= START + 360_000,
        };
        let now = self.now;
        let hits = |(known, (of, end)): (&Serial, &(u8, Timestamp))| (*end >= now && hit(known, *of)).then_some(*known);
        let serials: Vec<Serial> = self.live.iter().filter_map(hits).collect();
        self.live.retain(|known, _| !serials.contains(known));
        CertificatesRevoked {
            predicate,
            evaluated_at: self.log.size(),
            count: u64::try_from(serials.len()).unwrap(),
            serials: hash_of(&serials),
            reason: RevocationReason::KeyCompromise,
            comment: String::new(),
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
    }

    fn heartbeat(&self) -> Heartbeat {
        Heartbeat { time: self.now, size: self.log.size(), events: self.log.events() }
    }

    fn signed_heartbeat(&self) -> Vec<u8> {
        self.heartbeat().sign(&origin(), &signer()).unwrap().into_bytes()
    }

    fn snapshot(&self) -> SignedSnapshot {
        self.log.snapshot(self.now).unwrap().sign(&origin(), &signer()).unwrap()
    }

    /// A day in the life: certificates, a renewal with a cutoff, revocations, news for hosts, and entries that are no
    /// events.
    fn with_history() -> Self {
        let mut server = Self::new();
        server.entries.push(token_revoked(0));
        server.log.take(&token_revoked(0)).unwrap();
        (1..=8).for_each(|number| server.issue(number, number / 3, None));
        server.pass(Duration::from_secs(60));
        server.write(AgentRemoved { agent: "web".into(), profile: "p".into() });
        server.issue(9, 0, Some((1, Duration::from_secs(300))));
        server.revoke(Predicate::Serial(serial(4)));
        let authority = KeyIdentifier::from_bytes([5; 20]);
        let (from, to) = (AuthorityState::Prepared, AuthorityState::Published);
        server.write(AuthorityChanged { authority, from, to, overridden: None, acknowledged: None });
        server.revoke(Predicate::Host(host(2)));
        server.revoke(Predicate::Agent(spiffe_id(77)));
        server
    }
}

fn follower() -> FeedState {
    FeedState::new(origin(), signer().verifier().clone())
}

fn follow(events: &[FeedEvent]) -> FeedState {
    let mut state = follower();
    events.iter().for_each(|event| drop(state.apply(event).unwrap()));
    state
}

const REVOKED: Standing = Standing::Revoked { reason: RevocationReason::KeyCompromise };

#[test]
fn a_follower_knows_what_the_server_has_revoked() {
    let mut server = Server::with_history();
    let mut state = follow(&server.events);
    assert_eq!(state.staleness(server.now), Staleness::NeverHeard);
    assert_eq!(state.heartbeat(&server.signed_heartbeat()).unwrap(), server.heartbeat());
    assert_eq!(state.events(), server.log.events());
    assert_eq!(state.position(), Some(server.log.size() - 1));
    let cutoff = server.now.plus(Duration::from_secs(300));
    for number in 0..=9 {
        let expected = if [4, 6, 7, 8].contains(&number) { REVOKED } else { Standing::Good };
        assert_eq!(state.standing(&serial(number), server.now), expected, "{number}");
    }
    assert_eq!(state.standing(&serial(1), cutoff.minus(Duration::from_millis(1))), Standing::Good);
    assert_eq!(state.standing(&serial(1), cutoff), Standing::CutOff { cutoff });
    server.pass(Duration::from_secs(5));
    assert_eq!(state.staleness(server.now), Staleness::Behind(Duration::from_secs(5)));
    assert_eq!(state.staleness(server.now.minus(HOUR)), Staleness::Ahead(HOUR - Duration::from_secs(5)));
}

#[test]
fn each_event_says_what_has_changed() {
    let server = Server::with_history();
    let mut state = follower();
    let changes: Vec<Change> = server.events.iter().map(|event| state.apply(event).unwrap()).collect();
    let expected = [
        Change::AgentsChanged,
        Change::Superseded(serial(1)),
        Change::Revoked(vec![serial(4)]),
        Change::BundleChanged,
        Change::Revoked(vec![serial(6), serial(7), serial(8)]),
        Change::Revoked(vec![]),
    ];
    assert_eq!(changes, expected);
}

#[track_caller]
fn check_heartbeat_refused(events: &[FeedEvent], server: &Server, refused: fn(&FollowError) -> bool) {
    let mut state = follow(events);
    let error = state.heartbeat(&server.signed_heartbeat()).unwrap_err();
    assert!(refused(&error), "{error:?}");
    // Nothing is fresh after that, until a snapshot has set it right.
    assert_eq!(state.staleness(server.now), Staleness::NeverHeard);
    state.adopt(&server.snapshot()).unwrap();
    assert_eq!(state.staleness(server.now), Staleness::Behind(Duration::ZERO));
    assert_eq!(state.events(), server.log.events());
}

#[test]
fn an_event_that_is_left_out_shows_at_the_next_heartbeat() {
    let server = Server::with_history();
    for left_out in 0..server.events.len() {
        let mut events = server.events.clone();
        events.remove(left_out);
        check_heartbeat_refused(&events, &server, |error| matches!(error, FollowError::EventsMissing { .. }));
    }
    check_heartbeat_refused(&[], &server, |error| matches!(error, FollowError::EventsMissing { ours: 0, .. }));
}

#[test]
fn an_event_that_was_added_or_changed_shows_at_the_next_heartbeat() {
    let server = Server::with_history();
    let newest = server.events.last().unwrap().index;
    let added = [server.events.as_slice(), &[FeedEvent::agents_changed(newest + 1)]].concat();
    check_heartbeat_refused(&added, &server, |error| matches!(error, FollowError::EventsAdded { .. }));
    let mut changed = server.events.clone();
    changed[0].kind = EventKind::BundleChanged;
    check_heartbeat_refused(&changed, &server, |error| matches!(error, FollowError::EventsDiffer { .. }));
    let mut moved = server.events.clone();
    moved[0].index -= 1;
    check_heartbeat_refused(&moved, &server, |error| matches!(error, FollowError::EventsDiffer { .. }));
    let mut later = server.events.clone();
    later[1] = FeedEvent::superseded(later[1].index, serial(1), server.now.plus(HOUR), server.now.plus(HOUR));
    check_heartbeat_refused(&later, &server, |error| matches!(error, FollowError::EventsDiffer { .. }));
}

#[test]
fn events_that_come_twice_or_late_count_once() {
    let server = Server::with_history();
    let mut state = follower();
    for event in server.events.iter().flat_map(|event| [event, event]) {
        state.apply(event).unwrap();
    }
    for event in &server.events {
        assert_eq!(state.apply(event).unwrap(), Change::Known);
    }
    state.heartbeat(&server.signed_heartbeat()).unwrap();
}

#[test]
fn events_that_change_places_show() {
    let server = Server::with_history();
    let mut events = server.events.clone();
    events.swap(1, 2);
    check_heartbeat_refused(&events, &server, |error| matches!(error, FollowError::EventsMissing { .. }));
}

/// Freshness is lost, knowledge is not.
#[test]
fn an_error_leaves_what_was_known() {
    let server = Server::with_history();
    let mut state = follow(&server.events);
    state.heartbeat(&server.signed_heartbeat()).unwrap();
    let (position, events) = (state.position(), state.events());
    let mut event = server.events[2].clone();
    event.index = server.log.size() + 1;
    event.data = event.data.replace(&serial(4).to_string(), &serial(5).to_string());
    assert!(matches!(state.apply(&event), Err(FollowError::Event(_))));
    assert!(state.heartbeat(b"").is_err());
    assert_eq!((state.position(), state.events()), (position, events));
    assert_eq!(state.standing(&serial(5), server.now), Standing::Good);
    assert_eq!(state.standing(&serial(4), server.now), REVOKED);
}

#[test]
fn a_heartbeat_never_goes_back() {
    let mut server = Server::with_history();
    let older = server.clone();
    server.pass(Duration::from_secs(5));
    let mut state = follow(&server.events);
    state.heartbeat(&server.signed_heartbeat()).unwrap();
    // Sent again: harmless, and no fresher.
    state.heartbeat(&server.signed_heartbeat()).unwrap();
    assert!(matches!(state.heartbeat(&older.signed_heartbeat()), Err(FollowError::Older { .. })));
    assert!(matches!(state.adopt(&older.snapshot()), Err(FollowError::Older { .. })));

    // A server that was restored from an older copy, with its clock right.
    let sign = |heartbeat: Heartbeat| heartbeat.sign(&origin(), &signer()).unwrap().into_bytes();
    let smaller = Heartbeat { size: server.log.size() - 1, ..server.heartbeat() };
    assert!(matches!(state.heartbeat(&sign(smaller)), Err(FollowError::WentBack { .. })));
    let events = RunningHash::new(server.log.events().count() - 1, [7; 32]);
    let fewer = Heartbeat { events, ..server.heartbeat() };
    assert!(matches!(state.heartbeat(&sign(fewer)), Err(FollowError::WentBack { .. })));
    let events = RunningHash::new(server.log.events().count(), [7; 32]);
    let other = Heartbeat { events, ..server.heartbeat() };
    assert!(matches!(state.heartbeat(&sign(other)), Err(FollowError::Fork { .. })));
    assert_eq!(state.staleness(server.now), Staleness::Behind(Duration::ZERO));
}

#[test]
fn an_event_from_beyond_the_ledger_shows() {
    let server = Server::with_history();
    let heartbeat = Heartbeat { size: server.log.size() - 1, ..server.heartbeat() };
    let note = heartbeat.sign(&origin(), &signer()).unwrap();
    let refused = follow(&server.events).heartbeat(note.as_bytes());
    assert!(matches!(refused, Err(FollowError::BeyondSize { .. })));
}

#[test]
fn a_follower_goes_on_from_a_snapshot() {
    let mut server = Server::with_history();
    let mut state = follower();
    state.adopt(&server.snapshot()).unwrap();
    let before = server.events.len();
    server.pass(Duration::from_secs(5));
    server.revoke(Predicate::Key(key(9)));
    // The server sends from the first event on; what the snapshot holds is known.
    assert_eq!(state.apply(&server.events[0]).unwrap(), Change::Known);
    assert_eq!(state.apply(&server.events[before]).unwrap(), Change::Revoked(vec![serial(9)]));
    state.heartbeat(&server.signed_heartbeat()).unwrap();
    let followed = follow(&server.events);
    for number in 0..=9 {
        let at = server.now.plus(HOUR);
        assert_eq!(state.standing(&serial(number), at), followed.standing(&serial(number), at), "{number}");
    }
}

#[test]
fn what_has_long_expired_is_forgotten() {
    let mut server = Server::with_history();
    let mut state = follow(&server.events);
    server.pass(HOUR + KEPT_AFTER_EXPIRY - Duration::from_secs(61));
    state.heartbeat(&server.signed_heartbeat()).unwrap();
    assert_eq!(state.standing(&serial(4), server.now), REVOKED);
    server.pass(Duration::from_secs(601));
    state.heartbeat(&server.signed_heartbeat()).unwrap();
    assert_eq!(state.standing(&serial(4), server.now), Standing::Good);
    assert_eq!(state.standing(&serial(1), server.now), Standing::Good);
}

//! The feed computed from entries, and logs that contradict themselves.

use super::*;

#[test]
fn the_running_hash_chains_id_kind_and_data() {
    // Computed with another program: SHA-256 of 32 zero octets and the SHA-256 of "7\nagents-changed\n{}".
    let mut running = RunningHash::default();
    running.extend(&FeedEvent::agents_changed(7));
    assert_eq!(running.count(), 1);
    assert_eq!(crate::hash::Hash::from_bytes(*running.hash()).to_string(), CHAINED);
    let first = running;
    running.extend(&FeedEvent::bundle_changed(9));
    assert_eq!(running.count(), 2);
    assert_ne!(running.hash(), first.hash());
}

const CHAINED: &str = "4ada83c4765a7918efc5100777b458326430a9fc7e96d006210bddb62ab6e9a3";

#[test]
fn entries_that_change_no_trust_are_no_events() {
    let mut log = FeedLog::new();
    for number in 0..5 {
        assert_eq!(log.take(&token_revoked(number)).unwrap(), None);
    }
    assert_eq!((log.size(), log.events().count()), (5, 0));
    assert_eq!(FeedLog::new().snapshot(Timestamp::EPOCH), None);
}

#[test]
fn a_log_that_is_read_again_gives_the_same_feed() {
    let server = Server::with_history();
    let mut log = FeedLog::new();
    let events: Vec<FeedEvent> = server.entries.iter().filter_map(|entry| log.take(entry).unwrap()).collect();
    assert_eq!(events, server.events);
    assert_eq!(log.events(), server.log.events());
    assert_eq!(log.snapshot(server.now), server.log.snapshot(server.now));
}

#[test]
fn each_predicate_hits_what_it_says() {
    #[track_caller]
    fn check(predicate: Predicate, numbers: &[u8]) {
        let mut server = Server::with_history();
        server.revoke(predicate);
        let Told::Revoked { serials, not_after, .. } = server.events.last().unwrap().read().unwrap() else { panic!() };
        assert_eq!(serials, numbers.iter().copied().map(serial).collect::<Vec<_>>());
        assert_eq!(not_after > server.now, !numbers.is_empty());
    }
    check(Predicate::Serial(serial(1)), &[1]);
    check(Predicate::Serial(serial(4)), &[]);
    check(Predicate::Host(host(0)), &[1, 2, 9]);
    check(Predicate::Agent(spiffe_id(1)), &[3, 5]);
    check(Predicate::Key(key(3)), &[3]);
    check(Predicate::Host(host(50)), &[]);
    check(Predicate::Cutoff(Timestamp::from_millis(START + 360_000).unwrap()), &[1]);
    check(Predicate::Cutoff(Timestamp::from_millis(START + 359_999).unwrap()), &[]);
}

#[test]
fn an_expired_certificate_is_not_hit() {
    let mut server = Server::with_history();
    server.pass(HOUR);
    server.revoke(Predicate::Host(host(0)));
    let Told::Revoked { serials, .. } = server.events.last().unwrap().read().unwrap() else { panic!() };
    assert_eq!(serials, [serial(9)]);
}

#[track_caller]
fn check_contradiction(server: &Server, body: impl Into<Body>, refused: fn(&FeedLogError) -> bool) {
    let mut log = server.log.clone();
    let before = (log.size(), log.events());
    let error = log.take(&server.entry(body)).unwrap_err();
    assert!(refused(&error), "{error:?}");
    assert_eq!((log.size(), log.events()), before);
}

#[test]
fn a_log_that_contradicts_itself_is_found_out() {
    let mut server = Server::with_history();
    let twice = server.certificate(3, 1, None);
    check_contradiction(&server, twice, |error| matches!(error, FeedLogError::SerialTwice { index: 15, .. }));
    let unknown = server.certificate(20, 1, Some((99, HOUR)));
    check_contradiction(&server, unknown, |error| matches!(error, FeedLogError::UnknownSerial { .. }));
    let honest = server.clone().revocation(Predicate::Host(host(0)));
    let mut fewer = honest.clone();
    fewer.count -= 1;
    check_contradiction(&server, fewer, |error| matches!(error, FeedLogError::Hits { stated: 2, found: 3, .. }));
    let mut other = honest;
    other.serials = hash_of(&[serial(1), serial(2), serial(3)]);
    check_contradiction(&server, other, |error| matches!(error, FeedLogError::Hits { stated: 3, found: 3, .. }));
    server.now = server.now.minus(Duration::from_millis(1));
    let body = AgentRemoved { agent: "web".into(), profile: "p".into() };
    check_contradiction(&server, body, |error| matches!(error, FeedLogError::TimeFell { .. }));
    let nothing = EntryBytes::new(b"{}".to_vec()).unwrap();
    assert!(matches!(server.log.take(&nothing), Err(FeedLogError::Entry { index: 15, .. })));
}

#[test]
fn a_snapshot_forgets_what_has_long_expired() {
    let mut server = Server::with_history();
    server.pass(HOUR + KEPT_AFTER_EXPIRY);
    server.write(AgentRemoved { agent: "web".into(), profile: "p".into() });
    let snapshot = server.log.snapshot(server.now).unwrap();
    assert_eq!((snapshot.revoked.len(), snapshot.cutoffs.len()), (0, 0));
}

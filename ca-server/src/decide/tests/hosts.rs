//! Hosts that come back.

use std::time::Duration;

use ledger::entry::Predicate;

use super::super::host::Change;
use super::world::{World, host, rule};

type Before = fn(&mut World, identity::Serial);

/// Host 1 has enrolled; then `before` happens; then it shows fresh evidence, with proof of its key or without.
#[track_caller]
fn check(before: Before, with_key: bool, expected: &str) {
    let mut world = World::new();
    let (_, serial) = world.enrol(1);
    before(&mut world, serial);
    let mut again = world.host_certificate(1);
    again.evidence.as_mut().unwrap().bound_key = with_key.then(|| world.key_of(1));
    assert_eq!(rule(&world.authorise(again)), expected);
}

#[test]
fn a_host_comes_back_with_the_key_it_is_bound_to() {
    check(|_, _| {}, true, "granted");
    check(|_, _| {}, false, "host-bound");
    check(|world, _| world.pass(Duration::from_secs(6 * 86_400)), true, "granted");
    check(|world, _| world.pass(Duration::from_secs(8 * 86_400)), true, "host-away-too-long");
}

#[test]
fn a_revoked_host_does_not_come_back_by_itself() {
    check(|world, serial| assert_eq!(world.revoke(Predicate::Serial(serial)), 1), true, "certificate-revoked");
    check(|world, _| assert_eq!(world.revoke(Predicate::Host(host(1))), 1), true, "certificate-revoked");
}

#[test]
fn an_evicted_host_proves_anew_and_a_banned_one_may_not() {
    check(|world, _| drop(world.stand(host(1), Change::Evict)), false, "granted");
    check(|world, _| drop(world.stand(host(1), Change::Ban)), true, "host-banned");
    let unban: Before = |world, _| {
        world.stand(host(1), Change::Ban);
        world.stand(host(1), Change::Unban);
    };
    check(unban, false, "granted");
}

#[test]
fn nobody_takes_the_id_of_a_host_that_exists() {
    let mut world = World::new();
    world.enrol(1);
    let mut other = world.host_certificate(1);
    other.subject = ledger::entry::Subject::Host { host: host(2) };
    assert_eq!(rule(&world.authorise(other)), "host-bound");
}

#[test]
fn a_host_that_may_not_act_renews_nothing() {
    #[track_caller]
    fn check(change: Change, expected: &str) {
        let mut world = World::new();
        let (host, serial) = world.enrol(1);
        world.stand(host, change);
        let renewal = world.renewal(host, 1, serial);
        assert_eq!(rule(&world.authorise(renewal)), expected);
        let agent = world.agent(host, "web", "/host/1/agent/web");
        assert_eq!(rule(&world.authorise(agent)), expected);
    }
    check(Change::Evict, "host-evicted");
    check(Change::Ban, "host-banned");
}

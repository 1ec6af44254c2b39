//! Proofs that bind (T-15): a document of a machine that never changes, and what its first use means for the next.

use std::time::Duration;

use identity::{HostId, Sha256Hash};
use ledger::entry::{CertificateAuthorised, Predicate, Subject};

use super::super::Decided;
use super::super::host::Change;
use super::super::proof::ProofUse;
use super::world::{World, host, path, rule, spiffe_id};

/// A certificate of host `number` for the document of a machine.
fn with_document(world: &mut World, number: u8, machine: &str) -> CertificateAuthorised {
    let mut certificate = world.host_certificate(number);
    let evidence = certificate.evidence.as_mut().unwrap();
    evidence.proof = Sha256Hash::of(machine.as_bytes());
    evidence.proof_until = identity::Timestamp::MAX;
    certificate
}

/// Shows it, `since_start` seconds after the machine's start; ten minutes are allowed for the first time.
fn show(world: &mut World, certificate: CertificateAuthorised, since_start: u64) -> Decided {
    let started = world.ago(since_start);
    world.authorise_for(certificate, ProofUse::Binds { first_until: started.plus(Duration::from_secs(600)) })
}

/// A world in which host 1 enrolled with the document of machine a and the key of host 1, ten minutes and a bit ago.
fn enrolled() -> World {
    let mut world = World::new();
    let mut first = with_document(&mut world, 1, "a");
    first.key = world.key_of(1);
    assert_eq!(rule(&show(&mut world, first, 60)), "granted");
    world.pass(Duration::from_secs(700));
    world
}

#[test]
fn a_first_use_comes_soon_after_the_start() {
    #[track_caller]
    fn check(since_start: u64, expected: &str) {
        let mut world = World::new();
        let first = with_document(&mut world, 1, "a");
        assert_eq!(rule(&show(&mut world, first, since_start)), expected);
    }
    check(0, "granted");
    check(600, "granted");
    check(601, "first-use-too-late");
    check(86_400, "first-use-too-late");
}

/// What happens to host 1, who then shows the document `since_start`; with its key or another.
#[track_caller]
fn check(before: fn(&mut World), with_key: bool, expected: &str) {
    for since_start in [10, 1_000_000] {
        let mut world = enrolled();
        before(&mut world);
        let mut again = with_document(&mut world, 1, "a");
        again.evidence.as_mut().unwrap().bound_key = with_key.then(|| world.key_of(1));
        assert_eq!(rule(&show(&mut world, again, since_start)), expected);
    }
}

#[test]
fn the_host_comes_back_with_its_key_and_nobody_without() {
    check(|_| {}, true, "granted");
    check(|_| {}, false, "host-bound");
    check(|world| world.pass(Duration::from_secs(6 * 86_400)), true, "granted");
    check(|world| world.pass(Duration::from_secs(8 * 86_400)), true, "host-away-too-long");
    check(|world| assert_eq!(world.revoke(Predicate::Host(host(1))), 1), true, "certificate-revoked");
    check(|world| drop(world.stand(host(1), Change::Evict)), false, "granted");
    check(|world| drop(world.stand(host(1), Change::Ban)), true, "host-banned");
}

#[test]
fn it_comes_back_again_and_again() {
    let mut world = enrolled();
    let mut bound = world.key_of(1);
    for day in 0..5 {
        world.pass(Duration::from_secs(86_400));
        let mut again = with_document(&mut world, 1, "a");
        again.evidence.as_mut().unwrap().bound_key = Some(bound);
        bound = again.key;
        assert_eq!(rule(&show(&mut world, again.clone(), 1_000_000)), "granted", "day {day}");
        // The answer was lost.
        assert_eq!(rule(&show(&mut world, again, 1_000_000)), "already", "day {day}");
    }
    let mut old_key = with_document(&mut world, 1, "a");
    old_key.evidence.as_mut().unwrap().bound_key = Some(world.key_of(1));
    assert_eq!(rule(&show(&mut world, old_key, 10)), "host-bound");
}

#[test]
fn an_answer_is_given_again_to_its_key_and_soon() {
    let mut world = World::new();
    let mut first = with_document(&mut world, 1, "a");
    first.key = world.key_of(1);
    assert_eq!(rule(&show(&mut world, first.clone(), 60)), "granted");
    assert_eq!(rule(&show(&mut world, first.clone(), 60)), "already");
    let mut other = with_document(&mut world, 1, "a");
    other.evidence.as_mut().unwrap().nonce = first.evidence.as_ref().unwrap().nonce;
    assert_eq!(rule(&show(&mut world, other, 60)), "nonce-already-used");
    let other = with_document(&mut world, 1, "a");
    assert_eq!(rule(&show(&mut world, other, 60)), "host-bound");
    world.pass(Duration::from_secs(601));
    let mut late = with_document(&mut world, 1, "a");
    late.key = world.key_of(1);
    assert_ne!(rule(&show(&mut world, late, 661)), "already");
}

/// Asking for another profile, and so for another id, does not make another host of the same machine.
#[test]
fn a_machine_is_one_host() {
    #[track_caller]
    fn check(change: Option<Change>, expected: &str) {
        let mut world = enrolled();
        if let Some(change) = change {
            world.stand(host(1), change);
        }
        let other_id = with_document(&mut world, 2, "a");
        assert_eq!(rule(&show(&mut world, other_id, 10)), expected);
    }
    check(None, "host-bound");
    check(Some(Change::Ban), "host-banned");
    check(Some(Change::Evict), "granted");

    // Once it is another host, it is not the first one any more.
    let mut world = enrolled();
    world.stand(host(1), Change::Evict);
    let moved = with_document(&mut world, 2, "a");
    assert_eq!(rule(&show(&mut world, moved, 10)), "granted");
    let back = with_document(&mut world, 1, "a");
    assert_eq!(rule(&show(&mut world, back, 10)), "host-bound");
}

/// A machine does not become a host that another machine is.
#[test]
fn a_host_is_one_machine() {
    let mut world = enrolled();
    let other = with_document(&mut world, 1, "b");
    assert_eq!(rule(&show(&mut world, other, 10)), "host-bound");
    let mut new_id = with_document(&mut world, 1, "b");
    new_id.subject = Subject::Host { host: HostId::from_bytes([9; 16]) };
    assert_eq!(rule(&show(&mut world, new_id, 10)), "host-bound");
    assert_eq!(spiffe_id(&path(1)).path(), path(1));
}

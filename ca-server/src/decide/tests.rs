//! What is decided, rule by rule, against a small world.

mod agents;
mod hosts;
mod machines;
mod world;

use std::time::Duration;

use identity::Lifetime;
use ledger::entry::{AuthorityState, Predicate};

use world::{World, rule};

#[test]
fn a_proof_is_used_once_and_answered_again_only_to_its_key() {
    let mut world = World::new();
    let mut first = world.host_certificate(1);
    first.evidence.as_mut().unwrap().proof_until = world.now.plus(Duration::from_secs(3600));
    assert_eq!(rule(&world.authorise(first.clone())), "granted");
    assert_eq!(rule(&world.authorise(first.clone())), "already");
    let mut other_key = first.clone();
    other_key.key = world.key();
    assert_eq!(rule(&world.authorise(other_key)), "proof-already-used");
    let mut other_proof = world.host_certificate(2);
    other_proof.evidence.as_mut().unwrap().nonce = first.evidence.as_ref().unwrap().nonce;
    assert_eq!(rule(&world.authorise(other_proof)), "nonce-already-used");
    world.pass(Duration::from_secs(601));
    assert_eq!(rule(&world.authorise(first)), "proof-already-used");
}

#[test]
fn what_no_longer_fits_when_it_is_decided_is_refused() {
    type Change = fn(&mut World, &mut ledger::entry::CertificateAuthorised);
    #[track_caller]
    fn check(change: Change, expected: &str) {
        let mut world = World::new();
        let mut certificate = world.host_certificate(1);
        change(&mut world, &mut certificate);
        assert_eq!(rule(&world.authorise(certificate)), expected);
    }
    check(|_, _| {}, "granted");
    check(|_, certificate| certificate.policy += 1, "policy-changed");
    check(|world, _| world.move_issuer(AuthorityState::Retiring), "issuer-changed");
    check(|_, certificate| certificate.not_before = certificate.not_before.plus(Duration::from_secs(60)), "not-timely");
    check(|world, _| world.pass(Duration::from_secs(200)), "not-timely");
    check(|_, certificate| certificate.not_after = certificate.not_before, "not-timely");
    check(
        |_, certificate| certificate.not_after = certificate.not_before.plus(Duration::from_secs(25 * 3600)),
        "lifetime-too-long",
    );
    check(|_, certificate| certificate.not_after = World::issuer_ends(), "lifetime-too-long");
    check(|world, certificate| certificate.evidence.as_mut().unwrap().proof_until = world.ago(1), "proof-expired");
    check(|world, certificate| certificate.evidence.as_mut().unwrap().nonce_until = world.ago(1), "proof-expired");
    check(|world, certificate| certificate.serial = world.enrol(7).1, "serial-exists");
}

#[test]
fn a_key_is_certified_once_for_one_identity_and_never_a_key_of_somebody_else() {
    type Key = fn(&mut World) -> identity::KeyHash;
    #[track_caller]
    fn check(key: Key, expected: &str) {
        let mut world = World::new();
        let (host, serial) = world.enrol(1);
        let mut certificate = world.renewal(host, 1, serial);
        certificate.key = key(&mut world);
        assert_eq!(rule(&world.authorise(certificate)), expected);
    }
    check(World::key, "granted");
    check(|_| World::issuer_key(), "key-of-authority");
    check(|_| World::person_key(), "key-of-person");
    check(|world| world.key_of(1), "key-reused");
    check(
        |world| {
            world.enrol(2);
            world.key_of(2)
        },
        "key-of-another",
    );
    check(
        |world| {
            let key = world.key();
            world.revoke(Predicate::Key(key));
            key
        },
        "key-revoked",
    );
}

#[test]
fn a_renewal_needs_the_newest_certificate_of_the_same_identity() {
    let mut world = World::new();
    let (host, serial) = world.enrol(1);
    let (other, others) = world.enrol(2);
    let of_another = world.renewal(host, 1, others);
    assert_eq!(rule(&world.authorise(of_another)), "certificate-of-another");
    let unknown = world.renewal(host, 1, identity::Serial::new(world.now, [77; 10]).unwrap());
    assert_eq!(rule(&world.authorise(unknown)), "certificate-unknown");
    let renewal = world.renewal(host, 1, serial);
    assert_eq!(rule(&world.authorise(renewal.clone())), "granted");
    assert_eq!(rule(&world.authorise(renewal.clone())), "already");
    let again = world.renewal(host, 1, serial);
    assert_eq!(rule(&world.authorise(again)), "superseded");
    assert_eq!(world.revoke(Predicate::Serial(renewal.serial)), 1);
    let revoked = world.renewal(host, 1, renewal.serial);
    assert_eq!(rule(&world.authorise(revoked)), "certificate-revoked");
    world.pass(Duration::from_secs(3601));
    let expired = world.renewal(other, 2, others);
    assert_eq!(rule(&world.authorise(expired)), "certificate-unknown");
}

#[test]
fn superseded_certificates_are_revoked_at_their_cutoff_where_that_was_asked_for() {
    let mut world = World::new();
    for (number, cutoff, revoke) in [(1, Some(60), true), (2, Some(60), false), (3, None, false), (4, Some(120), true)]
    {
        let (host, serial) = world.enrol(number);
        let mut renewal = world.renewal(host, number, serial);
        renewal.cutoff = cutoff.map(|seconds| world.now.plus(Duration::from_secs(seconds)));
        renewal.revoke_at_cutoff = revoke;
        assert_eq!(rule(&world.authorise(renewal)), "granted");
    }
    assert_eq!(world.due(), None);
    world.pass(Duration::from_secs(61));
    let due = world.due().unwrap();
    assert_eq!(world.revoke(Predicate::Cutoff(due)), 1);
    assert_eq!(world.due(), None);
    world.pass(Duration::from_secs(60));
    let due = world.due().unwrap();
    assert_eq!(world.revoke(Predicate::Cutoff(due)), 1);
}

/// A host may come back so long after its last certificate.
fn a_week() -> Lifetime {
    Lifetime::from_seconds(7 * 86_400).unwrap()
}

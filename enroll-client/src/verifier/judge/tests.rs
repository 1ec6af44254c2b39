//! Peers that are refused, each named by its one flaw. Knows authorities and forgeries; revocation, rules and TLS have tests of their own.

use std::time::Duration;

use pki_test_fixtures::authority::{Authority, uri_name};
use rcgen::{BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};

use super::*;
use crate::verifier::testing::{HOUR, World, forged_authority};

fn der(octets: impl Into<Vec<u8>>) -> CertificateDer<'static> {
    CertificateDer::from(octets.into())
}

fn bundle(world: &World) -> Bundle {
    Bundle::new(&world.domain, &world.roots()).unwrap()
}

/// A leaf of `/web` with one thing changed, and its issuer.
fn changed(world: &World, change: impl FnOnce(&mut CertificateParams)) -> Vec<CertificateDer<'static>> {
    world.chain(&world.issuer.leaf_with("spiffe://example.org/web", world.now, HOUR, change))
}

#[track_caller]
fn check_refused(world: &World, chain: &[CertificateDer<'static>], now: Timestamp, expected: &str) {
    for role in [Role::Client, Role::Server] {
        let refusal = judge(chain, role, &bundle(world), now).unwrap_err();
        let mut text = refusal.to_string();
        if let Some(cause) = std::error::Error::source(&refusal) {
            text = format!("{text}: {cause}");
        }
        assert!(text.contains(expected), "{text:?} should say {expected:?}");
    }
}

#[test]
fn a_sound_peer_is_who_it_says() {
    let world = World::new("example.org");
    let chain = world.chain(&world.leaf("/web"));
    let with_root = [chain.clone(), world.roots()].concat();
    for chain in [chain, with_root] {
        for role in [Role::Client, Role::Server] {
            let judged = judge(&chain, role, &bundle(&world), world.now).unwrap();
            assert_eq!(judged.id, world.id("/web"));
            assert_eq!(judged.issuers.len(), 1, "the issuer's serial can be revoked too");
        }
    }
}

#[test]
fn a_root_among_several_will_do() {
    let (old, new) = (World::new("example.org"), World::new("example.org"));
    let both = Bundle::new(&old.domain, &[old.roots(), new.roots()].concat()).unwrap();
    for world in [old, new] {
        let chain = world.chain(&world.leaf("/web"));
        assert!(judge(&chain, Role::Server, &both, world.now).is_ok());
    }
}

#[test]
fn chain_flaws() {
    let world = World::new("example.org");
    let leaf = world.leaf("/web");
    let chain = world.chain(&leaf);
    let now = world.now;
    check_refused(&world, &[], now, "has no peer certificate");
    check_refused(&world, &chain[..1], now, "does not lead to a root");
    check_refused(&world, &[chain[1].clone(), chain[0].clone()], now, "is no X509-SVID");
    check_refused(&world, &[&chain[..], &chain[..], &chain[..]].concat(), now, "sent 6 certificates, the limit is 4");
    check_refused(&world, &[der([0x30, 0]), chain[1].clone()], now, "certificate 0 of the peer's chain cannot be read");
    check_refused(&world, &[der([&leaf.der[..], &[0]].concat()), chain[1].clone()], now, "cannot be read");
}

/// T-41, T-42.
#[test]
fn signed_by_somebody_else() {
    let world = World::new("example.org");
    let now = world.now;
    let twin = World::new("example.org");
    check_refused(&world, &twin.chain(&twin.leaf("/web")), now, "does not lead to a root");
    // The genuine issuer's certificate over a stranger's signature: same names, another key.
    check_refused(&world, &world.chain(&twin.leaf("/web")), now, "does not lead to a root");
    let foreign = World::new("example.com");
    check_refused(
        &world,
        &foreign.chain(&foreign.leaf("/web")),
        now,
        "spiffe://example.com/web is not of trust domain example.org",
    );
    let of_ours = foreign.issuer.leaf_with("spiffe://example.org/web", now, HOUR, |_| {});
    check_refused(&world, &foreign.chain(&of_ours), now, "does not lead to a root");
    let of_theirs = world.issuer.leaf_with("spiffe://example.com/web", now, HOUR, |_| {});
    check_refused(&world, &world.chain(&of_theirs), now, "spiffe://example.com/web is not of trust domain example.org");
}

/// T-42.
#[test]
fn a_leaf_is_no_issuer_and_an_authority_no_leaf() {
    let world = World::new("example.org");
    let now = world.now;
    // An empty subject cannot be named as an issuer, so this leaf has one.
    let named = |params: &mut CertificateParams| params.distinguished_name.push(rcgen::DnType::CommonName, "web");
    let leaf = world.issuer.leaf_with("spiffe://example.org/web", now, HOUR, named);
    let below = Authority::leaf_signed_by_leaf(&leaf, "spiffe://example.org/admin", now, HOUR);
    let chain = [vec![der(below.der)], world.chain(&leaf)].concat();
    check_refused(&world, &chain, now, "does not lead to a root");
    let authority = changed(&world, |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    check_refused(&world, &authority, now, "authority");
    let signer = changed(&world, |params| params.key_usages.push(KeyUsagePurpose::KeyCertSign));
    check_refused(&world, &signer, now, "key usage");
    check_refused(&world, &world.roots(), now, "has no path");
}

#[test]
fn name_flaws() {
    let world = World::new("example.org");
    let now = world.now;
    check_refused(&world, &changed(&world, |params| params.subject_alt_names = Vec::new()), now, "is no X509-SVID");
    let two = |params: &mut CertificateParams| params.subject_alt_names.push(uri_name("spiffe://example.org/admin"));
    check_refused(&world, &changed(&world, two), now, "2 URI names");
    for uri in
        ["https://example.org/web", "spiffe://example.org/a/../b", "spiffe://example.org", "spiffe://EXAMPLE.org/web"]
    {
        check_refused(
            &world,
            &changed(&world, |params| params.subject_alt_names = vec![uri_name(uri)]),
            now,
            "is no X509-SVID",
        );
    }
}

#[test]
fn purpose_flaws() {
    let world = World::new("example.org");
    let now = world.now;
    let only = |purpose| changed(&world, |params| params.extended_key_usages = vec![purpose]);
    check_refused(&world, &only(ExtendedKeyUsagePurpose::ServerAuth), now, "is no X509-SVID");
    check_refused(&world, &only(ExtendedKeyUsagePurpose::ClientAuth), now, "is no X509-SVID");
    check_refused(&world, &only(ExtendedKeyUsagePurpose::OcspSigning), now, "is no X509-SVID");
    check_refused(&world, &changed(&world, |params| params.key_usages = Vec::new()), now, "is no X509-SVID");
    let critical = |params: &mut CertificateParams| {
        let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    };
    check_refused(&world, &changed(&world, critical), now, "critical");
}

#[test]
fn validity_is_checked_to_the_second() {
    let world = World::new("example.org");
    let chain = world.chain(&world.leaf("/web"));
    let Judged { not_after, .. } = judge(&chain, Role::Client, &bundle(&world), world.now).unwrap();
    let last = not_after.plus(Duration::from_millis(999));
    assert!(judge(&chain, Role::Client, &bundle(&world), last).is_ok(), "the last second belongs to it");
    check_refused(&world, &chain, not_after.plus(Duration::from_secs(1)), "certificate ended");
    check_refused(&world, &chain, world.now.minus(HOUR), "is valid from");
}

/// What webpki leaves to us: it takes any certificate with cA as an issuer, whatever its names, and any anchor, whatever its time.
#[test]
fn an_issuer_is_an_authority_of_our_trust_domain() {
    let world = World::new("example.org");
    let now = world.now;
    let leaf = |issuer: &rcgen::Issuer<'_, rcgen::KeyPair>| {
        let key = rcgen::KeyPair::generate().unwrap();
        world.leaf_params("/web", &key).signed_by(&key, issuer).unwrap().der().clone()
    };
    let check = |change: &dyn Fn(&mut CertificateParams), expected: &str| {
        let (root, issuer, issuer_der) = forged_authority(&world, change);
        let bundle = Bundle::new(&world.domain, &[root]).unwrap();
        let outcome = judge(&[leaf(&issuer), issuer_der], Role::Server, &bundle, now);
        match outcome {
            Ok(_) => assert_eq!(expected, "", "accepted"),
            Err(refusal) => assert!(!expected.is_empty() && refusal.to_string().contains(expected), "{refusal}"),
        }
    };
    check(&|_| {}, "");
    check(
        &|issuer| issuer.subject_alt_names = vec![uri_name("spiffe://example.com")],
        "it is of trust domain example.com",
    );
    check(&|issuer| issuer.subject_alt_names = vec![uri_name("spiffe://example.org/web")], "has a path");
    check(&|issuer| issuer.subject_alt_names = Vec::new(), "no authority of our trust domain");
    check(&|issuer| issuer.key_usages = vec![KeyUsagePurpose::CrlSign], "no authority of our trust domain");
    check(&|issuer| issuer.is_ca = IsCa::ExplicitNoCa, "does not lead to a root");
}

#[test]
fn a_root_that_has_ended_vouches_for_nobody() {
    let world = World::new("example.org");
    let later = world.root.not_after().plus(Duration::from_secs(2));
    let issuer = world.root.issuer(later);
    let leaf = issuer.leaf(&world.id("/web"), later, HOUR);
    let chain = [der(leaf.der), der(issuer.der())];
    check_refused(&world, &chain, later, "its root ended");
}

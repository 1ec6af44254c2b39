//! A sound answer, and each way in which one is not. Each refusal is asked for by its name.

use identity::KeyKind;
use ledger::entry::{Body, Subject};
use protocol::Binary;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose};

use super::*;
use crate::key::PrivateKey;
use crate::testing::ca::{Authority, moment as date, uri};
use crate::testing::ledger::Ledger;
use crate::testing::{Ca, Order, moment};

struct World {
    ca: Ca,
    key: PrivateKey,
    pins: Pins,
}

impl World {
    fn new() -> Self {
        let ca = Ca::new("example.org", moment());
        Self { key: PrivateKey::generate(KeyKind::P256).unwrap(), pins: ca.pins(), ca }
    }

    fn order(&self) -> Order {
        self.ca.agent_order(self.key.spki(), "web")
    }

    fn expected(&self) -> Expected {
        let whose = Whose::Agent {
            host: self.ca.host,
            name: AgentName::parse("web").unwrap(),
            spiffe_id: self.ca.id("/host/one/web"),
        };
        Expected { key: self.key.hash(), whose, renews: None }
    }

    fn check(&self, issued: &Issued) -> Result<Checked, CheckError> {
        answer(issued, &self.expected(), &self.pins, moment())
    }
}

#[test]
fn a_sound_answer() {
    for kind in [KeyKind::P256, KeyKind::Ed25519] {
        let mut world = World::new();
        world.key = PrivateKey::generate(kind).unwrap();
        let issued = world.ca.issue(&world.order(), moment());
        let checked = world.check(&issued).unwrap();
        assert_eq!(checked.spiffe_id().as_str(), "spiffe://example.org/host/one/web");
        assert_eq!((checked.key(), checked.index(), checked.host()), (world.key.hash(), 7, world.ca.host));
        assert_eq!((checked.authorised_at(), checked.chain().len()), (moment(), 2));
        assert_eq!(checked.not_after(), moment().plus(Duration::from_secs(3600)));
        assert_eq!(checked.checkpoint().size(), 8);
        let opened = checked.signed_checkpoint().open(world.pins.origin(), world.pins.ledger_key()).unwrap();
        assert_eq!(opened, *checked.checkpoint());
    }
}

#[test]
fn hosts_new_and_known() {
    let mut world = World::new();
    let order = world.ca.host_order(world.key.spki());
    let issued = world.ca.issue(&order, moment());
    let ask = |whose| answer(&issued, &Expected { key: world.key.hash(), whose, renews: None }, &world.pins, moment());
    let known = |host, path| Whose::Host { host, spiffe_id: world.ca.id(path) };
    assert_eq!(ask(Whose::NewHost).unwrap().spiffe_id().path(), "/host/one");
    assert!(ask(known(world.ca.host, "/host/one")).is_ok());
    assert!(matches!(ask(known(world.ca.host, "/host/two")), Err(CheckError::OtherIdentity { .. })));
    let other = ask(known(HostId::from_bytes([9; 16]), "/host/one"));
    assert!(matches!(other, Err(CheckError::OtherEntry { what: Disagreement::Subject })));
    let agent = Whose::Agent {
        host: world.ca.host,
        name: AgentName::parse("web").unwrap(),
        spiffe_id: world.ca.id("/host/one"),
    };
    assert!(matches!(ask(agent), Err(CheckError::OtherEntry { what: Disagreement::Subject })));
}

/// Refused when the certificate is changed before it is signed and recorded, so that only this one thing is wrong.
#[track_caller]
fn check_certificate(change: impl FnOnce(&mut CertificateParams), expected: impl FnOnce(&CheckError) -> bool) {
    let mut world = World::new();
    let issued = world.ca.issue_with(&world.order(), moment(), change, |_| {});
    let error = world.check(&issued).unwrap_err();
    assert!(expected(&error), "{error:?}");
}

#[test]
fn certificates() {
    check_certificate(
        |leaf| leaf.subject_alt_names = vec![uri("spiffe://example.org/host/two/web")],
        |error| matches!(error, CheckError::OtherIdentity { .. }),
    );
    check_certificate(
        |leaf| leaf.subject_alt_names = vec![uri("spiffe://example.net/host/one/web")],
        |error| matches!(error, CheckError::OtherIdentity { .. }),
    );
    check_certificate(|leaf| leaf.subject_alt_names.clear(), |error| matches!(error, CheckError::Svid(_)));
    check_certificate(
        |leaf| leaf.subject_alt_names.push(uri("spiffe://example.org/other")),
        |error| matches!(error, CheckError::Svid(_)),
    );
    check_certificate(
        |leaf| leaf.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained),
        |error| matches!(error, CheckError::Svid(_)),
    );
    for only in [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth] {
        check_certificate(
            |leaf| leaf.extended_key_usages = vec![only],
            |error| matches!(error, CheckError::Path { .. } | CheckError::Svid(_)),
        );
    }
    // T-52: our clock is behind, or ahead.
    check_certificate(
        |leaf| leaf.not_before = date(moment().plus(Duration::from_secs(1))),
        |error| matches!(error, CheckError::NotYetValid { .. }),
    );
    check_certificate(|leaf| leaf.not_after = date(moment()), |error| matches!(error, CheckError::Expired { .. }));
    check_certificate(
        |leaf| leaf.not_after = date(moment().plus(MAX_LIFE)),
        |error| matches!(error, CheckError::TooLong { seconds: 86_760, limit: 86_700 }),
    );
}

/// Refused when the answer is changed after it was made.
#[track_caller]
fn check_answer(change: impl FnOnce(&mut World, &mut Issued), expected: impl FnOnce(&CheckError) -> bool) {
    let mut world = World::new();
    let mut issued = world.ca.issue(&world.order(), moment());
    change(&mut world, &mut issued);
    let error = world.check(&issued).unwrap_err();
    assert!(expected(&error), "{error:?}");
}

#[test]
fn chains() {
    check_answer(|_, issued| issued.chain.clear(), |error| matches!(error, CheckError::Count { chain: 0, .. }));
    check_answer(
        |_, issued| issued.chain = vec![issued.chain[0].clone(); 5],
        |error| matches!(error, CheckError::Count { chain: 5, .. }),
    );
    check_answer(
        |_, issued| issued.roots = vec![issued.roots[0].clone(); 9],
        |error| matches!(error, CheckError::Count { roots: 9, .. }),
    );
    check_answer(|_, issued| issued.roots.clear(), |error| matches!(error, CheckError::NoPinnedRoot { roots: 0 }));
    check_answer(
        |_, issued| issued.chain.truncate(1),
        |error| matches!(error, CheckError::Path { source: webpki::Error::UnknownIssuer, .. }),
    );
    check_answer(|_, issued| issued.chain[0].0.push(0), |error| matches!(error, CheckError::Leaf(_)));
    check_answer(|_, issued| issued.roots[0].0.push(0), |error| matches!(error, CheckError::Authority(_)));
    // Another CA of the same name, and its whole chain.
    check_answer(
        |world, issued| {
            let mut other = Ca::new("example.org", moment());
            *issued = other.issue(&world.order(), moment());
        },
        |error| matches!(error, CheckError::NoPinnedRoot { roots: 1 }),
    );
    // The same with our root beside it.
    check_answer(
        |world, issued| {
            let roots = issued.roots.clone();
            *issued = Ca::new("example.org", moment()).issue(&world.order(), moment());
            issued.roots = roots;
        },
        |error| matches!(error, CheckError::Path { .. }),
    );
    // A leaf as root: it is pinned, and is no authority (T-41).
    check_answer(
        |world, issued| {
            let leaf = issued.chain[0].clone();
            let mut trust = world.ca.trust("https://ca.example.org");
            trust.root_keys = vec![world.key.hash()];
            world.pins = Pins::from_trust_file(&trust.to_bytes().unwrap()).unwrap();
            issued.roots = vec![leaf];
        },
        |error| matches!(error, CheckError::Authority(_)),
    );
}

#[test]
fn a_leaf_does_not_outlive_its_issuer() {
    let mut world = World::new();
    let short = Authority::new(
        &world.ca.domain,
        "issuer",
        moment().minus(Duration::from_secs(86_400 - 1800)),
        1,
        Some(&world.ca.root),
    );
    world.ca.issuer = short;
    let issued = world.ca.issue(&world.order(), moment());
    assert!(matches!(world.check(&issued), Err(CheckError::OutlivesIssuer { .. })));
}

#[test]
fn another_key() {
    check_answer(
        |world, _| world.key = PrivateKey::generate(KeyKind::P256).unwrap(),
        |error| matches!(error, CheckError::OtherKey { .. }),
    );
}

#[test]
fn receipts() {
    let receipt = |error: &CheckError| matches!(error, CheckError::Receipt(_));
    check_answer(|_, issued| issued.receipt.proof.clear(), receipt);
    check_answer(|_, issued| issued.receipt.proof = issued.receipt.proof.replacen("index 7", "index 6", 1), receipt);
    check_answer(|_, issued| issued.receipt.entry.0.truncate(100), receipt);
    // T-82: another ledger's key, another ledger's name.
    check_answer(|_, issued| issued.receipt = Ledger::new("example.org/brevet", 2).append(&entry_of(issued)), receipt);
    check_answer(|_, issued| issued.receipt = Ledger::new("example.net/brevet", 1).append(&entry_of(issued)), receipt);
    check_answer(
        |_, issued| issued.receipt.entry = Binary(vec![b'x'; 17_000]),
        |error| matches!(error, CheckError::Entry(_)),
    );
    // The entry of another kind, and of another certificate of ours.
    check_answer(
        |world, issued| {
            let added = ledger::entry::AgentRemoved { agent: "web".into(), profile: "p".into() };
            issued.receipt = world.ca.ledger.record(Body::AgentRemoved(Box::new(added)), moment());
        },
        |error| matches!(error, CheckError::OtherKind { .. }),
    );
    check_answer(
        |world, issued| issued.receipt = world.ca.issue(&world.order(), moment()).receipt,
        |error| matches!(error, CheckError::OtherEntry { what: Disagreement::ToBeSigned }),
    );
}

fn entry_of(issued: &Issued) -> ledger::entry::EntryBytes {
    ledger::entry::EntryBytes::new(issued.receipt.entry.0.clone()).unwrap()
}

#[track_caller]
fn check_entry(change: impl FnOnce(&mut ledger::entry::CertificateAuthorised), what: Disagreement) {
    let mut world = World::new();
    let issued = world.ca.issue_with(&world.order(), moment(), |_| {}, change);
    let error = world.check(&issued).unwrap_err();
    assert!(matches!(error, CheckError::OtherEntry { what: found } if found == what), "{error:?}");
}

/// The entry's members say what the certificate says.
#[test]
fn entries_that_say_something_else() {
    check_entry(|entry| entry.tbs.0[20] ^= 1, Disagreement::ToBeSigned);
    check_entry(|entry| entry.serial = Serial::from_bytes([5; 16]).unwrap(), Disagreement::Serial);
    check_entry(|entry| entry.spiffe_id = SpiffeId::parse("spiffe://example.org/x").unwrap(), Disagreement::SpiffeId);
    check_entry(|entry| entry.key = KeyHash::of(b"x"), Disagreement::Key);
    check_entry(|entry| entry.not_after = entry.not_after.plus(Duration::from_secs(1)), Disagreement::Validity);
    check_entry(|entry| entry.not_before = entry.not_before.plus(Duration::from_secs(1)), Disagreement::Validity);
    check_entry(|entry| entry.subject = Subject::Server, Disagreement::Subject);
    let (host, other) = (HostId::from_bytes([0xaa; 16]), HostId::from_bytes([1; 16]));
    check_entry(|entry| entry.subject = Subject::Host { host }, Disagreement::Subject);
    check_entry(|entry| entry.subject = Subject::Agent { host, agent: "db".into() }, Disagreement::Subject);
    check_entry(|entry| entry.subject = Subject::Agent { host: other, agent: "web".into() }, Disagreement::Subject);
}

/// T-43: a renewal supersedes exactly what was to be renewed.
#[test]
fn renewals() {
    let mut world = World::new();
    let serial = |n| Serial::from_bytes([n; 16]).unwrap();
    let mut ask = |supersedes, renews| {
        let issued = world.ca.issue(&Order { supersedes, ..world.order() }, moment());
        let expected = Expected { renews, ..world.expected() };
        answer(&issued, &expected, &world.pins, moment())
    };
    assert_eq!(ask(Some(serial(5)), Some(serial(5))).unwrap().supersedes(), Some(serial(5)));
    assert!(matches!(ask(Some(serial(6)), Some(serial(5))), Err(CheckError::OtherRenewal { .. })));
    assert!(matches!(ask(None, Some(serial(5))), Err(CheckError::OtherRenewal { found: None, .. })));
    assert!(ask(Some(serial(6)), None).is_ok());
}

/// T-52: an entry from our future says that our clock is behind; one second less than the limit is not worth a word.
#[test]
fn our_clock_is_behind() {
    let mut world = World::new();
    let mut ask = |ahead: Duration| {
        let now = moment();
        let issued = world.ca.issue_with(&world.order(), now.plus(ahead), |leaf| leaf.not_before = date(now), |_| {});
        answer(&issued, &world.expected(), &world.pins, now)
    };
    assert!(ask(MAX_SKEW).is_ok());
    assert!(matches!(ask(MAX_SKEW + Duration::from_secs(1)), Err(CheckError::ClockBehind { .. })));
}

//! Each thing that could be wrong with to-be-signed octets, by the name of what the lint finds. T-30: every limit is
//! applied to what will be signed, not to what went in.

use std::time::Duration;

use der::{Reader, SliceReader};
use identity::{KeyKind, SpiffeId, Timestamp};
use pki_test_fixtures::der::{element, sequence};

use super::fixture::{HOST, Pki, now, opened, serial, spiffe_id};
use crate::csr::{Foreign, OpenedCsr};
use crate::issuance::leaf::Leaf;
use crate::issuance::lint::lint;
use crate::issuance::profile::{LEAF_BASIC_CONSTRAINTS, LEAF_KEY_USAGE, LEAF_PURPOSES};

/// What a sound leaf is made of.
struct Sound {
    pki: Pki,
    csr: OpenedCsr,
    id: SpiffeId,
    dns: Vec<String>,
}

impl Sound {
    fn new() -> Self {
        let dns = vec!["a.example.org".to_owned()];
        Self { pki: Pki::p256(), csr: opened(KeyKind::P256), id: spiffe_id(HOST), dns }
    }

    fn leaf(&self) -> Leaf<'_> {
        Leaf {
            issuer: &self.pki.issuer,
            serial: serial(3),
            not_before: from(),
            not_after: from().plus(Duration::from_secs(3600)),
            key: self.csr.public_key(),
            spiffe_id: &self.id,
            dns_names: &self.dns,
            crl_url: "http://ca.example.org:8080/crl/a/00.crl",
        }
    }

    /// Judges octets by the leaf that they were to be.
    #[track_caller]
    fn check(&self, tbs: &[u8], expected: &str) {
        self.check_as(tbs, &self.leaf(), expected);
    }

    #[track_caller]
    fn check_as(&self, tbs: &[u8], leaf: &Leaf<'_>, expected: &str) {
        let found = lint(tbs, leaf, &Foreign::default()).expect_err("the lint found nothing");
        let chain = std::iter::successors(std::error::Error::source(&found), |error| error.source());
        let text = chain.fold(found.to_string(), |text, error| format!("{text}: {error}"));
        assert!(text.contains(expected), "{text}");
    }

    /// The octets with one field of the TBSCertificate replaced, counted from 0 (RFC 5280, section 4.1).
    fn with_field(&self, at: usize, field: &[u8]) -> Vec<u8> {
        let mut fields = elements(&elements_of(&self.leaf().to_be_signed()));
        fields[at] = field.to_vec();
        wrap(&fields)
    }

    /// The octets with other extensions.
    fn with_extensions(&self, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
        let fields = elements(&elements_of(&self.leaf().to_be_signed()));
        let mut extensions = elements(&elements_of(&elements_of(&fields[7])));
        change(&mut extensions);
        let extensions = element(0xa3, &wrap(&extensions));
        self.with_field(7, &extensions)
    }
}

fn from() -> Timestamp {
    now().floor_second()
}

/// The content of one element.
fn elements_of(element: &[u8]) -> Vec<u8> {
    use der::{Decode, asn1::AnyRef};
    AnyRef::from_der(element).unwrap().value().to_vec()
}

/// The elements that stand one after the other.
fn elements(content: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = SliceReader::new(content).unwrap();
    let mut found = Vec::new();
    while !reader.is_finished() {
        found.push(reader.tlv_bytes().unwrap().to_vec());
    }
    found
}

fn wrap(elements: &[Vec<u8>]) -> Vec<u8> {
    sequence(&elements.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

#[test]
fn a_sound_leaf_passes() {
    let sound = Sound::new();
    let leaf = sound.leaf();
    assert_eq!(lint(&leaf.to_be_signed(), &leaf, sound.csr.foreign()), Ok(()));
}

#[test]
fn another_name_is_found() {
    let sound = Sound::new();
    let other = spiffe_id("spiffe://example.org/host/b");
    sound.check(&Leaf { spiffe_id: &other, ..sound.leaf() }.to_be_signed(), "/host/a was granted");
    let prefix = spiffe_id("spiffe://example.org/host");
    sound.check(&Leaf { spiffe_id: &prefix, ..sound.leaf() }.to_be_signed(), "/host/a was granted");
    let root = spiffe_id("spiffe://example.org");
    sound.check(&Leaf { spiffe_id: &root, ..sound.leaf() }.to_be_signed(), "has no path");
    // Granted, but not this issuer's to give (T-42).
    let foreign = spiffe_id("spiffe://example.net/host/a");
    let leaf = Leaf { spiffe_id: &foreign, ..sound.leaf() };
    sound.check_as(&leaf.to_be_signed(), &leaf, "its issuer speaks for example.org");
}

#[test]
fn other_dns_names_are_found() {
    let sound = Sound::new();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let with = |dns: &[String]| Leaf { dns_names: dns, ..sound.leaf() }.to_be_signed();
    sound.check(&with(&[]), "were granted");
    sound.check(&with(&names(&["a.example.org", "b.example.org"])), "were granted");
    sound.check(&with(&names(&["A.example.org"])), "were granted");
    sound.check(&with(&names(&["*.example.org"])), "preferred name syntax");
    sound.check(&with(&names(&["a.example.org\0.example.net"])), "name");
    let many: Vec<String> = (0..17).map(|number| format!("n{number}.example.org")).collect();
    let leaf = Leaf { dns_names: &many, ..sound.leaf() };
    sound.check_as(&leaf.to_be_signed(), &leaf, "17 DNS names, 16 are allowed");
}

#[test]
fn names_of_other_kinds_are_found() {
    let sound = Sound::new();
    let san = |extra: &[u8]| {
        sound.with_extensions(|extensions| {
            let uri = element(0x86, HOST.as_bytes());
            let dns = element(0x82, b"a.example.org");
            let value = element(0x04, &sequence(&[&uri, &dns, extra]));
            extensions[5] = sequence(&[b"\x06\x03\x55\x1d\x11", b"\x01\x01\xff", &value]);
        })
    };
    sound.check(&san(&element(0x81, b"mail@example.org")), "neither URI nor DNS");
    sound.check(&san(&element(0x87, &[127, 0, 0, 1])), "neither URI nor DNS");
    sound.check(&san(&element(0x86, b"spiffe://example.org/host/b")), "2 URI names");
    sound.check(&sound.with_field(5, b"\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02CN"), "has a subject");
}

#[test]
fn another_key_or_serial_is_found() {
    let sound = Sound::new();
    sound.check(&Leaf { serial: serial(4), ..sound.leaf() }.to_be_signed(), "was reserved");
    let other = opened(KeyKind::P256);
    sound.check(&sound.with_field(6, other.public_key().spki_der()), "for another key");
    sound.check(&Leaf { key: other.public_key(), ..sound.leaf() }.to_be_signed(), "for another key");
    let negative = element(0x02, &[0x81; 16]);
    sound.check(&sound.with_field(1, &negative), "serial");
    let long = element(0x02, &[0x01; 20]);
    sound.check(&sound.with_field(1, &long), "serial");
}

#[test]
fn another_issuer_is_found() {
    let sound = Sound::new();
    let other = Pki::p256();
    sound.check(&Leaf { issuer: &other.issuer, ..sound.leaf() }.to_be_signed(), "does not name its issuer");
    let aki = other.issuer.authority_key_identifier().to_vec();
    sound.check(&sound.with_extensions(|extensions| extensions[0] = aki), "names the issuer's key");
    let ski = b"\x30\x1d\x06\x03\x55\x1d\x0e\x04\x16\x04\x14aaaaaaaaaaaaaaaaaaaa".to_vec();
    sound.check(&sound.with_extensions(|extensions| extensions[1] = ski), "names its key");
    let ed25519 = b"\x30\x05\x06\x03\x2b\x65\x70";
    sound.check(&sound.with_field(2, ed25519), "to be signed by 1.3.101.112");
}

#[test]
fn other_times_are_found() {
    let sound = Sound::new();
    let hour = Duration::from_secs(3600);
    let until = |seconds: u64| Leaf { not_after: from().plus(Duration::from_secs(seconds)), ..sound.leaf() };
    sound.check(&until(3601).to_be_signed(), "is valid from");
    let early = Leaf { not_before: from().minus(Duration::from_secs(1)), ..sound.leaf() };
    sound.check(&early.to_be_signed(), "is valid from");
    // What was reckoned wrongly is found too: a day and a minute, and one second more.
    let longest = until(24 * 3600 + 60);
    assert_eq!(lint(&longest.to_be_signed(), &longest, &Foreign::default()), Ok(()));
    let longer = until(24 * 3600 + 61);
    sound.check_as(&longer.to_be_signed(), &longer, "lives 86461 s, 86460 s are allowed");
    let (first, last) = (sound.pki.issuer.authority().not_before(), sound.pki.issuer.not_after());
    let before = Leaf { not_before: first.minus(Duration::from_secs(1)), not_after: first, ..sound.leaf() };
    sound.check_as(&before.to_be_signed(), &before, "its issuer from");
    let after = Leaf { not_before: last, not_after: last.plus(Duration::from_secs(1)), ..sound.leaf() };
    sound.check_as(&after.to_be_signed(), &after, "its issuer from");
    let inverted = Leaf { not_before: from().plus(hour), not_after: from(), ..sound.leaf() };
    sound.check_as(&inverted.to_be_signed(), &inverted, "before");
}

#[test]
fn other_extensions_are_found() {
    let sound = Sound::new();
    for at in 0..8 {
        let without = sound.with_extensions(|extensions| {
            extensions.remove(at);
        });
        sound.check(&without, "");
    }
    let swapped = sound.with_extensions(|extensions| extensions.swap(6, 7));
    sound.check(&swapped, "extensions are");
    // id-pkix-ocsp-nocheck, which would be harmless and was not granted.
    let nocheck = b"\x30\x0f\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x05\x04\x02\x05\x00".to_vec();
    sound.check(&sound.with_extensions(|extensions| extensions.push(nocheck)), "extensions are");
    let twice = sound.with_extensions(|extensions| extensions.push(LEAF_KEY_USAGE.to_vec()));
    sound.check(&twice, "twice");
    let not_critical = b"\x30\x09\x06\x03\x55\x1d\x13\x04\x02\x30\x00".to_vec();
    sound.check(&sound.with_extensions(|extensions| extensions[3] = not_critical), "extensions are");
}

#[test]
fn more_rights_are_found() {
    // T-35: what would make more of a leaf than a leaf.
    let sound = Sound::new();
    let with = |at: usize, extension: &[u8]| sound.with_extensions(|all| all[at] = extension.to_vec());
    let usage = |bits: &[u8]| [&LEAF_KEY_USAGE[..LEAF_KEY_USAGE.len() - 2], bits].concat();
    sound.check(&with(2, &usage(&[0x02, 0x84])), "key usage");
    sound.check(&with(2, &usage(&[0x01, 0x82])), "key usage");
    sound.check(&with(2, &usage(&[0x05, 0xa0])), "key usage");
    sound.check(&with(3, crate::issuance::profile::ROOT_BASIC_CONSTRAINTS), "says that it is an authority");
    sound.check(&with(3, crate::issuance::profile::ISSUER_BASIC_CONSTRAINTS), "says that it is an authority");
    assert_eq!(with(3, LEAF_BASIC_CONSTRAINTS), sound.leaf().to_be_signed());
    let purpose = |last: u8| {
        let mut purposes = LEAF_PURPOSES.to_vec();
        *purposes.last_mut().unwrap() = last;
        purposes
    };
    // clientAuth becomes OCSPSigning, codeSigning.
    sound.check(&with(4, &purpose(9)), "extended key usage");
    sound.check(&with(4, &purpose(3)), "extended key usage");
}

#[test]
fn other_addresses_are_found() {
    let sound = Sound::new();
    let crl_url = "http://evil.example.org/00.crl";
    sound.check(&Leaf { crl_url, ..sound.leaf() }.to_be_signed(), "points to");
    let evil = crate::issuance::issuer::authority_information("http://evil.example.org/issuer.cer");
    sound.check(&sound.with_extensions(|extensions| extensions[7] = evil), "points to");
}

#[test]
fn what_cannot_be_read_back_is_found() {
    let sound = Sound::new();
    let tbs = sound.leaf().to_be_signed();
    sound.check(&tbs[..tbs.len() - 1], "cannot be read back");
    sound.check(&[tbs.as_slice(), &[0]].concat(), "cannot be read back");
    sound.check(&sound.with_field(0, &[0xa0, 3, 2, 1, 1]), "cannot be read back");
    let many: Vec<String> = (0..40).map(|number| format!("{}{number}.example.org", "n".repeat(200))).collect();
    sound.check(&Leaf { dns_names: &many, ..sound.leaf() }.to_be_signed(), "octets to be signed, 8192 are allowed");
}

#[test]
fn the_longest_leaf_fits() {
    // A SPIFFE id of 2,048 octets and sixteen DNS names of 253.
    let sound = Sound::new();
    let label = "n".repeat(61);
    let dns: Vec<String> = (10..26).map(|number| format!("{number}{label}.{label}aa.{label}aa.{label}")).collect();
    let id = spiffe_id(&format!("spiffe://example.org/{}", "a".repeat(2048 - 21)));
    assert_eq!((dns[0].len(), id.as_str().len()), (253, 2048));
    let leaf = Leaf { dns_names: &dns, spiffe_id: &id, ..sound.leaf() };
    assert_eq!(lint(&leaf.to_be_signed(), &leaf, &Foreign::default()), Ok(()));
}

#[test]
fn every_octet_counts() {
    // Whatever octet is changed, the lint finds it, or the octets no longer are what they were to be.
    let sound = Sound::new();
    let (leaf, foreign) = (sound.leaf(), Foreign::default());
    let tbs = leaf.to_be_signed();
    for at in 0..tbs.len() {
        let mut changed = tbs.clone();
        for bit in 0..8 {
            changed[at] = tbs[at] ^ (1 << bit);
            assert!(lint(&changed, &leaf, &foreign).is_err(), "bit {bit} of octet {at} may be changed");
        }
    }
}

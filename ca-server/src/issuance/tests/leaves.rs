//! What a leaf says, octet for octet, and for how long.

use std::time::Duration;

use der::asn1::{Ia5String, ObjectIdentifier, OctetString};
use der::{DateTime, Decode, Encode};
use identity::svid::{CertificateFacts, KeyUsage, Svid, oid};
use identity::{KeyKind, Lifetime, Timestamp};
use p256::ecdsa::signature::Keypair;
use pki_test_fixtures::forger::RequestForger;
use spki::{AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, SubjectPublicKeyInfoRef};
use x509_cert::TbsCertificate;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder as _, CertificateBuilder};
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AccessDescription, AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CrlDistributionPoints,
    ExtendedKeyUsage, KeyUsages, SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::{Time, Validity};

use super::fixture::{HOST, Pki, grant, now, opened, renewal, serial, spiffe_id};
use crate::csr;
use crate::decision::{CutoffAt, Supersession};
use crate::issuance::prepare::validity;
use crate::issuance::{PrepareError, Prepared, prepare};

#[test]
fn a_leaf_says_what_was_granted_and_nothing_else() {
    let pki = Pki::p256();
    for kind in KeyKind::ALL {
        let csr = opened(kind);
        let key = csr.public_key().clone();
        let dns = ["a.example.org", "b.example.org"];
        let prepared = prepare(grant(HOST, &dns), csr, &pki.issuer, now(), serial(3)).unwrap();
        let facts = CertificateFacts::from_tbs_der(prepared.to_be_signed()).unwrap();
        let svid = Svid::leaf(&facts).unwrap();
        assert_eq!((svid.spiffe_id(), svid.serial()), (&spiffe_id(HOST), serial(3)));
        assert_eq!(facts.dns_names, dns);
        assert_eq!(facts.spki_der, key.spki_der());
        assert_eq!(facts.subject_key, Some(key.identifier()));
        assert_eq!(facts.issuer_key, Some(pki.issuer.key_identifier()));
        assert_eq!(facts.issuer_der, pki.issuer.authority().name_der());
        assert_eq!(facts.key_usage, Some(KeyUsage::DIGITAL_SIGNATURE));
        assert_eq!(facts.extended_key_usage, [oid::SERVER_AUTH, oid::CLIENT_AUTH]);
        assert_eq!(facts.crl_points, [pki.issuer.crl_url(pki.issuer.publication().shard_of(&serial(3)))]);
        assert_eq!(facts.issuer_urls, [pki.issuer.certificate_url()]);
        assert!(facts.subject_is_empty && facts.san_critical && !facts.is_authority);
        assert!(facts.ocsp_urls.is_empty() && facts.other_names == 0);
    }
}

#[test]
fn the_entry_says_what_the_leaf_says() {
    let pki = Pki::p256();
    let prepared = pki.prepared(KeyKind::P256);
    let body = prepared.certificate();
    let facts = CertificateFacts::from_tbs_der(&body.tbs.0).unwrap();
    assert_eq!((body.serial, body.key, body.issuer), (serial(3), facts.key, pki.issuer.key_identifier()));
    assert_eq!((body.not_before, body.not_after), (facts.not_before, facts.not_after));
    assert_eq!(body.spiffe_id, spiffe_id(HOST));
    assert_eq!(body.shard, u32::from(pki.issuer.publication().shard_of(&serial(3)).number()));
    assert_eq!((body.policy, body.rules.len()), (7, 0));
    assert_eq!(prepared.command().certificate, *body);
}

#[test]
fn a_renewals_entry_says_what_it_rests_on() {
    let pki = Pki::p256();
    let cutoff = CutoffAt { at: now().plus(Duration::from_secs(300)), revoke: true };
    let superseded = Supersession { serial: serial(1), cutoff: Some(cutoff) };
    let grant = renewal(KeyKind::P256, superseded);
    let (profile, rules) = (grant.profile().map(str::to_owned), grant.rules().to_vec());
    let prepared = prepare(grant, opened(KeyKind::P256), &pki.issuer, now(), serial(3)).unwrap();
    let body = prepared.certificate();
    assert_eq!((body.supersedes, body.cutoff, body.revoke_at_cutoff), (Some(serial(1)), Some(cutoff.at), true));
    assert_eq!((body.profile.clone(), body.rules.clone()), (profile, rules));
    assert!(body.profile.is_some() && !body.rules.is_empty() && body.evidence.is_none());
}

#[test]
fn a_key_of_another_kind_than_was_permitted_is_refused() {
    let pki = Pki::p256();
    let grant = renewal(KeyKind::P256, Supersession { serial: serial(1), cutoff: None });
    let refused = prepare(grant, opened(KeyKind::Ed25519), &pki.issuer, now(), serial(3)).unwrap_err();
    let PrepareError::KeyKind { granted, found } = refused else { panic!("{refused:?}") };
    assert_eq!((granted, found), (KeyKind::P256, KeyKind::Ed25519));
}

#[test]
fn the_same_is_prepared_again_under_another_serial() {
    let pki = Pki::p256();
    let prepared = pki.prepared(KeyKind::Ed25519);
    let key = prepared.certificate().key;
    let later = now().plus(Duration::from_secs(5));
    let again = prepared.again(&Pki::p256().issuer, later, serial(4)).unwrap();
    assert_eq!((again.certificate().key, again.certificate().serial), (key, serial(4)));
    assert_ne!(again.certificate().issuer, pki.issuer.key_identifier());
}

#[test]
fn the_octets_are_those_of_x509_certs_builder() {
    for issuer in KeyKind::ALL {
        let pki = Pki::new(KeyKind::P256, issuer);
        for kind in KeyKind::ALL {
            let csr = opened(kind);
            let spki = csr.public_key().spki_der().to_vec();
            let dns = ["a.example.org"];
            let prepared = prepare(grant(HOST, &dns), csr, &pki.issuer, now(), serial(3)).unwrap();
            assert_eq!(hex::encode(prepared.to_be_signed()), hex::encode(oracle(&pki, &spki, &prepared)));
            let read = TbsCertificate::from_der(prepared.to_be_signed()).unwrap();
            assert_eq!(read.to_der().unwrap(), prepared.to_be_signed());
        }
    }
}

/// The same leaf by x509-cert's builder, which shares no code with ours.
fn oracle(pki: &Pki, spki: &[u8], prepared: &Prepared) -> Vec<u8> {
    let time = |time: Timestamp| {
        let time = DateTime::from_unix_duration(Duration::from_secs(time.seconds())).unwrap();
        Time::UtcTime(der::asn1::UtcTime::from_date_time(time).unwrap())
    };
    let body = prepared.certificate();
    let signer = Keyless(pki.issuer.authority().algorithm_der().to_vec());
    let mut builder = CertificateBuilder::new(
        OracleProfile(pki, body.shard),
        SerialNumber::new(body.serial.as_bytes()).unwrap(),
        Validity::new(time(body.not_before), time(body.not_after)),
        spki::SubjectPublicKeyInfoOwned::from_der(spki).unwrap(),
    )
    .unwrap();
    builder.finalize(&signer).unwrap()
}

struct OracleProfile<'a>(&'a Pki, u32);

impl BuilderProfile for OracleProfile<'_> {
    fn get_issuer(&self, _: &Name) -> Name {
        Name::from_der(self.0.issuer.authority().name_der()).unwrap()
    }

    fn get_subject(&self) -> Name {
        Name::default()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        let uri = |text: String| GeneralName::UniformResourceIdentifier(Ia5String::new(&text).unwrap());
        let octets = |octets: &[u8]| OctetString::new(octets).unwrap();
        let mut all: Vec<Extension> = Vec::new();
        let mut add = |extension: &dyn Fn(&Name, &[Extension]) -> Extension| {
            let made = extension(tbs.subject(), &all);
            all.push(made);
        };
        let issuer = self.0.issuer.key_identifier();
        let aki = AuthorityKeyIdentifier { key_identifier: Some(octets(issuer.as_bytes())), ..Default::default() };
        add(&|name, all| (&aki).to_extension(name, all).unwrap());
        let id = identity::KeyIdentifier::of_spki_der(&key.to_der().unwrap()).unwrap();
        add(&|name, all| (&SubjectKeyIdentifier(octets(id.as_bytes()))).to_extension(name, all).unwrap());
        let usage = x509_cert::ext::pkix::KeyUsage(KeyUsages::DigitalSignature.into());
        add(&|name, all| (&usage).to_extension(name, all).unwrap());
        let basic = BasicConstraints { ca: false, path_len_constraint: None };
        // x509-cert makes it critical for authorities only; ours is in leaves too.
        add(&|name, all| Extension { critical: true, ..(&basic).to_extension(name, all).unwrap() });
        let purposes = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"].map(ObjectIdentifier::new_unwrap);
        add(&|name, all| (&ExtendedKeyUsage(purposes.to_vec())).to_extension(name, all).unwrap());
        let names = vec![uri(HOST.to_owned()), GeneralName::DnsName(Ia5String::new("a.example.org").unwrap())];
        add(&|name, all| (&SubjectAltName(names.clone())).to_extension(name, all).unwrap());
        let crl = format!("http://ca.example.org:8080/crl/{issuer}/{:02x}.crl", self.1);
        let point = DistributionPoint {
            distribution_point: Some(DistributionPointName::FullName(vec![uri(crl)])),
            reasons: None,
            crl_issuer: None,
        };
        add(&|name, all| (&CrlDistributionPoints(vec![point.clone()])).to_extension(name, all).unwrap());
        let access = AccessDescription {
            access_method: ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.2"),
            access_location: uri(format!("http://ca.example.org:8080/authority/{issuer}.cer")),
        };
        add(&|name, all| (&AuthorityInfoAccessSyntax(vec![access.clone()])).to_extension(name, all).unwrap());
        Ok(all)
    }
}

/// A signer that knows its algorithm only.
struct Keyless(Vec<u8>);

impl Keypair for Keyless {
    type VerifyingKey = p256::ecdsa::VerifyingKey;

    fn verifying_key(&self) -> Self::VerifyingKey {
        *p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap().verifying_key()
    }
}

impl DynSignatureAlgorithmIdentifier for Keyless {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        Ok(AlgorithmIdentifierOwned::from_der(&self.0).unwrap())
    }
}

#[track_caller]
fn check_validity(pki: &Pki, now: &str, lifetime: &str, from: &str, to: &str) {
    let reckoned = validity(now.parse().unwrap(), Lifetime::parse(lifetime).unwrap(), &pki.issuer).unwrap();
    assert_eq!(reckoned, (from.parse().unwrap(), to.parse().unwrap()));
}

#[test]
fn a_leaf_is_back_dated_a_little_and_never_lives_longer_than_it_may() {
    let pki = Pki::p256();
    // One hour: a minute back. One minute: six seconds back, so that half its life is still ahead.
    check_validity(&pki, "2026-11-24T12:00:00.999Z", "1h", "2026-11-24T11:59:00.000Z", "2026-11-24T13:00:00.000Z");
    check_validity(&pki, "2026-11-24T12:00:00.000Z", "60s", "2026-11-24T11:59:54.000Z", "2026-11-24T12:01:00.000Z");
    check_validity(&pki, "2026-11-24T12:00:00.000Z", "1s", "2026-11-24T11:59:59.000Z", "2026-11-24T12:00:01.000Z");
    check_validity(&pki, "2026-11-24T12:00:00.000Z", "24h", "2026-11-24T11:59:00.000Z", "2026-11-25T12:00:00.000Z");
    // Whatever a profile says: 24 hours.
    check_validity(&pki, "2026-11-24T12:00:00.000Z", "30d", "2026-11-24T11:59:00.000Z", "2026-11-25T12:00:00.000Z");
    // Never before the issuer's first second, never past its last.
    check_validity(&pki, "2026-11-23T00:16:07.000Z", "1h", "2026-11-23T00:16:07.000Z", "2026-11-23T01:16:07.000Z");
    check_validity(&pki, "2027-11-22T23:47:07.000Z", "1h", "2027-11-22T23:46:07.000Z", "2027-11-23T00:17:07.000Z");
}

#[track_caller]
fn check_issuer_ended(pki: &Pki, now: &str) {
    let now = now.parse().unwrap();
    let refused = prepare(grant(HOST, &[]), opened(KeyKind::P256), &pki.issuer, now, serial(3)).unwrap_err();
    assert!(matches!(refused, PrepareError::IssuerEnded { now: found, .. } if found == now), "{refused:?}");
}

#[test]
fn nothing_is_prepared_outside_the_issuers_life() {
    let pki = Pki::p256();
    check_issuer_ended(&pki, "2026-11-23T00:16:06.999Z");
    check_issuer_ended(&pki, "2027-11-23T00:17:07.000Z");
    check_issuer_ended(&pki, "2036-11-23T00:17:07.000Z");
}

#[test]
fn nothing_smuggled_into_a_request_gets_into_a_leaf() {
    // T-04, T-35, T-36: names, extensions and subjects that somebody would like to have.
    let pki = Pki::p256();
    let forger = RequestForger::new("canary-nonce");
    let clean = prepare(grant(HOST, &[]), opened(KeyKind::P256), &pki.issuer, now(), serial(3)).unwrap();
    for forgery in forger.smuggled() {
        let csr = csr::open(&forgery.evidence).unwrap();
        let prepared = prepare(grant(HOST, &[]), csr, &pki.issuer, now(), serial(3));
        let prepared = prepared.unwrap_or_else(|error| panic!("{}: {error:?}", forgery.name));
        let leaf = prepared.to_be_signed();
        assert!(!leaf.windows(6).any(|window| window.eq_ignore_ascii_case(b"canary")), "{}", forgery.name);
        // But for the key and what is made of it, the leaf is that of somebody who asked for nothing.
        assert_eq!(without_key(&prepared), without_key(&clean), "{}", forgery.name);
    }
}

/// The leaf with its key and key identifier blanked.
fn without_key(prepared: &Prepared) -> Vec<u8> {
    let mut leaf = prepared.to_be_signed().to_vec();
    let facts = CertificateFacts::from_tbs_der(&leaf).unwrap();
    for part in [facts.spki_der.as_slice(), facts.key_identifier.as_bytes()] {
        let at = leaf.windows(part.len()).position(|window| window == part).unwrap();
        leaf[at..at + part.len()].fill(0);
    }
    leaf
}

#[test]
fn who_asks_for_what_they_get_gets_it() {
    // The same extensions and names that the leaf will have: nothing foreign about them.
    let pki = Pki::p256();
    let clean = pki.prepared(KeyKind::P256);
    let read = TbsCertificate::from_der(clean.to_be_signed()).unwrap();
    let extensions: Vec<Vec<u8>> = read.extensions().unwrap().iter().map(|one| one.to_der().unwrap()).collect();
    let request = csr::tests::asking_for(&extensions);
    let csr = csr::open(&request).unwrap();
    assert!(!csr.foreign().is_empty());
    prepare(grant(HOST, &[]), csr, &pki.issuer, now(), serial(3)).unwrap();
}

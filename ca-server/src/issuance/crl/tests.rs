//! What a CRL says, for how long, about whom; and that only what is recorded is signed.

use der::{Decode, Encode};
use identity::KeyKind;
use ledger::entry::AuthorityState;
use proptest::prelude::*;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList, RevocationOptionsBuilder,
    anchor_from_trusted_cert,
};
use x509_cert::crl::CertificateList;
use x509_cert::ext::pkix::CrlNumber;

use super::*;
use crate::issuance::sign::sign_body as sign_leaf;
use crate::issuance::tests::fixture::{Fault, FaultyKey, Pki, now, recorded, serial};

fn revoked(number: u8, reason: RevocationReason) -> Revoked {
    Revoked { serial: serial(number), at: now(), not_after: now().plus(Duration::from_secs(3600)), reason }
}

fn period(pki: &Pki) -> Period {
    Period::starting(now(), Duration::from_secs(3600), &pki.issuer).unwrap()
}

fn prepared(pki: &Pki, number: u64, revoked: &[Revoked]) -> PreparedCrl {
    prepare(&pki.issuer, Scope::Full, number, period(pki), revoked.iter().copied()).unwrap()
}

/// The body that the committer makes of it.
fn body(prepared: &PreparedCrl) -> CrlAuthorised {
    CrlAuthorised {
        issuer: prepared.issuer,
        shard: None,
        this_update: prepared.period.this_update(),
        next_update: prepared.period.next_update(),
        up_to: prepared.number,
        revoked: prepared.revoked,
        tbs: Sha256Hash::of(&prepared.tbs),
    }
}

fn of_shard(pki: &Pki, number: u64, shard: u16, revoked: &[Revoked]) -> SignedCrl {
    let scope = Scope::Shard(Shard::of_number(shard).unwrap());
    let prepared = prepare(&pki.issuer, scope, number, period(pki), revoked.iter().copied()).unwrap();
    let body = CrlAuthorised { shard: Some(u32::from(shard)), ..body(&prepared) };
    sign_body(&recorded(body), number, &prepared, &pki.issuers).unwrap()
}

fn signed(pki: &Pki, number: u64, revoked: &[Revoked]) -> SignedCrl {
    let prepared = prepared(pki, number, revoked);
    sign_body(&recorded(body(&prepared)), number, &prepared, &pki.issuers).unwrap()
}

#[test]
fn a_crl_says_what_was_revoked_and_reads_the_same_elsewhere() {
    use RevocationReason::{KeyCompromise, PrivilegeWithdrawn, Unspecified};
    for kind in KeyKind::ALL {
        let pki = Pki::new(KeyKind::P256, kind);
        let list = [revoked(9, KeyCompromise), revoked(5, Unspecified), revoked(7, PrivilegeWithdrawn)];
        let signed = signed(&pki, 300, &list);
        let read = <CertificateList>::from_der(signed.der()).unwrap();
        assert_eq!(read.to_der().unwrap(), signed.der());
        assert_eq!(read.tbs_cert_list.issuer.to_der().unwrap(), pki.issuer.authority().name_der());
        let entries = read.tbs_cert_list.revoked_certificates.unwrap();
        let found: Vec<(&[u8], Option<u8>)> = entries
            .iter()
            .map(|entry| {
                let reason =
                    entry.crl_entry_extensions.as_ref().map(|all| *all[0].extn_value.as_bytes().last().unwrap());
                (entry.serial_number.as_bytes(), reason)
            })
            .collect();
        let expected = [(serial(5), None), (serial(7), Some(9)), (serial(9), Some(1))];
        let expected: Vec<_> = expected.iter().map(|(serial, reason)| (serial.der_content(), *reason)).collect();
        assert_eq!(found, expected);
        assert_eq!((signed.number(), signed.issuer()), (300, pki.issuer.key_identifier()));
    }
}

#[test]
fn a_crl_of_nothing_has_no_list() {
    // RFC 5280, section 5.1.2.6; an empty list is refused by verifiers and linters.
    let pki = Pki::p256();
    let signed = signed(&pki, 1, &[]);
    assert_eq!(<CertificateList>::from_der(signed.der()).unwrap().tbs_cert_list.revoked_certificates, None);
}

#[track_caller]
fn check_number(number: u64, content: &[u8]) {
    let signed = signed(&Pki::p256(), number, &[]);
    let read = <CertificateList>::from_der(signed.der()).unwrap();
    let extensions = read.tbs_cert_list.crl_extensions.unwrap();
    let [key, found] = extensions.as_slice() else { panic!("{extensions:?}") };
    assert_eq!(key.extn_id.to_string(), "2.5.29.35");
    assert_eq!((found.extn_id.to_string().as_str(), found.critical, key.critical), ("2.5.29.20", false, false));
    assert_eq!(CrlNumber::from_der(found.extn_value.as_bytes()).unwrap().0.as_bytes(), content);
}

#[test]
fn the_number_is_the_index() {
    check_number(0, &[0]);
    check_number(127, &[127]);
    check_number(128, &[128]);
    check_number(300, &[1, 44]);
    check_number((1 << 53) - 1, &[0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
}

#[test]
fn the_same_revocations_in_any_order_give_the_same_octets() {
    let pki = Pki::p256();
    let mut list: Vec<_> = (4..20).map(|number| revoked(number, RevocationReason::Superseded)).collect();
    let first = prepared(&pki, 1, &list);
    list.reverse();
    assert_eq!(prepared(&pki, 1, &list), first);
    assert_eq!(first.revoked(), 16);
}

#[test]
fn no_serial_stands_twice() {
    let pki = Pki::p256();
    let twice = [
        revoked(4, RevocationReason::KeyCompromise),
        revoked(5, RevocationReason::Unspecified),
        revoked(4, RevocationReason::Unspecified),
    ];
    assert_eq!(prepare(&pki.issuer, Scope::Full, 1, period(&pki), twice), Err(CrlError::Twice { serial: serial(4) }));
}

#[track_caller]
fn check_stands(expired_before: &str, stands: bool) {
    let pki = Pki::p256();
    let now = now().plus(Duration::from_secs(30 * 24 * 3600));
    let period = Period::starting(now, Duration::from_secs(3600), &pki.issuer).unwrap();
    let lifetime = identity::Lifetime::parse(expired_before).unwrap().as_duration();
    let one = Revoked { not_after: now.minus(lifetime), ..revoked(4, RevocationReason::Unspecified) };
    assert_eq!(prepare(&pki.issuer, Scope::Full, 1, period, [one]).unwrap().revoked(), u64::from(stands));
}

#[test]
fn a_revoked_certificate_stays_until_one_crl_after_its_end() {
    // T-45; RFC 5280, section 3.3: CRLs are the newest for a day at most, so a day and more after its end.
    check_stands("1s", true);
    check_stands("24h", true);
    check_stands("25h", true);
    check_stands("26h", false);
    check_stands("30d", false);
}

#[track_caller]
fn check_period(now: &str, seconds: u64, expected: (&str, &str)) {
    let period = Period::starting(now.parse().unwrap(), Duration::from_secs(seconds), &Pki::p256().issuer).unwrap();
    assert_eq!((period.this_update().to_string().as_str(), period.next_update().to_string().as_str()), expected);
}

#[test]
fn a_crl_is_back_dated_a_little_and_lasts_a_day_at_most() {
    let day = 24 * 3600;
    check_period("2026-12-01T12:00:00.500Z", 3600, ("2026-12-01T11:55:00.000Z", "2026-12-01T13:00:00.000Z"));
    check_period("2026-12-01T12:00:00.000Z", day, ("2026-12-01T11:55:00.000Z", "2026-12-02T12:00:00.000Z"));
    // Neither before the issuer's first second nor after its last.
    check_period("2026-11-23T00:17:08.000Z", 60, ("2026-11-23T00:16:07.000Z", "2026-11-23T00:18:08.000Z"));
    check_period("2027-11-23T00:00:00.000Z", day, ("2027-11-22T23:55:00.000Z", "2027-11-23T00:17:07.000Z"));
    let pki = Pki::p256();
    let refused = |lasts: u64| Period::starting(now(), Duration::from_secs(lasts), &pki.issuer).unwrap_err();
    assert_eq!(refused(0), CrlError::Period { seconds: 0, limit: day });
    assert_eq!(refused(day + 1), CrlError::Period { seconds: day + 1, limit: day });
    let late = pki.issuer.not_after();
    let ended = Period::starting(late, Duration::from_secs(60), &pki.issuer).unwrap_err();
    assert_eq!(ended, CrlError::IssuerEnded { not_after: late, now: late });
}

/// What stops a CRL whose entry says something else than its octets.
#[track_caller]
fn check_differs(change: impl FnOnce(&mut CrlAuthorised), index: u64, expected: &str) {
    let pki = Pki::p256();
    let prepared = prepared(&pki, 5, &[revoked(4, RevocationReason::Unspecified)]);
    let mut body = body(&prepared);
    change(&mut body);
    match sign_body(&recorded(body), index, &prepared, &pki.issuers) {
        Err(SignError::Differs { field }) => assert_eq!(field, expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_shard_names_its_distribution_point_and_the_full_crl_none() {
    // RFC 5280, section 5.2.5: critical, and the very name that stands in the shard's certificates. x509-cert has the wrong
    // OID for it, so the extension is compared by its octets.
    let pki = Pki::p256();
    let points = |crl: &SignedCrl| {
        let read = <CertificateList>::from_der(crl.der()).unwrap();
        let extensions = read.tbs_cert_list.crl_extensions.unwrap_or_default();
        let points = extensions.into_iter().filter(|extension| extension.extn_id.to_string() == "2.5.29.28");
        points.map(|point| (point.critical, point.extn_value.into_bytes().to_vec())).collect::<Vec<_>>()
    };
    assert_eq!(points(&signed(&pki, 5, &[])), []);
    let shard = of_shard(&pki, 6, 3, &[revoked(3, RevocationReason::Superseded)]);
    let url = pki.issuer.crl_url(Shard::of_number(3).unwrap());
    let length = |octets: usize| u8::try_from(octets).unwrap();
    let mut expected =
        vec![0x30, length(url.len() + 6), 0xa0, length(url.len() + 4), 0xa0, length(url.len() + 2), 0x86];
    expected.push(length(url.len()));
    expected.extend_from_slice(url.as_bytes());
    assert_eq!(points(&shard), [(true, expected)]);
    assert_eq!((shard.number(), shard.scope().shard()), (6, Some(3)));
}

#[test]
fn only_the_recorded_octets_are_signed() {
    check_differs(|body| body.tbs = Sha256Hash::of(b"other"), 5, "tbs");
    check_differs(|_| {}, 6, "index");
    check_differs(|body| body.this_update = body.this_update.plus(Duration::from_secs(1)), 5, "this_update");
    check_differs(|body| body.next_update = body.next_update.plus(Duration::from_secs(1)), 5, "next_update");
    check_differs(|body| body.revoked = 0, 5, "revoked");
    check_differs(|body| body.shard = Some(4), 5, "shard");
    let pki = Pki::p256();
    let prepared = prepared(&pki, 5, &[]);
    let other = sign_body(&recorded(body(&prepared)), 5, &prepared, &Pki::p256().issuers).unwrap_err();
    assert!(matches!(other, SignError::UnknownIssuer { .. }), "{other:?}");
    let kind =
        sign_body(&recorded(pki.issuer.created(AuthorityState::Active)), 5, &prepared, &pki.issuers).unwrap_err();
    assert!(matches!(kind, SignError::OtherKind { .. }), "{kind:?}");
    let leaf = sign_leaf(&recorded(body(&prepared)), &pki.issuers).unwrap_err();
    assert!(matches!(leaf, SignError::OtherKind { .. }), "{leaf:?}");
}

#[test]
fn every_crl_is_verified_before_it_leaves() {
    let pki = Pki::with_issuer_key(KeyKind::P256, FaultyKey::new(Fault::WrongAt(1)));
    let sign = || {
        let prepared = prepared(&pki, 5, &[]);
        sign_body(&recorded(body(&prepared)), 5, &prepared, &pki.issuers)
    };
    sign().unwrap();
    assert!(matches!(sign(), Err(SignError::SignatureInvalid(_))));
    assert!(matches!(sign(), Err(SignError::Stopped { .. })));
}

#[test]
fn what_a_verifier_cannot_read_does_not_leave() {
    let pki = Pki::p256();
    let list = [revoked(4, RevocationReason::Unspecified), revoked(5, RevocationReason::Superseded)];
    let signed = signed(&pki, 5, &list);
    assert!(read_back(signed.der(), 2).is_ok());
    assert!(matches!(read_back(signed.der(), 1), Err(SignError::Assembled)));
    assert!(matches!(read_back(&signed.der()[1..], 2), Err(SignError::CrlUnreadable(_))));
    let swapped = {
        let (four, five) = (serial(4), serial(5));
        let at = |serial: Serial| signed.der().windows(16).position(|window| window == serial.as_bytes()).unwrap();
        let mut der = signed.der().to_vec();
        der[at(four)..at(four) + 16].copy_from_slice(five.as_bytes());
        der
    };
    assert!(matches!(read_back(&swapped, 2), Err(SignError::Assembled)));
}

/// What our agents' verifiers make of a leaf with a CRL: unknown is no, and so is a CRL that ran out.
fn verify(pki: &Pki, crl: &SignedCrl, at: Timestamp) -> Result<(), webpki::Error> {
    let leaf = sign_leaf(&recorded(pki.prepared(KeyKind::P256).certificate().clone()), &pki.issuers).unwrap();
    let [leaf, issuer] = leaf.chain().map(CertificateDer::from);
    let root = CertificateDer::from(pki.root.authority().certificate().to_vec());
    let crl = CertRevocationList::from(OwnedCertRevocationList::from_der(crl.der()).unwrap());
    let crls = [&crl];
    let options = RevocationOptionsBuilder::new(&crls)
        .unwrap()
        .with_depth(webpki::RevocationCheckDepth::EndEntity)
        .with_expiration_policy(ExpirationPolicy::Enforce)
        .build();
    EndEntityCert::try_from(&leaf)?
        .verify_for_usage(
            &[webpki::aws_lc_rs::ECDSA_P256_SHA256, webpki::aws_lc_rs::ED25519],
            &[anchor_from_trusted_cert(&root)?],
            &[issuer],
            UnixTime::since_unix_epoch(Duration::from_secs(at.seconds())),
            KeyUsage::client_auth(),
            Some(options),
            None,
        )
        .map(|_| ())
}

#[test]
fn verifiers_refuse_what_is_revoked_and_take_what_is_not() {
    for kind in KeyKind::ALL {
        let pki = Pki::new(KeyKind::P256, kind);
        // The fixture's leaf has serial 3.
        let clean = signed(&pki, 5, &[revoked(4, RevocationReason::KeyCompromise)]);
        assert_eq!(verify(&pki, &clean, now()), Ok(()));
        let full = signed(&pki, 6, &[revoked(3, RevocationReason::KeyCompromise)]);
        assert_eq!(verify(&pki, &full, now()), Err(webpki::Error::CertRevoked));
        let late = now().plus(Duration::from_secs(3601));
        assert!(matches!(
            verify(&pki, &clean, late),
            Err(webpki::Error::CrlExpired { .. } | webpki::Error::CertExpired { .. })
        ));
        let other = signed(&Pki::p256(), 7, &[]);
        assert_eq!(verify(&pki, &other, now()), Err(webpki::Error::UnknownRevocationStatus));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_list_reads_the_same_elsewhere(
        list in proptest::collection::btree_map(any::<[u8; 15]>(), (0..253_402_300_800_u64, 0..6_usize), 0..60)
    ) {
        use RevocationReason::{AffiliationChanged, CessationOfOperation, KeyCompromise, PrivilegeWithdrawn, Superseded, Unspecified};
        let reasons = [Unspecified, KeyCompromise, AffiliationChanged, Superseded, CessationOfOperation, PrivilegeWithdrawn];
        let pki = Pki::p256();
        let revoked: Vec<Revoked> = list
            .iter()
            .map(|(octets, (seconds, reason))| {
                let mut serial = [0; 16];
                serial[1..].copy_from_slice(octets);
                serial[0] = 1;
                Revoked {
                    serial: Serial::from_bytes(serial).unwrap(),
                    at: Timestamp::from_seconds(*seconds).unwrap(),
                    not_after: Timestamp::MAX,
                    reason: reasons[*reason],
                }
            })
            .collect();
        let signed = signed(&pki, 5, &revoked);
        let read = <CertificateList>::from_der(signed.der()).unwrap();
        prop_assert_eq!(read.to_der().unwrap(), signed.der());
        let entries = read.tbs_cert_list.revoked_certificates.unwrap_or_default();
        prop_assert_eq!(entries.len(), revoked.len());
        for (entry, revoked) in entries.iter().zip(&revoked) {
            prop_assert_eq!(entry.serial_number.as_bytes(), revoked.serial.der_content());
            prop_assert_eq!(entry.revocation_date.to_unix_duration().as_secs(), revoked.at.seconds());
        }
    }
}

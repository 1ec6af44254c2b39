//! What we accept, x509-parser accepts and reads the same. What it lets pass, we may refuse: the last test shows why.

use identity::svid::{CertificateFacts, Svid};
use proptest::prelude::*;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::made;
use crate::tree::Node;

/// Compares the facts with what x509-parser reads from the same octets.
fn check_same(der: &[u8], facts: &CertificateFacts) -> Result<(), TestCaseError> {
    let (rest, other) = X509Certificate::from_der(der).expect("x509-parser refuses what we accept");
    prop_assert!(rest.is_empty());
    prop_assert_eq!(other.raw_serial(), &facts.serial_octets);
    prop_assert_eq!(other.issuer().as_raw(), &facts.issuer_der);
    prop_assert_eq!(other.subject().as_raw(), &facts.subject_der);
    prop_assert_eq!(other.validity().not_before.timestamp(), facts.not_before.seconds() as i64);
    prop_assert_eq!(other.validity().not_after.timestamp(), facts.not_after.seconds() as i64);
    prop_assert_eq!(other.public_key().raw, &facts.spki_der);
    prop_assert_eq!(other.tbs_certificate.as_ref(), identity::svid::to_be_signed(der).unwrap());
    let basic = other.basic_constraints().unwrap().map(|basic| (basic.value.ca, basic.value.path_len_constraint));
    prop_assert_eq!(basic.unwrap_or_default(), (facts.is_authority, facts.path_len));
    let signs = other.key_usage().unwrap().map(|usage| usage.value.digital_signature());
    prop_assert_eq!(signs, facts.key_usage.map(|usage| usage.contains(identity::svid::KeyUsage::DIGITAL_SIGNATURE)));
    let names = other.subject_alternative_name().unwrap().map(|names| names.value.general_names.clone());
    let mut uris = Vec::new();
    for name in names.unwrap_or_default() {
        prop_assert!(!matches!(name, GeneralName::Invalid(..)));
        if let GeneralName::URI(uri) = name {
            uris.push(uri);
        }
    }
    prop_assert_eq!(uris, facts.uri_names.iter().map(String::as_str).collect::<Vec<_>>());
    prop_assert_eq!(other.extensions().len(), facts.extensions.len());
    for (theirs, (id, critical)) in other.extensions().iter().zip(&facts.extensions) {
        prop_assert_eq!(theirs.critical, *critical);
        // From 2.40 on its text of an identifier is wrong (X.690 8.19.4): it says 3.0.
        if theirs.oid.as_bytes()[0] < 120 {
            prop_assert_eq!(theirs.oid.to_id_string(), id.as_str());
        }
    }
    Ok(())
}

/// A change of a few octets somewhere, or a piece cut out, doubled or moved.
#[derive(Debug, Clone)]
enum Change {
    Set(prop::sample::Index, u8),
    Cut(prop::sample::Index, u8),
    Double(prop::sample::Index, u8),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        8 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, octet)| Change::Set(at, octet)),
        1 => (any::<prop::sample::Index>(), 1..20_u8).prop_map(|(at, length)| Change::Cut(at, length)),
        1 => (any::<prop::sample::Index>(), 1..20_u8).prop_map(|(at, length)| Change::Double(at, length)),
    ]
}

fn changed(mut der: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        if der.is_empty() {
            break;
        }
        let piece = |at: &prop::sample::Index, length: u8| {
            let start = at.index(der.len());
            start..(start + usize::from(length)).min(der.len())
        };
        match change {
            Change::Set(at, octet) => {
                let at = at.index(der.len());
                der[at] = *octet;
            }
            Change::Cut(at, length) => drop(der.drain(piece(at, *length))),
            Change::Double(at, length) => {
                let piece = piece(at, *length);
                let copy = der[piece.clone()].to_vec();
                der.splice(piece.end..piece.end, copy);
            }
        }
    }
    der
}

proptest! {
    #![proptest_config(crate::cases(2_000))]

    #[test]
    fn of_spoiled_certificates(changes in prop::collection::vec(change(), 1..4), authority in any::<bool>()) {
        let params = if authority { made::authority() } else { made::leaf() };
        let der = changed(made::certificate(&params, &made::P256), &changes);
        if let Ok(facts) = CertificateFacts::from_der(&der) {
            check_same(&der, &facts)?;
            let (leaf, signer) = (Svid::leaf(&facts), Svid::authority(&facts));
            prop_assert!(leaf.is_err() || signer.is_err());
        }
    }

    #[test]
    fn of_anything(octets in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(CertificateFacts::from_der(&octets).is_err());
        prop_assert!(CertificateFacts::from_tbs_der(&octets).is_err());
        prop_assert!(identity::KeyIdentifier::of_spki_der(&octets).is_err());
    }

    #[test]
    fn of_any_text(text in any::<String>()) {
        prop_assert_eq!(identity::SpiffeId::parse(&text).is_ok(), crate::spiffe_id::allowed(&text));
        prop_assert!(text.parse::<identity::Timestamp>().is_err());
        prop_assert!(text.parse::<identity::Serial>().is_err());
        prop_assert!(text.parse::<identity::Sha256Hash>().is_err());
        prop_assert!(text.parse::<identity::KeyKind>().is_err());
    }
}

#[test]
fn of_faultless_certificates() {
    for (params, key) in
        [(made::leaf(), &*made::P256), (made::leaf(), &made::ED25519), (made::authority(), &made::P256)]
    {
        let der = made::certificate(&params, key);
        check_same(&der, &CertificateFacts::from_der(&der).unwrap()).unwrap();
    }
}

/// Why we read certificates ourselves: in each of these x509-parser sees the faultless leaf.
#[test]
fn it_passes_over_what_we_refuse() {
    let tree = Node::read(&made::leaf_der()).unwrap();
    let node = |octets: &[u8]| Node::read(octets).unwrap();
    let spoiled = [
        tree.with(&[0, 4], |validity| validity.long_length = true),
        tree.with(&[], |certificate| certificate.nodes.push(node(&[5, 0]))),
        tree.with(&[0, 7, 0, 0], |extension| extension.nodes.push(node(&[5, 0]))),
        tree.with(&[0, 7, 0, 0], |extension| extension.nodes.insert(1, node(&[1, 1, 0]))),
        tree.with(&[0, 1], |serial| serial.octets = vec![0x80]),
    ];
    for (number, spoiled) in spoiled.iter().enumerate() {
        let der = spoiled.write();
        assert!(X509Certificate::from_der(&der).is_ok(), "{number} is seen by x509-parser");
        assert!(CertificateFacts::from_der(&der).is_err());
    }
}

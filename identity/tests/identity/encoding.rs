//! One certificate, one encoding: any other way to write the same, and anything more than is read, is refused.

use identity::svid::{CertificateFacts, Svid};

use crate::made;
use crate::tree::Node;

fn tree() -> Node {
    let mut params = made::leaf();
    params.subject_alt_names.push(made::dns("mailer.example.org"));
    params.key_usages.push(rcgen::KeyUsagePurpose::KeyAgreement);
    params.distinguished_name.push(rcgen::DnType::CommonName, "mailer");
    params.distinguished_name.push(rcgen::DnType::OrganizationName, "agents");
    let der = made::certificate(&params, &made::P256);
    let tree = Node::read(&der).unwrap();
    assert_eq!(tree.write(), der);
    assert!(CertificateFacts::from_der(&der).is_ok());
    tree
}

#[track_caller]
fn check_refused(changed: &Node, change: &str, path: &[usize]) {
    let facts = CertificateFacts::from_der(&changed.write());
    assert!(facts.is_err(), "{change} at {path:?} was accepted: {facts:?}");
}

/// X.690 10.1.
#[test]
fn no_length_may_be_longer() {
    let tree = tree();
    for path in tree.paths() {
        check_refused(&tree.with(&path, |node| node.long_length = true), "a long length", &path);
    }
}

#[test]
fn no_structure_may_have_more() {
    let (tree, null) = (tree(), Node::read(&[5, 0]).unwrap());
    for path in tree.paths() {
        if tree.clone().at(&path).nodes.is_empty() {
            continue;
        }
        let more = tree.with(&path, |node| node.nodes.push(null.clone()));
        check_refused(&more, "an element more at the end", &path);
        let more = tree.with(&path, |node| node.nodes.insert(0, null.clone()));
        check_refused(&more, "an element more at the start", &path);
    }
}

#[test]
fn no_element_may_have_another_tag() {
    let tree = tree();
    // Texts of names may be PrintableString, UTF8String or IA5String.
    let is_text = |tag| [0x0c, 0x13, 0x16].contains(&tag);
    // Kinds of general names whose content may be any text, or whose content this text happens to be.
    let is_name = |tag| [0x81, 0x82, 0x86, 0x88].contains(&tag);
    for path in tree.paths() {
        let tag = tree.clone().at(&path).tag;
        let mut der = tree.write();
        let other_tag = tree.with(&path, |node| node.tag = !tag).write();
        let position = der.iter().zip(&other_tag).position(|(one, other)| one != other).unwrap();
        for other in (0..=255).filter(|other| *other != tag) {
            if (is_text(tag) && is_text(other)) || (is_name(tag) && is_name(other)) {
                continue;
            }
            der[position] = other;
            let facts = CertificateFacts::from_der(&der);
            assert!(facts.is_err(), "tag {other:#04x} at {path:?} was accepted: {facts:?}");
        }
    }
}

/// What is left out is refused, or at least seen: no two certificates have the same facts.
#[test]
fn no_element_may_be_missing_unseen() {
    let tree = tree();
    let facts = CertificateFacts::from_der(&tree.write()).unwrap();
    for path in tree.paths() {
        let Some((last, parent)) = path.split_last() else { continue };
        let less = tree.with(parent, |node| drop(node.nodes.remove(*last))).write();
        let without = CertificateFacts::from_der(&less);
        assert!(without.as_ref() != Ok(&facts), "an element less at {path:?} is not seen");
    }
}

/// Every value of every octet of what is signed: refused, or another certificate. Nothing is passed over (T-35).
#[test]
fn every_octet_counts() {
    let der = made::leaf_der();
    let mut tbs = identity::svid::to_be_signed(&der).unwrap().to_vec();
    let facts = CertificateFacts::from_tbs_der(&tbs).unwrap();
    assert_eq!(CertificateFacts::from_der(&der).as_ref(), Ok(&facts));
    for position in 0..tbs.len() {
        let before = tbs[position];
        for octet in (0..=255).filter(|octet| *octet != before) {
            tbs[position] = octet;
            if let Ok(changed) = CertificateFacts::from_tbs_der(&tbs) {
                assert_ne!(changed, facts, "octet {octet:#04x} at {position} is not seen");
                if let Ok(svid) = Svid::leaf(&changed) {
                    assert_eq!(svid.spiffe_id().as_str(), changed.uri_names[0]);
                }
            }
        }
        tbs[position] = before;
    }
}

/// Every value of every octet of the id, in the certificate: accepted exactly as [`crate::spiffe_id::allowed`] says.
#[test]
fn every_octet_of_the_id() {
    let mut tbs = identity::svid::to_be_signed(&made::leaf_der()).unwrap().to_vec();
    let id = made::LEAF_ID.as_bytes();
    let start = tbs.windows(id.len()).position(|window| window == id).unwrap();
    for position in start..start + id.len() {
        let before = tbs[position];
        for octet in 0..=255 {
            tbs[position] = octet;
            let judged = CertificateFacts::from_tbs_der(&tbs).ok().and_then(|facts| Svid::leaf(&facts).ok());
            let text = std::str::from_utf8(&tbs[start..start + id.len()]).unwrap_or("");
            let found = judged.as_ref().map(|svid| svid.spiffe_id().as_str());
            assert_eq!(found, crate::spiffe_id::allowed(text).then_some(text), "{octet:#04x} at {position}");
        }
        tbs[position] = before;
    }
}

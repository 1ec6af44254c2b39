//! Certificate requests with one thing false (T-35 to T-38, T-40). Two lists: what must be refused, and what is
//! sound but asks for things that no certificate may ever show.

mod encoding;
mod key;
pub mod smuggled;

use super::Forgery;
use crate::der;
use crate::weak::curve::{Curve, CurveKey};

/// Makes certificate requests, all with the same challenge, so that only the flaw differs.
pub struct RequestForger {
    challenge: String,
    /// A sound P-256 key, for requests that are wrong in another way.
    key: CurveKey,
    /// Another one.
    other: CurveKey,
}

impl RequestForger {
    /// `challenge` goes into every request as challengePassword.
    #[must_use]
    pub fn new(challenge: &str) -> Self {
        RequestForger {
            challenge: challenge.to_owned(),
            key: CurveKey::generate(Curve::p256()),
            other: CurveKey::generate(Curve::p256()),
        }
    }

    /// Every request that must be refused: the key or the encoding is bad.
    #[must_use]
    pub fn refused(&self) -> Vec<Forgery> {
        [self.keys(), self.encodings()].into_iter().flatten().collect()
    }

    /// The request that all others differ from in one thing: it is sound.
    #[must_use]
    pub fn genuine(&self) -> Vec<u8> {
        self.with_attributes(&[self.challenge_attribute()])
    }

    fn challenge_attribute(&self) -> Vec<u8> {
        challenge(&[&der::utf8(&self.challenge)])
    }

    /// Sound key and signature; attributes as given.
    fn with_attributes(&self, attributes: &[Vec<u8>]) -> Vec<u8> {
        request(&info(&[0], &der::sequence(&[]), &self.key.spki(), attributes), &ecdsa_sha256(), |body| {
            self.key.sign(body)
        })
    }

    /// Sound signature by the forger's key over any subject and extensions.
    fn asking(&self, subject: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
        let parts: Vec<&[u8]> = extensions.iter().map(Vec::as_slice).collect();
        let attributes = [self.challenge_attribute(), attribute(EXTENSION_REQUEST, &[&der::sequence(&parts)])];
        request(&info(&[0], subject, &self.key.spki(), &attributes), &ecdsa_sha256(), |body| self.key.sign(body))
    }

    /// A key of any kind, signed as it can sign.
    fn of_key(&self, spki: &[u8], algorithm: &[u8], sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
        request(&info(&[0], &der::sequence(&[]), spki, &[self.challenge_attribute()]), algorithm, sign)
    }
}

/// CertificationRequest (RFC 2986, section 4.2).
fn request(info: &[u8], algorithm: &[u8], sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let signature = sign(info);
    der::sequence(&[info, algorithm, &der::bit_string(&signature)])
}

/// CertificationRequestInfo (RFC 2986, section 4.1).
fn info(version: &[u8], subject: &[u8], spki: &[u8], attributes: &[Vec<u8>]) -> Vec<u8> {
    der::sequence(&[&der::integer(version), subject, spki, &der::element(0xa0, &attributes.concat())])
}

fn attribute(kind: &[u64], values: &[&[u8]]) -> Vec<u8> {
    der::sequence(&[&der::oid(kind), &der::set(values)])
}

fn challenge(values: &[&[u8]]) -> Vec<u8> {
    attribute(crate::authority::request::CHALLENGE_PASSWORD, values)
}

/// ecdsa-with-SHA256 (RFC 5758, section 3.2).
fn ecdsa_sha256() -> Vec<u8> {
    der::sequence(&[&der::oid(&[1, 2, 840, 10045, 4, 3, 2])])
}

/// PKCS#9 extensionRequest (RFC 2985, section 5.4.2).
const EXTENSION_REQUEST: &[u64] = &[1, 2, 840, 113_549, 1, 9, 14];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use x509_parser::prelude::{FromDer, X509CertificationRequest};

    use super::RequestForger;

    #[test]
    fn the_genuine_request_verifies() {
        let der = RequestForger::new("nonce").genuine();
        let (rest, request) = X509CertificationRequest::from_der(&der).unwrap();
        assert!(rest.is_empty());
        request.verify_signature().unwrap();
    }

    #[test]
    fn smuggled_requests_verify_too_or_a_parser_chokes_on_them() {
        for forgery in RequestForger::new("nonce").smuggled() {
            if let Ok((_, request)) = X509CertificationRequest::from_der(&forgery.evidence) {
                request.verify_signature().unwrap_or_else(|error| panic!("{}: {error}", forgery.name));
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let forger = RequestForger::new("nonce");
        let all: Vec<_> = forger.refused().into_iter().chain(forger.smuggled()).collect();
        let names: BTreeSet<_> = all.iter().map(|forgery| forgery.name).collect();
        assert_eq!(names.len(), all.len());
    }
}

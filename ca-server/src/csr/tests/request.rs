//! Writes requests octet by octet, so that each part can be wrong by itself. Shares no code with what reads them.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use der::Encode;
use der::asn1::ObjectIdentifier;
use identity::KeyKind;

/// A request and the key that signs it.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) version: u8,
    pub(super) subject: Vec<u8>,
    pub(super) spki: Vec<u8>,
    pub(super) attributes_tag: u8,
    pub(super) attributes: Vec<Vec<u8>>,
    pub(super) algorithm: Vec<u8>,
    pub(super) signer: Arc<Signer>,
    pub(super) signed_info: Option<Vec<u8>>,
    pub(super) signature: Option<Vec<u8>>,
    pub(super) signature_unused_bits: u8,
}

pub(super) enum Signer {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Request {
    pub(super) fn p256() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let spki = ec(Some(&oid("1.2.840.10045.3.1.7")), key.public_key().as_ref());
        Self::new(spki, tlv(0x30, &[&oid("1.2.840.10045.4.3.2")]), Signer::P256(key))
    }

    pub(super) fn ed25519() -> Self {
        let key = Ed25519KeyPair::generate().unwrap();
        let algorithm = tlv(0x30, &[&oid("1.3.101.112")]);
        let spki = tlv(0x30, &[&algorithm, &bits(0, key.public_key().as_ref())]);
        Self::new(spki, algorithm, Signer::Ed25519(key))
    }

    fn new(spki: Vec<u8>, algorithm: Vec<u8>, signer: Signer) -> Self {
        Self {
            version: 0,
            subject: tlv(0x30, &[]),
            spki,
            attributes_tag: 0xa0,
            attributes: Vec::new(),
            algorithm,
            signer: Arc::new(signer),
            signed_info: None,
            signature: None,
            signature_unused_bits: 0,
        }
    }

    pub(super) fn kind(&self) -> KeyKind {
        match *self.signer {
            Signer::P256(_) => KeyKind::P256,
            Signer::Ed25519(_) => KeyKind::Ed25519,
        }
    }

    pub(super) fn with(mut self, attribute: Vec<u8>) -> Self {
        self.attributes.push(attribute);
        self
    }

    pub(super) fn with_subject(mut self, subject: Vec<u8>) -> Self {
        self.subject = subject;
        self
    }

    pub(super) fn info(&self) -> Vec<u8> {
        let attributes = tlv(self.attributes_tag, &self.attributes.iter().map(Vec::as_slice).collect::<Vec<_>>());
        tlv(0x30, &[&[2, 1, self.version], &self.subject, &self.spki, &attributes])
    }

    pub(super) fn der(&self) -> Vec<u8> {
        let info = self.info();
        let signed = self.signed_info.as_deref().unwrap_or(&info);
        let signature = self.signature.clone().unwrap_or_else(|| match &*self.signer {
            Signer::P256(key) => key.sign(&SystemRandom::new(), signed).unwrap().as_ref().to_vec(),
            Signer::Ed25519(key) => key.sign(signed).as_ref().to_vec(),
        });
        tlv(0x30, &[&info, &self.algorithm, &bits(self.signature_unused_bits, &signature)])
    }
}

/// An element of any tag.
pub(super) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = match content.len() {
        short @ 0..=0x7f => vec![u8::try_from(short).unwrap()],
        long @ 0x80..=0xff => vec![0x81, u8::try_from(long).unwrap()],
        longer => [&[0x82], u16::try_from(longer).unwrap().to_be_bytes().as_slice()].concat(),
    };
    [&[tag], length.as_slice(), &content].concat()
}

pub(super) fn oid(id: &str) -> Vec<u8> {
    ObjectIdentifier::new_unwrap(id).to_der().unwrap()
}

pub(super) fn set(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x31, parts)
}

pub(super) fn string(tag: u8, content: &[u8]) -> Vec<u8> {
    tlv(tag, &[content])
}

pub(super) fn bits(unused: u8, octets: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[unused], octets])
}

/// A public key on a curve.
pub(super) fn ec(parameters: Option<&[u8]>, point: &[u8]) -> Vec<u8> {
    let algorithm = tlv(0x30, &[&oid("1.2.840.10045.2.1"), parameters.unwrap_or_default()]);
    tlv(0x30, &[&algorithm, &bits(0, point)])
}

/// An RSA key with a modulus of this many octets; nobody has its private half.
pub(super) fn rsa(modulus: usize) -> Vec<u8> {
    let modulus = [vec![0], vec![0xc5; modulus]].concat();
    let key = tlv(0x30, &[&tlv(0x02, &[&modulus]), &[2, 3, 1, 0, 1]]);
    tlv(0x30, &[&tlv(0x30, &[&oid("1.2.840.113549.1.1.1"), &[5, 0]]), &bits(0, &key)])
}

/// The attribute that brings the server's nonce.
pub(super) fn challenge(tag: u8, content: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&oid("1.2.840.113549.1.9.7"), &set(&[&string(tag, content)])])
}

/// A subject of one attribute.
pub(super) fn subject(attribute: &str, value: &str) -> Vec<u8> {
    let id = if attribute == "CN" { "2.5.4.3" } else { "2.5.4.10" };
    tlv(0x30, &[&set(&[&tlv(0x30, &[&oid(id), &string(0x0c, value.as_bytes())])])])
}

pub(super) fn general_name(tag: u8, content: &[u8]) -> Vec<u8> {
    tlv(tag, &[content])
}

pub(super) fn extension(id: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    tlv(0x30, &[&oid(id), critical, &tlv(0x04, &[value])])
}

pub(super) fn extension_request(extensions: &[Vec<u8>]) -> Vec<u8> {
    let extensions = tlv(0x30, &extensions.iter().map(Vec::as_slice).collect::<Vec<_>>());
    tlv(0x30, &[&oid("1.2.840.113549.1.9.14"), &set(&[&extensions])])
}

/// What somebody would ask for who wants to be more than a leaf (T-35).
pub(super) fn hostile_extensions() -> Vec<Vec<u8>> {
    let uri = |text: &[u8]| general_name(0x86, text);
    let point = tlv(0x30, &[&tlv(0x30, &[&tlv(0xa0, &[&tlv(0xa0, &[&uri(b"http://canary-crl/")])])])]);
    let access = tlv(0x30, &[&tlv(0x30, &[&oid("1.3.6.1.5.5.7.48.2"), &uri(b"http://canary-issuer/")])]);
    vec![
        extension("2.5.29.19", true, b"\x30\x03\x01\x01\xff"),
        extension("2.5.29.15", true, b"\x03\x02\x01\x06"),
        extension("2.5.29.37", false, &tlv(0x30, &[&oid("1.3.6.1.5.5.7.3.9"), &oid("2.5.29.37.0")])),
        extension("2.5.29.30", true, &tlv(0x30, &[&tlv(0xa0, &[&tlv(0x30, &[&uri(b"canary.example")])])])),
        extension("2.5.29.31", false, &point),
        extension("1.3.6.1.5.5.7.1.1", false, &access),
        extension("1.3.6.1.4.1.11129.2.4.3", true, b"\x05\x00"),
        extension("1.3.6.1.5.5.7.48.1.5", false, b"\x05\x00"),
    ]
}

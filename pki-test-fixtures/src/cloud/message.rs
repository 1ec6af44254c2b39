//! The signed message around a document (RFC 5652), in BER as AWS writes it: lengths that are indefinite, the content in
//! pieces. Knows each part by its name, so that a forger can change one; checks nothing.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::der::{element, integer, null, octet_string, oid, sequence, set};

/// A message, in its parts.
#[derive(Clone, Debug)]
pub struct Message {
    /// Type of the whole: signed data.
    pub content_type: Vec<u8>,
    /// Version of the signed data.
    pub version: Vec<u8>,
    /// Digest algorithms.
    pub digests: Vec<Vec<u8>>,
    /// Type of what is signed: data.
    pub encapsulated_type: Vec<u8>,
    /// Pieces of what is signed.
    pub pieces: Vec<Vec<u8>>,
    /// What stands between content and signers: certificates `[0]`, CRLs `[1]`. AWS writes none.
    pub bag: Vec<u8>,
    /// Who signed.
    pub signers: Vec<Signer>,
}

/// One signer, in its parts.
#[derive(Clone, Debug)]
pub struct Signer {
    /// Its version.
    pub version: Vec<u8>,
    /// Which certificate is its.
    pub sid: Vec<u8>,
    /// Its digest algorithm.
    pub digest: Vec<u8>,
    /// Its signed attributes.
    pub attributes: Option<Vec<Vec<u8>>>,
    /// Its signature algorithm.
    pub algorithm: Vec<u8>,
    /// Its signature.
    pub signature: Vec<u8>,
    /// What stands after it: unsigned attributes `[1]`. AWS writes none.
    pub unsigned: Vec<u8>,
}

impl Message {
    /// A message of one signer.
    #[must_use]
    pub fn new(content: &[u8], signer: Signer) -> Self {
        Message {
            content_type: oid(SIGNED_DATA),
            version: integer(&[1]),
            digests: vec![sha256()],
            encapsulated_type: oid(DATA),
            pieces: content.chunks(PIECE_OCTETS).map(<[u8]>::to_vec).collect(),
            bag: Vec::new(),
            signers: vec![signer],
        }
    }

    /// Its only signer.
    pub fn signer(&mut self) -> &mut Signer {
        &mut self.signers[0]
    }

    /// As AWS writes it.
    #[must_use]
    pub fn ber(&self) -> Vec<u8> {
        let pieces: Vec<u8> = self.pieces.iter().flat_map(|piece| octet_string(piece)).collect();
        self.around(&open(0x24, &[&pieces]))
    }

    /// The same around any element in the place of the content.
    #[must_use]
    pub fn around(&self, content: &[u8]) -> Vec<u8> {
        let encapsulated = open(0x30, &[&self.encapsulated_type, &open(0xa0, &[content])]);
        let digests = element(0x31, &self.digests.concat());
        let signers = element(0x31, &self.signers.iter().flat_map(Signer::der).collect::<Vec<u8>>());
        let signed_data = open(0x30, &[&self.version, &digests, &encapsulated, &self.bag, &signers]);
        open(0x30, &[&self.content_type, &open(0xa0, &[&signed_data])])
    }

    /// The same in DER.
    #[must_use]
    pub fn der(&self) -> Vec<u8> {
        let content = octet_string(&self.pieces.concat());
        let encapsulated = sequence(&[&self.encapsulated_type, &element(0xa0, &content)]);
        let signers: Vec<Vec<u8>> = self.signers.iter().map(Signer::der).collect();
        let digests = element(0x31, &self.digests.concat());
        let signed_data =
            sequence(&[&self.version, &digests, &encapsulated, &self.bag, &element(0x31, &signers.concat())]);
        sequence(&[&self.content_type, &element(0xa0, &signed_data)])
    }

    /// As AWS serves it.
    #[must_use]
    pub fn base64(&self) -> String {
        lines(&self.ber())
    }
}

impl Signer {
    /// A signer with these attributes and this signature.
    #[must_use]
    pub fn new(attributes: Vec<Vec<u8>>, signature: Vec<u8>) -> Self {
        Signer {
            version: integer(&[1]),
            sid: sequence(&[&issuer(), &integer(SERIAL)]),
            digest: sha256(),
            attributes: Some(attributes),
            algorithm: sha256_with_rsa(),
            signature,
            unsigned: Vec::new(),
        }
    }

    fn der(&self) -> Vec<u8> {
        let attributes = self.attributes.as_ref().map(|attributes| element(0xa0, &sorted(attributes).concat()));
        sequence(&[
            &self.version,
            &self.sid,
            &self.digest,
            &attributes.unwrap_or_default(),
            &self.algorithm,
            &octet_string(&self.signature),
            &self.unsigned,
        ])
    }
}

/// Base64 in lines of 76 characters, as the metadata service has it.
#[must_use]
pub fn lines(octets: &[u8]) -> String {
    let text = STANDARD.encode(octets);
    let lines: Vec<&str> =
        text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).expect("base64 is ASCII")).collect();
    lines.join("\n")
}

/// The attributes that AWS signs.
#[must_use]
pub fn attributes(content: &[u8]) -> Vec<Vec<u8>> {
    let protected = sequence(&[&sha256(), &element(0xa1, &[oid(SHA256_WITH_RSA), null()].concat())]);
    vec![
        attribute(CONTENT_TYPE, &[&oid(DATA)]),
        attribute(SIGNING_TIME, &[&element(0x17, b"270115080004Z")]),
        attribute(ALGORITHM_PROTECTION, &[&protected]),
        message_digest(digest(&SHA256, content).as_ref()),
    ]
}

/// The attribute that says what is signed.
#[must_use]
pub fn message_digest(of: &[u8]) -> Vec<u8> {
    attribute(MESSAGE_DIGEST, &[&octet_string(of)])
}

/// An attribute with its values.
#[must_use]
pub fn attribute(kind: &[u64], values: &[&[u8]]) -> Vec<u8> {
    sequence(&[&oid(kind), &set(values)])
}

/// In the order of a SET OF in DER.
#[must_use]
pub fn sorted(encodings: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut sorted = encodings.to_vec();
    sorted.sort();
    sorted
}

/// An element of indefinite length (X.690, section 8.1.3.6).
#[must_use]
pub fn open(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    [&[tag, 0x80][..], &parts.concat(), &[0, 0]].concat()
}

/// An algorithm with NULL for its parameters.
#[must_use]
pub fn algorithm(name: &[u64]) -> Vec<u8> {
    sequence(&[&oid(name), &null()])
}

/// SHA-256.
#[must_use]
pub fn sha256() -> Vec<u8> {
    algorithm(SHA256_DIGEST)
}

/// RSA with SHA-256.
#[must_use]
pub fn sha256_with_rsa() -> Vec<u8> {
    algorithm(SHA256_WITH_RSA)
}

/// The name that AWS gives the issuer of its certificates.
#[must_use]
pub fn issuer() -> Vec<u8> {
    let part = |kind: u64, text: &str| set(&[&sequence(&[&oid(&[2, 5, 4, kind]), &element(0x13, text.as_bytes())])]);
    sequence(&[&part(6, "US"), &part(8, "Washington State"), &part(7, "Seattle"), &part(10, "Amazon Web Services LLC")])
}

/// Serial number of the certificate that the signer names.
pub const SERIAL: &[u8] = &[0x5a, 0x11, 0x0e, 0x57];
/// id-signedData.
pub const SIGNED_DATA: &[u64] = &[1, 2, 840, 113_549, 1, 7, 2];
/// id-data.
pub const DATA: &[u64] = &[1, 2, 840, 113_549, 1, 7, 1];
/// id-contentType.
pub const CONTENT_TYPE: &[u64] = &[1, 2, 840, 113_549, 1, 9, 3];
/// id-messageDigest.
pub const MESSAGE_DIGEST: &[u64] = &[1, 2, 840, 113_549, 1, 9, 4];
/// id-signingTime.
pub const SIGNING_TIME: &[u64] = &[1, 2, 840, 113_549, 1, 9, 5];
/// id-aa-CMSAlgorithmProtect.
pub const ALGORITHM_PROTECTION: &[u64] = &[1, 2, 840, 113_549, 1, 9, 52];
/// id-sha256.
pub const SHA256_DIGEST: &[u64] = &[2, 16, 840, 1, 101, 3, 4, 2, 1];
/// sha256WithRSAEncryption.
pub const SHA256_WITH_RSA: &[u64] = &[1, 2, 840, 113_549, 1, 1, 11];
/// rsaEncryption.
pub const RSA_ENCRYPTION: &[u64] = &[1, 2, 840, 113_549, 1, 1, 1];
/// Bouncy Castle, with which AWS writes, cuts content so.
const PIECE_OCTETS: usize = 1000;

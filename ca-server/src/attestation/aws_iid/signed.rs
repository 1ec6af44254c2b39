//! The signed message around a document: opened, and verified under a key of ours. Knows RFC 5652 as far as AWS uses it;
//! does not know what the document says.
//!
//! A message is taken in one shape only: one signer, SHA-256, RSA, signed attributes, no certificates. Whoever looks for
//! the signer's certificate in the message finds the forger's (security notes, 0.1; T-02), so a message that brings one
//! is refused, and the signer's name in it is not read: the key comes from [`super::regions`].

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use identity::Sha256Hash;

use super::ber::{self, Element, INTEGER, NULL, OCTET_STRING, OID, SEQUENCE, SET, context};
use super::refusal::{IidError, Part};
use super::regions::RegionKey;

/// A message that is well formed. Nothing in it is believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unverified {
    content: Vec<u8>,
    signed_attributes: Vec<u8>,
    signature: Vec<u8>,
}

/// A document whose octets are signed by the key of a region.
#[derive(Debug)]
pub(super) struct Verified {
    content: Vec<u8>,
}

impl Unverified {
    /// Opens the message, and compares everything in it that can be compared without a key.
    pub(super) fn open(octets: &[u8]) -> Result<Self, IidError> {
        let message = Element::read(octets)?;
        let [kind, explicit] = list(&message, SEQUENCE, Part::ContentInfo)? else {
            return Err(IidError::Structure { part: Part::ContentInfo });
        };
        content_type(kind, SIGNED_DATA, Part::ContentInfo)?;
        let signed_data = only(explicit, context(0), Part::ContentInfo)?;
        let [version, digests, encapsulated, rest @ ..] = list(signed_data, SEQUENCE, Part::SignedData)? else {
            return Err(IidError::Structure { part: Part::SignedData });
        };
        version_one(version, Part::SignedData)?;
        for optional in rest {
            if optional.elements(context(0)).is_some() || optional.elements(context(1)).is_some() {
                return Err(IidError::Certificates);
            }
        }
        let [signers] = rest else { return Err(IidError::Structure { part: Part::SignedData }) };
        match list(digests, SET, Part::SignedData)? {
            [one] => digest_algorithm(one)?,
            several => return Err(IidError::DigestAlgorithms { found: several.len() }),
        }
        let content = content(encapsulated)?;
        let [signer] = list(signers, SET, Part::SignedData)? else {
            return Err(IidError::Signers { found: signers.elements(SET).map_or(0, <[_]>::len) });
        };
        let (signed_attributes, signature) = signer_info(signer, &content)?;
        Ok(Self { content, signed_attributes, signature })
    }

    /// What would be believed if the signature held: good for finding out which key it must hold under.
    pub(super) fn claimed(&self) -> &[u8] {
        &self.content
    }

    /// RFC 5652, section 5.4: what is signed is the DER of the signed attributes; that they hold the digest of the
    /// content was checked before.
    pub(super) fn verify(self, key: &RegionKey) -> Option<Verified> {
        let key = RsaPublicKeyComponents { n: key.modulus(), e: key.exponent() };
        key.verify(&RSA_PKCS1_2048_8192_SHA256, &self.signed_attributes, &self.signature).ok()?;
        Some(Verified { content: self.content })
    }
}

impl Verified {
    /// The document.
    pub(super) fn content(&self) -> &[u8] {
        &self.content
    }
}

/// EncapsulatedContentInfo (RFC 5652, section 5.2): the document itself must be in it.
fn content(encapsulated: &Element) -> Result<Vec<u8>, IidError> {
    let [kind, explicit] = list(encapsulated, SEQUENCE, Part::Content)? else {
        return Err(IidError::Structure { part: Part::Content });
    };
    content_type(kind, DATA, Part::Content)?;
    let content = only(explicit, context(0), Part::Content)?;
    content.octets(OCTET_STRING).map(<[u8]>::to_vec).ok_or(IidError::Structure { part: Part::Content })
}

/// SignerInfo (RFC 5652, section 5.3): the octets that are signed, and the signature over them.
fn signer_info(signer: &Element, content: &[u8]) -> Result<(Vec<u8>, Vec<u8>), IidError> {
    let malformed = IidError::Structure { part: Part::SignerInfo };
    let [version, sid, digest, rest @ ..] = list(signer, SEQUENCE, Part::SignerInfo)? else { return Err(malformed) };
    version_one(version, Part::SignerInfo)?;
    // Issuer and serial number of some certificate. Not read: it would not make the key another.
    sid.elements(SEQUENCE).ok_or(IidError::Structure { part: Part::SignerInfo })?;
    digest_algorithm(digest)?;
    let [attributes, algorithm, signature] = rest else {
        let unsigned = rest.first().is_some_and(|first| first.elements(context(0)).is_none());
        return Err(if unsigned { IidError::NoSignedAttributes } else { malformed });
    };
    let attributes = attributes.elements(context(0)).ok_or(IidError::NoSignedAttributes)?;
    signature_algorithm(algorithm)?;
    let signature = signature.octets(OCTET_STRING).ok_or(malformed)?.to_vec();
    if signature.len() != SIGNATURE_OCTETS {
        return Err(IidError::SignatureLength { found: signature.len(), wanted: SIGNATURE_OCTETS });
    }
    check_attributes(attributes, content, digest, algorithm)?;
    Ok((ber::set_of(attributes), signature))
}

/// RFC 5652, section 11: content type and message digest are there, once, with one value each, and are those of the
/// content. Without this, a signature over attributes says nothing of the content beside them (T-14).
fn check_attributes(
    attributes: &[Element],
    content: &[u8],
    digest: &Element,
    algorithm: &Element,
) -> Result<(), IidError> {
    let kind = attribute(attributes, CONTENT_TYPE)?.ok_or(IidError::Attribute { name: "contentType" })?;
    content_type(kind, DATA, Part::Attributes)?;
    let found = attribute(attributes, MESSAGE_DIGEST)?.and_then(|value| value.octets(OCTET_STRING));
    let found = found.and_then(|octets| <[u8; 32]>::try_from(octets).ok()).map(Sha256Hash::from_bytes);
    let found = found.ok_or(IidError::Attribute { name: "messageDigest" })?;
    let wanted = Sha256Hash::of(content);
    if found != wanted {
        return Err(IidError::MessageDigest { found, wanted });
    }
    // RFC 6211, section 3: where the signer says which algorithms it used, they are those that stand outside.
    let Some(protection) = attribute(attributes, ALGORITHM_PROTECTION)? else { return Ok(()) };
    let of_signature = algorithm.elements(SEQUENCE).unwrap_or_default();
    match protection.elements(SEQUENCE) {
        Some([inner, signed]) if inner == digest && signed.elements(context(1)) == Some(of_signature) => Ok(()),
        Some(_) | None => Err(IidError::Attribute { name: "cmsAlgorithmProtection" }),
    }
}

/// The one value of the attribute `oid`, if it is there. Twice, or with another number of values, it is not taken.
fn attribute<'a>(attributes: &'a [Element], oid: &[u8]) -> Result<Option<&'a Element>, IidError> {
    let mut found = None;
    for attribute in attributes {
        let [kind, values] = list(attribute, SEQUENCE, Part::Attributes)? else {
            return Err(IidError::Structure { part: Part::Attributes });
        };
        let values = list(values, SET, Part::Attributes)?;
        if kind.octets(OID) != Some(oid) {
            continue;
        }
        match values {
            [one] if found.is_none() => found = Some(one),
            _ => return Err(IidError::AttributeNotOnce),
        }
    }
    Ok(found)
}

fn content_type(kind: &Element, wanted: &[u8], part: Part) -> Result<(), IidError> {
    match kind.octets(OID) {
        Some(found) if found == wanted => Ok(()),
        Some(_) => Err(IidError::ContentType { part }),
        None => Err(IidError::Structure { part }),
    }
}

/// RFC 5652, sections 5.1 and 5.3: 1 for data that is signed by somebody who is named by issuer and serial number.
fn version_one(version: &Element, part: Part) -> Result<(), IidError> {
    if version.octets(INTEGER) == Some(&[1]) { Ok(()) } else { Err(IidError::Version { part }) }
}

fn digest_algorithm(algorithm: &Element) -> Result<(), IidError> {
    match algorithm.elements(SEQUENCE) {
        Some([oid, parameters @ ..]) if oid.octets(OID) == Some(SHA_256) && is_null(parameters) => Ok(()),
        Some(_) | None => Err(IidError::DigestAlgorithm),
    }
}

/// RFC 5754, section 3.2: either name is written for RSASSA-PKCS1-v1_5 with SHA-256. Genuine documents have the second.
fn signature_algorithm(algorithm: &Element) -> Result<(), IidError> {
    let is_rsa = |oid: &Element| oid.octets(OID).is_some_and(|oid| oid == RSA_ENCRYPTION || oid == SHA_256_WITH_RSA);
    match algorithm.elements(SEQUENCE) {
        Some([oid, parameters @ ..]) if is_rsa(oid) && is_null(parameters) => Ok(()),
        Some(_) | None => Err(IidError::SignatureAlgorithm),
    }
}

/// RFC 5754, sections 2 and 3.2: parameters are NULL, or (for a digest) absent.
fn is_null(parameters: &[Element]) -> bool {
    match parameters {
        [] => true,
        [one] => one.octets(NULL) == Some(&[]),
        _ => false,
    }
}

fn list(element: &Element, tag: u8, part: Part) -> Result<&[Element], IidError> {
    element.elements(tag).ok_or(IidError::Structure { part })
}

fn only(element: &Element, tag: u8, part: Part) -> Result<&Element, IidError> {
    match list(element, tag, part)? {
        [one] => Ok(one),
        _ => Err(IidError::Structure { part }),
    }
}

/// RSA with 2,048 bits.
const SIGNATURE_OCTETS: usize = 256;
/// 1.2.840.113549.1.7.2
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
/// 1.2.840.113549.1.7.1
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
/// 1.2.840.113549.1.9.3
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
/// 1.2.840.113549.1.9.4
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
/// 1.2.840.113549.1.9.52
const ALGORITHM_PROTECTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 52];
/// 1.2.840.113549.1.1.1
pub(super) const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
/// 1.2.840.113549.1.1.11
const SHA_256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
/// 2.16.840.1.101.3.4.2.1
const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];

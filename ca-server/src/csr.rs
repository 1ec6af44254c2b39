//! Opens a certificate signing request: who holds which key, and nothing else. Knows PKCS#10; knows no certificate,
//! policy, store or clock.
//!
//! From a request (RFC 2986) Brevet takes the public key, the proof that the sender holds its private half, and the
//! challenge password, in which the server's nonce comes back (T-40). Names, extensions and other attributes are what
//! somebody wishes for: they are read only as far as is needed to search the certificate for them afterwards
//! ([`Foreign`]), and to tell the sender that they were ignored ([`Verdict`]).

mod attributes;
mod flaw;
mod foreign;
mod ignored;
pub mod make;
mod verdict;

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader, Tag};
use identity::{KeyHash, KeyKind, Sha256Hash};

use crate::public_key::PublicKey;
use attributes::Attributes;

pub use flaw::CsrError;
pub use foreign::Foreign;
pub use ignored::Ignored;
pub use verdict::Verdict;

/// A request whose sender holds the key. There is no other way to make one than [`open`].
#[derive(Debug)]
pub struct OpenedCsr {
    key: PublicKey,
    challenge: Option<String>,
    digest: Sha256Hash,
    foreign: Foreign,
}

/// Opens a request: strict DER, an accepted key, a signature by it over the request, at most one challenge.
///
/// What it decides is a property of these octets alone. Whether the key belongs to an authority or to another identity
/// (T-39) is decided against State, by [`OpenedCsr::key`].
///
/// # Errors
/// The first flaw found, see [`CsrError`]; all of them are the sender's.
pub fn open(der: &[u8]) -> Result<OpenedCsr, CsrError> {
    let request = Parts::of(der)?;
    let key = PublicKey::from_spki_der(request.spki)?;
    check_algorithm(&key, request.algorithm)?;
    // Proof of possession: RFC 2986, section 3, step 2.
    let signature = request.signature.as_bytes().ok_or(CsrError::SignatureUnusedBits)?;
    key.verify(request.info, signature)?;
    let attributes = Attributes::read(request.attributes)?;
    let mut foreign = Foreign::default();
    foreign.collect(request.subject)?;
    foreign.collect(request.attributes)?;
    Ok(OpenedCsr { key, challenge: attributes.challenge()?, digest: Sha256Hash::of(der), foreign })
}

impl OpenedCsr {
    /// The key that the sender has proved to hold.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// SHA-256 of the key, by which State knows it: whether it is an authority's, another identity's, or compromised
    /// (T-39).
    #[must_use]
    pub const fn key(&self) -> KeyHash {
        self.key.hash()
    }

    /// The kind of the key.
    #[must_use]
    pub const fn key_kind(&self) -> KeyKind {
        self.key.kind()
    }

    /// The challenge password: at enrolment the server's nonce. Not to be trusted before it is checked.
    #[must_use]
    pub fn challenge(&self) -> Option<&str> {
        self.challenge.as_deref()
    }

    /// SHA-256 of the request, which the proof of a bound key covers.
    #[must_use]
    pub const fn digest(&self) -> Sha256Hash {
        self.digest
    }

    /// What the request holds besides the key; none of it may be found in a certificate.
    #[must_use]
    pub const fn foreign(&self) -> &Foreign {
        &self.foreign
    }
}

/// The parts of a CertificationRequest, as slices of it: nothing is encoded anew, the signature is over `info` as sent.
struct Parts<'a> {
    info: &'a [u8],
    subject: &'a [u8],
    spki: &'a [u8],
    attributes: &'a [u8],
    algorithm: &'a [u8],
    signature: BitStringRef<'a>,
}

impl<'a> Parts<'a> {
    fn of(der: &'a [u8]) -> Result<Self, CsrError> {
        if der.len() > MAX_CSR_OCTETS {
            return Err(CsrError::TooLong { octets: der.len(), limit: MAX_CSR_OCTETS });
        }
        let mut reader = SliceReader::new(der)?;
        let (info, algorithm, signature) = reader.sequence(|request| {
            Ok::<_, der::Error>((request.tlv_bytes()?, request.tlv_bytes()?, BitStringRef::decode(request)?))
        })?;
        reader.finish()?;

        let mut reader = SliceReader::new(info)?;
        let (version, subject, spki, attributes) = reader.sequence(|info| {
            Ok::<_, der::Error>((u8::decode(info)?, info.tlv_bytes()?, info.tlv_bytes()?, info.tlv_bytes()?))
        })?;
        reader.finish()?;
        if version != VERSION_1 {
            return Err(CsrError::Version { found: version });
        }
        AnyRef::from_der(subject)?.header().tag().assert_eq(Tag::Sequence)?;
        Ok(Self { info, subject, spki, attributes, algorithm, signature })
    }
}

/// One algorithm per kind of key, without parameters: RFC 5758, section 3.2; RFC 8410, section 3. A signature by any
/// other, even if it held, would prove a key that we would not know how to name.
fn check_algorithm(key: &PublicKey, found: &[u8]) -> Result<(), CsrError> {
    if found == key.signature_algorithm_der() {
        return Ok(());
    }
    let mut reader = SliceReader::new(found)?;
    let algorithm = reader.sequence(|algorithm| {
        let oid = ObjectIdentifier::decode(algorithm)?;
        if !algorithm.is_finished() {
            AnyRef::decode(algorithm)?;
        }
        Ok::<_, der::Error>(oid)
    })?;
    Err(CsrError::SignatureAlgorithm { key: key.kind(), found: algorithm })
}

/// Octets of a request. A request for our key kinds with a nonce has about 350; the rest is room for what other tools
/// add and we ignore. Measured: OpenSSL with twenty names and a 255 octet challenge writes 1.3 kB.
pub const MAX_CSR_OCTETS: usize = 8 * 1024;

/// RFC 2986, section 4.1: "v1(0)" is the only version.
const VERSION_1: u8 = 0;

#[cfg(test)]
pub(crate) mod tests;

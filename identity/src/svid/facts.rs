//! What a certificate says: DER in, facts out. Knows RFC 5280's forms; judges nothing but the form, verifies no signature.

use super::key_usage::KeyUsage;
use super::name::name;
use super::oid::{self, Oid};
use super::validity::validity;
use crate::der::{DerError, INTEGER, OCTET_STRING, Reader, SEQUENCE, context_constructed};
use crate::fingerprint::{KeyHash, KeyIdentifier};
use crate::key_kind::{KeyKind, UnsupportedKey};
use crate::timestamp::Timestamp;

/// What a certificate says of itself. To have them proves the form only: [`Svid::leaf`](super::Svid::leaf) judges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Content of the serial number's INTEGER. Parsed by [`Serial::from_der_content`](crate::Serial::from_der_content).
    pub serial_octets: Vec<u8>,
    /// The issuer's Name, DER.
    pub issuer_der: Vec<u8>,
    /// The subject's Name, DER.
    pub subject_der: Vec<u8>,
    /// Whether the subject's Name has no part.
    pub subject_is_empty: bool,
    /// First moment of validity.
    pub not_before: Timestamp,
    /// Last second of validity: RFC 5280 4.1.2.5, inclusive.
    pub not_after: Timestamp,
    /// The public key, as SubjectPublicKeyInfo DER.
    pub spki_der: Vec<u8>,
    /// Hash of `spki_der`.
    pub key: KeyHash,
    /// Identifier computed from the public key itself (RFC 7093 method 1).
    pub key_identifier: KeyIdentifier,
    /// Kind of the public key.
    pub key_kind: KeyKind,
    /// authorityKeyIdentifier's keyIdentifier, where there is one.
    pub issuer_key: Option<KeyIdentifier>,
    /// subjectKeyIdentifier, where there is one.
    pub subject_key: Option<KeyIdentifier>,
    /// basicConstraints' cA; false without that extension.
    pub is_authority: bool,
    /// basicConstraints' pathLenConstraint.
    pub path_len: Option<u32>,
    /// keyUsage, where there is one.
    pub key_usage: Option<KeyUsage>,
    /// extKeyUsage's purposes; empty without that extension, which is never empty itself.
    pub extended_key_usage: Vec<Oid>,
    /// subjectAltName's URIs.
    pub uri_names: Vec<String>,
    /// subjectAltName's DNS names.
    pub dns_names: Vec<String>,
    /// How many names of other kinds subjectAltName has.
    pub other_names: usize,
    /// Whether subjectAltName is there and critical.
    pub san_critical: bool,
    /// URIs of cRLDistributionPoints.
    pub crl_points: Vec<String>,
    /// authorityInfoAccess: URIs of the issuer's certificate.
    pub issuer_urls: Vec<String>,
    /// authorityInfoAccess: URIs of OCSP responders.
    pub ocsp_urls: Vec<String>,
    /// Every extension in its order, and whether it is critical. No identifier stands twice.
    pub extensions: Vec<(Oid, bool)>,
    /// Algorithm of the issuer's signature.
    pub signature_algorithm: Oid,
}

/// Why octets are no certificate that we read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// More octets than [`MAX_CERTIFICATE_OCTETS`].
    #[error("the certificate has {found} octets, more than {limit}")]
    TooLong {
        /// [`MAX_CERTIFICATE_OCTETS`].
        limit: usize,
        /// Octets given.
        found: usize,
    },
    /// There are octets after the certificate.
    #[error("{found} octets follow the certificate")]
    TrailingOctets {
        /// How many.
        found: usize,
    },
    /// Not the DER of a certificate: RFC 5280 4.1.
    #[error("the certificate's {field} is malformed")]
    Malformed {
        /// The part of the certificate, named as in RFC 5280.
        field: &'static str,
        /// What is wrong with it.
        #[source]
        error: DerError,
    },
    /// RFC 5280 4.1.2.1: a certificate with extensions says version 3.
    #[error("the certificate is not of version 3")]
    Version,
    /// RFC 5280 4.1.2.2: a serial number is positive and has at most 20 octets.
    #[error("the serial number is zero, negative or longer than {limit} octets")]
    Serial {
        /// Most octets: RFC 5280 4.1.2.2.
        limit: usize,
    },
    /// RFC 5280 4.1.2.4: the issuer's name is not empty.
    #[error("the issuer's name is empty")]
    EmptyIssuer,
    /// RFC 5280 4.1.1.2: the signature's algorithm stands twice and is the same.
    #[error("the algorithm outside what is signed differs from the one inside")]
    AlgorithmMismatch,
    /// The public key is of no kind that we certify.
    #[error("the public key is of no kind that is certified")]
    Key(#[from] UnsupportedKey),
    /// RFC 5280 4.2: an extension stands once.
    #[error("the extension {extension} stands twice")]
    DuplicateExtension {
        /// Which.
        extension: Oid,
    },
    /// The value of an extension is not what its definition says.
    #[error("the value of the extension {extension} is malformed")]
    Extension {
        /// Which.
        extension: Oid,
        /// What is wrong with it.
        #[source]
        error: DerError,
    },
}

impl CertificateFacts {
    /// What the certificate with this DER says.
    ///
    /// # Errors
    /// [`CertificateError`] when the octets are anything but one certificate of a form that we read.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let certificate = Certificate::read(der)?;
        let (facts, algorithm_der) = Self::of(certificate.to_be_signed)?;
        if certificate.algorithm_der != algorithm_der {
            return Err(CertificateError::AlgorithmMismatch);
        }
        Ok(facts)
    }

    /// What the certificate will say that is made by signing these octets (the TBSCertificate's DER).
    ///
    /// # Errors
    /// [`CertificateError`] when the octets are anything but one TBSCertificate of a form that we read.
    pub fn from_tbs_der(der: &[u8]) -> Result<Self, CertificateError> {
        check_length(der)?;
        Ok(Self::of(der)?.0)
    }

    /// The facts, and the DER of the signature's algorithm. TBSCertificate: RFC 5280 4.1.2, field after field.
    fn of(tbs_der: &[u8]) -> Result<(Self, &[u8]), CertificateError> {
        let mut tbs = only_sequence(tbs_der)?;
        version(&mut tbs)?;
        let serial = serial(&mut tbs)?;
        let (algorithm_der, signature_algorithm) = algorithm(&mut tbs).map_err(at("signature"))?;
        let issuer = name(&mut tbs).map_err(at("issuer"))?;
        if issuer.is_empty {
            return Err(CertificateError::EmptyIssuer);
        }
        let (not_before, not_after) = validity(&mut tbs).map_err(at("validity"))?;
        let subject = name(&mut tbs).map_err(at("subject"))?;
        let spki_der = tbs.element(SEQUENCE).map_err(at("subjectPublicKeyInfo"))?.whole;
        let (key_kind, public_key) = KeyKind::with_public_key(spki_der)?;
        let mut facts = Self {
            serial_octets: serial.to_vec(),
            issuer_der: issuer.der.to_vec(),
            subject_der: subject.der.to_vec(),
            subject_is_empty: subject.is_empty,
            not_before,
            not_after,
            spki_der: spki_der.to_vec(),
            key: KeyHash::of(spki_der),
            key_identifier: KeyIdentifier::of_public_key_bits(public_key),
            key_kind,
            issuer_key: None,
            subject_key: None,
            is_authority: false,
            path_len: None,
            key_usage: None,
            extended_key_usage: Vec::new(),
            uri_names: Vec::new(),
            dns_names: Vec::new(),
            other_names: 0,
            san_critical: false,
            crl_points: Vec::new(),
            issuer_urls: Vec::new(),
            ocsp_urls: Vec::new(),
            extensions: Vec::new(),
            signature_algorithm,
        };
        // RFC 5280 4.1.2.8: no CA that follows it makes unique identifiers, so they are trailing octets here.
        if let Some(extensions) = tbs.optional(context_constructed(3)).map_err(at("extensions"))? {
            facts.read_extensions(extensions)?;
        }
        tbs.end().map_err(at("tbsCertificate"))?;
        Ok((facts, algorithm_der))
    }

    /// Extensions, one or more: RFC 5280 4.1.2.9.
    fn read_extensions(&mut self, explicit: &[u8]) -> Result<(), CertificateError> {
        let mut explicit = Reader::new(explicit);
        let mut extensions = explicit.inside(SEQUENCE).map_err(at("extensions"))?;
        explicit.end().map_err(at("extensions"))?;
        if extensions.remaining() == 0 {
            return Err(at("extensions")(DerError::Empty));
        }
        while extensions.remaining() > 0 {
            let (extension, critical, value) = extension(&mut extensions).map_err(at("extensions"))?;
            if self.extensions.iter().any(|(other, _)| *other == extension) {
                return Err(CertificateError::DuplicateExtension { extension });
            }
            match self.read_value(&extension, value) {
                Ok(()) => self.extensions.push((extension, critical)),
                Err(error) => return Err(CertificateError::Extension { extension, error }),
            }
        }
        self.san_critical = self.extensions.contains(&(oid::SUBJECT_ALT_NAME, true));
        Ok(())
    }
}

/// The part of a certificate that its issuer signed (the TBSCertificate's DER): what a ledger's entry carries.
///
/// # Errors
/// [`CertificateError`] when the octets are anything but one certificate; what the part says is not read.
pub fn to_be_signed(certificate_der: &[u8]) -> Result<&[u8], CertificateError> {
    Ok(Certificate::read(certificate_der)?.to_be_signed)
}

/// Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }: RFC 5280 4.1.1.
struct Certificate<'a> {
    to_be_signed: &'a [u8],
    algorithm_der: &'a [u8],
}

impl<'a> Certificate<'a> {
    fn read(der: &'a [u8]) -> Result<Self, CertificateError> {
        check_length(der)?;
        let mut certificate = only_sequence(der)?;
        let to_be_signed = certificate.element(SEQUENCE).map_err(at("tbsCertificate"))?.whole;
        let (algorithm_der, _) = algorithm(&mut certificate).map_err(at("signatureAlgorithm"))?;
        certificate.whole_octets().map_err(at("signatureValue"))?;
        certificate.end().map_err(at("certificate"))?;
        Ok(Self { to_be_signed, algorithm_der })
    }
}

fn check_length(der: &[u8]) -> Result<(), CertificateError> {
    if der.len() > MAX_CERTIFICATE_OCTETS {
        return Err(CertificateError::TooLong { limit: MAX_CERTIFICATE_OCTETS, found: der.len() });
    }
    Ok(())
}

/// What is inside one SEQUENCE after which nothing follows.
fn only_sequence(der: &[u8]) -> Result<Reader<'_>, CertificateError> {
    let mut outside = Reader::new(der);
    let inside = outside.inside(SEQUENCE).map_err(at("outermost element"))?;
    match outside.remaining() {
        0 => Ok(inside),
        found => Err(CertificateError::TrailingOctets { found }),
    }
}

/// `[0]` EXPLICIT INTEGER, 2 for version 3: RFC 5280 4.1.2.1.
fn version(tbs: &mut Reader<'_>) -> Result<(), CertificateError> {
    match tbs.optional(context_constructed(0)).map_err(at("version"))? {
        Some([INTEGER, 1, 2]) => Ok(()),
        _ => Err(CertificateError::Version),
    }
}

fn serial<'a>(tbs: &mut Reader<'a>) -> Result<&'a [u8], CertificateError> {
    match tbs.integer().map_err(at("serialNumber"))? {
        [0] | [0x80..=0xff, ..] => Err(CertificateError::Serial { limit: MAX_SERIAL_OCTETS }),
        octets if octets.len() > MAX_SERIAL_OCTETS => Err(CertificateError::Serial { limit: MAX_SERIAL_OCTETS }),
        octets => Ok(octets),
    }
}

/// AlgorithmIdentifier: its DER, and the algorithm. RFC 5758 3.2 and RFC 8410 3: ours have no parameters; others may.
fn algorithm<'a>(reader: &mut Reader<'a>) -> Result<(&'a [u8], Oid), DerError> {
    let element = reader.element(SEQUENCE)?;
    let mut fields = Reader::new(element.content);
    let algorithm = Oid::of_content(fields.oid()?);
    let without_parameters = [oid::ECDSA_WITH_SHA256, oid::ED25519].contains(&algorithm);
    if !without_parameters && fields.remaining() > 0 {
        fields.any()?;
    }
    fields.end()?;
    Ok((element.whole, algorithm))
}

/// Extension ::= SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }: RFC 5280 4.1.
fn extension<'a>(extensions: &mut Reader<'a>) -> Result<(Oid, bool, &'a [u8]), DerError> {
    let mut extension = extensions.inside(SEQUENCE)?;
    let id = Oid::of_content(extension.oid()?);
    let critical = extension.boolean_default_false()?;
    let value = extension.content(OCTET_STRING)?;
    extension.end()?;
    Ok((id, critical, value))
}

/// Says where a certificate is malformed.
fn at(field: &'static str) -> impl Fn(DerError) -> CertificateError {
    move |error| CertificateError::Malformed { field, error }
}

/// Most octets of a certificate that we read: an entry of the ledger holds at most 16 KiB (design 1), and one of our
/// leaves has about 700.
pub const MAX_CERTIFICATE_OCTETS: usize = 16 * 1024;

/// Most octets of a serial number: RFC 5280 4.1.2.2. Ours have 16.
const MAX_SERIAL_OCTETS: usize = 20;

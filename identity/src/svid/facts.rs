//! What a certificate says: DER in, facts out. Knows RFC 5280's forms; judges nothing but the form, verifies no signature.

use x509_parser::certificate::{TbsCertificate, X509Certificate};
use x509_parser::error::X509Error;
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension, X509Extension};
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Version;

use super::key_usage::KeyUsage;
use super::oid::{self, Oid};
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
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum CertificateError {
    /// More octets than [`MAX_CERTIFICATE_OCTETS`].
    #[error("the certificate has {found} octets, more than {limit}")]
    TooLong {
        /// [`MAX_CERTIFICATE_OCTETS`].
        limit: usize,
        /// Octets given.
        found: usize,
    },
    /// Not the DER of a certificate: RFC 5280 4.1.
    #[error("not the DER of a certificate")]
    Malformed(#[source] X509Error),
    /// There are octets after the certificate.
    #[error("{found} octets follow the certificate")]
    TrailingOctets {
        /// How many.
        found: usize,
    },
    /// RFC 5280 4.1.2.1: a certificate with extensions is of version 3. `found` is the encoded number, one less.
    #[error("the certificate's version is not 3 (encoded 2) but encoded {found}")]
    Version {
        /// The encoded version.
        found: u32,
    },
    /// RFC 5280 4.1.2.8: a CA makes no certificate with issuerUniqueID or subjectUniqueID.
    #[error("the certificate has a unique identifier")]
    UniqueIdentifier,
    /// RFC 5280 4.1.1.2: the signature's algorithm stands twice and is the same.
    #[error("the algorithm outside what is signed differs from the one inside")]
    AlgorithmMismatch,
    /// RFC 5280 4.1.2.5: times through 2049 are UTCTime, later ones GeneralizedTime, none has no date (year 9999 at most).
    #[error("{field} is not written as RFC 5280 4.1.2.5 says")]
    Time {
        /// notBefore or notAfter.
        field: &'static str,
    },
    /// The public key is of no kind that we certify.
    #[error(transparent)]
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
    },
}

impl CertificateFacts {
    /// What the certificate with this DER says.
    ///
    /// # Errors
    /// [`CertificateError`] when the octets are anything but one certificate of a form that we read.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let certificate: X509Certificate<'_> = parse_all(der)?;
        if certificate.signature_algorithm != certificate.tbs_certificate.signature {
            return Err(CertificateError::AlgorithmMismatch);
        }
        Self::of(&certificate.tbs_certificate)
    }

    /// What the certificate will say that is made by signing these octets (the TBSCertificate's DER).
    ///
    /// # Errors
    /// [`CertificateError`] when the octets are anything but one TBSCertificate of a form that we read.
    pub fn from_tbs_der(der: &[u8]) -> Result<Self, CertificateError> {
        Self::of(&parse_all(der)?)
    }

    fn of(tbs: &TbsCertificate<'_>) -> Result<Self, CertificateError> {
        if tbs.version != X509Version::V3 {
            return Err(CertificateError::Version { found: tbs.version.0 });
        }
        if tbs.issuer_uid.is_some() || tbs.subject_uid.is_some() {
            return Err(CertificateError::UniqueIdentifier);
        }
        let spki_der = tbs.subject_pki.raw;
        let mut facts = Self {
            serial_octets: tbs.raw_serial().to_vec(),
            issuer_der: tbs.issuer.as_raw().to_vec(),
            subject_der: tbs.subject.as_raw().to_vec(),
            subject_is_empty: tbs.subject.iter_rdn().next().is_none(),
            not_before: timestamp("notBefore", tbs.validity.not_before)?,
            not_after: timestamp("notAfter", tbs.validity.not_after)?,
            spki_der: spki_der.to_vec(),
            key: KeyHash::of(spki_der),
            key_identifier: KeyIdentifier::of_public_key_bits(&tbs.subject_pki.subject_public_key.data),
            key_kind: KeyKind::of_spki_der(spki_der)?,
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
            extensions: Vec::with_capacity(tbs.extensions().len()),
            signature_algorithm: Oid::of(&tbs.signature.algorithm),
        };
        for extension in tbs.extensions() {
            facts.add(extension)?;
        }
        Ok(facts)
    }

    fn add(&mut self, extension: &X509Extension<'_>) -> Result<(), CertificateError> {
        let id = Oid::of(&extension.oid);
        if self.extensions.iter().any(|(other, _)| *other == id) {
            return Err(CertificateError::DuplicateExtension { extension: id });
        }
        let malformed = || CertificateError::Extension { extension: id.clone() };
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "what we do not read is listed in `extensions`, for the judge"
        )]
        match extension.parsed_extension() {
            ParsedExtension::ParseError { .. } => return Err(malformed()),
            ParsedExtension::AuthorityKeyIdentifier(aki) => {
                self.issuer_key = aki
                    .key_identifier
                    .as_ref()
                    .map(|key| key_identifier(key.0))
                    .transpose()
                    .map_err(|()| malformed())?;
            }
            ParsedExtension::SubjectKeyIdentifier(key) => {
                self.subject_key = Some(key_identifier(key.0).map_err(|()| malformed())?);
            }
            ParsedExtension::KeyUsage(usage) => self.key_usage = Some(KeyUsage::from_bits(usage.flags)),
            ParsedExtension::BasicConstraints(basic) => {
                self.is_authority = basic.ca;
                self.path_len = basic.path_len_constraint;
            }
            ParsedExtension::ExtendedKeyUsage(_) => {
                self.extended_key_usage = purposes(extension.value).ok_or_else(malformed)?;
            }
            ParsedExtension::SubjectAlternativeName(san) => {
                self.san_critical = extension.critical;
                if san.general_names.is_empty() {
                    return Err(malformed());
                }
                for name in &san.general_names {
                    match name {
                        GeneralName::URI(uri) => self.uri_names.push((*uri).to_owned()),
                        GeneralName::DNSName(dns) => self.dns_names.push((*dns).to_owned()),
                        GeneralName::Invalid(..) => return Err(malformed()),
                        _ => self.other_names = self.other_names.saturating_add(1),
                    }
                }
            }
            ParsedExtension::CRLDistributionPoints(points) => {
                for point in points.iter() {
                    match &point.distribution_point {
                        Some(DistributionPointName::FullName(names)) => push_uris(&mut self.crl_points, names),
                        _ => return Err(malformed()),
                    }
                }
            }
            ParsedExtension::AuthorityInfoAccess(access) => {
                for description in &access.accessdescs {
                    let method = Oid::of(&description.access_method);
                    let location = std::slice::from_ref(&description.access_location);
                    if method == oid::CA_ISSUERS {
                        push_uris(&mut self.issuer_urls, location);
                    } else if method == oid::OCSP {
                        push_uris(&mut self.ocsp_urls, location);
                    }
                }
            }
            _ => {}
        }
        self.extensions.push((id, extension.critical));
        Ok(())
    }
}

/// One value, within the limit, and nothing after it.
fn parse_all<'a, T: FromDer<'a, X509Error>>(der: &'a [u8]) -> Result<T, CertificateError> {
    if der.len() > MAX_CERTIFICATE_OCTETS {
        return Err(CertificateError::TooLong { limit: MAX_CERTIFICATE_OCTETS, found: der.len() });
    }
    let (rest, value) = T::from_der(der).map_err(|error| CertificateError::Malformed(error.into()))?;
    if !rest.is_empty() {
        return Err(CertificateError::TrailingOctets { found: rest.len() });
    }
    Ok(value)
}

/// RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on (T-52).
fn timestamp(field: &'static str, time: ASN1Time) -> Result<Timestamp, CertificateError> {
    let form_fits_year = (time.to_datetime().year() < 2050) == time.is_utctime();
    Timestamp::from_unix_seconds(time.timestamp()).filter(|_| form_fits_year).ok_or(CertificateError::Time { field })
}

fn key_identifier(octets: &[u8]) -> Result<KeyIdentifier, ()> {
    octets.try_into().map(KeyIdentifier::from_bytes).map_err(|_| ())
}

/// All purposes, in their order: RFC 5280 4.2.1.12, one or more.
fn purposes(value: &[u8]) -> Option<Vec<Oid>> {
    let (rest, oids) = <Vec<x509_parser::asn1_rs::Oid<'_>>>::from_der(value).ok()?;
    (rest.is_empty() && !oids.is_empty()).then(|| oids.iter().map(Oid::of).collect())
}

fn push_uris(uris: &mut Vec<String>, names: &[GeneralName<'_>]) {
    for name in names {
        if let GeneralName::URI(uri) = name {
            uris.push((*uri).to_owned());
        }
    }
}

/// Most octets of a certificate that we read: an entry of the ledger holds at most 16 KiB (design 1), and one of our
/// leaves has about 700.
pub const MAX_CERTIFICATE_OCTETS: usize = 16 * 1024;

//! Certificate authorities to test verifiers against: a root, an issuer, leaves in X509-SVID shape, and the
//! same with one thing changed. Knows rcgen; must not know how Brevet builds its own.

pub mod request;
pub mod web;

use std::time::Duration;

use identity::{KeyIdentifier, SpiffeId, Timestamp, TrustDomain};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber,
};
use time::OffsetDateTime;

/// An authority: its certificate, its key, and whom it may sign.
pub struct Authority {
    trust_domain: TrustDomain,
    issuer: Issuer<'static, KeyPair>,
    der: Vec<u8>,
    not_after: Timestamp,
}

/// A leaf with the key it certifies.
pub struct Leaf {
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// Its key.
    pub key: KeyPair,
}

impl Authority {
    /// A self-signed root of `trust_domain`, valid for ten years from an hour before `now`; P-256.
    #[must_use]
    pub fn root(trust_domain: &TrustDomain, now: Timestamp) -> Self {
        let key = KeyPair::generate().expect("a P-256 key");
        let params = authority_params(trust_domain, "root", BasicConstraints::Unconstrained, &key, now, ROOT_LIFE);
        let der = params.self_signed(&key).expect("a root").der().to_vec();
        Authority {
            trust_domain: trust_domain.clone(),
            issuer: Issuer::new(params, key),
            der,
            not_after: now.plus(ROOT_LIFE),
        }
    }

    /// An issuer below this authority, valid for a year, that may sign leaves only.
    #[must_use]
    pub fn issuer(&self, now: Timestamp) -> Self {
        let key = KeyPair::generate().expect("a P-256 key");
        let mut params =
            authority_params(&self.trust_domain, "issuer", BasicConstraints::Constrained(0), &key, now, ISSUER_LIFE);
        params.use_authority_key_identifier_extension = true;
        let der = params.signed_by(&key, &self.issuer).expect("an issuer").der().to_vec();
        Authority {
            trust_domain: self.trust_domain.clone(),
            issuer: Issuer::new(params, key),
            der,
            not_after: now.plus(ISSUER_LIFE),
        }
    }

    /// Its certificate, DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// When it ends.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Its trust domain.
    #[must_use]
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// A sound leaf: X509-SVID for `spiffe_id`, valid from a minute before `now` for `lifetime`; P-256.
    #[must_use]
    pub fn leaf(&self, spiffe_id: &SpiffeId, now: Timestamp, lifetime: Duration) -> Leaf {
        self.leaf_with(spiffe_id.as_str(), now, lifetime, |_| {})
    }

    /// The same with `change` made to it before it is signed: another name, usage, time or extension.
    /// `uri` is not checked, so that a name can be false too.
    #[must_use]
    pub fn leaf_with(
        &self,
        uri: &str,
        now: Timestamp,
        lifetime: Duration,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Leaf {
        let key = KeyPair::generate().expect("a P-256 key");
        let mut params = leaf_params(uri, &key, now, lifetime);
        change(&mut params);
        let der = params.signed_by(&key, &self.issuer).expect("a leaf").der().to_vec();
        Leaf { der, key }
    }

    /// A leaf for `uri` signed by the key of another `leaf`, with that leaf as its issuer (T-42).
    #[must_use]
    pub fn leaf_signed_by_leaf(leaf: &Leaf, uri: &str, now: Timestamp, lifetime: Duration) -> Leaf {
        let signer = KeyPair::try_from(leaf.key.serialized_der()).expect("the same key again");
        let issuer = Issuer::from_ca_cert_der(&leaf.der.as_slice().into(), signer).expect("a leaf taken for an issuer");
        let key = KeyPair::generate().expect("a P-256 key");
        let der = leaf_params(uri, &key, now, lifetime).signed_by(&key, &issuer).expect("a leaf").der().to_vec();
        Leaf { der, key }
    }
}

fn authority_params(
    trust_domain: &TrustDomain,
    name: &str,
    constraints: BasicConstraints,
    key: &KeyPair,
    now: Timestamp,
    life: Duration,
) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("{trust_domain} {name}"));
    params.subject_alt_names = vec![uri_name(&format!("spiffe://{trust_domain}"))];
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.key_identifier_method = key_identifier(key);
    params.serial_number = Some(serial());
    params.not_before = moment(now.minus(BACKDATED));
    params.not_after = moment(now.plus(life));
    params
}

fn leaf_params(uri: &str, key: &KeyPair, now: Timestamp, lifetime: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = vec![uri_name(uri)];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.key_identifier_method = key_identifier(key);
    params.serial_number = Some(serial());
    params.use_authority_key_identifier_extension = true;
    params.not_before = moment(now.minus(LEAF_BACKDATED));
    params.not_after = moment(now.plus(lifetime));
    params
}

/// A URI name as it is given, good or bad; only what is not ASCII cannot be written.
#[must_use]
pub fn uri_name(uri: &str) -> SanType {
    SanType::URI(uri.try_into().expect("an ASCII URI"))
}

/// A DNS name.
#[must_use]
pub fn dns_name(name: &str) -> SanType {
    SanType::DnsName(name.try_into().expect("an ASCII name"))
}

/// RFC 7093 method 1 hashes the BIT STRING's content. rcgen's method of that name hashes the whole
/// SubjectPublicKeyInfo, so the value is worked out here and given to it.
fn key_identifier(key: &KeyPair) -> KeyIdMethod {
    let identifier = KeyIdentifier::of_spki_der(&key.subject_public_key_info()).expect("a SubjectPublicKeyInfo");
    KeyIdMethod::PreSpecified(identifier.as_bytes().to_vec())
}

fn serial() -> SerialNumber {
    let mut octets = [0; 16];
    aws_lc_rs::rand::fill(&mut octets).expect("the system has random numbers");
    octets[0] = octets[0] & 0x7f | 0x01;
    SerialNumber::from_slice(&octets)
}

fn moment(time: Timestamp) -> OffsetDateTime {
    let seconds = i64::try_from(time.seconds()).expect("before the year 10000");
    OffsetDateTime::from_unix_timestamp(seconds).expect("before the year 10000")
}

const ROOT_LIFE: Duration = Duration::from_secs(10 * 365 * 86_400);
const ISSUER_LIFE: Duration = Duration::from_secs(365 * 86_400);
const BACKDATED: Duration = Duration::from_secs(3600);
const LEAF_BACKDATED: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use identity::{SpiffeId, Timestamp, TrustDomain};
    use x509_parser::prelude::{FromDer, X509Certificate};

    use super::Authority;

    fn now() -> Timestamp {
        Timestamp::from_seconds(1_700_000_000).expect("a time")
    }

    #[test]
    fn a_leaf_chains_to_its_root() {
        let domain = TrustDomain::parse("example.org").unwrap();
        let root = Authority::root(&domain, now());
        let issuer = root.issuer(now());
        let id = SpiffeId::parse("spiffe://example.org/host/a").unwrap();
        let leaf = issuer.leaf(&id, now(), Duration::from_secs(3600));

        let (_, root) = X509Certificate::from_der(root.der()).unwrap();
        let (_, issuer) = X509Certificate::from_der(issuer.der()).unwrap();
        let (_, leaf) = X509Certificate::from_der(&leaf.der).unwrap();
        issuer.verify_signature(Some(root.public_key())).unwrap();
        leaf.verify_signature(Some(issuer.public_key())).unwrap();
        let names = leaf.subject_alternative_name().unwrap().unwrap();
        assert!(names.critical, "the subject is empty");
        assert_eq!(names.value.general_names.len(), 1);
    }

    #[test]
    fn a_leaf_of_a_leaf_names_it_as_issuer() {
        let domain = TrustDomain::parse("example.org").unwrap();
        let id = SpiffeId::parse("spiffe://example.org/host/a").unwrap();
        let leaf = Authority::root(&domain, now()).leaf(&id, now(), Duration::from_secs(60));
        let below =
            Authority::leaf_signed_by_leaf(&leaf, "spiffe://example.org/host/b", now(), Duration::from_secs(60));
        let (_, leaf) = X509Certificate::from_der(&leaf.der).unwrap();
        let (_, below) = X509Certificate::from_der(&below.der).unwrap();
        below.verify_signature(Some(leaf.public_key())).unwrap();
    }
}

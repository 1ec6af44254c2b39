//! Certificates to spoil, made by rcgen: none of our own code signs or writes DER here.

use std::sync::LazyLock;

use rcgen::{
    BasicConstraints, CertificateParams, CrlDistributionPoint, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose as Purpose, IsCa, Issuer, KeyPair, KeyUsagePurpose as Usage, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SanType, SerialNumber, date_time_ymd,
};

static ISSUER_KEY: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap());
pub(crate) static P256: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap());
pub(crate) static P384: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap());
pub(crate) static ED25519: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate_for(&PKCS_ED25519).unwrap());

/// The SPIFFE id of [`leaf`].
pub(crate) const LEAF_ID: &str = "spiffe://example.org/agents/mailer";

/// A leaf without a flaw, with every extension that ours have.
pub(crate) fn leaf() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = vec![uri(LEAF_ID)];
    params.key_usages = vec![Usage::DigitalSignature];
    params.extended_key_usages = vec![Purpose::ServerAuth, Purpose::ClientAuth];
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.serial_number = Some(SerialNumber::from_slice(&[0x01; 16]));
    params.not_before = date_time_ymd(2026, 11, 23);
    params.not_after = date_time_ymd(2026, 11, 24);
    params.crl_distribution_points = vec![CrlDistributionPoint { uris: vec![CRL_URL.to_owned()] }];
    params.custom_extensions = vec![extension("1.3.6.1.5.5.7.1.1", false, &issuer_access())];
    params
}

/// An authority without a flaw.
pub(crate) fn authority() -> CertificateParams {
    let mut params = leaf();
    params.distinguished_name.push(DnType::CommonName, "Brevet test root");
    params.subject_alt_names = vec![uri("spiffe://example.org")];
    params.key_usages = vec![Usage::KeyCertSign, Usage::CrlSign];
    params.extended_key_usages = vec![];
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
    params
}

/// The certificate's DER, for this key, signed by the authority.
pub(crate) fn certificate(params: &CertificateParams, key: &KeyPair) -> Vec<u8> {
    let issuer = Issuer::new(authority(), &*ISSUER_KEY);
    params.signed_by(key, &issuer).unwrap().der().to_vec()
}

/// A faultless leaf's DER.
pub(crate) fn leaf_der() -> Vec<u8> {
    certificate(&leaf(), &P256)
}

pub(crate) fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

pub(crate) fn dns(text: &str) -> SanType {
    SanType::DnsName(text.try_into().unwrap())
}

pub(crate) fn extension(id: &str, critical: bool, value: &[u8]) -> CustomExtension {
    let arcs: Vec<u64> = id.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut extension = CustomExtension::from_oid_content(&arcs, value.to_vec());
    extension.set_criticality(critical);
    extension
}

/// authorityInfoAccess with the issuer's certificate and a responder.
fn issuer_access() -> Vec<u8> {
    let access = |method: u8, url: &str| {
        let oid = [b"\x06\x08\x2b\x06\x01\x05\x05\x07\x30".as_slice(), &[method]].concat();
        tlv(0x30, &[oid, tlv(0x86, url.as_bytes())].concat())
    };
    tlv(0x30, &[access(2, ISSUER_URL), access(1, OCSP_URL)].concat())
}

/// One element of less than 128 octets.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    assert!(content.len() < 0x80);
    [&[tag, content.len() as u8], content].concat()
}

pub(crate) const CRL_URL: &str = "http://crl.example.org/7/0001.crl";
pub(crate) const ISSUER_URL: &str = "http://crl.example.org/7.cer";
pub(crate) const OCSP_URL: &str = "http://ocsp.example.org/";

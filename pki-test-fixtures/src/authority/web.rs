//! A web server's certificate for loopback, under a root of its own. Knows rustls; knows no SPIFFE id.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What a server needs, and what a client needs to believe it.
pub struct WebIdentity {
    /// The root, PEM.
    pub root_pem: String,
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

impl WebIdentity {
    /// TLS 1.3 with this certificate, no client certificate asked for.
    #[must_use]
    pub fn server_config(&self) -> ServerConfig {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).expect("PKCS#8");
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3")
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), key)
            .expect("a certificate and its key")
    }
}

/// A certificate for `127.0.0.1` and `localhost`.
#[must_use]
pub fn loopback() -> WebIdentity {
    let root_key = KeyPair::generate().expect("a P-256 key");
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let root = params.self_signed(&root_key).expect("a root");
    let issuer = Issuer::new(params, root_key);

    let key = KeyPair::generate().expect("a P-256 key");
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let leaf = CertificateParams::new(names).and_then(|params| params.signed_by(&key, &issuer)).expect("a leaf");
    WebIdentity { root_pem: root.pem(), chain: vec![leaf.der().clone()], key }
}

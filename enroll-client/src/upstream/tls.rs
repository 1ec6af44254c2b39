//! TLS to the server: trusted by pinned root keys and its SPIFFE id, by nothing else. Knows rustls and webpki; knows no route.
//!
//! The server sends leaf, issuer and root. The anchor is the presented certificate whose key is pinned; the path is checked by
//! rustls-webpki, and the leaf must state exactly the pinned identity. Host names mean nothing: an address may change without a new
//! certificate, and owning an address proves nothing. If any of it fails the handshake ends, and no octet of a request was sent.

use std::sync::Arc;

use identity::svid::{CertificateFacts, Svid};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::clock::{Clock, TlsTime};
use crate::key::PrivateKey;
use crate::pins::Pins;

/// Whom a connection speaks for.
#[derive(Debug, Clone)]
pub(super) struct Credential {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKey,
}

/// Why a server is not ours. In the error chain of the failed request.
#[derive(Debug, thiserror::Error)]
pub enum ServerRefused {
    /// It presented no certificate with a pinned key.
    #[error("the server's chain of {presented} certificates has no root that the trust file pins")]
    NoPinnedRoot {
        /// How many it presented.
        presented: usize,
    },
    /// The pinned certificate is no authority's.
    #[error("the certificate with the pinned key is not an authority's")]
    NoAuthority,
    /// It is somebody else.
    #[error("the server is {found}, and the trust file names {expected}")]
    OtherServer {
        /// In the trust file.
        expected: String,
        /// In its certificate.
        found: String,
    },
    /// Its certificate does not chain to the pinned root, or not now.
    #[error("the server's certificate does not chain to the pinned root")]
    Path(#[source] webpki::Error),
    /// Its certificate is no identity.
    #[error("the server's certificate is no X509-SVID")]
    NoSvid(#[source] identity::svid::SvidError),
}

/// A configuration that speaks to the pinned server only; with a credential, in its name.
pub(super) fn pinned(
    pins: &Arc<Pins>,
    clock: &Arc<dyn Clock>,
    credential: Option<&Credential>,
) -> Result<ClientConfig, Error> {
    let provider = provider();
    let verifier = PinnedServer { pins: Arc::clone(pins), algorithms: provider.signature_verification_algorithms };
    let builder = builder(provider, clock)?.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let config = match credential {
        None => builder.with_no_client_auth(),
        Some(credential) => {
            let key = PrivatePkcs8KeyDer::from(credential.key.pkcs8().to_vec());
            builder.with_client_auth_cert(credential.chain.clone(), PrivateKeyDer::from(key))?
        }
    };
    Ok(closed(config))
}

/// A configuration that speaks to anybody: for the trust file alone, which is then held against the hash in the join token.
pub(super) fn anybody(clock: &Arc<dyn Clock>) -> Result<ClientConfig, Error> {
    let provider = provider();
    let verifier = AnyServer { algorithms: provider.signature_verification_algorithms };
    let builder = builder(provider, clock)?.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    Ok(closed(builder.with_no_client_auth()))
}

fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

fn builder(
    provider: CryptoProvider,
    clock: &Arc<dyn Clock>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, Error> {
    ClientConfig::builder_with_details(Arc::new(provider), Arc::new(TlsTime(Arc::clone(clock))))
        .with_protocol_versions(&[&rustls::version::TLS13])
}

fn closed(mut config: ClientConfig) -> ClientConfig {
    // A resumed session would skip the verifier (security.md, T-08).
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

#[derive(Debug)]
struct PinnedServer {
    pins: Arc<Pins>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for PinnedServer {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let pinned = |der: &&CertificateDer<'_>| {
            CertificateFacts::from_der(der).is_ok_and(|facts| self.pins.root_keys().contains(&facts.key))
        };
        let root = others
            .iter()
            .take(MAX_PRESENTED)
            .find(pinned)
            .ok_or_else(|| refused(ServerRefused::NoPinnedRoot { presented: others.len().saturating_add(1) }))?;
        let facts = facts(root)?;
        Svid::authority(&facts).map_err(|_| refused(ServerRefused::NoAuthority))?;
        let anchor = anchor_from_trusted_cert(root).map_err(path_error)?;
        let end_entity = EndEntityCert::try_from(leaf).map_err(path_error)?;
        let algorithms = self.algorithms.all;
        end_entity
            .verify_for_usage(algorithms, &[anchor], others, now, KeyUsage::server_auth(), None, None)
            .map_err(path_error)?;
        let svid = Svid::leaf(&self::facts(leaf)?).map_err(|error| refused(ServerRefused::NoSvid(error)))?;
        if svid.spiffe_id() != self.pins.server_id() {
            return Err(refused(ServerRefused::OtherServer {
                expected: self.pins.server_id().to_string(),
                found: svid.spiffe_id().to_string(),
            }));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(only_tls13())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[derive(Debug)]
struct AnyServer {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(only_tls13())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn facts(der: &CertificateDer<'_>) -> Result<CertificateFacts, Error> {
    CertificateFacts::from_der(der).map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))
}

fn refused(why: ServerRefused) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(why))))
}

fn path_error(error: webpki::Error) -> Error {
    refused(ServerRefused::Path(error))
}

fn only_tls13() -> Error {
    Error::PeerIncompatible(rustls::PeerIncompatible::Tls12NotOffered)
}

/// Certificates beside the leaf that are looked at. The design has two, issuer and root (section 4).
const MAX_PRESENTED: usize = 4;

//! rustls configurations that follow what is held now. Knows rustls' traits; decides nothing itself.
//!
//! A configuration is made once and lives as long as the agent: certificate, bundle and revocations are read anew in each handshake, so a rotation needs
//! neither a new configuration nor a restart. TLS 1.3 only. No tickets and no resumption: a resumed session would skip the peer's chain and with
//! it a revocation (T-08). The server name is not looked at: SPIFFE ids say who somebody is, wherever it runs.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{
    ClientConfig, DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible, ServerConfig, SignatureScheme,
};

use super::held::Held;
use super::judge::{Role, SIGNATURES};
use super::rule::PeerRule;

/// For connections we open.
pub(super) fn client_config(held: &Arc<Held>, rule: PeerRule) -> Result<ClientConfig, Error> {
    let following = Arc::new(Following { held: Arc::clone(held), rule });
    let mut config = ClientConfig::builder_with_details(provider(), Arc::new(held.clock().clone()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(following.clone())
        .with_client_cert_resolver(following);
    config.resumption = Resumption::disabled();
    // The name means nothing to either side, so it need not be told to the network.
    config.enable_sni = false;
    Ok(config)
}

/// For connections we accept.
pub(super) fn server_config(held: &Arc<Held>, rule: PeerRule) -> Result<ServerConfig, Error> {
    let following = Arc::new(Following { held: Arc::clone(held), rule });
    let mut config = ServerConfig::builder_with_details(provider(), Arc::new(held.clock().clone()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(following.clone())
        .with_cert_resolver(following);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}

/// aws-lc-rs, whatever else the process has installed.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Both halves of a handshake: which certificate we show, and which we accept.
#[derive(Debug)]
struct Following {
    held: Arc<Held>,
    rule: PeerRule,
}

impl Following {
    fn check(&self, leaf: &CertificateDer<'_>, issuers: &[CertificateDer<'_>], role: Role) -> Result<(), Error> {
        let chain: Vec<CertificateDer<'_>> = std::iter::once(leaf).chain(issuers).map(borrowed).collect();
        let outcome = self.held.admit(&chain, role, &self.rule);
        outcome.map_err(|refusal| {
            let cause = std::error::Error::source(&refusal);
            tracing::warn!(%refusal, cause, ?role, "a peer is refused");
            Error::from(refusal)
        })
    }

    /// Nothing when what we hold has ended: then the handshake fails on our side already.
    fn own(&self) -> Option<Arc<CertifiedKey>> {
        self.held.own().inspect_err(|refusal| tracing::warn!(%refusal, "we have no certificate to show")).ok()
    }

    fn signature(
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &SIGNATURES)
    }
}

fn borrowed<'a>(certificate: &'a CertificateDer<'_>) -> CertificateDer<'a> {
    CertificateDer::from(&**certificate)
}

/// `now` is not used: rustls takes it from the same clock, and we need that clock's second reading too.
impl ServerCertVerifier for Following {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        issuers: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(leaf, issuers, Role::Server).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Self::signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SIGNATURES.supported_schemes()
    }
}

impl ClientCertVerifier for Following {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // Fixed for the life of a configuration, so it would be wrong after the first rotation of a root.
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        issuers: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(leaf, issuers, Role::Client).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Self::signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SIGNATURES.supported_schemes()
    }
}

impl ResolvesClientCert for Following {
    fn resolve(&self, _roots: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.own()
    }

    fn has_certs(&self) -> bool {
        // Whether there is one is asked in the handshake.
        true
    }
}

impl ResolvesServerCert for Following {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.own()
    }
}

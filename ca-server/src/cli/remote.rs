//! How a person reaches the server: over TLS, with the certificate of the last login. The server must be the one that the
//! trust file pins. Knows TLS and pins; knows no route.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use identity::{CertificateFacts, Svid};
use identity::{KeyHash, SpiffeId};
use protocol::trust::Trust;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::CliError;
use super::admin::Credential;
use super::connection::Client;
use crate::custody::{Custody as _, SoftwareKey};
use crate::tls_key::TlsKey;

/// The server, and who asks.
#[derive(Debug, Args)]
pub(super) struct Remote {
    /// The trust file: where the server is, and which keys it may have.
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,
    #[command(flatten)]
    credential: Credential,
}

impl Remote {
    pub(super) fn connect(&self) -> Result<Client, CliError> {
        let octets =
            std::fs::read(&self.trust).map_err(|source| CliError::File { path: self.trust.clone(), source })?;
        let trust = Trust::from_bytes(&octets).map_err(CliError::failed("the trust file"))?;
        let key = self.credential.open()?;
        let path = self.credential.certificate();
        let pem = std::fs::read(&path).map_err(|source| CliError::File { path, source })?;
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<_, _>>()
            .map_err(CliError::failed("your certificate: log in again (ca-server admin login)"))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Pinned { keys: trust.root_keys, server: trust.server_id, provider: Arc::clone(&provider) };
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(CliError::failed("TLS"))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified(chain, key)?)));
        let http = reqwest::Client::builder()
            .use_preconfigured_tls(config)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(CliError::failed("the client cannot be made"))?;
        Client::new(http, trust.url.clone(), trust.url)
    }
}

/// Chain and key of the credential, as TLS takes them. The key stays in its custody.
fn certified(chain: Vec<CertificateDer<'static>>, key: SoftwareKey) -> Result<CertifiedKey, CliError> {
    let fits = chain
        .first()
        .is_some_and(|leaf| CertificateFacts::from_der(leaf).is_ok_and(|facts| facts.key == key.public_key().hash()));
    if !fits {
        return Err(CliError::No(
            "your certificate does not fit your key: log in again (ca-server admin login)".to_owned(),
        ));
    }
    Ok(CertifiedKey::new(chain, Arc::new(TlsKey(Arc::new(key)))))
}

/// Takes a server whose chain ends in a pinned root and whose leaf states the pinned identity, and no other.
#[derive(Debug)]
struct Pinned {
    keys: Vec<KeyHash>,
    server: SpiffeId,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let refused = || Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let pinned = |der: &&CertificateDer<'_>| {
            CertificateFacts::from_der(der).is_ok_and(|facts| self.keys.contains(&facts.key))
        };
        let root = chain.iter().find(pinned).ok_or_else(refused)?;
        let anchor = anchor_from_trusted_cert(root).map_err(|_| refused())?;
        let end = EndEntityCert::try_from(leaf).map_err(|_| refused())?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        end.verify_for_usage(algorithms, &[anchor], chain, now, KeyUsage::server_auth(), None, None)
            .map_err(|_| refused())?;
        let facts = CertificateFacts::from_der(leaf).map_err(|_| refused())?;
        let svid = Svid::leaf(&facts).map_err(|_| refused())?;
        if *svid.spiffe_id() == self.server { Ok(ServerCertVerified::assertion()) } else { Err(refused()) }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

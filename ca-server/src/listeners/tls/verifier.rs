//! Judges a client's certificate in the handshake. Knows chains and X509-SVIDs; knows no connection.

use std::fmt;
use std::sync::Arc;

use identity::TrustDomain;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme};

use super::certificate::client_certificate;

/// Verifies chains as rustls-webpki does, with State's issuers between leaf and root; and then that the leaf is a caller's.
pub(super) struct SvidVerifier {
    chains: Arc<dyn ClientCertVerifier>,
    issuers: Vec<CertificateDer<'static>>,
    trust_domain: TrustDomain,
}

impl SvidVerifier {
    pub(super) fn new(
        chains: Arc<dyn ClientCertVerifier>,
        issuers: Vec<CertificateDer<'static>>,
        trust_domain: TrustDomain,
    ) -> Self {
        Self { chains, issuers, trust_domain }
    }
}

impl ClientCertVerifier for SvidVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // Names of authorities are nobody's business before the handshake, and clients have one identity to show.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _presented: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.chains.verify_client_cert(end_entity, &self.issuers, now)?;
        client_certificate(end_entity, &self.trust_domain)
            .map_err(|error| CertificateError::Other(OtherError(Arc::new(error))))?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

impl fmt::Debug for SvidVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SvidVerifier({})", self.trust_domain)
    }
}

//! From the certificate that a client showed to who it says it is. Knows X509-SVIDs; that it chains to a root was verified
//! before.

use identity::svid::CertificateError;
use identity::{CertificateFacts, Svid, SvidError, TrustDomain};
use rustls::pki_types::CertificateDer;

use crate::caller::ClientCertificate;

/// Why a certificate that chains to our roots is none of a caller's.
#[derive(Debug, thiserror::Error)]
pub enum ClientCertificateError {
    /// It cannot be read.
    #[error("the client's certificate cannot be read")]
    Unreadable(#[from] CertificateError),
    /// It is no leaf X509-SVID.
    #[error("the client's certificate is no X509-SVID")]
    NoSvid(#[from] SvidError),
    /// It names another trust domain (T-42).
    #[error("the client is of trust domain {found}, not of {ours}")]
    TrustDomain {
        /// In the certificate.
        found: TrustDomain,
        /// This server's.
        ours: TrustDomain,
    },
}

/// Reads a client's leaf. SPIFFE-ID and X509-SVID, section 5: a leaf, exactly one SPIFFE id, our trust domain.
pub(super) fn client_certificate(
    leaf: &CertificateDer<'_>,
    ours: &TrustDomain,
) -> Result<ClientCertificate, ClientCertificateError> {
    let facts = CertificateFacts::from_der(leaf)?;
    let svid = Svid::leaf(&facts)?;
    let found = svid.spiffe_id().trust_domain();
    if found != ours {
        return Err(ClientCertificateError::TrustDomain { found: found.clone(), ours: ours.clone() });
    }
    Ok(ClientCertificate {
        serial: svid.serial(),
        spiffe_id: svid.spiffe_id().clone(),
        key: svid.key(),
        not_after: svid.not_after(),
    })
}

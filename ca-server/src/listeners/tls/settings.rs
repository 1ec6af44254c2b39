//! The TLS configuration in force: our leaf, whom we trust, and what is never negotiated. Knows rustls; knows no socket.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use identity::{Timestamp, TrustDomain};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::UnixTime;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, ServerConfig, SignatureScheme};
use tokio::sync::watch;

use super::trust::Trust;
use super::verifier::SvidVerifier;
use crate::service::Clock;

/// The TLS configuration in force. One value is shared by the listener, by who renews the leaf, and by who follows the
/// trusted authorities.
pub struct Tls {
    trust_domain: TrustDomain,
    clock: Clock,
    provider: Arc<CryptoProvider>,
    parts: Mutex<Parts>,
    config: ArcSwapOption<ServerConfig>,
    /// Goes up when something that was trusted is trusted no longer.
    distrust: watch::Sender<u64>,
}

#[derive(Default)]
struct Parts {
    leaf: Option<CertifiedKey>,
    trust: Trust,
}

/// Hears that something was trusted when a connection was made and is no longer.
pub(super) struct Distrusted(watch::Receiver<u64>);

/// Why a configuration was not taken into use. The one before stays.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A root's certificate is none.
    #[error("a trusted root cannot be used")]
    Root(#[source] rustls::Error),
    /// There is nobody to trust.
    #[error("no roots can be trusted")]
    Verifier(#[from] VerifierBuilderError),
    /// The leaf's certificate is not for its key.
    #[error("the server's leaf and its key do not belong together")]
    Leaf(#[source] rustls::Error),
    /// The library refuses what is above.
    #[error("no TLS configuration can be made")]
    Config(#[source] rustls::Error),
}

impl Tls {
    /// A configuration without a leaf; until it has one and somebody to trust, there is no handshake.
    #[must_use]
    pub fn new(trust_domain: TrustDomain, clock: Clock) -> Self {
        Self {
            trust_domain,
            clock,
            provider: Arc::new(provider()),
            parts: Mutex::default(),
            config: ArcSwapOption::empty(),
            distrust: watch::Sender::new(0),
        }
    }

    /// Shows another leaf from the next handshake on: leaf, issuer, root.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn set_leaf(&self, leaf: CertifiedKey) -> Result<(), TlsError> {
        leaf.keys_match().map_err(TlsError::Leaf)?;
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = self.config(Some(&leaf), &parts.trust)? {
            self.config.store(Some(config));
        }
        parts.leaf = Some(leaf);
        Ok(())
    }

    /// Trusts others from the next handshake on. When one of those before is not among them, every connection made until
    /// now has to end: its peer comes back and is verified anew.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn set_trust(&self, trust: Trust) -> Result<(), TlsError> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let config = self.config(parts.leaf.as_ref(), &trust)?;
        let lost = !trust.contains(&parts.trust);
        self.config.store(config);
        parts.trust = trust;
        if lost {
            self.distrust.send_modify(|losses| *losses = losses.saturating_add(1));
        }
        Ok(())
    }

    /// Index of the entry about authorities up to which trust is taken into use.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).trust.sequence
    }

    /// The time now.
    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The trust domain of callers.
    pub(super) fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// The configuration for a new connection, and what says that it was outlived.
    pub(super) fn current(&self) -> Option<(Arc<ServerConfig>, Distrusted)> {
        // Subscribed first: a change in between is heard, at worst for a connection that is already of the new kind.
        let distrusted = Distrusted(self.distrust.subscribe());
        Some((self.config.load_full()?, distrusted))
    }

    fn config(&self, leaf: Option<&CertifiedKey>, trust: &Trust) -> Result<Option<Arc<ServerConfig>>, TlsError> {
        let Some(leaf) = leaf.filter(|_| !trust.roots.is_empty()) else { return Ok(None) };
        let mut roots = RootCertStore::empty();
        for root in &trust.roots {
            roots.add(root.clone()).map_err(TlsError::Root)?;
        }
        let chains =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider)).build()?;
        let verifier = SvidVerifier::new(chains, trust.issuers.clone(), self.trust_domain.clone());
        let time = Arc::new(Time(Arc::clone(&self.clock)));
        let mut config = ServerConfig::builder_with_details(Arc::clone(&self.provider), time)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(TlsError::Config)?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(leaf.clone())));
        config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1.to_vec()];
        // T-08: nothing is resumed, so every connection's chain is verified against whom we trust now.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        Ok(Some(Arc::new(config)))
    }
}

impl Distrusted {
    /// Ends when it has happened.
    pub(super) async fn said(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody can say it any more; the listener stops by another word.
            std::future::pending::<()>().await;
        }
    }
}

/// aws-lc-rs with what we use of it: X25519MLKEM768 before X25519 and P-256, and the two kinds of signatures that we
/// certify keys for, in chains as in handshakes.
fn provider() -> CryptoProvider {
    CryptoProvider {
        kx_groups: vec![
            aws_lc_rs::kx_group::X25519MLKEM768,
            aws_lc_rs::kx_group::X25519,
            aws_lc_rs::kx_group::SECP256R1,
        ],
        cipher_suites: vec![
            aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384,
            aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
            aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ],
        signature_verification_algorithms: SIGNATURES,
        ..aws_lc_rs::default_provider()
    }
}

/// The composition root's clock, for certificates in handshakes.
struct Time(Clock);

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis((self.0)().millis())))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Time")
    }
}

/// The signatures of our certificates: issuers sign with P-256 and SHA-256 or with Ed25519, callers in handshakes too.
const SIGNATURES: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[webpki::aws_lc_rs::ECDSA_P256_SHA256, webpki::aws_lc_rs::ED25519],
    mapping: &[
        (SignatureScheme::ECDSA_NISTP256_SHA256, &[webpki::aws_lc_rs::ECDSA_P256_SHA256]),
        (SignatureScheme::ED25519, &[webpki::aws_lc_rs::ED25519]),
    ],
};

/// RFC 7301 names: RFC 9113, section 3.2.
pub(super) const HTTP_2: &[u8] = b"h2";
/// RFC 7301, section 6.
const HTTP_1: &[u8] = b"http/1.1";

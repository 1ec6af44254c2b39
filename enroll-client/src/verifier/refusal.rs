//! Why a peer is refused. Knows the reasons and how rustls is told; decides nothing.

use std::sync::Arc;
use std::time::Duration;

use identity::svid::{CertificateError, SvidError};
use identity::{Serial, SpiffeId, Timestamp, TrustDomain};

use super::clock::unix_time;
use super::rule::PeerRule;

/// Why a handshake fails, or a connection that stands is not valid any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    // Whose fault: ours. We do not know enough to trust anybody.
    /// The clock shows no time that can be in a certificate.
    #[error("this machine's clock is before 1970 or after the year 9999")]
    NoTime,
    /// The Workload API has given us no bundle, or has taken it away.
    #[error("no trust bundle is held")]
    NoBundle,
    /// No heartbeat has been verified yet.
    #[error("the revocation feed has not been heard yet")]
    FeedNotHeard,
    /// Whether the peer was revoked meanwhile is not known.
    #[error("the revocation feed is {age:?} old, {limit:?} are allowed")]
    FeedStale {
        /// Since the newest signed heartbeat.
        age: Duration,
        /// What [`Options`](super::Options) allow.
        limit: Duration,
    },
    /// A heartbeat from the future says nothing about now. One of the two clocks is wrong.
    #[error("the newest heartbeat is from {heartbeat}, it is {now} here")]
    FeedAhead {
        /// Time in the heartbeat.
        heartbeat: Timestamp,
        /// Our time.
        now: Timestamp,
    },

    // Whose fault: the peer's.
    /// A TLS connection without a client certificate, or before its handshake was done.
    #[error("the connection has no peer certificate")]
    NoCertificate,
    /// More certificates than any chain of ours.
    #[error("the peer sent {certificates} certificates, the limit is {limit}")]
    ChainTooLong {
        /// How many it sent.
        certificates: usize,
        /// How many are looked at.
        limit: usize,
    },
    /// Not a certificate.
    #[error("certificate {position} of the peer's chain cannot be read")]
    Malformed {
        /// Where in the chain; the leaf is 0.
        position: usize,
        /// What is wrong with it.
        source: CertificateError,
    },
    /// A certificate, but no leaf X509-SVID.
    #[error("the peer's certificate is no X509-SVID")]
    NotAnSvid(#[source] SvidError),
    /// An X509-SVID of somebody else's.
    #[error("{id} is not of trust domain {ours}")]
    OtherTrustDomain {
        /// Who it is.
        id: SpiffeId,
        /// What our bundle speaks for.
        ours: TrustDomain,
    },
    /// Not yet valid.
    #[error("the peer's certificate is valid from {not_before}, it is {now}")]
    NotYetValid {
        /// Our time.
        now: Timestamp,
        /// First moment of validity.
        not_before: Timestamp,
    },
    /// Not valid any more.
    #[error("the peer's certificate ended {not_after}, it is {now}")]
    Expired {
        /// Our time.
        now: Timestamp,
        /// Last second of validity.
        not_after: Timestamp,
    },
    /// No path from a root of the bundle to the leaf.
    #[error("the peer's chain does not lead to a root of our bundle: {}", .0)]
    Untrusted(webpki::Error),
    /// A certificate between leaf and root that may not be there.
    #[error("an issuer in the peer's chain is no authority of our trust domain: {reason}")]
    Issuer {
        /// The rule it breaks.
        reason: String,
    },

    // Whose fault: nobody's. A rule says no.
    /// A sound peer, and not the one that was asked for.
    #[error("{id} is not {rule}")]
    NotExpected {
        /// Who it is.
        id: SpiffeId,
        /// Who was expected.
        rule: PeerRule,
    },
    /// Revoked: the leaf, or an issuer above it.
    #[error("certificate {serial} is revoked")]
    Revoked {
        /// Which.
        serial: Serial,
    },
    /// Superseded, and its grace is over.
    #[error("certificate {serial} was replaced and cut off {cutoff}, it is {now}")]
    CutOff {
        /// Which.
        serial: Serial,
        /// When it ended for us.
        cutoff: Timestamp,
        /// Our time.
        now: Timestamp,
    },
}

impl Refusal {
    /// The refusal inside a handshake's error, where rustls has no name of its own for it.
    #[must_use]
    pub fn of(error: &rustls::Error) -> Option<&Self> {
        let rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) = error else { return None };
        other.0.downcast_ref()
    }
}

/// Each becomes the alert that tells the peer most: revoked, expired, unknown authority, or else just that its certificate will not do.
impl From<Refusal> for rustls::Error {
    fn from(refusal: Refusal) -> Self {
        use rustls::CertificateError as Tls;
        let error = match refusal {
            Refusal::Revoked { .. } | Refusal::CutOff { .. } => Tls::Revoked,
            Refusal::Expired { now, not_after } => {
                Tls::ExpiredContext { time: unix_time(now), not_after: unix_time(not_after) }
            }
            Refusal::NotYetValid { now, not_before } => {
                Tls::NotValidYetContext { time: unix_time(now), not_before: unix_time(not_before) }
            }
            Refusal::Untrusted(webpki::Error::UnknownIssuer) => Tls::UnknownIssuer,
            Refusal::Malformed { .. } => Tls::BadEncoding,
            Refusal::NoTime
            | Refusal::NoBundle
            | Refusal::FeedNotHeard
            | Refusal::FeedStale { .. }
            | Refusal::FeedAhead { .. }
            | Refusal::NoCertificate
            | Refusal::ChainTooLong { .. }
            | Refusal::NotAnSvid(_)
            | Refusal::OtherTrustDomain { .. }
            | Refusal::Untrusted(_)
            | Refusal::Issuer { .. }
            | Refusal::NotExpected { .. } => Tls::Other(rustls::OtherError(Arc::new(refusal))),
        };
        Self::InvalidCertificate(error)
    }
}

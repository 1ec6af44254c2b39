//! Why the keys of a cluster are not at hand. Knows the names of the reasons; fetches nothing.

use std::net::IpAddr;
use std::time::Duration;

use crate::attestation::kubernetes::address::Reach;
use crate::attestation::kubernetes::jwks::{JwksFlaw, MAX_JWKS_OCTETS};

/// Why there are no keys. All of it is ours or the cluster's, never the asker's.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// None were fetched yet, or they grew too old.
    #[error("no keys were fetched within the last hour")]
    NoneAtHand,
    /// No answer, or none that TLS takes.
    #[error("the server of the key set gives no answer")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No whole answer in time.
    #[error("the server of the key set gave no whole answer within {}s", limit.as_secs())]
    TimedOut {
        /// How long it had.
        limit: Duration,
    },
    /// Its name leads to an address of another kind than configured.
    #[error("the server of the key set has the address {found}, which is not {wanted:?}")]
    Address {
        /// The address.
        found: IpAddr,
        /// The kind that is configured.
        wanted: Reach,
    },
    /// A redirect. It is not followed: where the keys are is the operator's to say (CVE-2026-22772).
    #[error("the server of the key set redirects (status {status}); redirects are not followed")]
    Redirected {
        /// Its status.
        status: u16,
    },
    /// Another status than 200.
    #[error("the server of the key set answers with status {status}, wanted is 200")]
    Status {
        /// Its status.
        status: u16,
    },
    /// A compressed answer, which was not asked for.
    #[error("the server of the key set sends a Content-Encoding; none was asked for")]
    Encoded,
    /// Too long an answer.
    #[error("the key set has more than {MAX_JWKS_OCTETS} octets")]
    TooLong,
    /// The file cannot be read.
    #[error("the file with the key set cannot be read")]
    File(#[source] std::io::Error),
    /// Read, and refused.
    #[error("the key set is refused")]
    Refused(#[from] JwksFlaw),
}

impl KeysError {
    /// The name of the reason, for problems, counters and tests.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::NoneAtHand => "keys-not-at-hand",
            Self::Unreachable(_) => "keys-unreachable",
            Self::TimedOut { .. } => "keys-timed-out",
            Self::Address { .. } => "keys-address",
            Self::Redirected { .. } => "keys-redirected",
            Self::Status { .. } => "keys-status",
            Self::Encoded => "keys-encoded",
            Self::TooLong => "keys-too-long",
            Self::File(_) => "keys-file",
            Self::Refused(_) => "keys-refused",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn fix(&self) -> &'static str {
        match self {
            Self::NoneAtHand | Self::Unreachable(_) | Self::TimedOut { .. } | Self::Status { .. } => {
                "try again in a minute; if it stays, the server's operator must see why the cluster's key set is not \
                 fetched (jwks_url, jwks_ca_file), or give it as jwks_file"
            }
            Self::Address { .. } => {
                "the server's operator must set jwks_reach to the kind of address that the server has"
            }
            Self::Redirected { .. } => "the server's operator must put the final address into jwks_url",
            Self::Encoded | Self::TooLong | Self::Refused(_) => {
                "the server's operator must look at what stands at jwks_url: it is no key set of a cluster"
            }
            Self::File(_) => "the server's operator must make jwks_file readable",
        }
    }
}

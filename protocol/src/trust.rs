//! `trust.json`: what a client starts from. There is no trust on first use. Knows no certificate.

use identity::{KeyHash, Sha256Hash, SpiffeId, TrustDomain};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::limits::MAX_TRUST_OCTETS;

/// What a client starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// Format: 1.
    pub v: u64,
    /// The trust domain.
    #[serde(with = "identity::text")]
    #[schema(value_type = String)]
    pub trust_domain: TrustDomain,
    /// Where the server is, `https://host:port`.
    pub url: String,
    /// The identity that the server's certificate must state.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^spiffe://")]
    pub server_id: SpiffeId,
    /// SHA-256 of the SubjectPublicKeyInfo of each root that the server's chain may end in.
    #[serde(with = "identity::text::list")]
    #[schema(value_type = Vec<String>, pattern = "^[0-9a-f]{64}$")]
    pub root_keys: Vec<KeyHash>,
    /// The ledger.
    pub ledger: LedgerTrust,
    /// A checkpoint of it (C2SP tlog-checkpoint): no older head is taken.
    pub checkpoint: String,
}

/// How to know the ledger's checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LedgerTrust {
    /// Origin line.
    pub origin: String,
    /// Verifier key (C2SP signed-note).
    pub key: String,
}

/// Why octets are no trust file.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// Too long.
    #[error("the trust file has {octets} octets, {limit} are allowed")]
    TooLong {
        /// Its length.
        octets: usize,
        /// At most.
        limit: usize,
    },
    /// Not JSON of this form.
    #[error("the trust file cannot be read")]
    Malformed(#[source] serde_json::Error),
    /// Another format.
    #[error("the trust file has format {found}, this program knows {known}")]
    Version {
        /// In the file.
        found: u64,
        /// Here.
        known: u64,
    },
    /// It pins nothing.
    #[error("the trust file pins no root key")]
    NoPins,
    /// The server's identity is of another trust domain.
    #[error("the server's identity {server_id} is not of trust domain {trust_domain}")]
    OtherDomain {
        /// The identity.
        server_id: SpiffeId,
        /// The trust domain.
        trust_domain: TrustDomain,
    },
    /// Not an https URL.
    #[error("the server's URL does not begin with https://")]
    NotHttps,
}

impl Trust {
    /// Reads and checks a trust file.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn from_bytes(octets: &[u8]) -> Result<Self, TrustError> {
        if octets.len() > MAX_TRUST_OCTETS {
            return Err(TrustError::TooLong { octets: octets.len(), limit: MAX_TRUST_OCTETS });
        }
        let trust: Self = serde_json::from_slice(octets).map_err(TrustError::Malformed)?;
        if trust.v != FORMAT {
            return Err(TrustError::Version { found: trust.v, known: FORMAT });
        }
        if trust.root_keys.is_empty() {
            return Err(TrustError::NoPins);
        }
        if *trust.server_id.trust_domain() != trust.trust_domain {
            return Err(TrustError::OtherDomain { server_id: trust.server_id, trust_domain: trust.trust_domain });
        }
        if !trust.url.starts_with("https://") {
            return Err(TrustError::NotHttps);
        }
        Ok(trust)
    }

    /// The octets of the file. They are written once; their hash is in every join token.
    ///
    /// # Errors
    /// None that is known: all members are text and numbers.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut octets = serde_json::to_vec(self)?;
        octets.push(b'\n');
        Ok(octets)
    }
}

/// SHA-256 of a trust file's octets, as a join token carries it.
#[must_use]
pub fn hash(octets: &[u8]) -> Sha256Hash {
    Sha256Hash::of(octets)
}

/// The format that this program writes and reads.
pub const FORMAT: u64 = 1;

/// Path of the server's own identity below its trust domain.
pub const SERVER_PATH: &str = "/brevet/server";

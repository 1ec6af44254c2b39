//! Revocation: what an admin sends and gets. Knows no CRL.

use identity::{HostId, KeyHash, RequestId, Serial, Sha256Hash, SpiffeId};
use serde::{Deserialize, Serialize};

use crate::enroll::ReceiptMessage;

/// `POST /v1/revoke`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeRequest {
    /// Chosen by the asker, random; the same when it asks again.
    #[serde(with = "identity::text")]
    pub request: RequestId,
    /// Which certificates.
    pub target: Target,
    /// Reason after RFC 5280, section 5.3.1, for example `key-compromise`; `unspecified` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, in words; must not name a person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// Only tell what it would hit.
    #[serde(default)]
    pub dry_run: bool,
}

/// Which certificates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Target {
    /// One certificate.
    Serial(#[serde(with = "identity::text")] Serial),
    /// All with this SPIFFE id.
    Agent(#[serde(with = "identity::text")] SpiffeId),
    /// The host's own and those of its agents.
    Host(#[serde(with = "identity::text")] HostId),
    /// All with this public key.
    Key(#[serde(with = "identity::text")] KeyHash),
}

/// The answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// How many certificates it hit, or would hit.
    pub count: u64,
    /// SHA-256 of their sorted serials.
    #[serde(with = "identity::text")]
    pub serials: Sha256Hash,
    /// Index of the entry; absent after a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// Proof of the entry; absent after a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<ReceiptMessage>,
}

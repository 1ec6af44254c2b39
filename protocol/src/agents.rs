//! Agents of a host: the signed list, and the request for an agent's first identity. Knows no template.

use identity::{HostId, KeyKind, Lifetime, RequestId, SpiffeId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Binary;

/// `GET /v1/agents`: the list, as text that was signed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedAgentList {
    /// An [`AgentList`] as JSON.
    pub list: String,
    /// Ed25519 signature of the ledger's key over [`signed_octets`].
    pub signature: Binary,
}

/// The agents that a host may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentList {
    /// For this host only.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub host: HostId,
    /// Size of the ledger that the list was made from; a list never replaces one from a larger ledger.
    pub size: u64,
    /// When it was made.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$")]
    pub time: Timestamp,
    /// The agents, by name.
    pub agents: Vec<AgentOffer>,
}

/// An agent that a host may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentOffer {
    /// Name, unique on the host.
    pub name: String,
    /// The identity that it would get.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^spiffe://")]
    pub spiffe_id: SpiffeId,
    /// Kind of key to be made.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^(p256|ed25519)$")]
    pub key: KeyKind,
    /// Life of its certificates.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[1-9][0-9]{0,8}[smhd]$")]
    pub lifetime: Lifetime,
    /// Numeric user id that the process must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// Numeric group id that the process must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
    /// Absolute path of the executable that the process must run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable: Option<String>,
}

/// `POST /v1/agents`: the first identity of an agent.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentRequest {
    /// Chosen by the asker, random; the same when it asks again.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub request: RequestId,
    /// Name of the agent.
    pub agent: String,
    /// Certification request with a new key, DER.
    pub csr: Binary,
}

/// The octets that the ledger's key signs for a list.
#[must_use]
pub fn signed_octets(list: &str) -> Vec<u8> {
    let mut octets = b"brevet-agents/v1\n".to_vec();
    octets.extend_from_slice(list.as_bytes());
    octets
}

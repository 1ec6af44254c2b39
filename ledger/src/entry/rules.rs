//! Entries about what may be issued: the policy in force, and the agents of each class of hosts. Knows no policy language.

use identity::{KeyKind, Lifetime, Sha256Hash};
use serde::{Deserialize, Serialize};

/// A policy bundle (profiles and Cedar policies) came into force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyLoaded {
    /// SHA-256 of the bundle, which stands beside the ledger under that name.
    #[serde(with = "identity::text")]
    pub bundle: Sha256Hash,
    /// Its length in octets.
    pub octets: u64,
    /// Names of its profiles.
    pub profiles: Vec<String>,
    /// Ids of its policies.
    pub policies: Vec<String>,
    /// Indexes of the approvals that this entry spends, where the two-person rule is on.
    pub approvals: Vec<u64>,
}

/// Hosts of a class may from now on ask for this agent. An agent of the same class and name is replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentAdded {
    /// Name of the agent, unique in its class.
    pub agent: String,
    /// The class of hosts: the name of their profile.
    pub profile: String,
    /// Template of the SPIFFE id's path, for example `{host}/agent/web`.
    pub id: String,
    /// How the client picks the process.
    pub selectors: Selectors,
    /// Kind of the agent's key.
    #[serde(with = "identity::text")]
    pub key: KeyKind,
    /// Life of its certificates.
    #[serde(with = "identity::text")]
    pub lifetime: Lifetime,
    /// What becomes of a renewed certificate, `expire`, `refuse` or `revoke`; absent: what the profile says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cutoff: Option<String>,
}

/// What a process must be to get an agent's identity; all that are set must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selectors {
    /// Numeric user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// Numeric group id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
    /// Absolute path of the executable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable: Option<String>,
}

/// Hosts of a class may no longer ask for this agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentRemoved {
    /// Name of the agent.
    pub agent: String,
    /// The class of hosts.
    pub profile: String,
}

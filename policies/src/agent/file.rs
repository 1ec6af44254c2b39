//! Agent rules as they are written in TOML or JSON. Knows names, units and defaults; [`super::AgentRule`] knows what is allowed.

use identity::{KeyKind, Lifetime};
use serde::{Deserialize, Serialize};

use crate::cutoff::Cutoff;

/// One agent of one class of hosts.
///
/// ```toml
/// name = "web"
/// profile = "build"
/// id = "{host}/agent/web"
/// selectors = { uid = 1000, executable = "/usr/bin/web" }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentRuleFile {
    /// The agent's name, unique in its profile; `a-z`, `0-9` and `-`.
    pub name: String,
    /// The class of hosts that may ask for it: the name of their profile.
    pub profile: String,
    /// The path of its SPIFFE id: below its host, as in `"{host}/agent/web"`, or from the host's claims, as in
    /// `"/service/{namespace}/web"`, which is then one identity on several hosts.
    pub id: String,
    /// What a process on the host must be to get the identity.
    pub selectors: SelectorsFile,
    /// The kind of its key, `"p256"` or `"ed25519"`. Default `"p256"`. The profile must allow it.
    #[serde(default, with = "identity::text::option", skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyKind>,
    /// Life of its certificates; a number and s, m, h or d. Default `"1h"`, 5 s to 24 h.
    #[serde(default, with = "identity::text::option", skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Lifetime>,
    /// What becomes of a renewed certificate: `"expire"`, `"refuse"` or `"revoke"`. Default: what the profile says.
    #[serde(default, with = "identity::text::option", skip_serializing_if = "Option::is_none")]
    pub cutoff: Option<Cutoff>,
}

/// What a process must be; all that are set must match. A uid or a gid must be set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectorsFile {
    /// Numeric user id of the process. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// Numeric group id of the process. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
    /// Absolute path of its executable, as the kernel shows it: nothing to resolve. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable: Option<String>,
}

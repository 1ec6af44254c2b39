//! A question as it is written in a case table or on a command line. Knows names of fields; what belongs together is checked
//! by [`super::Question`].

use std::collections::BTreeMap;

use identity::{KeyKind, Lifetime, PersonId};
use serde::Deserialize;

use crate::action::Action;
use crate::claims::ClaimValue;

/// May this one do this? Which fields an action needs is told where one is missing; a field that it has no use for is refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionFile {
    /// What is asked for, such as `"enrol"`: the names of the schema's actions.
    #[serde(with = "identity::text")]
    pub action: Action,
    /// Who asks, where that is a person or the socket's root: `"admin"`, `"auditor"` or `"local"`.
    #[serde(rename = "as", default)]
    pub operator: Option<OperatorFile>,
    /// The person's id. Default: one that nobody has.
    #[serde(default, with = "identity::text::option")]
    pub person: Option<PersonId>,
    /// The host that asks, or that it is about.
    #[serde(default)]
    pub host: Option<HostFile>,
    /// The path of the agent's id: the agent that a host asks for, or that follows the feed.
    #[serde(default)]
    pub agent: Option<String>,
    /// The attestor that checked the evidence.
    #[serde(default)]
    pub attestor: Option<String>,
    /// The profile that the evidence fixes: that of a join token.
    #[serde(default)]
    pub fixed_profile: Option<String>,
    /// The profile that the requester names.
    #[serde(default)]
    pub asked_profile: Option<String>,
    /// What the evidence says, or the token stands for.
    #[serde(default)]
    pub claims: Option<BTreeMap<String, ClaimValueFile>>,
    /// The kind of the key in the request. Default: `"p256"`, or that of the agent.
    #[serde(default, with = "identity::text::option")]
    pub key: Option<KeyKind>,
    /// The profile of a join token.
    #[serde(default)]
    pub profile: Option<String>,
    /// The life of a join token; a number and s, m, h or d.
    #[serde(default, with = "identity::text::option")]
    pub lifetime: Option<Lifetime>,
    /// The name of the agent that is listed, or listed no longer, and its profile: one of the table's `[[agent]]`.
    #[serde(default)]
    pub rule: Option<RuleFile>,
    /// How a revocation picks its certificates: `"serial"`, `"agent"`, `"host"`, `"key"`.
    #[serde(default)]
    pub by: Option<String>,
    /// Why certificates are revoked: a reason of RFC 5280 in words joined by `-`.
    #[serde(default)]
    pub reason: Option<String>,
    /// How many certificates a revocation hits.
    #[serde(default)]
    pub count: Option<u64>,
    /// What an authority becomes, such as `"active"`.
    #[serde(default)]
    pub to: Option<String>,
    /// As what a person is admitted, or was: `"admin"` or `"auditor"`.
    #[serde(default)]
    pub role: Option<RoleFile>,
    /// The action that is approved.
    #[serde(default, with = "identity::text::option")]
    pub approves: Option<Action>,
}

/// Who asks, where it is no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperatorFile {
    /// A person admitted as admin.
    Admin,
    /// A person admitted as auditor.
    Auditor,
    /// Root on the socket.
    Local,
}

/// A role's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoleFile {
    /// Changes things.
    Admin,
    /// Reads everything, changes nothing.
    Auditor,
}

/// A host that enrolled.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostFile {
    /// The path of its SPIFFE id, such as `"/host/web-1"`.
    pub path: String,
    /// The profile it enrolled under.
    pub profile: String,
    /// The claims of its evidence. Default: none.
    #[serde(default)]
    pub claims: BTreeMap<String, ClaimValueFile>,
}

/// An agent rule, by profile and name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// Its profile.
    pub profile: String,
    /// Its name.
    pub name: String,
}

/// A claim's value: a text, an integer, true or false, or a list of texts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum ClaimValueFile {
    /// A text.
    Text(String),
    /// An integer.
    Number(i64),
    /// Yes or no.
    Bool(bool),
    /// Several texts.
    List(Vec<String>),
}

impl From<ClaimValueFile> for ClaimValue {
    fn from(value: ClaimValueFile) -> Self {
        match value {
            ClaimValueFile::Text(text) => Self::Text(text),
            ClaimValueFile::Number(number) => Self::Number(number),
            ClaimValueFile::Bool(flag) => Self::Bool(flag),
            ClaimValueFile::List(items) => Self::List(items),
        }
    }
}

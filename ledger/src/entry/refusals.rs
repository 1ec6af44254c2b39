//! Entries about what was refused. Knows rule names; knows nothing that a stranger wrote.

use std::collections::BTreeMap;

use identity::Timestamp;
use serde::{Deserialize, Serialize};

/// A known requester was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestRefused {
    /// What was asked for, for example `renew`.
    pub operation: String,
    /// Name of the rule that refused.
    pub rule: String,
}

/// Refusals that were counted instead of written one by one: those of strangers, and those of a known requester beyond
/// ten a minute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusalsSummed {
    /// Start of the time they were counted in.
    #[serde(with = "identity::text")]
    pub since: Timestamp,
    /// End of it.
    #[serde(with = "identity::text")]
    pub until: Timestamp,
    /// The counts.
    pub groups: Vec<RefusalGroup>,
    /// Refusals beyond the number of groups that one entry names.
    pub others: u64,
}

/// Refusals from one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusalGroup {
    /// The source: an address prefix (/24 or /56), or an actor.
    pub source: String,
    /// Count by rule name.
    pub rules: BTreeMap<String, u64>,
}

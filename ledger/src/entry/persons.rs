//! Entries about persons: admins and auditors. Knows their ids and keys, never their names.

use identity::{KeyHash, PersonId, Sha256Hash, Timestamp};
use serde::{Deserialize, Serialize};

/// A person was admitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonAdmitted {
    /// The random id under which the person stands from now on.
    #[serde(with = "identity::text")]
    pub person: PersonId,
    /// What the person may be asked for.
    pub role: Role,
    /// SHA-256 of the person's credential key (SubjectPublicKeyInfo).
    #[serde(with = "identity::text")]
    pub key: KeyHash,
    /// Indexes of the approvals that this entry spends; none for the first two, who come from `init`.
    pub approvals: Vec<u64>,
}

/// What a person may be asked for; what exactly is decided by policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Changes things.
    Admin,
    /// Reads everything, changes nothing.
    Auditor,
}

/// A person is no longer one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonRemoved {
    /// Who.
    #[serde(with = "identity::text")]
    pub person: PersonId,
    /// Why.
    pub reason: String,
}

/// A person approved one action of somebody else; the entry that performs the action spends it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalGiven {
    /// Who approves.
    #[serde(with = "identity::text")]
    pub person: PersonId,
    /// The kind of entry that may spend it, for example `person-admitted`.
    pub action: String,
    /// SHA-256 of the action's scope: what exactly may be done.
    #[serde(with = "identity::text")]
    pub scope: Sha256Hash,
    /// The size of the ledger that the person had seen.
    pub seen: u64,
    /// Not to be spent after this.
    #[serde(with = "identity::text")]
    pub expires: Timestamp,
}

//! Entries that end what was issued: revocations, evictions, bans, CRLs. Knows no CRL encoding.

use identity::{HostId, KeyHash, KeyIdentifier, Serial, Sha256Hash, SpiffeId, Timestamp};
use serde::{Deserialize, Serialize};

/// Certificates were revoked: all that the predicate hits among those recorded below `evaluated_at`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificatesRevoked {
    /// Which.
    pub predicate: Predicate,
    /// Size of the ledger at which the predicate was evaluated.
    pub evaluated_at: u64,
    /// How many unexpired certificates it hit.
    pub count: u64,
    /// SHA-256 of their serials, 16 octets each, sorted, one after the other.
    #[serde(with = "identity::text")]
    pub serials: Sha256Hash,
    /// Why, after RFC 5280, section 5.3.1.
    pub reason: RevocationReason,
    /// Why, in words; must not name a person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
}

/// Which certificates a revocation hits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Predicate {
    /// One certificate.
    Serial(#[serde(with = "identity::text")] Serial),
    /// All with this SPIFFE id.
    Agent(#[serde(with = "identity::text")] SpiffeId),
    /// The host's own and those of its agents.
    Host(#[serde(with = "identity::text")] HostId),
    /// All with this public key; later requests with it are refused as well.
    Key(#[serde(with = "identity::text")] KeyHash),
    /// The superseded ones that were to be revoked at a cutoff which has come by this time.
    Cutoff(#[serde(with = "identity::text")] Timestamp),
}

/// Reason codes of RFC 5280, section 5.3.1, that a revocation may give. `unspecified` is written on CRLs as no reason
/// at all, as that section asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationReason {
    /// None given.
    #[default]
    Unspecified,
    /// The key is known to somebody else.
    KeyCompromise,
    /// The agent or host is something else now.
    AffiliationChanged,
    /// Replaced by another certificate.
    Superseded,
    /// No longer needed.
    CessationOfOperation,
    /// What it stated no longer holds.
    PrivilegeWithdrawn,
}

impl RevocationReason {
    /// Every reason there is.
    pub const ALL: &[Self] = &[
        Self::Unspecified,
        Self::KeyCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::PrivilegeWithdrawn,
    ];

    /// The CRLReason code, absent for `unspecified`.
    #[must_use]
    pub fn code(self) -> Option<u8> {
        match self {
            Self::Unspecified => None,
            Self::KeyCompromise => Some(1),
            Self::AffiliationChanged => Some(3),
            Self::Superseded => Some(4),
            Self::CessationOfOperation => Some(5),
            Self::PrivilegeWithdrawn => Some(9),
        }
    }
}

/// A host must prove anew what it is: its binding to a key is gone, its certificates renew no more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostEvicted {
    /// Which.
    #[serde(with = "identity::text")]
    pub host: HostId,
    /// Why; must not name a person.
    pub reason: String,
}

/// A host may not enrol again, nor renew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostBanned {
    /// Which.
    #[serde(with = "identity::text")]
    pub host: HostId,
    /// Why; must not name a person.
    pub reason: String,
}

/// A ban was lifted; the host is evicted, and may prove anew what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostUnbanned {
    /// Which.
    #[serde(with = "identity::text")]
    pub host: HostId,
}

/// A CRL may be signed. Its number is the index of this entry, so it can never fall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrlAuthorised {
    /// The authority whose certificates it speaks of.
    #[serde(with = "identity::text")]
    pub issuer: KeyIdentifier,
    /// The shard; absent for the full CRL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u32>,
    /// Its thisUpdate.
    #[serde(with = "identity::text")]
    pub this_update: Timestamp,
    /// Its nextUpdate.
    #[serde(with = "identity::text")]
    pub next_update: Timestamp,
    /// It speaks of the entries below this index.
    pub up_to: u64,
    /// How many serials stand on it.
    pub revoked: u64,
    /// SHA-256 of the octets that the issuer signs (TBSCertList).
    #[serde(with = "identity::text")]
    pub tbs: Sha256Hash,
}

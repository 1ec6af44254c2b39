//! Entries about what is trusted: the log itself and the authorities. Knows no key.

use identity::{KeyHash, KeyIdentifier, Sha256Hash, Timestamp, TrustDomain};
use serde::{Deserialize, Serialize};

use super::Octets;

/// Entry 0: the log begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerCreated {
    /// The trust domain that this log serves.
    #[serde(with = "identity::text")]
    pub trust_domain: TrustDomain,
    /// The origin line of its checkpoints (C2SP tlog-checkpoint).
    pub origin: String,
    /// The verifier key of its checkpoints (C2SP signed-note, Ed25519).
    pub key: String,
}

/// A root or issuing authority came into being.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityCreated {
    /// Its subject key identifier, which names it from now on.
    #[serde(with = "identity::text")]
    pub authority: KeyIdentifier,
    /// Root or issuer.
    pub role: AuthorityRole,
    /// The state it starts in.
    pub state: AuthorityState,
    /// SHA-256 of its public key (SubjectPublicKeyInfo).
    #[serde(with = "identity::text")]
    pub key: KeyHash,
    /// The authority that signed it; absent for a root.
    #[serde(with = "identity::text::option", default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<KeyIdentifier>,
    /// End of its life.
    #[serde(with = "identity::text")]
    pub not_after: Timestamp,
    /// Its certificate, DER.
    pub certificate: Octets,
}

/// What an authority is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthorityRole {
    /// A trust anchor; signs issuers.
    Root,
    /// Signs leaves and CRLs.
    Issuer,
}

/// The life of an authority (design, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthorityState {
    /// Exists, is trusted by nobody yet.
    Prepared,
    /// In the bundle; signs nothing yet.
    Published,
    /// Signs.
    Active,
    /// Signs no leaf any more; still trusted, still signs its CRL.
    Retiring,
    /// Out of the bundle.
    Retired,
    /// Its key is known to others: nothing it signed is trusted.
    Compromised,
}

/// An authority went from one state to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityChanged {
    /// Which.
    #[serde(with = "identity::text")]
    pub authority: KeyIdentifier,
    /// From this state.
    pub from: AuthorityState,
    /// To this one.
    pub to: AuthorityState,
    /// Set when a person overrode the rule that every live client must hold the bundle first: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<String>,
    /// SHA-256 of the list of clients that had acknowledged the bundle, kept beside the ledger.
    #[serde(with = "identity::text::option", default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Sha256Hash>,
}

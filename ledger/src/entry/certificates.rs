//! The entry that lets a certificate be signed. Knows its to-be-signed octets; knows no key.

use identity::{HostId, KeyHash, KeyIdentifier, PersonId, Serial, Sha256Hash, SpiffeId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Claims, Octets};

/// A certificate may be signed, and counts as issued from here on (design, section 1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateAuthorised {
    /// Whom it is for.
    pub subject: Subject,
    /// The one identity that it states.
    #[serde(with = "identity::text")]
    pub spiffe_id: SpiffeId,
    /// Its serial number.
    #[serde(with = "identity::text")]
    pub serial: Serial,
    /// The authority that signs it.
    #[serde(with = "identity::text")]
    pub issuer: KeyIdentifier,
    /// SHA-256 of its public key (SubjectPublicKeyInfo).
    #[serde(with = "identity::text")]
    pub key: KeyHash,
    /// Start of its validity, whole seconds.
    #[serde(with = "identity::text")]
    pub not_before: Timestamp,
    /// End of its validity, whole seconds.
    #[serde(with = "identity::text")]
    pub not_after: Timestamp,
    /// The profile it was made under; absent for the server and for persons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Index of the `policy-loaded` entry under which it was decided.
    pub policy: u64,
    /// Ids of the policies that permitted it.
    pub rules: Vec<String>,
    /// What the host showed; absent where a live certificate was the proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceUsed>,
    /// The certificate that it renews and so supersedes.
    #[serde(with = "identity::text::option", default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<Serial>,
    /// From when on verifiers that follow us refuse the superseded one; absent: it simply expires.
    #[serde(with = "identity::text::option", default, skip_serializing_if = "Option::is_none")]
    pub cutoff: Option<Timestamp>,
    /// Whether the superseded one is revoked at its cutoff, so that it stands on CRLs too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revoke_at_cutoff: bool,
    /// The CRL shard on which it would stand, fixed for its life.
    pub shard: u32,
    /// The octets that the issuer signs (TBSCertificate, RFC 5280, section 4.1).
    pub tbs: Octets,
}

/// Whom a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Subject {
    /// The server's own listener.
    Server,
    /// A host.
    Host {
        /// Its random id.
        #[serde(with = "identity::text")]
        host: HostId,
    },
    /// An agent on a host.
    Agent {
        /// The host that asked.
        #[serde(with = "identity::text")]
        host: HostId,
        /// The agent's name in the host's class.
        agent: String,
    },
    /// An admin or auditor.
    Person {
        /// Who.
        #[serde(with = "identity::text")]
        person: PersonId,
    },
}

/// The evidence that a certificate rests on. The evidence itself is not written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceUsed {
    /// Name of the attestor, as configured.
    pub attestor: String,
    /// SHA-256 that identifies the proof; a proof is bound to the key of its first use.
    #[serde(with = "identity::text")]
    pub proof: Sha256Hash,
    /// Until when the proof could be shown again, and so is remembered as spent.
    #[serde(with = "identity::text")]
    pub proof_until: Timestamp,
    /// SHA-256 of the server's nonce that the request carried.
    #[serde(with = "identity::text")]
    pub nonce: Sha256Hash,
    /// Until when the nonce could be shown again.
    #[serde(with = "identity::text")]
    pub nonce_until: Timestamp,
    /// The host's earlier key, whose possession was proved when the host came back.
    #[serde(with = "identity::text::option", default, skip_serializing_if = "Option::is_none")]
    pub bound_key: Option<KeyHash>,
    /// What the evidence said.
    pub claims: Claims,
}

//! Challenge, enrolment and renewal: what a host sends and gets. Knows no attestor.

use identity::{HostId, RequestId, Serial, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Binary;

/// `POST /v1/challenge`: an empty object.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChallengeRequest {}

/// The answer: a nonce to be carried in the CSR as challengePassword.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// The nonce, text.
    pub nonce: String,
    /// Not to be used after this.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$")]
    pub expires: Timestamp,
}

/// `POST /v1/enroll`: a host shows what it is and asks for its identity.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrollRequest {
    /// Chosen by the asker, random; the same when it asks again.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub request: RequestId,
    /// The profile wanted; needed only where the evidence leaves a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// What the host shows.
    pub evidence: Evidence,
    /// The server's nonce, as given.
    pub nonce: String,
    /// Certification request, DER (RFC 2986); only its key is taken from it.
    pub csr: Binary,
    /// Proof of the key that the host is bound to, when it comes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_key: Option<BoundKey>,
}

/// What a host shows.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The kind: `join-token`, `kubernetes` or `aws-iid`.
    pub kind: String,
    /// The token. A secret: never logged.
    pub token: String,
}

impl std::fmt::Debug for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evidence").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Proof of possession of the key that a host is bound to; see [`crate::reenrol::signed_octets`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BoundKey {
    /// SubjectPublicKeyInfo, DER.
    pub spki: Binary,
    /// The signature: ECDSA with SHA-256 in DER form, or Ed25519.
    pub signature: Binary,
}

/// `POST /v1/renew`: the host renews its own certificate or that of one of its agents.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewRequest {
    /// Chosen by the asker, random; the same when it asks again.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub request: RequestId,
    /// The certificate to be renewed.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub renews: Serial,
    /// Certification request with a new key, DER.
    pub csr: Binary,
}

/// A certificate and the proof that it is in the ledger.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Issued {
    /// Leaf, then issuer, DER.
    pub chain: Vec<Binary>,
    /// Roots that are trusted now, DER.
    pub roots: Vec<Binary>,
    /// The proof.
    pub receipt: ReceiptMessage,
    /// The host's random id.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub host: HostId,
}

/// A receipt: an entry's octets and their proof (C2SP tlog-proof). Checked by crate `ledger`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptMessage {
    /// The entry's octets.
    pub entry: Binary,
    /// The proof, text.
    pub proof: String,
}

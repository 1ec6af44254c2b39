//! Admin messages: tokens, agents, hosts, persons, policy, status. The same on the admin socket and over mTLS.

use std::collections::BTreeMap;

use identity::{
    HostId, KeyHash, KeyKind, Lifetime, PersonId, RequestId, Serial, Sha256Hash, SpiffeId, Timestamp, TokenId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Binary;
use crate::enroll::ReceiptMessage;

/// What an act that changed something answers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// Index of the entry.
    pub index: u64,
    /// Proof of it.
    pub receipt: ReceiptMessage,
}

/// `POST /v1/admin/tokens`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// Chosen by the asker, random.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub request: RequestId,
    /// The profile under which its holder enrols.
    pub profile: String,
    /// Claims that it stands for, for example `name`.
    pub claims: BTreeMap<String, String>,
    /// How long it may wait for its use.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[1-9][0-9]{0,8}[smhd]$")]
    pub lifetime: Lifetime,
}

/// The answer: the only time that the token is shown.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenCreated {
    /// Public id.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub id: TokenId,
    /// The token. A secret.
    pub token: String,
    /// Not to be used after this.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$")]
    pub expires: Timestamp,
    /// The entry.
    pub done: Done,
}

impl std::fmt::Debug for TokenCreated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenCreated").field("id", &self.id).field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// One token in the list `GET /v1/admin/tokens`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenView {
    /// Public id.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub id: TokenId,
    /// The profile under which its holder enrols.
    pub profile: String,
    /// Not to be used after this.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$")]
    pub expires: Timestamp,
    /// `open`, `used` or `revoked`.
    pub state: String,
}

/// `POST /v1/admin/agents`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddAgent {
    /// Chosen by the asker, random.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub request: RequestId,
    /// The agent.
    pub agent: AgentView,
}

/// An agent of a class of hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentView {
    /// Name, unique in its class.
    pub agent: String,
    /// The class of hosts: the name of their profile.
    pub profile: String,
    /// Template of the path of its SPIFFE id.
    pub id: String,
    /// Numeric user id that the process must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// Numeric group id that the process must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
    /// Absolute path of the executable that the process must run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable: Option<String>,
    /// Kind of its key.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^(p256|ed25519)$")]
    pub key: KeyKind,
    /// Life of its certificates.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[1-9][0-9]{0,8}[smhd]$")]
    pub lifetime: Lifetime,
    /// What becomes of a renewed certificate, `expire`, `refuse` or `revoke`; absent: what the profile says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cutoff: Option<String>,
}

/// `POST /v1/admin/hosts/<id>/standing`: evict, ban, unban.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StandHost {
    /// Chosen by the asker, random.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub request: RequestId,
    /// `evict`, `ban` or `unban`.
    pub change: String,
    /// Why; must not name a person.
    pub reason: String,
}

/// One host in the list `GET /v1/admin/hosts`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HostView {
    /// Random id.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub host: HostId,
    /// Its identity.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^spiffe://")]
    pub spiffe_id: SpiffeId,
    /// Its class.
    pub profile: String,
    /// `good`, `evicted` or `banned`.
    pub standing: String,
    /// When it last proved what it is.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$")]
    pub attested_at: Timestamp,
    /// Serial of its newest certificate.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub newest: Serial,
    /// End of that one's validity.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$")]
    pub not_after: Timestamp,
    /// What its evidence said.
    pub claims: serde_json::Value,
}

/// One certificate in the list `GET /v1/admin/certificates`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateView {
    /// Its serial.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub serial: Serial,
    /// Its identity.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^spiffe://")]
    pub spiffe_id: SpiffeId,
    /// End of its validity.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$")]
    pub not_after: Timestamp,
    /// `current`, `superseded` or `revoked`.
    pub state: String,
    /// Index of its entry.
    pub index: u64,
}

/// `POST /v1/admin/persons`: admit a person whom two admins have approved.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdmitPerson {
    /// Chosen by the asker, random.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub request: RequestId,
    /// `admin` or `auditor`.
    pub role: String,
    /// SHA-256 of the credential key's SubjectPublicKeyInfo.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub key: KeyHash,
}

/// `POST /v1/admin/approvals`: approve an action of somebody else. Only over mTLS, by a person.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// Chosen by the asker, random.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub request: RequestId,
    /// The kind of entry that may spend it, for example `person-admitted`.
    pub action: String,
    /// SHA-256 of what exactly may be done.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub scope: Sha256Hash,
    /// The size of the ledger that the person has seen.
    pub seen: u64,
}

/// One person in the list `GET /v1/admin/persons`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonView {
    /// Random id.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub person: PersonId,
    /// `admin` or `auditor`.
    pub role: String,
    /// SHA-256 of the credential key's SubjectPublicKeyInfo.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub key: KeyHash,
    /// No longer one.
    pub removed: bool,
}

/// `POST /v1/admin/login`: a fresh leaf for a person's credential key. On either listener: the CSR's proof of possession
/// with the nonce is the proof.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Chosen by the asker, random.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub request: RequestId,
    /// Who.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub person: PersonId,
    /// The server's nonce, as given.
    pub nonce: String,
    /// Certification request with the credential key and the nonce, DER.
    pub csr: Binary,
}

/// The answer to a login.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoggedIn {
    /// Leaf, then issuer, DER.
    pub chain: Vec<Binary>,
    /// The entry.
    pub done: Done,
}

/// `POST /v1/admin/policy`: put a bundle into force.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadPolicy {
    /// Chosen by the asker, random.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub request: RequestId,
    /// The bundle's octets.
    pub bundle: Binary,
}

/// An act with nothing but its request id, for example taking a token back or removing an agent.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Plain {
    /// Chosen by the asker, random.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub request: RequestId,
    /// Why, where the act wants a reason; must not name a person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

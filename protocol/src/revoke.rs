//! Revocation: what an admin sends and gets. Knows no CRL.

use identity::{HostId, KeyHash, RequestId, Serial, Sha256Hash, SpiffeId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema as shape;

use crate::enroll::ReceiptMessage;

/// `POST /v1/revoke`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeRequest {
    /// Chosen by the asker, random; the same when it asks again.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub request: RequestId,
    /// Which certificates.
    pub target: Target,
    /// Reason after RFC 5280, section 5.3.1, for example `key-compromise`; `unspecified` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, in words; must not name a person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// Only tell what it would hit.
    #[serde(default)]
    pub dry_run: bool,
}

/// Which certificates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Target {
    /// One certificate.
    Serial(#[serde(with = "identity::text")] Serial),
    /// All with this SPIFFE id.
    Agent(#[serde(with = "identity::text")] SpiffeId),
    /// The host's own and those of its agents.
    Host(#[serde(with = "identity::text")] HostId),
    /// All with this public key.
    Key(#[serde(with = "identity::text")] KeyHash),
}

/// One object with one member, as serde writes it.
impl utoipa::PartialSchema for Target {
    fn schema() -> utoipa::openapi::RefOr<shape::Schema> {
        let one = |name: &str, pattern: &str| {
            let value = shape::ObjectBuilder::new().schema_type(shape::Type::String).pattern(Some(pattern));
            let object = shape::ObjectBuilder::new().property(name, value).required(name);
            object.additional_properties(Some(shape::AdditionalProperties::<shape::Schema>::FreeForm(false)))
        };
        shape::OneOfBuilder::new()
            .item(one("serial", "^[0-9a-f]{32}$"))
            .item(one("agent", "^spiffe://"))
            .item(one("host", "^[0-9a-f]{32}$"))
            .item(one("key", "^[0-9a-f]{64}$"))
            .into()
    }
}

impl ToSchema for Target {}

/// The answer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// How many certificates it hit, or would hit.
    pub count: u64,
    /// SHA-256 of their sorted serials.
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub serials: Sha256Hash,
    /// Index of the entry; absent after a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// Proof of the entry; absent after a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<ReceiptMessage>,
}

//! Acknowledgements of the feed, and its snapshot as it travels. What they mean stands in crate `ledger`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Binary;

/// `POST /v1/feed/ack`: the host has applied everything up to an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedAck {
    /// Id of the newest event that it applied.
    pub index: u64,
    /// Events that it has applied in all.
    pub events: u64,
    /// Its running hash over them.
    pub running: Binary,
    /// Index of the newest trust bundle that it holds.
    pub bundle: u64,
}

/// `GET /v1/snapshot`: the state that the feed has led to, and a signed note over it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SnapshotMessage {
    /// The snapshot, text; read by crate `ledger`.
    pub snapshot: String,
    /// The signed note (C2SP) that states its hash.
    pub note: String,
}

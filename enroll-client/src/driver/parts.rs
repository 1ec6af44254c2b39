//! What the roller is made of, put together by whoever starts it.

use std::collections::BTreeSet;
use std::sync::Arc;

use identity::KeyKind;

use crate::clock::Clock;
use crate::evidence::EvidenceSource;
use crate::identities::AgentName;
use crate::pins::Pins;
use crate::upstream::Upstream;

/// See the module.
#[derive(Debug)]
pub struct Parts {
    /// What is trusted.
    pub pins: Arc<Pins>,
    /// The server.
    pub upstream: Arc<Upstream>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What the host shows.
    pub evidence: EvidenceSource,
    /// The profile to enrol under, if it must be said.
    pub profile: Option<String>,
    /// Kind of the host's key.
    pub host_key: KeyKind,
    /// Which agents are wanted, if not all.
    pub agents: Option<BTreeSet<AgentName>>,
}

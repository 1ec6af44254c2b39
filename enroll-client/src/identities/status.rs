//! What the roller tells about itself. Knows the shape that `status --json` prints; holds no key and no token.

use identity::{Serial, SpiffeId, Timestamp, TrustDomain};
use serde::{Deserialize, Serialize};

use super::FilesStatus;

/// The whole status, as `GET /v1/status` on the local socket answers it (JSON).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The trust domain.
    #[serde(with = "identity::text")]
    pub trust_domain: TrustDomain,
    /// The ledger, the feed and the bundle.
    pub trust: TrustStatus,
    /// The host's own identity.
    pub host: IdentityStatus,
    /// The agents, by name.
    pub agents: Vec<IdentityStatus>,
    /// The files that are delivered, in the order of the configuration.
    #[serde(default)]
    pub files: Vec<FilesStatus>,
}

/// What this host knows of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct TrustStatus {
    /// Why nothing new is accepted, if so: two signed statements of the ledger contradict each other.
    pub alarm: Option<String>,
    /// Size of the newest checkpoint held.
    pub checkpoint_size: u64,
    /// Ledger index that the feed was followed to.
    pub feed_index: Option<u64>,
    /// Time inside the newest signed heartbeat.
    #[serde(with = "identity::text::option")]
    pub heartbeat: Option<Timestamp>,
    /// The bundle's sequence number.
    pub bundle_sequence: u64,
}

/// One identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityStatus {
    /// The agent's name, `host` for the host itself.
    pub name: String,
    /// Where its life stands.
    pub phase: Phase,
    /// Its SPIFFE id, once known.
    #[serde(with = "identity::text::option")]
    pub spiffe_id: Option<SpiffeId>,
    /// The serial of the certificate that is handed out.
    #[serde(with = "identity::text::option")]
    pub serial: Option<Serial>,
    /// When that certificate ends: notAfter or its cutoff, whichever is earlier.
    #[serde(with = "identity::text::option")]
    pub not_after: Option<Timestamp>,
    /// When it is renewed.
    #[serde(with = "identity::text::option")]
    pub renew_at: Option<Timestamp>,
    /// Attempts that failed since the last success.
    pub failures: u32,
    /// What the last of them said.
    pub last_failure: Option<String>,
    /// The server's rule, if the last of them was its decision.
    #[serde(default)]
    pub refused_by: Option<String>,
}

/// Where an identity's life stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It has no certificate, and one is being asked for.
    Pending,
    /// It has one.
    Current,
    /// It has a new one; the one before is still alive somewhere, and nothing hands it out.
    Grace,
    /// It was revoked, or is no longer this host's.
    Ended,
}

impl Status {
    pub(super) fn starting(trust_domain: &TrustDomain) -> Self {
        Self {
            trust_domain: trust_domain.clone(),
            trust: TrustStatus::default(),
            host: IdentityStatus::pending("host"),
            agents: Vec::new(),
            files: Vec::new(),
        }
    }
}

impl IdentityStatus {
    /// An identity of which nothing is known yet.
    #[must_use]
    pub fn pending(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            phase: Phase::Pending,
            spiffe_id: None,
            serial: None,
            not_after: None,
            renew_at: None,
            failures: 0,
            last_failure: None,
            refused_by: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_reads_back() {
        let mut status = Status::starting(&TrustDomain::parse("example.org").unwrap());
        status.host.phase = Phase::Grace;
        status.host.serial = Some(Serial::from_bytes([7; 16]).unwrap());
        status.trust.heartbeat = Some(Timestamp::from_millis(1_900_000_000_123).unwrap());
        let json = serde_json::to_string(&status).unwrap();
        assert!(json.contains(r#""phase":"grace""#) && json.contains(r#""2030-"#), "{json}");
        assert_eq!(serde_json::from_str::<Status>(&json).unwrap(), status);
    }
}

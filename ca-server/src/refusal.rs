//! Why a decision went against the asker, by rule. Knows no HTTP.

use identity::{Lifetime, Serial, Timestamp};

use crate::state::rows::Standing;

/// A refusal, by the rule that refused. [`Refusal::rule`] is the stable name that the asker, the ledger and the docs
/// use; [`Refusal::fix`] says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The policy changed while the request was worked on.
    #[error("decided under policy {found}, in force is {in_force}")]
    PolicyChanged {
        /// Index of the policy it was decided under.
        found: u64,
        /// Index of the policy in force; 0 for none.
        in_force: u64,
    },
    /// The issuer is not the one that signs now.
    #[error("the issuer it was prepared for does not sign any more")]
    IssuerChanged,
    /// A 16-octet serial came up twice.
    #[error("serial {serial} exists")]
    SerialExists {
        /// Which.
        serial: Serial,
    },
    /// Worked on for too long, or the clock was stepped.
    #[error("its validity starts at {not_before}, it is {now}")]
    NotTimely {
        /// Start of its validity.
        not_before: Timestamp,
        /// Time of the decision.
        now: Timestamp,
    },
    /// It would live longer than anything may.
    #[error("it would live {lifetime}, {limit} are allowed")]
    TooLong {
        /// Of the certificate.
        lifetime: Lifetime,
        /// At most.
        limit: Lifetime,
    },
    /// The key is that of an authority.
    #[error("the key is that of an authority")]
    KeyOfAuthority,
    /// The key was revoked.
    #[error("the key was revoked by entry {index}")]
    KeyRevoked {
        /// The revoking entry.
        index: u64,
    },
    /// The key is certified for another identity.
    #[error("the key is certified for another identity")]
    KeyOfAnother,
    /// The key was certified for this identity before: a renewal needs a new one.
    #[error("the key was certified before")]
    KeyReused,
    /// The proof was used with another key, or too long ago.
    #[error("the proof was used at {at}")]
    ProofUsed {
        /// When.
        at: Timestamp,
    },
    /// The nonce was used.
    #[error("the nonce was used at {at}")]
    NonceUsed {
        /// When.
        at: Timestamp,
    },
    /// The proof ran out.
    #[error("the proof ran out at {until}, it is {now}")]
    ProofExpired {
        /// When it ran out.
        until: Timestamp,
        /// Time of the decision.
        now: Timestamp,
    },
    /// The first use of a proof that binds comes too late.
    #[error("it could be shown for the first time until {until}, it is {now}")]
    FirstUseTooLate {
        /// Until then.
        until: Timestamp,
        /// Time of the decision.
        now: Timestamp,
    },
    /// The join token is unknown, was taken back, or ran out.
    #[error("the join token is not in force")]
    TokenNotInForce,
    /// The host does not exist.
    #[error("no such host")]
    HostUnknown,
    /// The host may not act.
    #[error("the host is {standing:?}")]
    HostNotGood {
        /// Its standing.
        standing: Standing,
    },
    /// The host is bound to a key that the asker did not show.
    #[error("the host is bound to another key")]
    HostBound,
    /// The host came back later than its profile allows.
    #[error("its last certificate ran out at {not_after}, it may come back until {until}")]
    HostAwayTooLong {
        /// End of its last certificate.
        not_after: Timestamp,
        /// Until then it could have come back.
        until: Timestamp,
    },
    /// The certificate does not exist or has expired.
    #[error("no such certificate, or it has expired")]
    CertificateUnknown,
    /// The certificate is revoked.
    #[error("the certificate was revoked by entry {index}")]
    CertificateRevoked {
        /// The revoking entry.
        index: u64,
    },
    /// The certificate belongs to somebody else.
    #[error("the certificate is not the asker's")]
    CertificateOfAnother,
    /// The certificate was renewed before.
    #[error("the certificate was superseded by entry {by}")]
    Superseded {
        /// The superseding entry.
        by: u64,
    },
    /// Hosts of this class have no such agent.
    #[error("hosts of class {profile} have no agent {agent}")]
    AgentUnknown {
        /// The class.
        profile: String,
        /// The name asked for.
        agent: String,
    },
    /// The id that the agent's template gives is that of a host.
    #[error("the id of agent {agent} is that of a host")]
    IdOfHost {
        /// The agent.
        agent: String,
    },
    /// One entry would revoke more certificates than one event of the feed can carry.
    #[error("{hits} certificates would be revoked, one entry revokes at most {limit}")]
    TooManyHits {
        /// Certificates that it hits.
        hits: usize,
        /// At most.
        limit: usize,
    },
    /// The person does not exist or was removed.
    #[error("no such person")]
    PersonUnknown,
    /// A person with this key exists.
    #[error("the key is that of a person")]
    KeyOfPerson,
    /// What should be made exists.
    #[error("{what} exists")]
    Exists {
        /// What.
        what: &'static str,
    },
    /// What should be changed does not exist.
    #[error("{what} does not exist")]
    Missing {
        /// What.
        what: &'static str,
    },
    /// Too few approvals by two persons.
    #[error("{found} valid approvals by different admins, {needed} are needed")]
    Approvals {
        /// Valid ones.
        found: usize,
        /// Needed.
        needed: usize,
    },
    /// The text is longer than it may be.
    #[error("{what} has {octets} octets, {limit} are allowed")]
    TextTooLong {
        /// Which text.
        what: &'static str,
        /// Its length.
        octets: usize,
        /// At most.
        limit: usize,
    },
    /// An authority cannot go from the one state to the other.
    #[error("an authority does not go from {from} to {to}")]
    NoSuchStep {
        /// From.
        from: String,
        /// To.
        to: String,
    },
    /// The ledger has begun already, or not yet.
    #[error("the ledger has {size} entries")]
    WrongBeginning {
        /// Its size.
        size: u64,
    },
}

impl Refusal {
    /// The stable name of the rule.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self {
            Self::PolicyChanged { .. } => "policy-changed",
            Self::IssuerChanged => "issuer-changed",
            Self::SerialExists { .. } => "serial-exists",
            Self::NotTimely { .. } => "not-timely",
            Self::TooLong { .. } => "lifetime-too-long",
            Self::KeyOfAuthority => "key-of-authority",
            Self::KeyRevoked { .. } => "key-revoked",
            Self::KeyOfAnother => "key-of-another",
            Self::KeyReused => "key-reused",
            Self::ProofUsed { .. } => "proof-already-used",
            Self::NonceUsed { .. } => "nonce-already-used",
            Self::ProofExpired { .. } => "proof-expired",
            Self::FirstUseTooLate { .. } => "first-use-too-late",
            Self::TokenNotInForce => "token-not-in-force",
            Self::HostUnknown => "host-unknown",
            Self::HostNotGood { standing: Standing::Banned } => "host-banned",
            Self::HostNotGood { .. } => "host-evicted",
            Self::HostBound => "host-bound",
            Self::HostAwayTooLong { .. } => "host-away-too-long",
            Self::CertificateUnknown => "certificate-unknown",
            Self::CertificateRevoked { .. } => "certificate-revoked",
            Self::CertificateOfAnother => "certificate-of-another",
            Self::Superseded { .. } => "superseded",
            Self::AgentUnknown { .. } => "agent-unknown",
            Self::IdOfHost { .. } => "id-of-host",
            Self::TooManyHits { .. } => "too-many-hits",
            Self::PersonUnknown => "person-unknown",
            Self::KeyOfPerson => "key-of-person",
            Self::Exists { .. } => "exists",
            Self::Missing { .. } => "missing",
            Self::Approvals { .. } => "approvals-missing",
            Self::TextTooLong { .. } => "text-too-long",
            Self::NoSuchStep { .. } => "no-such-step",
            Self::WrongBeginning { .. } => "wrong-beginning",
        }
    }

    /// What the asker can do about it.
    #[must_use]
    pub fn fix(&self) -> &'static str {
        match self {
            Self::PolicyChanged { .. } | Self::IssuerChanged | Self::SerialExists { .. } => "send the request again",
            Self::NotTimely { .. } => "send the request again; if it happens again, check the server's clock",
            Self::TooLong { .. } => "shorten the lifetime in the profile",
            Self::KeyOfAuthority
            | Self::KeyRevoked { .. }
            | Self::KeyOfAnother
            | Self::KeyReused
            | Self::KeyOfPerson => "make a new key pair and send the request again",
            Self::ProofUsed { .. } | Self::ProofExpired { .. } | Self::TokenNotInForce => {
                "get fresh evidence: a new token, or a token read again from its file"
            }
            Self::FirstUseTooLate { .. } => {
                "stop and start the machine and enrol it at once, or an admin raises first_use_within_seconds"
            }
            Self::NonceUsed { .. } => "ask for a new nonce at /v1/challenge and send the request again",
            Self::HostUnknown => "enrol the host",
            Self::HostNotGood { standing: Standing::Banned } => "an admin may lift the ban: ca-server host unban",
            Self::HostNotGood { .. } => "enrol the host with fresh evidence",
            Self::HostBound | Self::HostAwayTooLong { .. } => {
                "if the host lost its key, an admin evicts it first: ca-server host evict"
            }
            Self::CertificateUnknown => "enrol the host with fresh evidence and the key it is bound to",
            Self::CertificateRevoked { .. } => "a revoked certificate is not renewed; an admin can say why",
            Self::CertificateOfAnother => "renew only the host's own certificate and those of its agents",
            Self::Superseded { .. } => "renew the newest certificate",
            Self::AgentUnknown { .. } => "an admin adds agents: ca-server agent add",
            Self::IdOfHost { .. } => "an admin gives the agent another id template: ca-server agent add",
            Self::TooManyHits { .. } => "revoke in parts: by agent, by host",
            Self::PersonUnknown => "see ca-server admin list",
            Self::Exists { .. } | Self::Missing { .. } => "see the list of what exists",
            Self::Approvals { .. } => "two admins approve first: ca-server admin approve",
            Self::TextTooLong { .. } => "shorten it",
            Self::NoSuchStep { .. } => "see ca-server status for the state that it is in",
            Self::WrongBeginning { .. } => "ca-server init makes a new ledger in an empty directory",
        }
    }

    /// Whether the same request may well be granted when it is worked on anew at once, against what holds now.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        matches!(self, Self::PolicyChanged { .. } | Self::IssuerChanged | Self::SerialExists { .. })
    }
}

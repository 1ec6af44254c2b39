//! Rows of State: what decisions need to know of each thing, and no more. Knows no entry and no rule.
//!
//! Rows of the tables that grow with the fleet hold plain numbers, so that a live certificate costs little memory; the
//! rest hold parsed types. A row that has run out may stay until it is swept: readers treat it as absent.

use std::time::Duration;

use identity::{HostId, KeyHash, KeyIdentifier, KeyKind, Lifetime, PersonId, Sha256Hash, SpiffeId, Timestamp};
use ledger::entry::{AuthorityRole, AuthorityState, Claims, RevocationReason, Role, Selectors, Subject};
use serde::{Deserialize, Serialize};

/// A row that can run out.
pub trait Row {
    /// When the row stops meaning anything; `None`: never.
    fn runs_out(&self) -> Option<Timestamp>;
}

/// A certificate that was recorded and has not run out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CertificateRow {
    /// Index of its entry.
    pub index: u64,
    /// Index of the entry that superseded it; 0 while none did (entry 0 is never a certificate).
    pub superseded_by: u64,
    /// Whose it is: a row of `holders`.
    pub holder: u32,
    /// End of its validity, seconds since 1970.
    pub not_after: u32,
    /// Its CRL shard.
    pub shard: u16,
    /// Its authority: a row of `authorities` by number.
    pub issuer: u16,
}

/// Who holds certificates: one identity of one subject. Agents of several hosts may share an identity; they are as many
/// holders, so that none can renew, use or lose the certificate of another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HolderRow {
    /// The identity.
    #[serde(with = "identity::text")]
    pub spiffe_id: SpiffeId,
    /// Whose.
    pub party: Party,
    /// When the last of its certificates runs out, seconds since 1970.
    pub until: u32,
}

/// What a holder is. Not told from the identity: a template may give an agent the id that some host has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Party {
    /// The server's own listener.
    Server,
    /// The host with this id.
    Host([u8; 16]),
    /// An agent on the host with this id.
    Agent([u8; 16]),
    /// The person with this id.
    Person([u8; 16]),
}

impl Party {
    /// The party of an entry's subject.
    #[must_use]
    pub fn of(subject: &Subject) -> Self {
        match subject {
            Subject::Server => Self::Server,
            Subject::Host { host } => Self::Host(*host.as_bytes()),
            Subject::Agent { host, .. } => Self::Agent(*host.as_bytes()),
            Subject::Person { person } => Self::Person(*person.as_bytes()),
        }
    }

    /// The host that it is, or that it runs on.
    #[must_use]
    pub fn host(self) -> Option<HostId> {
        match self {
            Self::Host(host) | Self::Agent(host) => Some(HostId::from_bytes(host)),
            Self::Server | Self::Person(_) => None,
        }
    }
}

/// Where a holder stands in `holders`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HolderNumberRow {
    /// Its number.
    pub number: u32,
    /// When the last of its certificates runs out, seconds since 1970.
    pub until: u32,
}

/// A public key that was certified.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyRow {
    /// Index of the entry that certified it.
    pub index: u64,
    /// For whom.
    pub holder: u32,
    /// When, seconds since 1970.
    pub at: u32,
    /// Forgotten after this, seconds since 1970.
    pub until: u32,
}

/// A certificate that was revoked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RevokedRow {
    /// Index of the revocation's entry.
    pub index: u64,
    /// When, seconds since 1970.
    pub at: u32,
    /// End of the certificate's validity, seconds since 1970.
    pub not_after: u32,
    /// Its authority: a row of `authorities` by number.
    pub issuer: u16,
    /// Its CRL shard.
    pub shard: u16,
    /// CRLReason, 0 for none.
    pub reason: u8,
}

impl RevokedRow {
    /// Why it was revoked.
    #[must_use]
    pub fn reason(&self) -> RevocationReason {
        let coded = |reason: &RevocationReason| reason.code().unwrap_or(0) == self.reason;
        RevocationReason::ALL.iter().copied().find(coded).unwrap_or_default()
    }
}

/// When verifiers stop taking a superseded certificate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CutoffRow {
    /// From then on it is refused, milliseconds since 1970.
    pub cutoff_millis: u64,
    /// End of its validity, seconds since 1970.
    pub not_after: u32,
    /// Whether it is revoked then, so that it stands on CRLs too.
    pub revoke: bool,
}

/// A proof or nonce that was spent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProofRow {
    /// The key of its first use: nobody else may use it again.
    #[serde(with = "identity::text")]
    pub key: KeyHash,
    /// Index of the entry that it led to.
    pub index: u64,
    /// When it was used.
    #[serde(with = "identity::text")]
    pub at: Timestamp,
    /// Until when it could be shown again.
    #[serde(with = "identity::text")]
    pub until: Timestamp,
    /// The host that it led to.
    pub host: Option<[u8; 16]>,
}

/// A host that has enrolled.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HostRow {
    /// Its identity.
    #[serde(with = "identity::text")]
    pub spiffe_id: SpiffeId,
    /// Its class: the profile it enrolled under.
    pub profile: String,
    /// The key of its newest certificate; whoever comes back as this host must hold it.
    #[serde(with = "identity::text")]
    pub bound_key: KeyHash,
    /// Serial of its newest certificate.
    pub newest: [u8; 16],
    /// End of that certificate's validity.
    #[serde(with = "identity::text")]
    pub not_after: Timestamp,
    /// When it last proved what it is.
    #[serde(with = "identity::text")]
    pub attested_at: Timestamp,
    /// Name of the attestor that it proved it to.
    pub attestor: String,
    /// What its evidence said.
    #[serde(with = "super::json")]
    pub claims: Claims,
    /// Whether it may act.
    pub standing: Standing,
    /// Index of its first entry.
    pub index: u64,
}

/// Whether a host may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It may.
    Good,
    /// It must prove anew what it is, and is bound to no key.
    Evicted,
    /// It may not enrol.
    Banned,
}

/// A join token that has not run out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenRow {
    /// Hash of its secret.
    #[serde(with = "identity::text")]
    pub secret: Sha256Hash,
    /// The profile that it enrols under.
    pub profile: String,
    /// What it stands for.
    #[serde(with = "super::json")]
    pub claims: Claims,
    /// Not to be used after this.
    #[serde(with = "identity::text")]
    pub expires: Timestamp,
    /// Index of its entry.
    pub index: u64,
    /// Taken back.
    pub revoked: bool,
}

/// An agent that hosts of a class may ask for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AgentRow {
    /// Template of its id's path.
    pub id: String,
    /// How the client picks the process.
    #[serde(with = "super::json")]
    pub selectors: Selectors,
    /// Kind of its key.
    #[serde(with = "identity::text")]
    pub key: KeyKind,
    /// Life of its certificates.
    #[serde(with = "identity::text")]
    pub lifetime: Lifetime,
    /// What becomes of a renewed certificate; `None`: what the profile says.
    pub cutoff: Option<String>,
    /// Index of its entry.
    pub index: u64,
}

/// A root or issuing authority.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuthorityRow {
    /// Its number in this State: authorities are numbered in the order of their entries.
    pub number: u16,
    /// Root or issuer.
    pub role: AuthorityRole,
    /// Where it is in its life.
    pub state: AuthorityState,
    /// SHA-256 of its public key.
    #[serde(with = "identity::text")]
    pub key: KeyHash,
    /// Who signed it; `None` for a root.
    #[serde(with = "identity::text::option")]
    pub parent: Option<KeyIdentifier>,
    /// End of its life.
    #[serde(with = "identity::text")]
    pub not_after: Timestamp,
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// Index of its newest entry.
    pub index: u64,
}

/// The newest CRL of an authority for one scope.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CrlRow {
    /// Index of its entry, which is its number.
    pub index: u64,
    /// It speaks of the entries below this index.
    pub up_to: u64,
    /// Its thisUpdate.
    #[serde(with = "identity::text")]
    pub this_update: Timestamp,
    /// Its nextUpdate.
    #[serde(with = "identity::text")]
    pub next_update: Timestamp,
    /// SHA-256 of the octets that were signed.
    #[serde(with = "identity::text")]
    pub tbs: Sha256Hash,
}

/// An admin or auditor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PersonRow {
    /// What the person may be asked for.
    pub role: Role,
    /// The person's credential key.
    #[serde(with = "identity::text")]
    pub key: KeyHash,
    /// No longer one.
    pub removed: bool,
    /// Index of the entry that admitted the person.
    pub index: u64,
}

/// An approval that waits to be spent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApprovalRow {
    /// Who gave it.
    #[serde(with = "identity::text")]
    pub person: PersonId,
    /// The kind of entry that may spend it.
    pub action: String,
    /// SHA-256 of what exactly may be done.
    #[serde(with = "identity::text")]
    pub scope: Sha256Hash,
    /// Not to be spent after this.
    #[serde(with = "identity::text")]
    pub expires: Timestamp,
}

macro_rules! rows {
    ($($row:ty, $self:ident => $runs_out:expr;)+) => {
        $(impl Row for $row {
            fn runs_out(&$self) -> Option<Timestamp> {
                $runs_out
            }
        })+
    };
}

rows! {
    CertificateRow, self => Some(seconds(self.not_after));
    HolderRow, self => Some(seconds(self.until));
    HolderNumberRow, self => Some(seconds(self.until));
    KeyRow, self => Some(seconds(self.until));
    RevokedRow, self => Some(seconds(self.not_after.saturating_add(REVOKED_KEPT_SECONDS)));
    CutoffRow, self => Some(seconds(self.not_after));
    ProofRow, self => Some(self.until);
    HostRow, self => None;
    // Known for an hour longer, so that its holder is told that it has run out and not that there is no such token.
    TokenRow, self => Some(self.expires.plus(Duration::from_secs(3600)));
    AgentRow, self => None;
    AuthorityRow, self => None;
    CrlRow, self => None;
    PersonRow, self => None;
    ApprovalRow, self => Some(self.expires);
    [u8; 16], self => None;
    u64, self => None;
}

/// A time from the seconds of a row.
#[must_use]
pub fn seconds(since_1970: u32) -> Timestamp {
    // Every 32-bit number of seconds ends before the year 9999.
    Timestamp::from_seconds(u64::from(since_1970)).unwrap_or(Timestamp::MAX)
}

/// Seconds of a time, for a row; times beyond 2106 count as 2106.
#[must_use]
pub fn row_seconds(time: Timestamp) -> u32 {
    u32::try_from(time.seconds()).unwrap_or(u32::MAX)
}

/// How long a revoked serial stays on CRLs after its certificate ran out: RFC 5280, section 3.3, asks for one more
/// regularly scheduled CRL, and ours come at least daily.
pub const REVOKED_KEPT_SECONDS: u32 = 25 * 3600;

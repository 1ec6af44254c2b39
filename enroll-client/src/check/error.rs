//! Why an answer is not used. The fault is the server's, or somebody's between us and it, unless it is our clock's.

use identity::svid::{CertificateError, SvidError};
use identity::{KeyHash, Serial, SpiffeId, Timestamp, TrustDomain};
use ledger::receipt::ReceiptError;

/// The check that did not hold.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Too few or too many certificates.
    #[error("the answer holds a chain of {chain} certificates and {roots} roots")]
    Count {
        /// In the chain.
        chain: usize,
        /// Roots.
        roots: usize,
    },
    /// The leaf cannot be read.
    #[error("the certificate cannot be read")]
    Leaf(#[source] CertificateError),
    /// The leaf breaks a rule of X509-SVID.
    #[error("the certificate is no X509-SVID")]
    Svid(#[source] SvidError),
    /// It is for another key.
    #[error("the certificate is for key {certified}, and {sent} was sent")]
    OtherKey {
        /// What we sent.
        sent: KeyHash,
        /// What it certifies.
        certified: KeyHash,
    },
    /// It is of another trust domain.
    #[error("the certificate is of trust domain {found}, and ours is {ours}")]
    OtherDomain {
        /// Ours.
        ours: TrustDomain,
        /// The certificate's.
        found: TrustDomain,
    },
    /// It states another identity.
    #[error("the certificate is for {found}, and {asked} was asked for")]
    OtherIdentity {
        /// What must be in it.
        asked: SpiffeId,
        /// What is in it.
        found: SpiffeId,
    },
    /// Its life has not begun: our clock may be behind.
    #[error("the certificate is not valid before {not_before}, and this machine's clock shows {now}")]
    NotYetValid {
        /// Our clock.
        now: Timestamp,
        /// Its notBefore.
        not_before: Timestamp,
    },
    /// Its life is over: our clock may be ahead.
    #[error("the certificate ended at {not_after}, and this machine's clock shows {now}")]
    Expired {
        /// Our clock.
        now: Timestamp,
        /// Its notAfter.
        not_after: Timestamp,
    },
    /// It lives longer than a leaf may.
    #[error("the certificate lives {seconds} s, and a leaf may live {limit} s")]
    TooLong {
        /// Its life.
        seconds: u64,
        /// At most.
        limit: u64,
    },
    /// The ledger recorded it in what is the future here.
    #[error("the ledger recorded the certificate at {recorded}, and this machine's clock shows {now}")]
    ClockBehind {
        /// Our clock.
        now: Timestamp,
        /// The entry's time.
        recorded: Timestamp,
    },
    /// No root in the answer is pinned.
    #[error("none of the answer's {roots} roots is pinned by the trust file")]
    NoPinnedRoot {
        /// How many there were.
        roots: usize,
    },
    /// An authority's certificate cannot be read or breaks a rule.
    #[error("an authority's certificate in the answer is not sound")]
    Authority(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No path from the leaf to a pinned root.
    #[error("the certificate does not chain to a pinned root for {usage} authentication")]
    Path {
        /// `client` or `server`.
        usage: &'static str,
        /// What rustls-webpki found.
        source: webpki::Error,
    },
    /// It ends after the certificate of its issuer.
    #[error("the certificate ends at {not_after}, after its issuer at {issuer}")]
    OutlivesIssuer {
        /// Its notAfter.
        not_after: Timestamp,
        /// Its issuer's.
        issuer: Timestamp,
    },
    /// The receipt does not hold.
    #[error("the receipt does not hold")]
    Receipt(#[source] ReceiptError),
    /// The receipt's entry is too long or not one line.
    #[error("the receipt's entry is not one")]
    Entry(#[source] ledger::entry::EntryError),
    /// The receipt proves an entry of another kind.
    #[error("the receipt proves an entry of kind {kind}, not certificate-authorised")]
    OtherKind {
        /// The kind that it proves.
        kind: ledger::entry::Kind,
    },
    /// The entry authorises another certificate.
    #[error("the ledger authorised another certificate: its {what} is not this one's")]
    OtherEntry {
        /// What differs first.
        what: Disagreement,
    },
    /// The entry supersedes something else than what was to be renewed.
    #[error("the certificate supersedes {found:?}, and {asked} was to be renewed")]
    OtherRenewal {
        /// What we asked to renew.
        asked: Serial,
        /// What the entry says.
        found: Option<Serial>,
    },
}

impl CheckError {
    /// Whether the same answer may hold when the clock shows another time.
    #[must_use]
    pub fn is_about_time(&self) -> bool {
        match self {
            Self::NotYetValid { .. } | Self::Expired { .. } | Self::ClockBehind { .. } => true,
            Self::Count { .. }
            | Self::Leaf(_)
            | Self::Svid(_)
            | Self::OtherKey { .. }
            | Self::OtherDomain { .. }
            | Self::OtherIdentity { .. }
            | Self::TooLong { .. }
            | Self::NoPinnedRoot { .. }
            | Self::Authority(_)
            | Self::Path { .. }
            | Self::OutlivesIssuer { .. }
            | Self::Receipt(_)
            | Self::Entry(_)
            | Self::OtherKind { .. }
            | Self::OtherEntry { .. }
            | Self::OtherRenewal { .. } => false,
        }
    }
}

/// Where a certificate and its ledger entry part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disagreement {
    /// The to-be-signed octets.
    ToBeSigned,
    /// The serial.
    Serial,
    /// The SPIFFE id.
    SpiffeId,
    /// The public key.
    Key,
    /// notBefore or notAfter.
    Validity,
    /// Host or agent.
    Subject,
}

impl std::fmt::Display for Disagreement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ToBeSigned => "to-be-signed octets",
            Self::Serial => "serial",
            Self::SpiffeId => "SPIFFE id",
            Self::Key => "key",
            Self::Validity => "validity",
            Self::Subject => "subject",
        })
    }
}

//! Evidence in, attested claims out: who asks for a certificate, and which signed statements say so. Knows the kinds of
//! evidence; knows no policy, certificate, ledger or socket (two parts ask a cluster: [`kubernetes::source`] fetches key
//! sets, [`kubernetes::review`] asks about tokens).
//!
//! An attestor answers with [`Attested`], which nobody else can make, or with an [`EvidenceError`], which has the
//! stable name of a rule, both values compared, and what to do next. It grants nothing and spends nothing: whether the
//! host may have a certificate is decided by policy, and that a proof is used once by the committer, under
//! [`Attested::proof`].
//!
//! ```text
//! aws_iid       an instance identity document, signed by AWS
//! join_token    a secret that an admin handed over
//! kubernetes    a service-account token, checked by the cluster's key set or by its API server
//! nonce         the server's own nonce in the request: that the evidence is shown now, and for this key
//! explain       what an attestor makes of a file, for people
//! ```

pub mod aws_iid;
pub mod explain;
pub mod join_token;
pub mod kubernetes;
pub mod nonce;
mod recorded;
mod registry;
mod shown;
mod strict_json;

use std::fmt;
use std::str::FromStr;

use futures_util::future::BoxFuture;
use identity::{Sha256Hash, Timestamp, TokenId};
use policies::claims::{ClaimError, Claims};

pub use nonce::{CheckedNonce, NonceError, Nonces};
pub use recorded::{claims_of_entry, claims_to_entry};
pub use registry::{Attestors, RegistryError};
pub use shown::Shown;
pub use strict_json::JsonFlaw;

use crate::decide::proof::ProofUse;
use aws_iid::IidError;
use join_token::JoinTokenRefused;
use kubernetes::{KeysError, ReviewError, TokenError};

/// A kind of evidence, as requests and configuration name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `aws-iid`: [`aws_iid`].
    AwsIid,
    /// `join-token`: [`join_token`].
    JoinToken,
    /// `kubernetes`: [`kubernetes`].
    Kubernetes,
}

/// Checks one kind of evidence under one configuration.
pub trait Attestor: Send + Sync {
    /// Its name in the configuration; it stands in the ledger beside what it attested.
    fn name(&self) -> &str;

    /// The kind of evidence that it checks.
    fn kind(&self) -> Kind;

    /// Checks evidence, at `now`. Pure: it asks nobody and remembers nothing, and takes bounded time for any octets.
    ///
    /// # Errors
    /// The first rule that the evidence breaks.
    fn attest(&self, evidence: &[u8], now: Timestamp) -> Result<Attested, EvidenceError>;

    /// The keys that it checks with, where those come from elsewhere and have to be kept fresh.
    fn keys(&self) -> Option<&kubernetes::JwksSource> {
        None
    }

    /// Checks evidence by asking whoever vouches for it, where there is such a party. [`Attestor::attest`] then refuses
    /// what is sound by itself with [`ReviewError::NotAsked`], so that forgetting to ask lets nobody in.
    fn review<'a>(&'a self, _evidence: &'a [u8], _now: Timestamp) -> Option<Judging<'a>> {
        None
    }
}

/// A verdict that somebody else has a word in. Dropping it asks no further.
pub type Judging<'a> = BoxFuture<'a, Result<Attested, EvidenceError>>;

/// What evidence proved. Made by attestors alone: whoever holds one knows that the evidence was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    attestor: String,
    kind: Kind,
    claims: Claims,
    proof: Sha256Hash,
    proof_until: Timestamp,
    proof_use: ProofUse,
    profile: Option<String>,
    token: Option<TokenId>,
}

impl Attested {
    /// Name of the attestor, as configured.
    #[must_use]
    pub fn attestor(&self) -> &str {
        &self.attestor
    }

    /// Kind of the evidence.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What the evidence says of the host; from signed content only (T-12).
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// What is spent by its first use: the same for every spelling of the same evidence (T-05).
    #[must_use]
    pub fn proof(&self) -> Sha256Hash {
        self.proof
    }

    /// Until when the evidence could be shown again, and so must be remembered as spent.
    #[must_use]
    pub fn proof_until(&self) -> Timestamp {
        self.proof_until
    }

    /// How often the proof may be shown.
    #[must_use]
    pub fn proof_use(&self) -> ProofUse {
        self.proof_use
    }

    /// The one profile that the evidence is bound to, if it is.
    #[must_use]
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// The join token that it was, if it was one.
    #[must_use]
    pub fn token(&self) -> Option<TokenId> {
        self.token
    }
}

/// Why evidence is not taken.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The asker's: a join token.
    #[error(transparent)]
    JoinToken(#[from] JoinTokenRefused),
    /// The asker's: an instance identity document.
    #[error(transparent)]
    Iid(#[from] IidError),
    /// The asker's: a service-account token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The asker's: no attestor for this kind of evidence is configured.
    #[error("evidence of kind {kind} is not accepted here")]
    NoAttestor {
        /// The kind.
        kind: Kind,
    },
    /// Ours: the keys to check with are not at hand.
    #[error("the keys of {attestor} are not at hand")]
    Keys {
        /// Whose.
        attestor: String,
        /// Why.
        #[source]
        source: KeysError,
    },
    /// The cluster was asked, and does not vouch for the token.
    #[error("the token was not found good by asking {attestor}")]
    Review {
        /// Which attestor asked.
        attestor: String,
        /// Why not.
        #[source]
        source: ReviewError,
    },
    /// Ours: the attestor made a claim that claims cannot hold.
    #[error("the evidence is sound, its claims cannot be taken in")]
    Claims(#[from] ClaimError),
}

impl EvidenceError {
    /// The name of the rule that was broken: stable, for refusals, counters and tests.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::JoinToken(refused) => refused.rule(),
            Self::Iid(refused) => refused.rule(),
            Self::Token(refused) => refused.rule(),
            Self::NoAttestor { .. } => "evidence-kind",
            Self::Keys { source, .. } => source.rule(),
            Self::Review { source, .. } => source.rule(),
            Self::Claims(_) => "evidence-claims",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn fix(&self) -> &'static str {
        match self {
            Self::JoinToken(refused) => refused.fix(),
            Self::Iid(refused) => refused.fix(),
            Self::Token(refused) => refused.fix(),
            Self::NoAttestor { .. } => "show evidence of a kind that the server's configuration has an attestor for",
            Self::Keys { source, .. } => source.fix(),
            Self::Review { source, .. } => source.fix(),
            Self::Claims(_) => "the server's operator must look at its log",
        }
    }

    /// Whether it is our fault and not the asker's: then the same evidence may be taken later.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        match self {
            Self::Keys { .. } | Self::Claims(_) => true,
            Self::Review { source, .. } => source.is_ours(),
            Self::JoinToken(_) | Self::Iid(_) | Self::Token(_) | Self::NoAttestor { .. } => false,
        }
    }

    /// Whether another attestor of the same kind may take the evidence.
    const fn is_for_another(&self) -> bool {
        match self {
            Self::Iid(refused) => refused.is_for_another(),
            Self::Token(refused) => refused.is_for_another(),
            Self::JoinToken(_)
            | Self::NoAttestor { .. }
            | Self::Keys { .. }
            | Self::Review { .. }
            | Self::Claims(_) => false,
        }
    }

    /// Whether the evidence is sound by itself, and somebody must be asked about it.
    const fn wants_review(&self) -> bool {
        matches!(self, Self::Review { source: ReviewError::NotAsked, .. })
    }

    /// Whether fresher keys may help.
    const fn wants_keys(&self) -> bool {
        matches!(self, Self::Keys { .. } | Self::Token(TokenError::KeyUnknown { .. }))
    }
}

impl Kind {
    /// As requests and configuration write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AwsIid => "aws-iid",
            Self::JoinToken => "join-token",
            Self::Kubernetes => "kubernetes",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No kind of evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} is no kind of evidence: aws-iid, join-token and kubernetes are")]
pub struct UnknownKind {
    /// What was given.
    pub found: Shown,
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let kinds = [Self::AwsIid, Self::JoinToken, Self::Kubernetes];
        kinds.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| UnknownKind { found: Shown::of(text) })
    }
}

#[cfg(test)]
mod tests;

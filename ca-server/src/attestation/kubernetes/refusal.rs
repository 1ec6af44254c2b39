//! Why a service-account token is refused. Knows the names of the rules; checks nothing.

use std::fmt;

use identity::Timestamp;

use super::Algorithm;
use super::jwks::KeyFlaw;
use crate::attestation::shown::Shown;
use crate::attestation::strict_json::JsonFlaw;

/// Which part of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The first.
    Header,
    /// The second.
    Payload,
    /// The third.
    Signature,
}

/// Why a token is refused. Each is the asker's, and may be told: of the token it repeats single members, cut and
/// escaped, never the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than a token may be.
    #[error("the token has {octets} octets, {limit} are allowed")]
    TooLong {
        /// How long it is.
        octets: usize,
        /// How long it may be.
        limit: usize,
    },
    /// Not the three parts of a signed token; five are an encrypted one.
    #[error("the token has {found} parts (counted to 6), a signed token has 3")]
    Parts {
        /// How many parts, counted to six.
        found: usize,
    },
    /// Characters that base64url without padding does not have, or bits that belong to no octet.
    #[error("the token's {part} is not base64url without padding")]
    Base64 {
        /// Of which part.
        part: Part,
    },
    /// Not one JSON object.
    #[error("the token's {part} is refused as JSON")]
    Json {
        /// Of which part.
        part: Part,
        /// Why.
        #[source]
        flaw: JsonFlaw,
    },
    /// A header member that is not `alg`, `kid` or `typ`.
    #[error("the token's header has the member {member}; only alg, kid and typ are read, and nothing is fetched")]
    HeaderMember {
        /// Which.
        member: Shown,
    },
    /// `crit`: the token says that it must not be accepted by who does not know an extension. We know none.
    #[error("the token's header makes an extension critical")]
    Critical,
    /// `typ` of another kind of token.
    #[error("the token is of type {found}, wanted is none or `JWT`")]
    Type {
        /// Its type.
        found: Shown,
    },
    /// No algorithm, or one that is not pinned.
    #[error("the token is signed by {found}, RS256 and ES256 are accepted")]
    Algorithm {
        /// What stands in the header.
        found: Shown,
    },
    /// An algorithm that its key is not for.
    #[error("the token is signed by {found}, its key {kid} is for {key}")]
    AlgorithmOfKey {
        /// In the header.
        found: Algorithm,
        /// That of the key.
        key: Algorithm,
        /// The key's id.
        kid: Shown,
    },
    /// No key id, or one that no key can have.
    #[error("the token's key id is {found}; 1 to {limit} visible ASCII characters are needed")]
    KeyId {
        /// What stands in the header.
        found: Shown,
        /// How long it may be.
        limit: usize,
    },
    /// A key that the cluster does not publish.
    #[error("the cluster publishes no key {kid}")]
    KeyUnknown {
        /// Its id.
        kid: Shown,
    },
    /// A key that the cluster publishes and that we do not use.
    #[error("the key {kid} of the cluster is not used")]
    KeyRefused {
        /// Its id.
        kid: Shown,
        /// Why.
        #[source]
        flaw: KeyFlaw,
    },
    /// The signature does not hold.
    #[error("the signature does not verify under the key {kid}")]
    Signature {
        /// The key that it should be by.
        kid: Shown,
    },
    /// A token that was kept in a Secret (before Kubernetes 1.24): it has no end and no pod.
    #[error("this is a service-account token from a Secret: it has no end and is bound to no pod")]
    FromSecret,
    /// A claim is not there.
    #[error("the token has no claim {claim}")]
    ClaimMissing {
        /// Which.
        claim: &'static str,
    },
    /// A claim has another type.
    #[error("the token's claim {claim} is no {wanted}")]
    ClaimType {
        /// Which.
        claim: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// Another issuer.
    #[error("the token is of issuer {found}, wanted is {wanted}")]
    Issuer {
        /// In the token.
        found: Shown,
        /// In the configuration.
        wanted: Shown,
    },
    /// Another audience, or more than one.
    #[error("the token is for {}, wanted is {wanted} alone", several(.found))]
    Audience {
        /// In the token.
        found: Vec<Shown>,
        /// In the configuration.
        wanted: Shown,
    },
    /// It has ended.
    #[error("the token ended at {expires}, it is {now}")]
    Expired {
        /// Now.
        now: Timestamp,
        /// Its end.
        expires: Timestamp,
    },
    /// It has not begun.
    #[error("the token's {claim} is {begins}, it is {now}")]
    NotYet {
        /// `nbf` or `iat`.
        claim: &'static str,
        /// Now.
        now: Timestamp,
        /// What the claim says.
        begins: Timestamp,
    },
    /// It ends before it was issued.
    #[error("the token was issued at {issued} and ends at {expires}")]
    EndsBeforeIssue {
        /// `iat`.
        issued: Timestamp,
        /// `exp`.
        expires: Timestamp,
    },
    /// From issue to end is longer than is allowed.
    #[error("the token lives {seconds} seconds, {limit} are allowed")]
    Lifetime {
        /// How long it lives.
        seconds: u64,
        /// How long it may.
        limit: u64,
    },
    /// Too much of its life remains.
    #[error("{milliseconds} milliseconds of the token's life remain, at most {limit} may")]
    Remaining {
        /// What remains.
        milliseconds: u128,
        /// What may.
        limit: u128,
    },
    /// No UUID where one must be.
    #[error("the token's {claim} is {found}, no UUID in lower case")]
    Uid {
        /// Which claim.
        claim: &'static str,
        /// What it says.
        found: Shown,
    },
    /// No name that Kubernetes would have accepted.
    #[error("the token's {claim} is {found}, no name that a cluster accepts")]
    Name {
        /// Which claim.
        claim: &'static str,
        /// What it says.
        found: Shown,
    },
    /// The subject and the claims name two.
    #[error("the token's sub is {found}, its claims say {wanted}")]
    Subject {
        /// `sub`.
        found: Shown,
        /// What the claims make.
        wanted: Shown,
    },
}

impl TokenError {
    /// The name of the rule that was broken, for refusals, counters and tests.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "token-too-long",
            Self::Parts { .. } => "token-parts",
            Self::Base64 { .. } => "token-base64",
            Self::Json { flaw: JsonFlaw::Duplicate { .. }, .. } => "token-duplicate-member",
            Self::Json { flaw: JsonFlaw::Deep { .. }, .. } => "token-too-deep",
            Self::Json { flaw: JsonFlaw::Syntax { .. } | JsonFlaw::NoObject, .. } => "token-json",
            Self::HeaderMember { .. } => "token-header-member",
            Self::Critical => "token-critical-extension",
            Self::Type { .. } => "token-type",
            Self::Algorithm { .. } => "token-algorithm",
            Self::AlgorithmOfKey { .. } => "token-algorithm-of-key",
            Self::KeyId { .. } => "token-key-id",
            Self::KeyUnknown { .. } => "token-key-unknown",
            Self::KeyRefused { .. } => "token-key-refused",
            Self::Signature { .. } => "token-signature",
            Self::FromSecret => "token-from-secret",
            Self::ClaimMissing { .. } => "token-claim-missing",
            Self::ClaimType { .. } => "token-claim-type",
            Self::Issuer { .. } => "issuer-mismatch",
            Self::Audience { .. } => "audience-mismatch",
            Self::Expired { .. } => "token-expired",
            Self::NotYet { .. } => "token-not-yet-valid",
            Self::EndsBeforeIssue { .. } => "token-ends-before-issue",
            Self::Lifetime { .. } => "token-lifetime",
            Self::Remaining { .. } => "token-remaining-life",
            Self::Uid { .. } => "token-uid",
            Self::Name { .. } => "token-name",
            Self::Subject { .. } => "token-subject",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn fix(&self) -> &'static str {
        match self {
            Self::TooLong { .. } | Self::Parts { .. } | Self::Base64 { .. } | Self::Json { .. } => {
                "send the content of the projected token file, unchanged and without anything around it"
            }
            Self::HeaderMember { .. }
            | Self::Critical
            | Self::Type { .. }
            | Self::Algorithm { .. }
            | Self::AlgorithmOfKey { .. }
            | Self::KeyId { .. }
            | Self::Uid { .. }
            | Self::Name { .. }
            | Self::Subject { .. }
            | Self::EndsBeforeIssue { .. } => {
                "no cluster makes such a token: find out where it comes from; a projected token of the pod is wanted"
            }
            Self::KeyUnknown { .. } => {
                "if the cluster's key was rotated within the last minute, try again; else the token is of another \
                 cluster, or jwks_file is out of date"
            }
            Self::KeyRefused { .. } => "give the cluster a signing key of RSA 2048 to 4096 bits or P-256",
            Self::Signature { .. } => "read the token file again; if this stays, the token is not the cluster's",
            Self::FromSecret | Self::ClaimMissing { .. } | Self::ClaimType { .. } => {
                "mount a projected serviceAccountToken: audience as configured here, expirationSeconds 600"
            }
            Self::Issuer { .. } => {
                "configure the cluster under its exact issuer (the API server's --service-account-issuer)"
            }
            Self::Audience { .. } => {
                "give the pod's serviceAccountToken source this audience and no other; the default token is the API \
                 server's"
            }
            Self::Expired { .. } => "read the token file again: the kubelet renews it",
            Self::NotYet { .. } => "compare the clocks of the cluster and of this server; try again in a moment",
            Self::Lifetime { .. } => "set expirationSeconds of the serviceAccountToken source to 600",
            Self::Remaining { .. } => {
                "set expirationSeconds to 600: the key set alone cannot tell that a pod is gone, so its token must end \
                 soon"
            }
        }
    }

    /// Whether the token is meant for another cluster or service than the one it was shown to.
    pub(crate) const fn is_for_another(&self) -> bool {
        matches!(self, Self::Issuer { .. } | Self::Audience { .. })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
        })
    }
}

fn several(found: &[Shown]) -> String {
    if found.is_empty() {
        return "nobody".to_owned();
    }
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

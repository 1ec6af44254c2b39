//! Why a token was not found good by asking the cluster. Knows the names of the rules; asks nobody.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::attestation::kubernetes::address::Reach;
use crate::attestation::shown::Shown;
use crate::attestation::strict_json::JsonFlaw;

/// What an answer must say as the token does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `system:serviceaccount:`, namespace, name.
    Username,
    /// UID of the service account.
    ServiceAccountUid,
    /// Name of the pod.
    PodName,
    /// UID of the pod.
    PodUid,
    /// Name of the node.
    NodeName,
    /// UID of the node.
    NodeUid,
    /// Id of the token (`jti`).
    TokenId,
}

/// Why there is no review that would do. Save for [`ReviewError::NotAuthenticated`], all of it is ours or the
/// cluster's, never the asker's.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// Nobody has asked yet.
    #[error("the cluster was not asked about the token")]
    NotAsked,
    /// Too many ask already.
    #[error("{limit} reviews are under way, and none ended in time")]
    Busy {
        /// How many may be.
        limit: usize,
    },
    /// Our credential cannot be read.
    #[error("the credential in {} cannot be read", path.display())]
    CredentialFile {
        /// Its file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Our credential is none.
    #[error("the credential in {} is not usable: {why}", path.display())]
    Credential {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No answer, or none that TLS takes.
    #[error("the API server gives no answer")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No whole answer in time.
    #[error("the API server gave no whole answer within {} ms", limit.as_millis())]
    TimedOut {
        /// How long it had.
        limit: Duration,
    },
    /// Its name leads to an address of another kind than configured.
    #[error("the API server has the address {found}, which is not {wanted:?}")]
    Address {
        /// The address.
        found: IpAddr,
        /// The kind that is configured.
        wanted: Reach,
    },
    /// A redirect; our credential does not follow it.
    #[error("the API server redirects (status {status}); redirects are not followed")]
    Redirected {
        /// Its status.
        status: u16,
    },
    /// 401.
    #[error("the API server does not take our credential (status 401)")]
    CredentialRefused,
    /// 403.
    #[error("the API server does not let us make token reviews (status 403)")]
    Forbidden,
    /// Another status than 200 and 201.
    #[error("the API server answers with status {status}, wanted is 201")]
    Status {
        /// Its status.
        status: u16,
    },
    /// A compressed answer, which was not asked for.
    #[error("the API server sends a Content-Encoding; none was asked for")]
    Encoded,
    /// Too long an answer.
    #[error("the API server's answer has more than {limit} octets")]
    TooLong {
        /// How long it may be.
        limit: usize,
    },
    /// No JSON object, or an ambiguous one.
    #[error("the API server's answer is refused as JSON")]
    Malformed(#[source] JsonFlaw),
    /// A member of another type.
    #[error("{member} of the API server's answer is no {wanted}")]
    Type {
        /// Which.
        member: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// A member is not there.
    #[error("the API server's answer has no {member}")]
    Missing {
        /// Which.
        member: &'static str,
    },
    /// Another kind of object, or another version.
    #[error("{member} of the API server's answer is {found}, wanted is {wanted}")]
    Form {
        /// Which member says so.
        member: &'static str,
        /// What it says.
        found: Shown,
        /// What it should say.
        wanted: &'static str,
    },
    /// It repeats a question that we did not ask.
    #[error("the API server answers for another token than it was asked about")]
    OtherToken,
    /// The asker's: the token is not, or no longer, good.
    #[error("the cluster does not take the token: {said}")]
    NotAuthenticated {
        /// The reason that it gives.
        said: Shown,
    },
    /// Good, with an error.
    #[error("the API server calls the token authenticated and names an error: {said}")]
    Contradicts {
        /// The error.
        said: Shown,
    },
    /// No audiences: it did not look at them.
    #[error("the API server names no audience, wanted is {wanted}: it does not check audiences")]
    AudienceUnaware {
        /// Ours.
        wanted: Shown,
    },
    /// Other audiences than the one that was asked for.
    #[error("the API server took the token for {}, wanted is {wanted} alone", several(found))]
    Audience {
        /// What it says.
        found: Vec<Shown>,
        /// Ours.
        wanted: Shown,
    },
    /// It speaks of somebody else than the token.
    #[error("{field} is {found} in the API server's answer and {wanted} in the token")]
    Disagrees {
        /// In what they differ.
        field: Field,
        /// What it says.
        found: Shown,
        /// What the token says.
        wanted: Shown,
    },
}

impl ReviewError {
    /// The name of the rule or reason: stable, for refusals, counters and tests.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::NotAsked => "review-not-asked",
            Self::Busy { .. } => "review-busy",
            Self::CredentialFile { .. } => "review-credential-file",
            Self::Credential { .. } => "review-credential",
            Self::Unreachable(_) => "review-unreachable",
            Self::TimedOut { .. } => "review-timed-out",
            Self::Address { .. } => "review-address",
            Self::Redirected { .. } => "review-redirected",
            Self::CredentialRefused => "review-credential-refused",
            Self::Forbidden => "review-forbidden",
            Self::Status { .. } => "review-status",
            Self::Encoded => "review-encoded",
            Self::TooLong { .. } => "review-too-long",
            Self::Malformed(_) => "review-malformed",
            Self::Type { .. } => "review-type",
            Self::Missing { .. } => "review-missing",
            Self::Form { .. } => "review-form",
            Self::OtherToken => "review-of-another-token",
            Self::NotAuthenticated { .. } => "review-not-authenticated",
            Self::Contradicts { .. } => "review-contradicts",
            Self::AudienceUnaware { .. } => "review-audience-unaware",
            Self::Audience { .. } => "review-audience",
            Self::Disagrees { field: Field::Username, .. } => "review-username",
            Self::Disagrees { field: Field::ServiceAccountUid, .. } => "review-service-account-uid",
            Self::Disagrees { field: Field::PodName, .. } => "review-pod-name",
            Self::Disagrees { field: Field::PodUid, .. } => "review-pod-uid",
            Self::Disagrees { field: Field::NodeName, .. } => "review-node-name",
            Self::Disagrees { field: Field::NodeUid, .. } => "review-node-uid",
            Self::Disagrees { field: Field::TokenId, .. } => "review-token-id",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn fix(&self) -> &'static str {
        match self {
            Self::NotAuthenticated { .. } => {
                "read the token file again; if this stays, the cluster knows the pod, its node or its service account \
                 no more"
            }
            Self::NotAsked | Self::Busy { .. } => "try again in a moment",
            Self::Unreachable(_) | Self::TimedOut { .. } | Self::Status { .. } => {
                "try again in a minute; if it stays, the server's operator must see why the cluster's API server does \
                 not answer (api_url, api_ca_file)"
            }
            Self::CredentialFile { .. } | Self::Credential { .. } | Self::CredentialRefused => {
                "the server's operator must put a credential that the cluster takes into api_token_file"
            }
            Self::Forbidden => {
                "the server's operator must bind its service account to the ClusterRole system:auth-delegator, or to \
                 one that may create tokenreviews"
            }
            Self::Address { .. } => {
                "the server's operator must set api_reach to the kind of address that the API server has"
            }
            Self::Redirected { .. } => "the server's operator must put the final address into api_url",
            Self::Encoded
            | Self::TooLong { .. }
            | Self::Malformed(_)
            | Self::Type { .. }
            | Self::Missing { .. }
            | Self::Form { .. } => {
                "the server's operator must look at what stands at api_url: it is no API server of Kubernetes"
            }
            Self::AudienceUnaware { .. } => {
                "the server's operator must update the cluster, or what authenticates tokens for it: it ignores audiences"
            }
            Self::OtherToken | Self::Contradicts { .. } | Self::Audience { .. } | Self::Disagrees { .. } => {
                "the server's operator must look into the cluster: its API server says what no API server says. During \
                 an update of the cluster, wait for its end"
            }
        }
    }

    /// Whether the fault is ours or the cluster's, and not the asker's.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        !matches!(self, Self::NotAuthenticated { .. })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Username => "the user's name",
            Self::ServiceAccountUid => "the service account's UID",
            Self::PodName => "the pod's name",
            Self::PodUid => "the pod's UID",
            Self::NodeName => "the node's name",
            Self::NodeUid => "the node's UID",
            Self::TokenId => "the token's id",
        })
    }
}

fn several(found: &[Shown]) -> String {
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

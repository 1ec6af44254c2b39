//! Why a plain request is not answered: the rule, and what to do. Knows problem documents; knows no route.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::problem::{self, Problem, ProblemKind};

use crate::identities::RelayError;

/// A refusal. Nothing of what was sent is repeated in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// The kernel's word on the caller picks no agent, or none that has an identity now.
    #[error("no identity issued to the calling process")]
    NoIdentity,
    /// It has others.
    #[error("the calling process has no such identity; it may have {may_have}")]
    NotYours {
        /// What it has.
        may_have: String,
    },
    /// PEM is one identity.
    #[error("the calling process has {count} identities, and PEM holds one: {may_have}")]
    Several {
        /// How many.
        count: usize,
        /// Which.
        may_have: String,
    },
    /// SPIFFE Workload Endpoint, section 3, in the words of HTTP.
    #[error("the request lacks the header workload.spiffe.io: true")]
    SecurityHeader,
    /// The request was meant for another host, and somebody brought it here.
    #[error("the request is for another host than localhost")]
    HostNotLocal,
    /// A proxy or a browser says so itself.
    #[error("the request has a header that proxies and browsers add")]
    Brought,
    /// These routes are read.
    #[error("the path takes GET and HEAD")]
    Method,
    /// Reading takes no body.
    #[error("the request has a body")]
    Body,
    /// A member of the query that the route does not have, has twice, or that does not read.
    #[error("the query is not of the members {allowed}, each at most once")]
    Query {
        /// Those of the route.
        allowed: &'static str,
    },
    /// Another format.
    #[error("the format is neither json nor pem")]
    Format,
    /// RFC 7240, section 4.3.
    #[error("the preference wait is not a whole number of seconds")]
    Wait,
    /// A last look before a key goes out (T-60).
    #[error("the calling process is not the one that connected")]
    CallerChanged,
    /// There is an identity and nothing to check peers with.
    #[error("the trust bundle has not been received yet")]
    BundleNotYet,
    /// This process ends.
    #[error("enroll-client is stopping")]
    Stopping,
    /// An answer could not be put together.
    #[error("the answer could not be made")]
    Internal,
    /// Elsewhere.
    #[error("there is nothing at this path")]
    NotFound,
    /// The feed is not there yet.
    #[error("nothing was received from the server yet")]
    FeedNotYet,
    /// HTML, server-sent events.
    #[error("Last-Event-ID is a decimal number below 2^64")]
    LastEventId,
    /// The events asked for are gone.
    #[error(transparent)]
    TooFarBehind(RelayError),
}

impl Refusal {
    /// Its kind, the rule's name, what to do.
    fn facts(&self) -> (ProblemKind, &'static str, &'static str) {
        match self {
            Self::NoIdentity => (
                ProblemKind::Refused,
                "no-identity",
                "have an admin list an agent for this process (ca-server agent add), or run as the user, group and program that are listed",
            ),
            Self::NotYours { .. } => {
                (ProblemKind::Refused, "identity-not-yours", "ask for one of those, or leave spiffe_id and hint out")
            }
            Self::Several { .. } => {
                (ProblemKind::Malformed, "identity-ambiguous", "add ?spiffe_id= or ?hint=, or ask for format=json")
            }
            Self::SecurityHeader => {
                (ProblemKind::Malformed, "security-header", "send the header workload.spiffe.io: true, once")
            }
            Self::HostNotLocal => (ProblemKind::Refused, "host-not-local", "ask for http://localhost/..."),
            Self::Brought => {
                (ProblemKind::Refused, "request-forwarded", "ask on the socket, with no proxy or browser between")
            }
            Self::Method => (ProblemKind::MethodNotAllowed, "method-not-allowed", "use GET"),
            Self::Body => (ProblemKind::Malformed, "body-unexpected", "send no body"),
            Self::Query { .. } => (ProblemKind::Malformed, "query-malformed", "correct the query"),
            Self::Format => (ProblemKind::Malformed, "format-unknown", "use format=json or format=pem"),
            Self::Wait => (ProblemKind::Malformed, "wait-malformed", "send Prefer: wait=SECONDS"),
            Self::CallerChanged => {
                (ProblemKind::Refused, "caller-changed", "connect again, as the process that uses the identity")
            }
            Self::BundleNotYet => (ProblemKind::Busy, "bundle-not-yet", "come back in a second"),
            Self::Stopping => (ProblemKind::Busy, "stopping", "come back when enroll-client runs again"),
            Self::Internal => (ProblemKind::Internal, "answer-failed", "look at the log of enroll-client"),
            Self::NotFound => (
                ProblemKind::NotFound,
                "path-unknown",
                "there are /v1/identity, /v1/bundle, /v1/status, /v1/feed, /v1/snapshot",
            ),
            Self::FeedNotYet => (ProblemKind::Busy, "feed-not-yet", "come back in a second"),
            Self::LastEventId => {
                (ProblemKind::Malformed, "last-event-id-malformed", "send the id of the last event, or none")
            }
            Self::TooFarBehind(_) => (ProblemKind::Gone, "follower-too-far-behind", "begin with GET /v1/snapshot"),
        }
    }

    /// Whether it may be over when something changes: who waits is not answered with it at once.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::NoIdentity | Self::NotYours { .. } | Self::BundleNotYet)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (kind, rule, fix) = self.facts();
        let problem = Problem {
            detail: Some(self.to_string()),
            rule: Some(rule.to_owned()),
            fix: Some(fix.to_owned()),
            ..kind.document()
        };
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = (status, Json(problem)).into_response();
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(problem::CONTENT_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        answer
    }
}

//! Problem documents (RFC 9457): how a refusal or failure travels. Knows no status beyond a number.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A problem document. Members that we do not know are ignored, as RFC 9457, section 3.2, asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:brevet:problem:<name>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What went wrong, in general.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What went wrong this time; never echoes what was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Name of the rule that refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// Under which the server's log has more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Names of problems, the last part of their `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// The request cannot be read.
    Malformed,
    /// No such thing.
    NotFound,
    /// The method does not go with the path.
    MethodNotAllowed,
    /// The route needs a client certificate, or one of another kind.
    Unauthenticated,
    /// A rule refused.
    Refused,
    /// The request is longer than it may be.
    TooLarge,
    /// Another content type is needed, or none.
    UnsupportedMediaType,
    /// The follower is too far behind: begin with a snapshot.
    Gone,
    /// Too many at once: come back after `Retry-After`.
    Busy,
    /// The server cannot, at the moment or at all; its log says why.
    Internal,
}

impl ProblemKind {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::Malformed,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Unauthenticated,
        Self::Refused,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::Gone,
        Self::Busy,
        Self::Internal,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::Unauthenticated => "unauthenticated",
            Self::Refused => "refused",
            Self::TooLarge => "too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::Gone => "gone",
            Self::Busy => "busy",
            Self::Internal => "internal",
        }
    }

    /// Its HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Unauthenticated => 401,
            Self::Refused => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Gone => 410,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::Busy => 503,
            Self::Internal => 500,
        }
    }

    /// What went wrong, in general.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Malformed => "The request cannot be read",
            Self::NotFound => "There is no such thing",
            Self::MethodNotAllowed => "The path does not take this method",
            Self::Unauthenticated => "A client certificate of another kind is needed",
            Self::Refused => "A rule refused the request",
            Self::TooLarge => "The request is longer than it may be",
            Self::UnsupportedMediaType => "The request has the wrong content type or encoding",
            Self::Gone => "The follower is too far behind",
            Self::Busy => "Too much at once",
            Self::Internal => "The server failed",
        }
    }

    /// A document without details.
    #[must_use]
    pub fn document(self) -> Problem {
        Problem {
            kind: format!("{PREFIX}{}", self.name()),
            title: self.title().to_owned(),
            status: self.status(),
            detail: None,
            rule: None,
            fix: None,
            id: None,
        }
    }
}

impl Problem {
    /// Which problem it is, if it is one of ours.
    #[must_use]
    pub fn known(&self) -> Option<ProblemKind> {
        let name = self.kind.strip_prefix(PREFIX)?;
        ProblemKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

const PREFIX: &str = "urn:brevet:problem:";

/// Content type of a problem document.
pub const CONTENT_TYPE: &str = "application/problem+json";

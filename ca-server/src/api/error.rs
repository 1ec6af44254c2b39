//! Whatever goes wrong in a request, as a problem document (RFC 9457). The only place that makes HTTP of errors.
//!
//! A refusal tells the asker the rule's name and what to do. Our own failure tells an id that stands in the log, and
//! nothing else. Nothing that was sent is echoed.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use policies::{PickRefusal, WantedError};
use protocol::problem::{CONTENT_TYPE, ProblemKind};

use crate::attestation::EvidenceError;
use crate::attestation::nonce::NonceError;
use crate::caller::CallerError;
use crate::committer::CommitError;
use crate::csr::CsrError;
use crate::issuance::{PrepareError, SignError};
use crate::issuing::IssuingError;
use crate::refusal::Refusal;
use crate::service::new_request;

/// Marks a response as a refusal by a rule, for whoever writes refusals down.
#[derive(Clone, Debug)]
pub(super) struct RefusedBy(pub(super) String);

/// What the asker is told.
#[derive(Debug)]
pub struct ApiError {
    kind: ProblemKind,
    detail: Option<String>,
    rule: Option<String>,
    fix: Option<String>,
    id: Option<String>,
    retry_after_seconds: Option<u32>,
}

impl ApiError {
    /// A problem without details.
    #[must_use]
    pub fn new(kind: ProblemKind) -> Self {
        Self { kind, detail: None, rule: None, fix: None, id: None, retry_after_seconds: None }
    }

    /// The request cannot be read; `why` must not repeat what was sent.
    #[must_use]
    pub fn malformed(why: impl Into<String>) -> Self {
        Self { detail: Some(why.into()), ..Self::new(ProblemKind::Malformed) }
    }

    /// A rule refused.
    #[must_use]
    pub fn refused(rule: impl Into<String>, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            rule: Some(rule.into()),
            fix: Some(fix.into()),
            ..Self::new(ProblemKind::Refused)
        }
    }

    /// Too much at once.
    #[must_use]
    pub fn busy() -> Self {
        Self { retry_after_seconds: Some(RETRY_AFTER_SECONDS), ..Self::new(ProblemKind::Busy) }
    }

    /// We failed; what happened goes to the log under the id that the asker is told.
    #[must_use]
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        // The id that the line of this request in the log has too.
        let id = crate::noted::now().id.or_else(|| new_request().ok());
        let id = id.map_or_else(|| "none".to_owned(), |id| id.to_string());
        tracing::error!(id, error = %chain(error), "a request failed");
        Self { id: Some(id), ..Self::new(ProblemKind::Internal) }
    }

    /// The rule that refused, if one did.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }
}

/// An error and its causes, in one line.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let refused = self.rule.clone();
        let mut document = self.kind.document();
        document.detail = self.detail;
        document.rule = self.rule;
        document.fix = self.fix;
        document.id = self.id;
        let status = StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(rule) = refused {
            response.extensions_mut().insert(RefusedBy(rule));
        }
        response
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::refused(refusal.rule(), refusal.to_string(), refusal.fix())
    }
}

impl From<CallerError> for ApiError {
    fn from(error: CallerError) -> Self {
        let fix = "enrol again, or ask an admin why";
        Self { kind: ProblemKind::Unauthenticated, ..Self::refused(error.rule(), error.to_string(), fix) }
    }
}

impl From<CsrError> for ApiError {
    fn from(error: CsrError) -> Self {
        Self::refused(
            error.rule(),
            chain(&error),
            "send a PKCS#10 request, DER, with a P-256 or Ed25519 key and signed by it",
        )
    }
}

impl From<NonceError> for ApiError {
    fn from(error: NonceError) -> Self {
        match error {
            NonceError::Random => Self::internal(&error),
            NonceError::Missing
            | NonceError::Mismatch
            | NonceError::Malformed { .. }
            | NonceError::Version { .. }
            | NonceError::OtherServer
            | NonceError::Forged
            | NonceError::Expired { .. }
            | NonceError::Future { .. } => Self::refused(
                error.rule(),
                error.to_string(),
                "ask for a new nonce at /v1/challenge, put it into the request as challengePassword, and send both",
            ),
        }
    }
}

impl From<EvidenceError> for ApiError {
    fn from(error: EvidenceError) -> Self {
        if error.is_ours() {
            tracing::warn!(error = %chain(&error), "evidence could not be judged");
            return Self::refused(
                error.rule(),
                "the evidence could not be judged; the server's log says why",
                error.fix(),
            );
        }
        Self::refused(error.rule(), chain(&error), error.fix())
    }
}

impl From<PickRefusal> for ApiError {
    fn from(error: PickRefusal) -> Self {
        Self::refused(error.rule(), error.to_string(), "name one of the profiles of this attestor")
    }
}

impl From<WantedError> for ApiError {
    fn from(error: WantedError) -> Self {
        Self::refused(error.rule(), chain(&error), "see the profile: ca-server policy show")
    }
}

impl From<IssuingError> for ApiError {
    fn from(error: IssuingError) -> Self {
        match &error {
            IssuingError::Prepare(PrepareError::KeyKind { .. }) => {
                Self::refused("key-kind-is-allowed", chain(&error), "make a key of the kind that was granted")
            }
            IssuingError::NoneActive
            | IssuingError::KeyNotOpen
            | IssuingError::Random(_)
            | IssuingError::Serial(_)
            | IssuingError::Prepare(_) => Self::internal(&error),
        }
    }
}

impl From<SignError> for ApiError {
    fn from(error: SignError) -> Self {
        Self::internal(&error)
    }
}

impl From<CommitError> for ApiError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Refused(refusal) => refusal.into(),
            CommitError::Busy => Self::busy(),
            CommitError::Unwritable(_) => Self::malformed(chain(&error)),
            CommitError::Full(_)
            | CommitError::Unsigned(_)
            | CommitError::Unreadable(_)
            | CommitError::Halted(_)
            | CommitError::Ended => Self::internal(&error),
        }
    }
}

/// After this a queue that was full has drained: it holds less than a second of work.
const RETRY_AFTER_SECONDS: u32 = 1;

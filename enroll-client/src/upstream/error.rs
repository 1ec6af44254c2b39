//! Why the server did not give what was asked for, and what follows from it. Knows problem documents; knows no state.

use std::error::Error;
use std::io;
use std::time::Duration;

use protocol::problem::{Problem, ProblemKind};
use rustls::{CertificateError, OtherError};

use crate::machine::{Failure, Fault};
use crate::report::chain;

/// Why a request brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// TLS cannot be set up with our own certificate.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// No connection, no answer, or one that broke off. Whether the server acted on the request is not known.
    #[error("no answer from the server")]
    NoAnswer(#[source] reqwest::Error),
    /// The server is not the one that the trust file names. Nothing was sent to it.
    #[error("the server is not the one that the trust file names: {why}")]
    Untrusted {
        /// What is wrong with it, with causes.
        why: String,
    },
    /// The answer took too long.
    #[error("no answer from the server within {seconds} s")]
    TooSlow {
        /// The limit.
        seconds: u64,
    },
    /// The answer is longer than any of its kind.
    #[error("the server's answer has more than {limit} octets")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The answer is in an encoding or of a type that was not asked for.
    #[error("the server's answer has the content type or encoding {found:?}")]
    OtherContent {
        /// What the header says.
        found: String,
    },
    /// The answer is not what the protocol says.
    #[error("the server's answer cannot be read")]
    Malformed(#[source] serde_json::Error),
    /// The server says why not.
    #[error("{}", described(.problem))]
    Problem {
        /// The document.
        problem: Box<Problem>,
        /// How long to wait before the next attempt, if it says so.
        retry_after: Option<Duration>,
    },
    /// The server says no without a reason that we could read.
    #[error("the server answered with status {status}")]
    Status {
        /// The status.
        status: u16,
        /// How long to wait before the next attempt, if it says so.
        retry_after: Option<Duration>,
    },
    /// There is no certificate to speak with yet.
    #[error("this host has no certificate yet")]
    NoCredential,
}

impl UpstreamError {
    /// What a key roller does about it.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Problem { problem, retry_after } => Failure { fault: fault_of(problem), retry_after: *retry_after },
            Self::Status { status, retry_after } => {
                Failure { fault: fault_of_status(*status), retry_after: *retry_after }
            }
            Self::NoCredential => Failure { fault: Fault::Refused, retry_after: None },
            Self::Tls(_)
            | Self::NoAnswer(_)
            | Self::Untrusted { .. }
            | Self::TooSlow { .. }
            | Self::TooLarge { .. }
            | Self::OtherContent { .. }
            | Self::Malformed(_) => Failure { fault: Fault::Lost, retry_after: None },
        }
    }

    /// The name of the rule that refused, if one did.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Problem { problem, .. } => problem.rule.as_deref(),
            Self::Tls(_)
            | Self::NoAnswer(_)
            | Self::Untrusted { .. }
            | Self::TooSlow { .. }
            | Self::TooLarge { .. }
            | Self::OtherContent { .. }
            | Self::Malformed(_)
            | Self::Status { .. }
            | Self::NoCredential => None,
        }
    }

    /// Whether the follower of the feed must begin with a snapshot.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        match self {
            Self::Problem { problem, .. } => problem.status == ProblemKind::Gone.status(),
            Self::Status { status, .. } => *status == ProblemKind::Gone.status(),
            Self::Tls(_)
            | Self::NoAnswer(_)
            | Self::Untrusted { .. }
            | Self::TooSlow { .. }
            | Self::TooLarge { .. }
            | Self::OtherContent { .. }
            | Self::Malformed(_)
            | Self::NoCredential => false,
        }
    }

    /// Whether the server did not take our certificate for one that may speak.
    #[must_use]
    pub fn is_unauthenticated(&self) -> bool {
        matches!(self, Self::Problem { problem, .. } if problem.known() == Some(ProblemKind::Unauthenticated))
    }
}

/// What became of a request that was not answered. If the server's certificate was the reason, it says so in our words: the chain
/// from there to here has four layers of other people's.
pub(super) fn no_answer(error: reqwest::Error) -> UpstreamError {
    let mut next: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(cause) = next {
        if let Some(rustls::Error::InvalidCertificate(why)) = cause.downcast_ref() {
            let why = if let CertificateError::Other(OtherError(why)) = why { chain(&**why) } else { why.to_string() };
            return UpstreamError::Untrusted { why };
        }
        // An I/O error does not count what it wraps among its causes.
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map_or_else(|| cause.source(), |wrapped| Some(wrapped));
    }
    UpstreamError::NoAnswer(error)
}

fn fault_of(problem: &Problem) -> Fault {
    match (problem.known(), problem.rule.as_deref()) {
        // Something changed while the server worked on it; nothing is wrong with the request.
        (_, Some("policy-changed" | "issuer-changed" | "serial-exists" | "not-timely")) => Fault::Busy,
        (Some(ProblemKind::Refused), Some("certificate-revoked")) => Fault::Revoked,
        // The certificate cannot be renewed, by us or at all; evidence or the host's certificate leads to another.
        (
            Some(ProblemKind::Refused),
            Some("superseded" | "certificate-unknown" | "certificate-of-another" | "reattestation-due"),
        )
        | (Some(ProblemKind::Unauthenticated), _) => Fault::Anew,
        (Some(_), _) => fault_of_status(problem.status),
        (None, _) => fault_of_status(problem.status),
    }
}

/// RFC 9110, section 15: 429 and 503 say later; other 5xx leave open what happened; the rest is a decision.
fn fault_of_status(status: u16) -> Fault {
    match status {
        429 | 503 => Fault::Busy,
        400..500 => Fault::Refused,
        _ => Fault::Lost,
    }
}

/// One line for logs and `status`: the server's words are cut, and control characters in them are not repeated.
fn described(problem: &Problem) -> String {
    let clean = |text: &str| -> String {
        text.chars().filter(|character| !character.is_control()).take(MAX_TEXT_CHARACTERS).collect()
    };
    let mut text = format!("{} ({})", clean(&problem.title), problem.status);
    for (label, part) in
        [("rule", &problem.rule), ("detail", &problem.detail), ("do", &problem.fix), ("id", &problem.id)]
    {
        if let Some(part) = part {
            text.push_str(&format!("; {label}: {}", clean(part)));
        }
    }
    text
}

/// Characters of each member of a problem that are repeated. Ours: a line of a log.
const MAX_TEXT_CHARACTERS: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(kind: ProblemKind, rule: Option<&str>) -> UpstreamError {
        let mut document = kind.document();
        document.rule = rule.map(str::to_owned);
        UpstreamError::Problem { problem: Box::new(document), retry_after: None }
    }

    #[track_caller]
    fn check(kind: ProblemKind, rule: Option<&str>, fault: Fault) {
        assert_eq!(problem(kind, rule).failure().fault, fault);
    }

    #[test]
    fn faults() {
        check(ProblemKind::Refused, Some("proof-already-used"), Fault::Refused);
        check(ProblemKind::Refused, Some("superseded"), Fault::Anew);
        check(ProblemKind::Refused, Some("reattestation-due"), Fault::Anew);
        check(ProblemKind::Refused, Some("certificate-revoked"), Fault::Revoked);
        check(ProblemKind::Refused, Some("policy-changed"), Fault::Busy);
        check(ProblemKind::Refused, None, Fault::Refused);
        check(ProblemKind::Unauthenticated, Some("certificate-revoked"), Fault::Anew);
        check(ProblemKind::Malformed, None, Fault::Refused);
        check(ProblemKind::Busy, None, Fault::Busy);
        check(ProblemKind::Internal, None, Fault::Lost);
        for (status, fault) in
            [(429, Fault::Busy), (503, Fault::Busy), (404, Fault::Refused), (502, Fault::Lost), (302, Fault::Lost)]
        {
            let error = UpstreamError::Status { status, retry_after: None };
            assert_eq!(error.failure().fault, fault, "{status}");
        }
    }

    #[test]
    fn what_the_server_says_stays_one_line() {
        let mut document = ProblemKind::Refused.document();
        document.detail = Some(format!("first\nsecond\u{1b}[31m{}", "x".repeat(1000)));
        document.fix = Some("ask an admin".into());
        let text = UpstreamError::Problem { problem: Box::new(document), retry_after: None }.to_string();
        assert!(text.starts_with("A rule refused the request (403); detail: firstsecond[31mx"), "{text}");
        assert!(text.ends_with("; do: ask an admin") && text.len() < 400, "{text}");
    }
}

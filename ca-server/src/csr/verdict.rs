//! What Brevet makes of a request, for people and scripts: the report of `ca-server csr check`. Knows no file.

use std::borrow::Cow;

use serde::Serialize;

use super::{CsrError, Ignored, MAX_CSR_OCTETS, OpenedCsr, open};

/// The report on one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// The key is accepted and the sender holds it. Whether this key may be certified for anybody is decided by the
    /// server against its state (T-39) and policy.
    Accepted {
        /// `p256` or `ed25519`.
        key_kind: &'static str,
        /// SHA-256 of the SubjectPublicKeyInfo, hex.
        key: String,
        /// Key identifier that the certificate will carry, hex.
        key_identifier: String,
        /// Whether there is a challenge password; its value is a nonce and is not shown.
        challenge: bool,
        /// What the request asks for besides, which no certificate will hold.
        ignored: Ignored,
    },
    /// The request is refused as it stands.
    Refused {
        /// The flaw's name.
        rule: &'static str,
        /// The flaw, and what to do.
        detail: String,
    },
}

impl Verdict {
    /// Judges a request in DER, or in PEM as tools write it.
    #[must_use]
    pub fn of(request: &[u8]) -> Self {
        let judged = der_of(request).and_then(|der| Ok((open(&der)?, Ignored::of(&der)?)));
        match judged {
            Ok((opened, ignored)) => Self::accepted(&opened, ignored),
            Err(flaw) => Self::Refused { rule: flaw.rule(), detail: chain(&flaw) },
        }
    }

    /// Whether the request is accepted.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted { .. })
    }

    fn accepted(opened: &OpenedCsr, ignored: Ignored) -> Self {
        Self::Accepted {
            key_kind: opened.key_kind().as_str(),
            key: opened.key().to_string(),
            key_identifier: opened.public_key().identifier().to_string(),
            challenge: opened.challenge().is_some(),
            ignored,
        }
    }
}

/// The DER of a request. Only for files of people: what comes over the wire is DER and nothing else.
fn der_of(request: &[u8]) -> Result<Cow<'_, [u8]>, CsrError> {
    if request.len() > MAX_FILE_OCTETS {
        return Err(CsrError::TooLong { octets: request.len(), limit: MAX_FILE_OCTETS });
    }
    if !request.trim_ascii_start().starts_with(b"-----BEGIN") {
        return Ok(Cow::Borrowed(request));
    }
    let (label, der) = der::pem::decode_vec(request.trim_ascii()).map_err(|_| CsrError::Pem)?;
    match label {
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Ok(Cow::Owned(der)),
        _ => Err(CsrError::Pem),
    }
}

fn chain(flaw: &CsrError) -> String {
    let mut text = flaw.to_string();
    let mut cause = std::error::Error::source(flaw);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Octets of a file: the longest request in base64 (4 octets for 3) with line ends and labels.
const MAX_FILE_OCTETS: usize = 2 * MAX_CSR_OCTETS;

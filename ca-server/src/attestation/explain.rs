//! What an attestor makes of a piece of evidence, for people and scripts: the report of `ca-server attest explain`.
//! Knows no file; never shows the evidence.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Instant;

use identity::Timestamp;
use policies::claims::ClaimValue;
use serde::Serialize;

use super::{Attested, Attestors, EvidenceError, Kind};

/// The report on one piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Report {
    /// The evidence is sound at that time. Whether it was used before, and what its host may have, is decided
    /// elsewhere.
    Attested {
        /// Kind of the evidence.
        kind: &'static str,
        /// The time it was judged at.
        now: String,
        /// The attestor that judged.
        attestor: String,
        /// What the evidence says of the host.
        claims: BTreeMap<String, Claim>,
        /// The one profile that it is bound to.
        profile: Option<String>,
        /// What its first use spends, hex.
        proof: String,
        /// Until when it could be shown again.
        proof_until: String,
        /// How often it may be shown.
        proof_use: String,
    },
    /// The evidence is refused.
    Refused {
        /// Kind of the evidence.
        kind: &'static str,
        /// The time it was judged at.
        now: String,
        /// The name of the rule.
        rule: &'static str,
        /// The rule with both values compared, and its causes.
        detail: String,
        /// What to do about it.
        fix: &'static str,
        /// Whether the fault is the server's and not the evidence's.
        ours: bool,
    },
}

/// The value of a claim, as JSON has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Claim {
    /// A text.
    Text(String),
    /// An integer.
    Number(i64),
    /// Yes or no.
    Bool(bool),
    /// Several texts.
    List(Vec<String>),
}

impl Report {
    /// Judges evidence as a request would have it judged, save that a line end at the end of a file is left out:
    /// editors and `echo` put it there.
    pub async fn of(attestors: &Attestors, kind: Kind, file: &[u8], now: Timestamp, tick: Instant) -> Self {
        let evidence = file.strip_suffix(b"\n").unwrap_or(file);
        let evidence = evidence.strip_suffix(b"\r").unwrap_or(evidence);
        match attestors.attest(kind, evidence, now, tick).await {
            Ok(attested) => Self::attested(&attested, now),
            Err(refused) => Self::refused(kind, &refused, now),
        }
    }

    /// Whether the evidence is sound.
    #[must_use]
    pub fn is_attested(&self) -> bool {
        matches!(self, Self::Attested { .. })
    }

    fn attested(attested: &Attested, now: Timestamp) -> Self {
        Self::Attested {
            kind: attested.kind().as_str(),
            now: now.to_string(),
            attestor: attested.attestor().to_owned(),
            claims: attested.claims().iter().map(|(name, value)| (name.to_owned(), Claim::of(value))).collect(),
            profile: attested.profile().map(str::to_owned),
            proof: attested.proof().to_string(),
            proof_until: attested.proof_until().to_string(),
            proof_use: attested.proof_use().to_string(),
        }
    }

    fn refused(kind: Kind, refused: &EvidenceError, now: Timestamp) -> Self {
        Self::Refused {
            kind: kind.as_str(),
            now: now.to_string(),
            rule: refused.rule(),
            detail: chain(refused),
            fix: refused.fix(),
            ours: refused.is_ours(),
        }
    }
}

impl Claim {
    fn of(value: &ClaimValue) -> Self {
        match value {
            ClaimValue::Text(text) => Self::Text(text.clone()),
            ClaimValue::Number(number) => Self::Number(*number),
            ClaimValue::Bool(flag) => Self::Bool(*flag),
            ClaimValue::List(items) => Self::List(items.clone()),
        }
    }
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

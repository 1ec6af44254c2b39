//! One piece of a template between two separators: literal, or with one claim in it. Knows alphabets, not separators.

use identity::is_path_character;

use super::{RenderError, TemplateError};
use crate::claims::{ClaimValue, Claims, is_claim_name};

/// A literal text, or one claim with literal text around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Literal(String),
    Claim { before: String, claim: String, after: String },
}

/// What a rendered segment may consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// SPIFFE-ID, section 2.2.
    SpiffePath,
    /// Letters, digits and hyphen of RFC 1034, section 3.5, in lower case only: DNS ignores case, an id must not.
    DnsLabel,
}

impl Alphabet {
    pub(super) fn has(self, character: char) -> bool {
        match (self, u8::try_from(character)) {
            (Self::SpiffePath, Ok(octet)) => is_path_character(octet),
            (Self::DnsLabel, Ok(octet)) => octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-',
            (_, Err(_)) => false,
        }
    }

    pub(super) fn allowed(self) -> &'static str {
        match self {
            Self::SpiffePath => "a-z, A-Z, 0-9, `.`, `-` and `_`",
            Self::DnsLabel => "a-z, 0-9 and `-`",
        }
    }
}

impl Segment {
    pub(super) fn parse(text: &str, alphabet: Alphabet) -> Result<Self, TemplateError> {
        let literal = |part: &str| match part.chars().find(|character| !alphabet.has(*character)) {
            Some('{' | '}') => Err(TemplateError::Brace { segment: text.to_owned() }),
            Some(character) => {
                Err(TemplateError::Character { segment: text.to_owned(), character, allowed: alphabet.allowed() })
            }
            None => Ok(part.to_owned()),
        };
        match text {
            "" => return Err(TemplateError::EmptySegment),
            "." | ".." => return Err(TemplateError::DotSegment { segment: text.to_owned() }),
            _ => {}
        }
        let Some((before, rest)) = text.split_once('{') else {
            return literal(text).map(Self::Literal);
        };
        let (claim, after) = rest.split_once('}').ok_or_else(|| TemplateError::Brace { segment: text.to_owned() })?;
        if after.contains('{') {
            return Err(TemplateError::TwoPlaceholders { segment: text.to_owned() });
        }
        let (before, after) = (literal(before)?, literal(after)?);
        if !is_claim_name(claim) {
            return Err(TemplateError::ClaimName { name: claim.to_owned() });
        }
        Ok(Self::Claim { before, claim: claim.to_owned(), after })
    }

    pub(super) fn claim(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Claim { claim, .. } => Some(claim),
        }
    }

    /// Appends the segment with the claim's value in it.
    pub(super) fn render(&self, alphabet: Alphabet, claims: &Claims, out: &mut String) -> Result<(), RenderError> {
        match self {
            Self::Literal(text) => out.push_str(text),
            Self::Claim { before, claim, after } => {
                out.push_str(before);
                out.push_str(value(claim, alphabet, claims)?);
                out.push_str(after);
            }
        }
        Ok(())
    }
}

/// The claim's value, judged as it stands: nothing is decoded, trimmed or folded (T-03).
fn value<'a>(claim: &str, alphabet: Alphabet, claims: &'a Claims) -> Result<&'a str, RenderError> {
    let named = || claim.to_owned();
    let text = match claims.value(claim) {
        None => return Err(RenderError::NoSuchClaim { claim: named() }),
        Some(ClaimValue::Text(text)) => text.as_str(),
        Some(other @ (ClaimValue::Number(_) | ClaimValue::Bool(_) | ClaimValue::List(_))) => {
            return Err(RenderError::NotText { claim: named(), kind: other.kind() });
        }
    };
    match text {
        "" => return Err(RenderError::Empty { claim: named() }),
        "." | ".." => return Err(RenderError::Dots { claim: named(), value: text.to_owned() }),
        _ => {}
    }
    if text.len() > MAX_VALUE_OCTETS {
        return Err(RenderError::TooLong { claim: named(), length: text.len(), limit: MAX_VALUE_OCTETS });
    }
    match text.char_indices().find(|(_, character)| !alphabet.has(*character)) {
        Some((at, character)) => {
            Err(RenderError::Character { claim: named(), character, at, allowed: alphabet.allowed() })
        }
        None => Ok(text),
    }
}

/// Whether two templates could render the same segments. A placeholder may stand for any text, so yes can be wrong, no cannot.
pub(super) fn overlap(one: &[Segment], other: &[Segment]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(left, right)| left.meets(right))
}

impl Segment {
    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Literal(one), Self::Literal(two)) => one == two,
            (Self::Literal(text), Self::Claim { before, after, .. })
            | (Self::Claim { before, after, .. }, Self::Literal(text)) => {
                text.len() > before.len().saturating_add(after.len())
                    && text.starts_with(before.as_str())
                    && text.ends_with(after.as_str())
            }
            (Self::Claim { before, after, .. }, Self::Claim { before: before2, after: after2, .. }) => {
                (before.starts_with(before2.as_str()) || before2.starts_with(before.as_str()))
                    && (after.ends_with(after2.as_str()) || after2.ends_with(after.as_str()))
            }
        }
    }
}

/// Octets of a claim's value inside a name: the longest name of a Kubernetes object (a DNS subdomain, RFC 1123).
pub(super) const MAX_VALUE_OCTETS: usize = 253;

//! A service-account token taken apart, before anything in it is believed (RFC 7515, RFC 7519). Knows the compact form
//! and the header; knows no key, clock or cluster.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::refusal::{Part, TokenError};
use super::{Algorithm, MAX_KEY_ID_CHARACTERS, MAX_TOKEN_OCTETS};
use crate::attestation::shown::Shown;
use crate::attestation::strict_json::{Json, Members, parse_object};

/// What a token says, and the octets that its signature covers.
pub(super) struct Token<'a> {
    /// The algorithm that it says it is signed by: one of those that are accepted.
    pub(super) algorithm: Algorithm,
    /// The key that it says it is signed by: 1 to 256 visible ASCII characters.
    pub(super) kid: String,
    /// Its claims, unverified.
    pub(super) claims: Members,
    /// All of it, as sent.
    pub(super) whole: &'a str,
    /// Header, dot, payload as sent (RFC 7515, section 5.2, step 8).
    pub(super) signed: &'a str,
    /// The signature, base64url.
    pub(super) signature: &'a str,
}

impl<'a> Token<'a> {
    /// Takes a token apart. The length comes first, so that nothing below works on more than 16 KiB (T-26).
    pub(super) fn of(evidence: &'a [u8]) -> Result<Self, TokenError> {
        if evidence.len() > MAX_TOKEN_OCTETS {
            return Err(TokenError::TooLong { octets: evidence.len(), limit: MAX_TOKEN_OCTETS });
        }
        let found = evidence.split(|octet| *octet == b'.').take(PARTS_COUNTED).count();
        if found != PARTS {
            return Err(TokenError::Parts { found });
        }
        let text = std::str::from_utf8(evidence).map_err(|_| TokenError::Base64 { part: Part::Header })?;
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenError::Parts { found })?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Parts { found })?;
        let (algorithm, kid) = header_of(&object(Part::Header, header)?)?;
        let claims = object(Part::Payload, payload)?;
        // Decoded for the strictness alone: one signature must not have two spellings.
        decoded(Part::Signature, signature)?;
        Ok(Self { algorithm, kid, claims, whole: text, signed, signature })
    }
}

/// The header. Only what Kubernetes writes is taken: `alg` and `kid`, and `typ` with the one value that says nothing.
/// A header that brings a key, or says where to find one (`jwk`, `jku`, `x5c`, `x5u`), is refused, not ignored (T-06,
/// T-22, T-24).
fn header_of(header: &Members) -> Result<(Algorithm, String), TokenError> {
    for member in header.keys() {
        match member.as_str() {
            "alg" | "kid" | "typ" => {}
            "crit" => return Err(TokenError::Critical),
            _ => return Err(TokenError::HeaderMember { member: Shown::of(member) }),
        }
    }
    match header.get("typ") {
        None => {}
        Some(typ) if typ.text() == Some("JWT") => {}
        typ => return Err(TokenError::Type { found: shown(typ) }),
    }
    let name = header.get("alg");
    let algorithm = name.and_then(Json::text).and_then(Algorithm::named);
    let algorithm = algorithm.ok_or_else(|| TokenError::Algorithm { found: shown(name) })?;
    let kid = header.get("kid");
    match kid.and_then(Json::text) {
        Some(text) if is_key_id(text) => Ok((algorithm, text.to_owned())),
        Some(_) | None => Err(TokenError::KeyId { found: shown(kid), limit: MAX_KEY_ID_CHARACTERS }),
    }
}

/// T-23: a key id is compared, never looked up as a path, a query or an address; yet nothing odd gets as far as that.
pub(super) fn is_key_id(kid: &str) -> bool {
    (1..=MAX_KEY_ID_CHARACTERS).contains(&kid.len()) && kid.bytes().all(|octet| octet.is_ascii_graphic())
}

fn object(part: Part, text: &str) -> Result<Members, TokenError> {
    parse_object(&decoded(part, text)?).map_err(|flaw| TokenError::Json { part, flaw })
}

/// Refuses padding, other alphabets, white space, and last characters with bits that belong to no octet.
fn decoded(part: Part, text: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Base64 { part })
}

fn shown(value: Option<&Json>) -> Shown {
    match value {
        Some(value) => Shown::of(value.text().unwrap_or("no text")),
        None => Shown::of("missing"),
    }
}

/// RFC 7515, section 7.1.
const PARTS: usize = 3;
/// Parts are counted to one more than an encrypted token has, however many dots there are (T-26).
const PARTS_COUNTED: usize = 6;

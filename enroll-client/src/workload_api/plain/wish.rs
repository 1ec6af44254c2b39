//! What a plain request asks for: which identities, in which format, unless known already, and for how long it waits. Knows queries and headers; knows
//! no answer.

use std::time::Duration;

use axum::extract::Query;
use axum::http::{HeaderMap, Uri, header};
use identity::SpiffeId;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::refusal::Refusal;
use crate::identities::CurrentIdentity;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Pem,
}

/// A request, read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) format: Format,
    /// How long to wait for something new; zero: not at all.
    pub(super) wait: Duration,
    spiffe_id: Option<SpiffeId>,
    hint: Option<String>,
    /// Entity tags that the asker has the content of.
    known: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityQuery {
    format: Option<String>,
    spiffe_id: Option<String>,
    hint: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BundleQuery {
    format: Option<String>,
}

impl Format {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Pem => PEM_TYPE,
        }
    }

    /// A PEM file cannot say which of several keys goes with which certificate.
    pub(super) fn is_single(self) -> bool {
        self == Self::Pem
    }

    /// The query decides, else `Accept`: PEM for who names it, JSON for everybody else.
    fn of(asked: Option<&str>, headers: &HeaderMap) -> Result<Self, Refusal> {
        match asked {
            Some("json") => Ok(Self::Json),
            Some("pem") => Ok(Self::Pem),
            Some(_) => Err(Refusal::Format),
            None if items(headers, header::ACCEPT.as_str()).any(|item| name(item).eq_ignore_ascii_case(PEM_TYPE)) => {
                Ok(Self::Pem)
            }
            None => Ok(Self::Json),
        }
    }
}

impl Wish {
    /// Of `GET /v1/identity`.
    pub(super) fn for_identity(uri: &Uri, headers: &HeaderMap) -> Result<Self, Refusal> {
        let query: IdentityQuery = read(uri, IDENTITY_MEMBERS)?;
        let spiffe_id = query.spiffe_id.map(|text| SpiffeId::parse(&text)).transpose();
        let spiffe_id = spiffe_id.map_err(|_| Refusal::Query { allowed: IDENTITY_MEMBERS })?;
        Ok(Self { spiffe_id, hint: query.hint, ..Self::common(query.format.as_deref(), headers)? })
    }

    /// Of `GET /v1/bundle`.
    pub(super) fn for_bundle(uri: &Uri, headers: &HeaderMap) -> Result<Self, Refusal> {
        let query: BundleQuery = read(uri, BUNDLE_MEMBERS)?;
        Self::common(query.format.as_deref(), headers)
    }

    fn common(format: Option<&str>, headers: &HeaderMap) -> Result<Self, Refusal> {
        let known = items(headers, header::IF_NONE_MATCH.as_str());
        // RFC 9110, section 13.1.2: compared weakly.
        let known = known.map(|tag| tag.strip_prefix("W/").unwrap_or(tag).to_owned()).collect();
        Ok(Self { format: Format::of(format, headers)?, wait: wait(headers)?, spiffe_id: None, hint: None, known })
    }

    /// Whether an identity is one of those asked for.
    pub(super) fn takes(&self, identity: &CurrentIdentity) -> bool {
        self.spiffe_id.as_ref().is_none_or(|id| *id == identity.spiffe_id)
            && self.hint.as_ref().is_none_or(|hint| *hint == identity.hint)
    }

    /// Whether the asker has that content.
    pub(super) fn knows(&self, etag: &str) -> bool {
        self.known.iter().any(|known| known == etag || known == "*")
    }
}

fn read<Q: DeserializeOwned>(uri: &Uri, allowed: &'static str) -> Result<Q, Refusal> {
    Query::try_from_uri(uri).map(|Query(query)| query).map_err(|_| Refusal::Query { allowed })
}

/// RFC 7240, section 4.3; of several the first counts (section 2).
fn wait(headers: &HeaderMap) -> Result<Duration, Refusal> {
    let mut preferences = items(headers, "prefer").filter_map(|item| name(item).split_once('='));
    let Some((_, seconds)) = preferences.find(|(name, _)| name.trim_end().eq_ignore_ascii_case("wait")) else {
        return Ok(Duration::ZERO);
    };
    let seconds = seconds.trim_start();
    if seconds.is_empty() || seconds.len() > 9 || !seconds.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(Refusal::Wait);
    }
    let seconds = seconds.parse().map(Duration::from_secs).map_err(|_| Refusal::Wait)?;
    Ok(seconds.min(MAX_WAIT))
}

/// The items of a header that is a list. What is not text is passed over.
fn items<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .map(str::trim)
}

/// An item without its parameters.
fn name(item: &str) -> &str {
    item.split(';').next().unwrap_or_default().trim()
}

const IDENTITY_MEMBERS: &str = "format, spiffe_id, hint";
const BUNDLE_MEMBERS: &str = "format";
/// What curl, OpenSSL and web servers call it; there is no registered type.
const PEM_TYPE: &str = "application/x-pem-file";
/// Longer waits are cut to this. Ours: what proxies and HTTP libraries let a request take.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(300);

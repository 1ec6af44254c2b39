//! Identities and the bundle in plain HTTP, for curl and whoever has no gRPC. Knows routes, and when to answer; the documents are in `plain/document.rs`,
//! what a request may ask for in `plain/wish.rs`.
//!
//! | request | answer |
//! |---|---|
//! | `GET /v1/identity` (`?format=`, `?spiffe_id=`, `?hint=`) with `workload.spiffe.io: true` | JSON: all identities of the caller, with keys; PEM: one |
//! | `GET /v1/bundle` (`?format=`) | the roots to check peers with |
//!
//! Both have an `ETag`. With `If-None-Match` the answer to what is known already is 304; with `Prefer: wait=SECONDS` too it comes when there is something
//! new, or when the time is over. So a loop of curl follows rotation without asking all the time.

mod document;
mod wish;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::time::{Instant, timeout_at};

use super::entitled;
use super::guard::has_security_header;
use super::refusal::Refusal;
use crate::identities::{CurrentIdentity, Identities, Snapshot};
use crate::socket::Peer;
use document::Document;
use wish::Wish;

/// The two routes.
pub(super) fn routes(identities: Identities) -> Router {
    Router::new().route("/v1/identity", get(identity)).route("/v1/bundle", get(bundle)).with_state(identities)
}

async fn identity(
    State(identities): State<Identities>,
    Extension(peer): Extension<Arc<Peer>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if !has_security_header(&headers) {
        return Refusal::SecurityHeader.into_response();
    }
    match Wish::for_identity(&uri, &headers) {
        Ok(wish) => answer(&identities, &wish, |snapshot| {
            let chosen = choose(&peer, snapshot, &wish)?;
            Ok(Document::of_identities(&chosen, snapshot, wish.format))
        })
        .await
        .unwrap_or_else(|ready| hand_out(&peer, ready)),
        Err(refusal) => refusal.into_response(),
    }
}

async fn bundle(
    State(identities): State<Identities>,
    Extension(peer): Extension<Arc<Peer>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    match Wish::for_bundle(&uri, &headers) {
        Ok(wish) => answer(&identities, &wish, |snapshot| {
            if !peer.is_operator() && entitled(&peer, snapshot).next().is_none() {
                return Err(Refusal::NoIdentity);
            }
            if snapshot.bundle.is_empty() {
                return Err(Refusal::BundleNotYet);
            }
            Ok(Document::of_bundle(snapshot, wish.format))
        })
        .await
        .unwrap_or_else(|ready| ready.response),
        Err(refusal) => refusal.into_response(),
    }
}

/// What is in an answer beside the answer.
struct Ready {
    response: Response,
    shown: Vec<String>,
}

/// The identities that the caller may have and asks for.
fn choose<'a>(peer: &Peer, snapshot: &'a Snapshot, wish: &Wish) -> Result<Vec<&'a CurrentIdentity>, Refusal> {
    let all: Vec<&CurrentIdentity> = entitled(peer, snapshot).map(|(_, identity)| identity).collect();
    if all.is_empty() {
        return Err(Refusal::NoIdentity);
    }
    if snapshot.bundle.is_empty() {
        return Err(Refusal::BundleNotYet);
    }
    let names = |some: &[&CurrentIdentity]| {
        some.iter().map(|one| format!("{} (hint {})", one.spiffe_id, one.hint)).collect::<Vec<_>>().join(", ")
    };
    let chosen: Vec<_> = all.iter().copied().filter(|identity| wish.takes(identity)).collect();
    match chosen.len() {
        0 => Err(Refusal::NotYours { may_have: names(&all) }),
        1 => Ok(chosen),
        count if wish.format.is_single() => Err(Refusal::Several { count, may_have: names(&chosen) }),
        _ => Ok(chosen),
    }
}

/// Answers with what `show` makes of the picture: at once, or, for who knows that already and wants to wait, when it differs. `Err` is a document.
///
/// No picture is held while waiting: keys that have been replaced meanwhile would stay in memory.
async fn answer(
    identities: &Identities,
    wish: &Wish,
    show: impl Fn(&Snapshot) -> Result<Document, Refusal>,
) -> Result<Response, Ready> {
    let mut pictures = identities.watch();
    let until = Instant::now() + wish.wait;
    loop {
        let picture = Arc::clone(&pictures.borrow_and_update());
        let otherwise = match show(&picture) {
            Ok(document) if !wish.knows(&document.etag) => return Err(ready(document, wish)),
            Ok(document) => not_modified(&document, wish),
            Err(refusal) if refusal.may_pass() => refusal.into_response(),
            Err(refusal) => return Ok(refusal.into_response()),
        };
        drop(picture);
        match timeout_at(until, pictures.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Ok(Refusal::Stopping.into_response()),
            Err(_) => return Ok(otherwise),
        }
    }
}

/// The last look at the caller before its keys go out (T-60).
fn hand_out(peer: &Peer, ready: Ready) -> Response {
    if let Err(error) = peer.recheck() {
        tracing::warn!(pid = peer.pid(), uid = peer.uid(), %error, "a local request is refused");
        return Refusal::CallerChanged.into_response();
    }
    for shown in &ready.shown {
        tracing::debug!(
            pid = peer.pid(),
            uid = peer.uid(),
            identity = shown,
            "an identity is shown to a local process"
        );
    }
    ready.response
}

fn ready(document: Document, wish: &Wish) -> Ready {
    let shown = document.shown.clone();
    let mut headers = common(&document, wish);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(wish.format.content_type()));
    let response = match document.into_body() {
        Ok(body) => (headers, body).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer for a local process could not be made");
            Refusal::Internal.into_response()
        }
    };
    Ready { response, shown }
}

fn not_modified(document: &Document, wish: &Wish) -> Response {
    (StatusCode::NOT_MODIFIED, common(document, wish)).into_response()
}

fn common(document: &Document, wish: &Wish) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let facts = [
        (header::ETAG, Some(document.etag.clone())),
        (SERIAL, document.serial.map(|serial| serial.to_string())),
        (NOT_AFTER, document.not_after.map(|end| end.to_string())),
        (PREFERENCE_APPLIED, (!wish.wait.is_zero()).then(|| format!("wait={}", wish.wait.as_secs()))),
    ];
    for (name, value) in facts {
        // Digits, hexadecimal digits and dates: always a header value.
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    }
    headers
}

/// The serial of the one certificate in the answer.
const SERIAL: HeaderName = HeaderName::from_static("brevet-serial");
/// When that certificate ends.
const NOT_AFTER: HeaderName = HeaderName::from_static("brevet-not-after");
/// RFC 7240, section 3.
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

#[cfg(test)]
mod tests;

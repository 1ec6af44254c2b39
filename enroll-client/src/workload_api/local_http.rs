//! The feed's relay and the status in plain HTTP. Knows routes and bodies; does not read what the feed says.
//!
//! | request | answer |
//! |---|---|
//! | `GET /v1/feed` (`Last-Event-ID`) | server-sent events, word for word as the server sent and signed them |
//! | `GET /v1/snapshot` | the state before the first of those events, as the server signed it |
//! | `GET /v1/status` | JSON: all of it for root and our own user, an agent's own lines for an agent |
//!
//! Who has no identity here and is not the operator gets 403: revocations name reasons and hosts.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, body::Body};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::broadcast;

use super::entitled;
use super::refusal::Refusal;
use crate::identities::{Follow, Identities, RelayError, RelayEvent, Status};
use crate::socket::Peer;

/// The three routes.
pub(super) fn routes(identities: Identities) -> Router {
    Router::new()
        .route("/v1/feed", get(feed))
        .route("/v1/snapshot", get(snapshot))
        .route("/v1/status", get(status))
        .with_state(identities)
}

/// Everything else; gRPC callers are told so in their own way.
pub(super) async fn nothing_here(headers: HeaderMap) -> Response {
    let is_grpc = |value: &HeaderValue| value.as_bytes().starts_with(b"application/grpc");
    if headers.get(header::CONTENT_TYPE).is_some_and(is_grpc) {
        return tonic::Status::unimplemented("no such service here").into_http::<Body>();
    }
    Refusal::NotFound.into_response()
}

async fn feed(State(identities): State<Identities>, peer: Extension<Arc<Peer>>, headers: HeaderMap) -> Response {
    if !may_follow(&peer, &identities) {
        return Refusal::NoIdentity.into_response();
    }
    let after = match last_event_id(&headers) {
        Ok(after) => after,
        Err(refusal) => return refusal.into_response(),
    };
    match identities.relay().follow(after) {
        Ok(follow) => {
            let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
            (headers, Body::from_stream(events(follow).map(Ok::<_, std::convert::Infallible>))).into_response()
        }
        Err(error @ RelayError::TooFarBehind { .. }) => Refusal::TooFarBehind(error).into_response(),
        Err(RelayError::NotYet) => Refusal::FeedNotYet.into_response(),
    }
}

async fn snapshot(State(identities): State<Identities>, peer: Extension<Arc<Peer>>) -> Response {
    if !may_follow(&peer, &identities) {
        return Refusal::NoIdentity.into_response();
    }
    match identities.relay().snapshot() {
        Some(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        None => Refusal::FeedNotYet.into_response(),
    }
}

async fn status(State(identities): State<Identities>, peer: Extension<Arc<Peer>>) -> Response {
    let status = identities.status();
    if peer.is_operator() {
        return Json(&*status).into_response();
    }
    let picture = identities.snapshot();
    let own: Vec<&str> = entitled(&peer, &picture).map(|(name, _)| name.as_str()).collect();
    if own.is_empty() {
        return Refusal::NoIdentity.into_response();
    }
    let mut shown = Status::clone(&status);
    shown.agents.retain(|agent| own.contains(&agent.name.as_str()));
    Json(shown).into_response()
}

fn may_follow(peer: &Peer, identities: &Identities) -> bool {
    peer.is_operator() || entitled(peer, &identities.snapshot()).next().is_some()
}

/// HTML, server-sent events: a client that comes back names the last event it has.
fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let index = value.to_str().ok().filter(|text| text.bytes().all(|octet| octet.is_ascii_digit()));
    index.and_then(|text| text.parse().ok()).map(Some).ok_or(Refusal::LastEventId)
}

/// First what has been, then what comes. A follower that is too slow for its queue is cut off: it comes back with its last id.
fn events(follow: Follow) -> impl Stream<Item = Bytes> + Send + 'static {
    let live = stream::unfold(follow.live, |mut live: broadcast::Receiver<RelayEvent>| async move {
        let event = live.recv().await.ok()?;
        Some((event.text, live))
    });
    stream::iter(follow.backlog).map(|event| event.text).chain(live)
}

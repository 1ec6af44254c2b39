//! The feed's routes of the CA for tests: snapshot, stream, acknowledgement. Knows no certificate.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt as _;
use ledger::feed::{FeedMessage, Snapshot};
use protocol::feed::{FeedAck, SnapshotMessage};

use super::Shared;

pub(super) async fn snapshot(State(world): State<Shared>) -> Response {
    let world = &mut *world.lock().unwrap();
    world.seen.push("snapshot".into());
    let mut snapshot = Snapshot {
        time: world.now(),
        as_of: world.ca.ledger.size() - 1,
        events: world.running,
        revoked: world.revoked.clone(),
        cutoffs: world.cutoffs.clone(),
    };
    snapshot.revoked.sort_by_key(|revoked| revoked.serial);
    snapshot.cutoffs.sort_by_key(|cutoff| cutoff.serial);
    let signed = snapshot.sign(&world.ca.ledger.origin(), &world.ca.ledger.signer).unwrap();
    Json(SnapshotMessage { snapshot: signed.document, note: signed.note }).into_response()
}

pub(super) async fn feed(State(world): State<Shared>, headers: HeaderMap) -> Response {
    let world = &mut *world.lock().unwrap();
    let after: u64 = headers["last-event-id"].to_str().unwrap().parse().unwrap();
    world.seen.push(format!("feed after {after}"));
    if let Some(position) = world.refuses.iter().position(|rule| *rule == "gone") {
        world.refuses.remove(position);
        return StatusCode::GONE.into_response();
    }
    let past: Vec<_> = world.events.iter().filter(|event| event.index > after).cloned().collect();
    let past = past.into_iter().map(|event| FeedMessage::Event(event).to_string());
    let live = tokio_stream::wrappers::BroadcastStream::new(world.live.subscribe());
    let all = futures_util::stream::iter(past.map(Ok)).chain(live.map(|text| text.map_err(|_| ())));
    let octets = all.map(|text| text.map(Bytes::from).map_err(|()| std::io::Error::other("lagged")));
    ([("content-type", "text/event-stream")], Body::from_stream(octets)).into_response()
}

pub(super) async fn acknowledge(State(world): State<Shared>, Json(ack): Json<FeedAck>) -> StatusCode {
    world.lock().unwrap().acks.push(ack);
    StatusCode::NO_CONTENT
}

//! The feed: `GET /v1/feed` streams events (server-sent events, HTML Living Standard, section 9.2), `/v1/snapshot` is where
//! a follower begins, `/v1/feed/ack` is how far one is. What an event means stands in crate `ledger`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use ledger::feed::{CutoffSerial, FeedMessage, RevokedSerial, Snapshot};
use policies::request::{Host, Request};
use protocol::feed::{FeedAck, SnapshotMessage};
use protocol::limits::MAX_REQUEST_OCTETS;
use protocol::problem::{Problem, ProblemKind};
use tokio::sync::watch;

use super::Peer;
use super::asking::{self, From};
use super::body;
use super::error::ApiError;
use super::operate;
use super::renew::name_of;
use crate::caller::Caller;
use crate::draft::Draft;
use crate::followers::Applied;
use crate::heartbeats::Beat;
use crate::refusal::Refusal;
use crate::service::Service;
use crate::state::rows::seconds;

/// Streams the events after the one named by `Last-Event-ID`. A follower without one, or with one that is too old, begins
/// with a snapshot.
#[utoipa::path(
    get,
    path = "/v1/feed",
    operation_id = "follow_feed",
    tag = "hosts",
    params(("Last-Event-ID" = Option<u64>, Header, description = "Index of the newest event that the follower has")),
    responses((status = 200, description = "The answer", body = String, content_type = "text/event-stream"), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn follow(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    may_follow(&service, &peer)?;
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let last = last.ok_or_else(|| ApiError::new(ProblemKind::Gone))?;
    if service.live().state().events_after(last).is_none() {
        return Err(ApiError::new(ProblemKind::Gone));
    }
    let stream = Stream {
        sizes: service.live().subscribe(),
        beats: service.heartbeats.subscribe(),
        service,
        peer,
        last,
        told_size: 0,
        ready: VecDeque::new(),
        is_first: true,
    };
    let frames = futures_util::stream::unfold(stream, |mut stream| async move {
        let frame = stream.next().await?;
        Some((Ok::<_, Infallible>(frame), stream))
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::OK, headers, Body::from_stream(frames)).into_response())
}

/// One follower's stream.
struct Stream {
    service: Arc<Service>,
    peer: Peer,
    sizes: watch::Receiver<u64>,
    beats: watch::Receiver<Option<Beat>>,
    /// Id of the newest event that was told.
    last: u64,
    /// Entries that everything told so far speaks for.
    told_size: u64,
    ready: VecDeque<Bytes>,
    is_first: bool,
}

impl Stream {
    /// The next frames to be sent; `None` ends the stream: the follower may not follow any more, or is too far behind.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some(frame);
            }
            if !std::mem::take(&mut self.is_first) {
                tokio::select! {
                    changed = self.sizes.changed() => changed.ok()?,
                    changed = self.beats.changed() => changed.ok()?,
                }
            }
            // A revoked or evicted follower is told nothing more.
            may_follow(&self.service, &self.peer).ok()?;
            self.gather()?;
        }
    }

    /// Events first, up to what the newest heartbeat speaks for, then that heartbeat, then the events after it.
    fn gather(&mut self) -> Option<()> {
        self.sizes.mark_unchanged();
        let beat = self.beats.borrow_and_update().clone();
        let state = self.service.live().state();
        let size = state.size();
        let events = state.events_after(self.last)?;
        let mut beat = beat.filter(|beat| beat.size >= self.told_size);
        let mut text = String::new();
        for event in events {
            if let Some(due) = beat.take_if(|beat| event.index >= beat.size) {
                say(&mut text, &FeedMessage::Heartbeat(due.note.to_string()));
            }
            say(&mut text, &FeedMessage::Event(event.clone()));
            self.last = event.index;
        }
        if let Some(due) = beat {
            say(&mut text, &FeedMessage::Heartbeat(due.note.to_string()));
        }
        drop(state);
        self.told_size = size;
        if !text.is_empty() {
            self.ready.push_back(text.into());
        }
        Some(())
    }
}

fn say(text: &mut String, message: &FeedMessage) {
    // Writing to a String does not fail.
    let _written = write!(text, "{message}");
}

/// Where a follower begins.
#[utoipa::path(
    get,
    path = "/v1/snapshot",
    operation_id = "snapshot",
    tag = "hosts",
    responses((status = 200, description = "The answer", body = SnapshotMessage), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn snapshot(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
) -> Result<Json<SnapshotMessage>, ApiError> {
    may_follow(&service, &peer)?;
    let snapshot = service.read(service.now(), snapshot_of);
    let origin = &service.live().identity().origin;
    let signed = snapshot.sign(origin, service.issuing.ledger_key()).map_err(|error| ApiError::internal(&error))?;
    Ok(Json(SnapshotMessage { snapshot: signed.document, note: signed.note }))
}

fn snapshot_of(draft: &Draft<'_>) -> Snapshot {
    let mut revoked: Vec<RevokedSerial> = draft
        .revocations()
        .map(|(serial, row)| RevokedSerial { serial, not_after: seconds(row.not_after), reason: row.reason() })
        .collect();
    revoked.sort_unstable_by_key(|row| row.serial);
    let mut cutoffs: Vec<CutoffSerial> = draft
        .cutoffs()
        .filter_map(|(serial, row)| {
            let cutoff = identity::Timestamp::from_millis(row.cutoff_millis).ok()?;
            Some(CutoffSerial { serial, cutoff, not_after: seconds(row.not_after) })
        })
        .collect();
    cutoffs.sort_unstable_by_key(|row| row.serial);
    Snapshot {
        time: draft.time(),
        as_of: draft.size().saturating_sub(1),
        events: draft.scalars().feed,
        revoked,
        cutoffs,
    }
}

/// Takes a host's word for how far it has applied the feed.
#[utoipa::path(
    post,
    path = "/v1/feed/ack",
    operation_id = "acknowledge_feed",
    tag = "hosts",
    request_body = FeedAck,
    responses((status = 204, description = "Taken"), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn acknowledge(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let caller = asking::host(&service, &peer)?;
    let ack: FeedAck = body::json(&headers, body, MAX_REQUEST_OCTETS).await?;
    if ack.index >= service.live().head().size && ack.index != 0 {
        return Err(ApiError::malformed("there is no such event yet"));
    }
    service.followers.applied(caller.host, Applied { index: ack.index, bundle: ack.bundle, at: service.now() });
    Ok(StatusCode::NO_CONTENT)
}

/// Hosts and agents follow, where the policies permit it.
fn may_follow(service: &Service, peer: &Peer) -> Result<(), ApiError> {
    let rules = service.rules().map_err(|error| ApiError::internal(&error))?;
    match asking::caller(service, peer)? {
        Caller::Host(caller) => {
            let profile = service
                .read(service.now(), |draft| draft.host(&caller.host).map(|row| row.profile.clone()))
                .ok_or(Refusal::HostUnknown)?;
            let profile = name_of(&profile)?;
            let host = Host { id: &caller.spiffe_id, profile: &profile };
            operate::permit(&rules.set, &Request::follow_feed_as_host(host)).map(drop)
        }
        Caller::Agent { spiffe_id, .. } => {
            operate::permit(&rules.set, &Request::follow_feed_as_agent(&spiffe_id)).map(drop)
        }
        Caller::Admin(_) | Caller::Auditor(_) | Caller::Local | Caller::Anonymous => Err(asking::unauthenticated()),
    }
}

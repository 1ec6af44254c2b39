//! Around every request: its line in the log, its place in the counters, and its refusal written down. Knows routes by their
//! pattern, never the path itself, a header or a body (T-70).

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use identity::RequestId;

use super::error::RefusedBy;
use crate::caller::Connection;
use crate::listeners::Peer;
use crate::noted::{self, Noted};
use crate::service::{Service, new_request};

/// Answers a request, and tells log, counters and ledger what became of it.
pub(super) async fn observe(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = route(&request);
    let peer = request.extensions().get::<Peer>().cloned();
    let answered = noted::noting(new_request().ok(), async {
        noted::caller(at_first(peer.as_ref()));
        let response = next.run(request).await;
        let refused = response.extensions().get::<RefusedBy>().cloned();
        if let Some(RefusedBy(rule)) = refused {
            write_down(&service, peer, &route, &rule).await;
        }
        response
    });
    let (response, noted) = answered.await;
    service.live().meters().answered(&route, response.status().as_u16());
    log(&route, &response, noted, began);
    response
}

/// Every refusal is written down or counted, wherever it arose.
async fn write_down(service: &Service, peer: Option<Peer>, route: &str, rule: &str) {
    service.live().meters().refused(rule);
    if let Some(peer) = peer {
        let actor = service.read(service.now(), |draft| peer.connection.actor(draft));
        service.note_refusal(actor, peer.address, route, rule).await;
    }
}

/// Method and pattern, from sets that nobody outside can add to.
fn route(request: &Request) -> String {
    let method = match *request.method() {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        _ => "other",
    };
    let path = request.extensions().get::<MatchedPath>();
    format!("{method} {}", path.map_or("other", MatchedPath::as_str))
}

/// What the connection alone says of the caller; a route that asks further says it better.
fn at_first(peer: Option<&Peer>) -> &'static str {
    match peer.map(|peer| &peer.connection) {
        Some(Connection::Socket) => "local",
        Some(Connection::Certified(_)) => "certified",
        Some(Connection::Bare) | None => "anonymous",
    }
}

/// One line. Failures of ours are warnings, refusals and changes are told, and what only reads is for who debugs.
fn log(route: &str, response: &Response, noted: Noted, began: Instant) {
    let status = response.status();
    let rule = response.extensions().get().map(|RefusedBy(rule)| rule.as_str());
    let text = |id: Option<RequestId>| id.map(tracing::field::display);
    let (id, request) = (text(noted.id), text(noted.request));
    let (caller, entry, status_code) = (noted.caller, noted.entry, status.as_u16());
    let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                id,
                request,
                caller,
                route,
                status = status_code,
                rule,
                entry,
                duration_us = micros,
                "answered"
            )
        };
    }
    if status.is_server_error() {
        line!(warn);
    } else if rule.is_some() || entry.is_some() {
        line!(info);
    } else {
        line!(debug);
    }
}

//! What every plain request must be before a route sees it: read-only, without a body, and meant for this socket. Knows heads of requests; knows no
//! route and no identity.
//!
//! The kernel tells which process asks. It does not tell whether that process asks for itself, or was talked into it by somebody else's URL
//! (server-side request forgery) or relays what came to it. Such requests seldom look as ours must: they name another host, or say that they were
//! forwarded, and they cannot set a header of their own ([`has_security_header`], which routes with a key ask for).

use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::refusal::Refusal;

/// Lets a request pass, or answers in its place.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    match check(&request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

fn check(request: &Request) -> Result<(), Refusal> {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return Err(Refusal::Method);
    }
    if !is_for_localhost(request) {
        return Err(Refusal::HostNotLocal);
    }
    if BRINGERS.iter().any(|name| request.headers().contains_key(*name)) {
        return Err(Refusal::Brought);
    }
    if !request.body().is_end_stream() {
        return Err(Refusal::Body);
    }
    Ok(())
}

/// RFC 9112, section 3.2, RFC 9113, section 8.3.1: the host stands in the target, in `Host`, or in both. HTTP/1.1 must say it.
fn is_for_localhost(request: &Request) -> bool {
    let is_local = |authority: &Authority| authority.host().eq_ignore_ascii_case("localhost");
    let target = request.uri().authority();
    let mut hosts = request.headers().get_all(header::HOST).into_iter();
    let host = match (hosts.next(), hosts.next()) {
        (None, _) => None,
        (Some(host), None) => match Authority::try_from(host.as_bytes()) {
            Ok(host) => Some(host),
            Err(_) => return false,
        },
        (Some(_), Some(_)) => return false,
    };
    let named = target.is_some() || host.is_some() || request.version() < Version::HTTP_11;
    named && target.is_none_or(is_local) && host.as_ref().is_none_or(is_local)
}

/// SPIFFE Workload Endpoint, section 3, for HTTP: exactly this header with exactly this value.
pub(super) fn has_security_header(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(SECURITY_HEADER).into_iter();
    matches!((values.next(), values.next()), (Some(value), None) if value == "true")
}

const SECURITY_HEADER: &str = "workload.spiffe.io";
/// RFC 7239, RFC 9110 section 7.6.3 and what came before them; RFC 6454, and Fetch metadata of browsers.
const BRINGERS: [&str; 6] = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "origin", "sec-fetch-mode"];

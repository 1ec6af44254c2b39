//! Problem documents of the listeners themselves (RFC 9457): where no route was reached, or one panicked. Knows HTTP.

use aws_lc_rs::rand;
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use identity::RequestId;
use protocol::problem::{CONTENT_TYPE, Problem, ProblemKind};

/// An answer that says what is wrong, in general.
pub(super) fn problem(kind: ProblemKind) -> Response<Body> {
    respond(&kind.document())
}

/// The answer of a route that panicked (T-34). What the panic said is in the log already, and may be secret.
pub(super) fn panicked() -> Response<Body> {
    let mut octets = [0; 16];
    let id = match rand::fill(&mut octets) {
        Ok(()) => RequestId::from_bytes(octets).to_string(),
        Err(_) => "none".to_owned(),
    };
    tracing::error!(id, "a route panicked; the request was refused");
    let mut document = ProblemKind::Internal.document();
    document.id = Some(id);
    respond(&document)
}

fn respond(document: &Problem) -> Response<Body> {
    // A document of plain texts can always be written; were it not so, an empty one is no answer to hold against us.
    let body = serde_json::to_vec(document).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(document.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    response
}

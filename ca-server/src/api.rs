//! The HTTP interface: every route, who may take it, and what becomes of errors. Knows no X.509 and no disk.
//!
//! | route | who |
//! |---|---|
//! | `GET /v1/health`, `/v1/trust`, `/v1/bundle`, `/v1/openapi.json` | anybody |
//! | `POST /v1/challenge`, `/v1/enroll` | anybody: the evidence speaks |
//! | `POST /v1/renew`, `GET` and `POST /v1/agents`, `POST /v1/feed/ack` | hosts |
//! | `GET /v1/feed`, `/v1/snapshot` | hosts and agents |
//! | `POST /v1/revoke`, `/v1/admin/…` | persons, and the root of the admin socket |

mod agents;
mod asking;
mod body;
mod bundle;
mod enroll;
mod error;
mod feed;
mod health;
mod issue;
mod observe;
pub mod openapi;
mod operate;
mod parts;
mod renew;
mod revoke;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use protocol::problem::ProblemKind;

pub use crate::listeners::Peer;
use crate::service::Service;
pub use error::{ApiError, chain};

/// The routes of the TLS listener.
pub fn router(service: Arc<Service>) -> Router {
    let routes = Router::new()
        .route("/v1/health", get(health::health))
        .route("/v1/openapi.json", get(openapi::openapi))
        .route("/v1/trust", get(health::trust))
        .route("/v1/bundle", get(bundle::bundle))
        .route("/v1/challenge", post(enroll::challenge))
        .route("/v1/enroll", post(enroll::enroll))
        .route("/v1/renew", post(renew::renew))
        .route("/v1/agents", get(agents::list).post(agents::issue))
        .route("/v1/feed", get(feed::follow))
        .route("/v1/feed/ack", post(feed::acknowledge))
        .route("/v1/snapshot", get(feed::snapshot))
        .route("/v1/revoke", post(revoke::revoke));
    finish(routes.merge(operate::routes(&service)), service)
}

/// The routes of the admin socket: what persons may also do over TLS, and revocation.
pub fn socket_router(service: Arc<Service>) -> Router {
    let routes = Router::new()
        .route("/v1/health", get(health::health))
        .route("/v1/challenge", post(enroll::challenge))
        .route("/v1/revoke", post(revoke::revoke));
    finish(routes.merge(operate::routes(&service)), service)
}

fn finish(routes: Router<Arc<Service>>, service: Arc<Service>) -> Router {
    routes
        .fallback(|| async { ApiError::new(ProblemKind::NotFound) })
        .method_not_allowed_fallback(|| async { ApiError::new(ProblemKind::MethodNotAllowed) })
        .layer(from_fn_with_state(Arc::clone(&service), observe::observe))
        .with_state(service)
}

//! The OpenAPI document of the TLS listener, made from the routes and the messages themselves. Knows their list; knows no
//! behaviour. `docs/openapi.json` is this document; a test compares.

use axum::http::header;
use axum::response::IntoResponse;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::SecurityScheme;
use utoipa::{Modify, OpenApi};

use super::operate::{agents as admin_agents, hosts, ledger, persons, policy, status, tokens};
use super::{agents, bundle, enroll, feed, health, renew, revoke};

#[derive(OpenApi)]
#[openapi(
    info(title = "Brevet", description = "A certificate authority for software agents."),
    paths(
        health::health,
        health::trust,
        bundle::bundle,
        enroll::challenge,
        enroll::enroll,
        renew::renew,
        agents::list,
        agents::issue,
        feed::follow,
        feed::acknowledge,
        feed::snapshot,
        revoke::revoke,
        status::status,
        status::views,
        tokens::list,
        tokens::create,
        tokens::revoke,
        admin_agents::list,
        admin_agents::add,
        admin_agents::remove,
        hosts::list,
        hosts::stand,
        hosts::certificates,
        persons::list,
        persons::admit,
        persons::remove,
        persons::approve,
        persons::login,
        policy::show,
        policy::load,
        ledger::checkpoint,
        ledger::show,
        ledger::read,
    ),
    tags(
        (name = "anybody", description = "No certificate needed"),
        (name = "hosts", description = "With a host's certificate; the feed and the snapshot with an agent's too"),
        (name = "admin", description = "With a person's certificate, or over the admin socket"),
    ),
    modifiers(&Certificates)
)]
struct Routes;

/// Who must show a client certificate.
struct Certificates;

impl Modify for Certificates {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let description = Some("A client certificate that this authority has issued, over TLS 1.3".to_owned());
        components
            .add_security_scheme("mtls", SecurityScheme::MutualTls { description, extensions: None, deprecated: None });
    }
}

/// The document, JSON.
#[must_use]
pub fn document() -> String {
    Routes::openapi().to_pretty_json().unwrap_or_default()
}

/// `GET /v1/openapi.json`, for anybody.
pub(super) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], document())
}

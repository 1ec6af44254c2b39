//! `/v1/admin/…`: what persons and the root of the admin socket do. Every act is asked of the policies with its facts, and
//! is an entry. The same routes on both listeners; what only persons may do, the socket's root is refused.

pub(super) mod agents;
pub(super) mod hosts;
pub(super) mod ledger;
pub(super) mod persons;
pub(super) mod policy;
pub(super) mod status;
pub(super) mod tokens;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use identity::RequestId;
use policies::request::{Act, Operator, Read, Request as Asked};
use policies::{Permit, PolicySet};
use protocol::admin::Done;

use super::Peer;
use super::asking;
use super::error::ApiError;
use super::issue::receipt;
use crate::caller::Caller;
use crate::decide::Command;
use crate::service::Service;

/// The routes. Whoever does not operate gets no further than the door: what is checked behind it is told in detail, and the
/// detail names profiles and agents.
pub(super) fn routes(service: &Arc<Service>) -> Router<Arc<Service>> {
    let behind = Router::new()
        .route("/v1/admin/status", get(status::status))
        .route("/v1/admin/tokens", get(tokens::list).post(tokens::create))
        .route("/v1/admin/tokens/{id}/revoke", post(tokens::revoke))
        .route("/v1/admin/agents", get(agents::list).post(agents::add))
        .route("/v1/admin/agents/{profile}/{agent}/remove", post(agents::remove))
        .route("/v1/admin/hosts", get(hosts::list))
        .route("/v1/admin/hosts/{id}/standing", post(hosts::stand))
        .route("/v1/admin/certificates", get(hosts::certificates))
        .route("/v1/admin/persons", get(persons::list).post(persons::admit))
        .route("/v1/admin/persons/{id}/remove", post(persons::remove))
        .route("/v1/admin/approvals", post(persons::approve))
        .route("/v1/admin/policy", get(policy::show).post(policy::load))
        .route("/v1/admin/views", get(status::views))
        .route("/v1/admin/ledger/checkpoint", get(ledger::checkpoint))
        .route("/v1/admin/ledger/{index}", get(ledger::show))
        .route("/v1/admin/ledger", get(ledger::read))
        .route_layer(from_fn_with_state(Arc::clone(service), operators_alone));
    // A person without a certificate comes for one: the credential key speaks.
    behind.route("/v1/admin/login", post(persons::login))
}

/// Lets through persons and the root of the admin socket. What each of them may do is asked of the policies behind it.
async fn operators_alone(
    State(service): State<Arc<Service>>,
    Extension(peer): asking::From,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    asking::operator(&service, &peer)?;
    Ok(next.run(request).await)
}

/// Asks the policies.
///
/// # Errors
/// The denial, as a refusal by its first rule.
pub(super) fn permit(set: &PolicySet, request: &Asked<'_>) -> Result<Permit, ApiError> {
    set.decide(request).into_result().map_err(|denial| {
        let rule = denial.rule().to_owned();
        let fix = set.advice(&rule).unwrap_or("ask an admin: ca-server policy explain shows which policies decide it");
        let fix = fix.to_owned();
        ApiError::refused(rule, denial.to_string(), fix)
    })
}

/// Somebody who may do one act.
pub(super) struct Permitted {
    pub(super) caller: Caller,
    pub(super) operator: Operator,
}

/// Who asks, if the policies permit the act.
///
/// # Errors
/// It is nobody who operates, or the policies deny it.
pub(super) fn permitted(service: &Service, peer: &Peer, act: Act<'_>) -> Result<Permitted, ApiError> {
    let (caller, operator) = asking::operator(service, peer)?;
    let rules = service.rules().map_err(|error| ApiError::internal(&error))?;
    permit(&rules.set, &Asked::operate(operator, act))?;
    Ok(Permitted { caller, operator })
}

/// Who asks, if the policies permit reading.
///
/// # Errors
/// As [`permitted`].
pub(super) fn may_read(service: &Service, peer: &Peer, what: Read) -> Result<Permitted, ApiError> {
    permitted(service, peer, Act::Read(what))
}

/// Has a command recorded for `caller`.
///
/// # Errors
/// A refusal, or our failure.
pub(super) async fn done(
    service: &Service,
    caller: &Caller,
    request: RequestId,
    command: Command,
) -> Result<Done, ApiError> {
    let recorded = service.submit(caller.actor(), request, command).await?;
    Ok(Done { index: recorded.index(), receipt: receipt(&recorded) })
}

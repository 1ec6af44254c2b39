//! The policy in force: shown, and another one loaded.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use identity::Sha256Hash;
use ledger::entry::PolicyLoaded;
use policies::bundle::Bundle;
use policies::request::{Act, Read};
use protocol::admin::{Done, LoadPolicy};
use protocol::limits::MAX_ADMIN_REQUEST_OCTETS;
use protocol::problem::Problem;
use serde::Serialize;

use super::super::agents::agents;
use super::super::asking::From;
use super::super::body;
use super::super::error::ApiError;
use super::{done, may_read, permitted};
use crate::decide::{Command, policy};
use crate::service::Service;

/// The policy in force, by name.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct InForce {
    index: u64,
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    bundle: Sha256Hash,
    profiles: Vec<String>,
    policies: Vec<String>,
}

/// Shows the policy in force.
#[utoipa::path(
    get,
    path = "/v1/admin/policy",
    operation_id = "policy",
    tag = "admin",
    responses((status = 200, description = "The answer", body = InForce), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
) -> Result<Json<InForce>, ApiError> {
    may_read(&service, &peer, Read::Policy)?;
    let rules = service.rules().map_err(|error| ApiError::internal(&error))?;
    Ok(Json(InForce {
        index: rules.in_force.index,
        bundle: rules.in_force.bundle,
        profiles: rules.set.profiles().iter().map(|profile| profile.name().to_string()).collect(),
        policies: rules.set.rules().map(str::to_owned).collect(),
    }))
}

/// Puts another policy into force: checked whole, made durable, then recorded.
#[utoipa::path(
    post,
    path = "/v1/admin/policy",
    operation_id = "load_policy",
    tag = "admin",
    request_body = LoadPolicy,
    responses((status = 200, description = "The answer", body = Done), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn load(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Done>, ApiError> {
    let request: LoadPolicy = body::json(&headers, body, MAX_ADMIN_REQUEST_OCTETS).await?;
    let who = permitted(&service, &peer, Act::LoadPolicy)?;
    let bundle = Bundle::from_bytes(&request.bundle.0).map_err(|error| ApiError::malformed(error.to_string()))?;
    let set = bundle.check().map_err(|problems| listed(&problems))?;
    let in_force = service.read(service.now(), |draft| agents(&service, draft))?;
    set.check_agents(in_force.all()).map_err(|conflicts| listed(&conflicts))?;
    let digest = service.rules.keep(&bundle).map_err(|error| ApiError::internal(&error))?;
    let loaded = PolicyLoaded {
        bundle: digest,
        octets: u64::try_from(bundle.to_bytes().len()).unwrap_or(u64::MAX),
        profiles: set.profiles().iter().map(|profile| profile.name().to_string()).collect(),
        policies: set.rules().map(str::to_owned).collect(),
        approvals: Vec::new(),
    };
    let command = policy::LoadPolicy { policy: loaded, two_persons: service.fixed.policy_needs };
    Ok(Json(done(&service, &who.caller, request.request, Command::LoadPolicy(Box::new(command))).await?))
}

fn listed<E: std::fmt::Display>(problems: &[E]) -> ApiError {
    ApiError::malformed(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

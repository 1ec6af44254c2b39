//! Agents of classes of hosts: added, listed, removed.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use ledger::entry::{AgentAdded, AgentRemoved, Selectors};
use policies::agent::beside;
use policies::agent::file::{AgentRuleFile, SelectorsFile};
use policies::request::{Act, Read};
use policies::{AgentRule, Name};
use protocol::admin::{AddAgent, AgentView, Done, Plain};
use protocol::limits::MAX_REQUEST_OCTETS;

use super::super::agents::agents;
use super::super::asking::From;
use super::super::body;
use super::super::error::ApiError;
use super::super::parts::Path;
use super::{done, may_read, permitted};
use crate::decide::{self, Command};
use crate::refusal::Refusal;
use crate::service::Service;
use crate::state::rows::AgentRow;
use protocol::problem::Problem;

/// Lets hosts of a class ask for an agent.
#[utoipa::path(
    post,
    path = "/v1/admin/agents",
    operation_id = "add_agent",
    tag = "admin",
    request_body = AddAgent,
    responses((status = 200, description = "The answer", body = Done), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn add(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Done>, ApiError> {
    let AddAgent { request, agent: view } = body::json(&headers, body, MAX_REQUEST_OCTETS).await?;
    let wanted = AgentRule::check(&file(&view)?).map_err(|faults| malformed(&faults))?;
    let rules = service.rules().map_err(|error| ApiError::internal(&error))?;
    let in_force = service.read(service.now(), |draft| agents(&service, draft))?;
    let is_other = |rule: &&AgentRule| (rule.profile(), rule.name()) != (wanted.profile(), wanted.name());
    let others: Vec<AgentRule> = in_force.all().iter().filter(is_other).cloned().collect();
    beside::check(&wanted, rules.set.profiles(), &others).map_err(|conflicts| malformed(&conflicts))?;
    let who = permitted(&service, &peer, Act::AddAgent(&wanted))?;
    let added = AgentAdded {
        agent: wanted.name().to_string(),
        profile: wanted.profile().to_string(),
        id: view.id,
        selectors: Selectors { uid: view.uid, gid: view.gid, executable: view.executable },
        key: wanted.key_kind(),
        lifetime: wanted.lifetime(),
        cutoff: view.cutoff,
    };
    let command = Command::AddAgent(Box::new(decide::agent::AddAgent { agent: added }));
    Ok(Json(done(&service, &who.caller, request, command).await?))
}

/// No longer lets them.
#[utoipa::path(
    post,
    path = "/v1/admin/agents/{profile}/{agent}/remove",
    operation_id = "remove_agent",
    tag = "admin",
    params(("profile" = String, Path, description = "Class of hosts"), ("agent" = String, Path, description = "Name in the class")),
    request_body = Plain,
    responses((status = 200, description = "The answer", body = Done), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn remove(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
    Path((profile, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Done>, ApiError> {
    let Plain { request, .. } = body::json(&headers, body, MAX_REQUEST_OCTETS).await?;
    let missing = |_| Refusal::Missing { what: "the agent" };
    let (class, agent) = (Name::parse(&profile).map_err(missing)?, Name::parse(&name).map_err(missing)?);
    let who = permitted(&service, &peer, Act::RemoveAgent { profile: &class, agent: &agent })?;
    let removed = AgentRemoved { agent: name, profile };
    let command = Command::RemoveAgent(Box::new(decide::agent::RemoveAgent { agent: removed }));
    Ok(Json(done(&service, &who.caller, request, command).await?))
}

/// All agents, by class and name.
#[utoipa::path(
    get,
    path = "/v1/admin/agents",
    operation_id = "agents",
    tag = "admin",
    responses((status = 200, description = "The answer", body = Vec<AgentView>), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
) -> Result<Json<Vec<AgentView>>, ApiError> {
    may_read(&service, &peer, Read::Agents)?;
    Ok(Json(service.read(service.now(), |draft| {
        draft.agents().into_iter().map(|(profile, name, row)| view(profile, name, row)).collect()
    })))
}

fn view(profile: &str, name: &str, row: &AgentRow) -> AgentView {
    AgentView {
        agent: name.to_owned(),
        profile: profile.to_owned(),
        id: row.id.clone(),
        uid: row.selectors.uid,
        gid: row.selectors.gid,
        executable: row.selectors.executable.clone(),
        key: row.key,
        lifetime: row.lifetime,
        cutoff: row.cutoff.clone(),
    }
}

fn file(view: &AgentView) -> Result<AgentRuleFile, ApiError> {
    let cutoff = view.cutoff.as_deref().map(str::parse).transpose();
    Ok(AgentRuleFile {
        name: view.agent.clone(),
        profile: view.profile.clone(),
        id: view.id.clone(),
        selectors: SelectorsFile { uid: view.uid, gid: view.gid, executable: view.executable.clone() },
        key: Some(view.key),
        lifetime: Some(view.lifetime),
        cutoff: cutoff.map_err(|_| ApiError::malformed("the cutoff is not expire, refuse or revoke"))?,
    })
}

fn malformed<E: std::fmt::Display>(faults: &[E]) -> ApiError {
    ApiError::malformed(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

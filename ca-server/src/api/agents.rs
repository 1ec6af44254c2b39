//! `/v1/agents`: which agents a host may ask for, as a signed list, and the first identity of one. Which agents there are
//! stands on the server; a host's configuration may narrow the list, never widen it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use identity::{HostId, SpiffeId};
use ledger::entry::Actor;
use policies::request::{Host, Request};
use policies::{AgentRule, Claims, Cutoff, Profile, Wanted};
use protocol::Binary;
use protocol::agents::{AgentList, AgentOffer, AgentRequest, SignedAgentList, signed_octets};
use protocol::enroll::Issued;
use protocol::limits::MAX_REQUEST_OCTETS;

use super::asking::From;
use super::error::ApiError;
use super::issue::{ATTEMPTS, Outcome, answer, issue as record};
use super::{asking, body, operate, renew};
use crate::agents_in_force::Agents;
use crate::attestation::claims_of_entry;
use crate::caller::HostCaller;
use crate::csr::{self, OpenedCsr};
use crate::decision::{Grant, Supersession};
use crate::draft::Draft;
use crate::refusal::Refusal;
use crate::rules_in_force::Ready;
use crate::service::Service;
use crate::state::rows::HostRow;
use protocol::problem::Problem;

/// The agents that the asking host may ask for.
#[utoipa::path(
    get,
    path = "/v1/agents",
    operation_id = "agents_of_host",
    tag = "hosts",
    responses((status = 200, description = "The answer", body = SignedAgentList), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
) -> Result<Json<SignedAgentList>, ApiError> {
    let caller = asking::host(&service, &peer)?;
    let rules = service.rules().map_err(|error| ApiError::internal(&error))?;
    let now = service.now();
    let (host, in_force, size) = service.read(now, |draft| {
        let host = draft.host(&caller.host).ok_or(Refusal::HostUnknown)?.clone();
        Ok::<_, ApiError>((host, agents(service.as_ref(), draft)?, draft.size()))
    })?;
    let profile = renew::profile_of(&rules, &host)?;
    let asker = Host { id: &host.spiffe_id, profile: profile.name() };
    operate::permit(&rules.set, &Request::read_own_agents(asker))?;
    let claims = claims_of_entry(&host.claims).map_err(|error| ApiError::internal(&error))?;
    // An agent whose template does not fit this host's claims is none of this host's.
    let offered = |rule: &AgentRule| Some(offer(rule, rule.render(&host.spiffe_id, &claims).ok()?));
    let agents = in_force.of_class(&host.profile).iter().filter_map(offered).collect();
    let list = AgentList { host: caller.host, size, time: now, agents };
    let list = serde_json::to_string(&list).map_err(|error| ApiError::internal(&error))?;
    let signature =
        service.issuing.ledger_key().sign_octets(&signed_octets(&list)).map_err(|error| ApiError::internal(&error))?;
    Ok(Json(SignedAgentList { list, signature: Binary(signature) }))
}

/// The first identity of an agent since its host started, or lost it: nothing is superseded.
#[utoipa::path(
    post,
    path = "/v1/agents",
    operation_id = "issue_agent",
    tag = "hosts",
    request_body = AgentRequest,
    responses((status = 200, description = "The answer", body = Issued), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn issue(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Issued>, ApiError> {
    let caller = asking::host(&service, &peer)?;
    let request: AgentRequest = body::json(&headers, body, MAX_REQUEST_OCTETS).await?;
    let mut stale = ApiError::busy();
    for _ in 0..ATTEMPTS {
        let csr = csr::open(&request.csr.0)?;
        let grant = decide(&service, &caller, &request.agent, &csr)?;
        match record(&service, Actor::Host(caller.host), request.request, grant, csr).await? {
            Outcome::Signed(recorded, signed) => return Ok(Json(answer(&service, &recorded, &signed)?)),
            Outcome::Stale(error) => stale = error,
        }
    }
    Err(stale)
}

/// A host that asks for an agent's certificate.
pub(super) struct Asked<'a> {
    pub(super) host_id: HostId,
    pub(super) host: &'a HostRow,
    pub(super) profile: &'a Profile,
    pub(super) rules: &'a Ready,
    pub(super) csr: &'a OpenedCsr,
}

fn decide(service: &Service, caller: &HostCaller, agent: &str, csr: &OpenedCsr) -> Result<Grant, ApiError> {
    let rules = service.rules().map_err(|error| ApiError::internal(&error))?;
    let (host, in_force) = service.read(service.now(), |draft| {
        let host = draft.host(&caller.host).ok_or(Refusal::HostUnknown)?.clone();
        Ok::<_, ApiError>((host, agents(service, draft)?))
    })?;
    let unknown = || Refusal::AgentUnknown { profile: host.profile.clone(), agent: shown(agent) };
    let rule = in_force.named(&host.profile, agent).ok_or_else(unknown)?;
    let profile = renew::profile_of(&rules, &host)?;
    let asked = Asked { host_id: caller.host, host: &host, profile, rules: &rules, csr };
    let claims = claims_of_entry(&host.claims).map_err(|error| ApiError::internal(&error))?;
    grant(&asked, rule, &claims, None)
}

/// The next certificate of the agent with this identity.
pub(super) fn renewal(
    service: &Service,
    asked: &Asked<'_>,
    spiffe_id: &SpiffeId,
    superseded: impl Fn(Cutoff) -> Supersession,
) -> Result<Grant, ApiError> {
    let claims = claims_of_entry(&asked.host.claims).map_err(|error| ApiError::internal(&error))?;
    let in_force = service.read(service.now(), |draft| agents(service, draft))?;
    let rule = in_force
        .of_class(&asked.host.profile)
        .iter()
        .find(|rule| rule.render(&asked.host.spiffe_id, &claims).is_ok_and(|id| id == *spiffe_id))
        .ok_or_else(|| Refusal::AgentUnknown { profile: asked.host.profile.clone(), agent: spiffe_id.to_string() })?;
    let superseded = superseded(rule.cutoff(asked.profile));
    grant(asked, rule, &claims, Some(superseded))
}

fn grant(
    asked: &Asked<'_>,
    rule: &AgentRule,
    claims: &Claims,
    superseded: Option<Supersession>,
) -> Result<Grant, ApiError> {
    let Asked { host_id, host, profile, rules, csr } = asked;
    let wanted = Wanted::agent(rule, profile, &host.spiffe_id, claims, csr.key_kind())?;
    let asker = Host { id: &host.spiffe_id, profile: profile.name() };
    let request = match superseded {
        Some(_) => Request::renew_agent(asker, &wanted),
        None => Request::issue_agent(asker, &wanted),
    };
    let permit = operate::permit(&rules.set, &request)?;
    Grant::agent(*host_id, rule.name().as_str(), superseded, permit, rules.in_force)
        .map_err(|error| ApiError::internal(&error))
}

/// The agents that hosts may ask for now.
pub(super) fn agents(service: &Service, draft: &Draft<'_>) -> Result<Arc<Agents>, ApiError> {
    service.agents.of(draft).map_err(|error| ApiError::internal(&error))
}

fn offer(rule: &AgentRule, spiffe_id: SpiffeId) -> AgentOffer {
    AgentOffer {
        name: rule.name().to_string(),
        spiffe_id,
        key: rule.key_kind(),
        lifetime: rule.lifetime(),
        uid: rule.selectors().uid(),
        gid: rule.selectors().gid(),
        executable: rule.selectors().executable().map(str::to_owned),
    }
}

/// A name that was asked for, as far as it may be repeated.
fn shown(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).take(64).collect()
}

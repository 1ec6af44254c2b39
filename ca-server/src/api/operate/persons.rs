//! Persons: listed, approved, admitted, removed, and their short certificates.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use identity::{PersonId, SpiffeId};
use ledger::entry::{Actor, Kind, Role};
use policies::Action;
use policies::request::{Act, Operator, Read};
use protocol::admin::{AdmitPerson, Approve, Done, LoggedIn, Login, PersonView, Plain};
use protocol::limits::MAX_REQUEST_OCTETS;

use super::super::asking::{From, unauthenticated};
use super::super::body;
use super::super::error::ApiError;
use super::super::issue::{ATTEMPTS, Outcome, chain, issue, receipt};
use super::super::parts::Path;
use super::{done, may_read, permitted};
use crate::caller::PERSON_PATH;
use crate::csr;
use crate::decide::approve::APPROVAL_LIVES;
use crate::decide::{Command, approve, person};
use crate::decision::Grant;
use crate::refusal::Refusal;
use crate::service::{Service, random};
use protocol::problem::Problem;

/// All persons, by id.
#[utoipa::path(
    get,
    path = "/v1/admin/persons",
    operation_id = "persons",
    tag = "admin",
    responses((status = 200, description = "The answer", body = Vec<PersonView>), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
) -> Result<Json<Vec<PersonView>>, ApiError> {
    may_read(&service, &peer, Read::Persons)?;
    let mut persons: Vec<PersonView> = service.read(service.now(), |draft| {
        let view = |(person, row): (PersonId, &crate::state::rows::PersonRow)| PersonView {
            person,
            role: role_name(row.role).to_owned(),
            key: row.key,
            removed: row.removed,
        };
        draft.persons().map(view).collect()
    });
    persons.sort_unstable_by_key(|view| view.person);
    Ok(Json(persons))
}

/// Approves what somebody else will ask for.
#[utoipa::path(
    post,
    path = "/v1/admin/approvals",
    operation_id = "approve",
    tag = "admin",
    request_body = Approve,
    responses((status = 200, description = "The answer", body = Done), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn approve(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Done>, ApiError> {
    let request: Approve = body::json(&headers, body, MAX_REQUEST_OCTETS).await?;
    let action: Kind = request.action.parse().map_err(|_| ApiError::malformed("no such kind of entry"))?;
    let needed = [(Kind::PersonAdmitted, Action::AdmitPerson), (Kind::PolicyLoaded, Action::LoadPolicy)];
    let asked = needed.into_iter().find_map(|(kind, asked)| (kind == action).then_some(asked));
    let asked = asked.ok_or_else(|| ApiError::malformed("entries of this kind need no approval"))?;
    let who = permitted(&service, &peer, Act::Approve(asked))?;
    let Operator::Person { id, .. } = who.operator else { return Err(unauthenticated()) };
    let command = approve::Approve {
        person: id,
        action,
        scope: request.scope,
        seen: request.seen,
        expires: service.now().plus(APPROVAL_LIVES),
    };
    Ok(Json(done(&service, &who.caller, request.request, Command::Approve(Box::new(command))).await?))
}

/// Admits a person whom two admins have approved.
#[utoipa::path(
    post,
    path = "/v1/admin/persons",
    operation_id = "admit_person",
    tag = "admin",
    request_body = AdmitPerson,
    responses((status = 200, description = "The answer", body = Done), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn admit(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Done>, ApiError> {
    let request: AdmitPerson = body::json(&headers, body, MAX_REQUEST_OCTETS).await?;
    let role = role(&request.role)?;
    let who = permitted(&service, &peer, Act::AdmitPerson(asked_role(role)))?;
    let person = PersonId::from_bytes(random().map_err(|error| ApiError::internal(&error))?);
    let command = person::AdmitPerson { person, role, key: request.key };
    Ok(Json(done(&service, &who.caller, request.request, Command::AdmitPerson(Box::new(command))).await?))
}

/// Removes a person.
#[utoipa::path(
    post,
    path = "/v1/admin/persons/{id}/remove",
    operation_id = "remove_person",
    tag = "admin",
    params(("id" = String, Path, description = "Random id of the person")),
    request_body = Plain,
    responses((status = 200, description = "The answer", body = Done), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn remove(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Done>, ApiError> {
    let Plain { request, reason } = body::json(&headers, body, MAX_REQUEST_OCTETS).await?;
    let id: PersonId = id.parse().map_err(|_| Refusal::PersonUnknown)?;
    let row = service.read(service.now(), |draft| draft.person(&id).cloned()).ok_or(Refusal::PersonUnknown)?;
    let who = permitted(&service, &peer, Act::RemovePerson(asked_role(row.role)))?;
    let command = person::RemovePerson { person: id, reason };
    Ok(Json(done(&service, &who.caller, request, Command::RemovePerson(Box::new(command))).await?))
}

/// A fresh leaf for the credential key of a person. The request's proof of possession, over our nonce, is the proof.
#[utoipa::path(
    post,
    path = "/v1/admin/login",
    operation_id = "login",
    tag = "admin",
    request_body = Login,
    responses((status = 200, description = "The answer", body = LoggedIn), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn login(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<LoggedIn>, ApiError> {
    let request: Login = body::json(&headers, body, MAX_REQUEST_OCTETS).await?;
    let opened = csr::open(&request.csr.0)?;
    service.nonces.check(&request.nonce, opened.challenge(), service.now())?;
    let row = service.read(service.now(), |draft| draft.person(&request.person).cloned());
    if row.is_none_or(|row| row.removed || row.key != opened.key()) {
        return Err(Refusal::PersonUnknown.into());
    }
    let path = format!("{PERSON_PATH}{}", request.person);
    let spiffe_id =
        SpiffeId::from_path(&service.fixed.trust_domain, &path).map_err(|error| ApiError::internal(&error))?;
    let mut stale = ApiError::busy();
    for _ in 0..ATTEMPTS {
        let csr = csr::open(&request.csr.0)?;
        let rules = service.rules().map_err(|error| ApiError::internal(&error))?;
        let grant = Grant::person(request.person, spiffe_id.clone(), rules.in_force);
        match issue(&service, Actor::Person(request.person), request.request, grant, csr).await? {
            Outcome::Signed(recorded, signed) => {
                let done = Done { index: recorded.index(), receipt: receipt(&recorded) };
                return Ok(Json(LoggedIn { chain: chain(&signed), done }));
            }
            Outcome::Stale(error) => stale = error,
        }
    }
    Err(stale)
}

fn role(text: &str) -> Result<Role, ApiError> {
    match text {
        "admin" => Ok(Role::Admin),
        "auditor" => Ok(Role::Auditor),
        _ => Err(ApiError::malformed("role is admin or auditor")),
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Admin => "admin",
        Role::Auditor => "auditor",
    }
}

fn asked_role(role: Role) -> policies::request::Role {
    match role {
        Role::Admin => policies::request::Role::Admin,
        Role::Auditor => policies::request::Role::Auditor,
    }
}

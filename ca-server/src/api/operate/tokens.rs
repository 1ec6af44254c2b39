//! Join tokens: made, listed, taken back. A secret leaves once, in the answer that made it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use identity::TokenId;
use ledger::entry;
use policies::request::{Act, Read};
use policies::{Claims, Name};
use protocol::admin::{CreateToken, Done, Plain, TokenCreated, TokenView};
use protocol::limits::MAX_REQUEST_OCTETS;

use super::super::asking::From;
use super::super::body;
use super::super::error::ApiError;
use super::super::parts::Path;
use super::{done, may_read, permitted};
use crate::attestation::claims_to_entry;
use crate::attestation::join_token::{MintError, mint};
use crate::decide::{Command, token};
use crate::refusal::Refusal;
use crate::service::Service;
use crate::state::rows::TokenRow;
use protocol::problem::Problem;

/// Makes a token.
#[utoipa::path(
    post,
    path = "/v1/admin/tokens",
    operation_id = "create_token",
    tag = "admin",
    request_body = CreateToken,
    responses((status = 200, description = "The answer", body = TokenCreated), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<TokenCreated>, ApiError> {
    let request: CreateToken = body::json(&headers, body, MAX_REQUEST_OCTETS).await?;
    let malformed = |error: &dyn std::error::Error| ApiError::malformed(error.to_string());
    let profile = Name::parse(&request.profile).map_err(|error| malformed(&error))?;
    let claims = Claims::from_pairs(request.claims).map_err(|error| malformed(&error))?;
    let rules = service.rules().map_err(|error| ApiError::internal(&error))?;
    let known = rules.set.profiles().profile(profile.as_str()).ok_or(Refusal::Missing { what: "the profile" })?;
    // A token whose claims make no identity would fail only when it is used, on a host, at night.
    known.render_host(&service.fixed.trust_domain, &claims).map_err(|error| malformed(&error))?;
    let act = Act::CreateToken { profile: &profile, lifetime: request.lifetime, claims: &claims };
    let who = permitted(&service, &peer, act)?;
    let minted = mint(protocol::trust::hash(&service.fixed.trust), &claims).map_err(|error| match error {
        MintError::Random => ApiError::internal(&error),
        MintError::TokenClaim => malformed(&error),
    })?;
    let expires = service.now().plus(request.lifetime.as_duration());
    let created = entry::TokenCreated {
        token: minted.id,
        secret: minted.hash,
        profile: profile.to_string(),
        claims: claims_to_entry(&claims),
        expires,
    };
    let command = Command::CreateToken(Box::new(token::CreateToken { token: created }));
    let done = done(&service, &who.caller, request.request, command).await?;
    Ok(Json(TokenCreated { id: minted.id, token: minted.text.to_string(), expires, done }))
}

/// Takes a token back.
#[utoipa::path(
    post,
    path = "/v1/admin/tokens/{id}/revoke",
    operation_id = "revoke_token",
    tag = "admin",
    params(("id" = String, Path, description = "Public id of the token")),
    request_body = Plain,
    responses((status = 200, description = "The answer", body = Done), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn revoke(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Done>, ApiError> {
    let request: Plain = body::json(&headers, body, MAX_REQUEST_OCTETS).await?;
    let id: TokenId = id.parse().map_err(|_| Refusal::TokenNotInForce)?;
    let row = service.read(service.now(), |draft| draft.token(&id).cloned()).ok_or(Refusal::TokenNotInForce)?;
    let profile = Name::parse(&row.profile).map_err(|error| ApiError::internal(&error))?;
    let who = permitted(&service, &peer, Act::RevokeToken { profile: &profile })?;
    let command = Command::RevokeToken(token::RevokeToken { token: id });
    Ok(Json(done(&service, &who.caller, request.request, command).await?))
}

/// The tokens that have not expired, newest first.
#[utoipa::path(
    get,
    path = "/v1/admin/tokens",
    operation_id = "tokens",
    tag = "admin",
    responses((status = 200, description = "The answer", body = Vec<TokenView>), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
) -> Result<Json<Vec<TokenView>>, ApiError> {
    may_read(&service, &peer, Read::Tokens)?;
    let mut tokens: Vec<(u64, TokenView)> = service.read(service.now(), |draft| {
        let used = |row: &TokenRow| draft.proof(&row.secret).is_some();
        draft.tokens().map(|(id, row)| (row.index, view(id, row, used(row)))).collect()
    });
    tokens.sort_unstable_by_key(|(index, _)| std::cmp::Reverse(*index));
    Ok(Json(tokens.into_iter().map(|(_, view)| view).collect()))
}

fn view(id: TokenId, row: &TokenRow, used: bool) -> TokenView {
    let state = match (row.revoked, used) {
        (true, _) => "revoked",
        (false, true) => "used",
        (false, false) => "open",
    };
    TokenView { id, profile: row.profile.clone(), expires: row.expires, state: state.to_owned() }
}

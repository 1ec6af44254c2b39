//! Who asks, as the variant that a route needs. Knows callers; knows no route.

use axum::Extension;
use policies::request::{Operator, Role};
use protocol::problem::ProblemKind;

use super::Peer;
use super::error::ApiError;
use crate::caller::{Caller, HostCaller};
use crate::noted;
use crate::service::Service;

/// The peer, as handlers take it.
pub(super) type From = Extension<Peer>;

/// Who asks now.
///
/// # Errors
/// A certificate that may not speak any more.
pub(super) fn caller(service: &Service, peer: &Peer) -> Result<Caller, ApiError> {
    let caller = service.read(service.now(), |draft| Caller::of(&peer.connection, draft))?;
    noted::caller(match &caller {
        Caller::Host(_) => "host",
        Caller::Agent { .. } => "agent",
        Caller::Admin(_) => "admin",
        Caller::Auditor(_) => "auditor",
        Caller::Local => "local",
        Caller::Anonymous => "anonymous",
    });
    Ok(caller)
}

/// The host that asks.
///
/// # Errors
/// Somebody else asks.
pub(super) fn host(service: &Service, peer: &Peer) -> Result<HostCaller, ApiError> {
    match caller(service, peer)? {
        Caller::Host(host) => Ok(host),
        Caller::Agent { .. } | Caller::Admin(_) | Caller::Auditor(_) | Caller::Local | Caller::Anonymous => {
            Err(unauthenticated())
        }
    }
}

/// The person, or the root of the admin socket, that asks.
///
/// # Errors
/// Somebody else asks.
pub(super) fn operator(service: &Service, peer: &Peer) -> Result<(Caller, Operator), ApiError> {
    let caller = caller(service, peer)?;
    let operator = match &caller {
        Caller::Admin(person) => Operator::Person { id: person.person, role: Role::Admin },
        Caller::Auditor(person) => Operator::Person { id: person.person, role: Role::Auditor },
        Caller::Local => Operator::Local,
        Caller::Host(_) | Caller::Agent { .. } | Caller::Anonymous => return Err(unauthenticated()),
    };
    Ok((caller, operator))
}

/// Another kind of client certificate is needed.
pub(super) fn unauthenticated() -> ApiError {
    ApiError::new(ProblemKind::Unauthenticated)
}

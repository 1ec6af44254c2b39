//! What local processes are told, and who is told what. Knows identities and peers; knows neither how the socket came to be nor how an identity is won.
//!
//! One router serves three families of requests on the same socket:
//!
//! * the **SPIFFE Workload API** (gRPC, X509-SVID profile): an agent's certificates, keys and bundle, pushed at each change. Any SPIFFE client
//!   library can be at the other end;
//! * **plain HTTP** (`/v1/identity`, `/v1/bundle`): the same for curl, as JSON or PEM, with waiting in place of a stream;
//! * **local HTTP** (`/v1/feed`, `/v1/snapshot`, `/v1/status`): the server's signed feed of revocations, relayed word for word to our verifier
//!   library, and what `enroll-client status` prints.
//!
//! A caller sees the identities whose selectors its process satisfies, and nothing of the others: see [`entitled`].

mod changes;
mod guard;
mod local_http;
mod message;
mod plain;
mod refusal;
mod service;

/// The messages and the service of `proto/workload.proto`.
#[rustfmt::skip]
#[allow(missing_docs, unused_qualifications, unreachable_pub, clippy::all, clippy::as_conversions, reason = "written by a program")]
pub mod generated;

use std::fmt;

use axum::Router;
use zeroize::Zeroize;

use crate::identities::{AgentName, CurrentIdentity, Identities, Snapshot};
use crate::socket::Peer;

/// The router for the local socket. Every request must carry an `Arc<Peer>`, as [`serve`](crate::socket::serve) sees to.
pub fn router(identities: Identities) -> Router {
    let plain = local_http::routes(identities.clone()).merge(plain::routes(identities.clone()));
    let plain = plain.layer(axum::middleware::from_fn(guard::guard));
    Router::new()
        .route_service("/SpiffeWorkloadAPI/{method}", service::workload_api(identities))
        .merge(plain)
        .fallback(local_http::nothing_here)
}

/// The identities that `peer` may have, in the order of their agents' names; the first is its default.
pub fn entitled<'a>(peer: &Peer, snapshot: &'a Snapshot) -> impl Iterator<Item = (&'a AgentName, &'a CurrentIdentity)> {
    snapshot.agents.iter().filter(|(_, identity)| peer.matches(&identity.selectors))
}

/// Everything but the key.
impl fmt::Debug for generated::X509svid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("X509svid")
            .field("spiffe_id", &self.spiffe_id)
            .field("x509_svid_octets", &self.x509_svid.len())
            .field("hint", &self.hint)
            .finish_non_exhaustive()
    }
}

/// The key does not stay behind in freed memory.
impl Drop for generated::X509svid {
    fn drop(&mut self) {
        self.x509_svid_key.zeroize();
    }
}

#[cfg(test)]
mod tests;

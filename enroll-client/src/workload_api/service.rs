//! The SPIFFE Workload API, X509-SVID profile, as a gRPC service. Knows statuses and metadata; knows no socket.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Response, Status};

use super::changes::{self, Shown};
use super::entitled;
use super::generated::spiffe_workload_api_server::{SpiffeWorkloadApi, SpiffeWorkloadApiServer};
use super::generated::{X509BundlesRequest, X509BundlesResponse, X509svidRequest, X509svidResponse};
use super::message::{self, Contents};
use crate::identities::{CurrentIdentity, Identities, Snapshot};
use crate::socket::Peer;

/// The service behind its metadata check. What it does not know (other profiles) it answers with Unimplemented.
pub(super) fn workload_api(identities: Identities) -> Guarded {
    SpiffeWorkloadApiServer::with_interceptor(Service { identities }, require_metadata)
}

type Guarded = InterceptedService<SpiffeWorkloadApiServer<Service>, Guard>;
type Guard = fn(Request<()>) -> Result<Request<()>, Status>;

/// Answers from what the host holds.
pub(super) struct Service {
    identities: Identities,
}

type Messages<M> = Pin<Box<dyn Stream<Item = Result<M, Status>> + Send>>;

#[tonic::async_trait]
impl SpiffeWorkloadApi for Service {
    type FetchX509SVIDStream = Messages<X509svidResponse>;
    type FetchX509BundlesStream = Messages<X509BundlesResponse>;

    async fn fetch_x509svid(
        &self,
        request: Request<X509svidRequest>,
    ) -> Result<Response<Self::FetchX509SVIDStream>, Status> {
        let peer = peer_of(&request)?;
        Ok(Response::new(Box::pin(changes::follow(self.identities.watch(), peer, show_svids))))
    }

    async fn fetch_x509_bundles(
        &self,
        request: Request<X509BundlesRequest>,
    ) -> Result<Response<Self::FetchX509BundlesStream>, Status> {
        let peer = peer_of(&request)?;
        Ok(Response::new(Box::pin(changes::follow(self.identities.watch(), peer, show_bundles))))
    }
}

/// SPIFFE Workload Endpoint, section 3: a request without this metadata may come from a process that was tricked into sending it.
pub(super) fn require_metadata(request: Request<()>) -> Result<Request<()>, Status> {
    let mut values = request.metadata().get_all(SECURITY_METADATA).into_iter();
    match (values.next(), values.next()) {
        (Some(value), None) if value == "true" => Ok(request),
        _ => Err(Status::invalid_argument("the request lacks the metadata workload.spiffe.io: true")),
    }
}

fn peer_of<T>(request: &Request<T>) -> Result<Arc<Peer>, Status> {
    // The accept loop puts it there; without it nobody knows who asks.
    request.extensions().get::<Arc<Peer>>().cloned().ok_or_else(|| Status::internal("the caller is not known"))
}

fn show_svids(peer: &Peer, snapshot: &Snapshot) -> Shown<X509svidResponse> {
    let identities = may_have(peer, snapshot)?;
    for identity in &identities {
        let (id, serial) = (&identity.spiffe_id, identity.serial);
        tracing::debug!(pid = peer.pid(), uid = peer.uid(), %id, %serial, "an identity is shown to a local process");
    }
    Ok((Contents::of(&identities, snapshot), message::svids(&identities, snapshot)))
}

fn show_bundles(peer: &Peer, snapshot: &Snapshot) -> Shown<X509BundlesResponse> {
    may_have(peer, snapshot)?;
    Ok((Contents::of_bundle(snapshot), message::bundles(snapshot)))
}

/// At least one identity, and a bundle to go with it.
fn may_have<'a>(peer: &Peer, snapshot: &'a Snapshot) -> Result<Vec<&'a CurrentIdentity>, Status> {
    let identities: Vec<_> = entitled(peer, snapshot).map(|(_, identity)| identity).collect();
    if identities.is_empty() {
        // Client libraries look for "no identity issued" to tell this from other refusals.
        return Err(Status::permission_denied("no identity issued to the calling process"));
    }
    if snapshot.bundle.is_empty() {
        return Err(Status::unavailable("the trust bundle has not been received yet"));
    }
    Ok(identities)
}

/// The metadata key of SPIFFE Workload Endpoint, section 3.
const SECURITY_METADATA: &str = "workload.spiffe.io";

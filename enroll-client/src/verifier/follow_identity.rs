//! Follows our identity through the Workload API. Knows the stream and its statuses; knows nothing of peers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use identity::TrustDomain;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::credential::{Material, MaterialError};
use super::held::Held;
use super::pause::Pause;
use super::progress::Progress;
use super::tls;
use crate::workload_api::generated::spiffe_workload_api_client::SpiffeWorkloadApiClient;
use crate::workload_api::generated::{X509svidRequest, X509svidResponse};

/// One agent's subscription.
pub(super) struct FollowIdentity {
    pub(super) socket: PathBuf,
    pub(super) hint: Option<String>,
    pub(super) trust_domain: TrustDomain,
    pub(super) held: Arc<Held>,
    pub(super) progress: Arc<Progress>,
}

impl FollowIdentity {
    /// Never ends: whatever ends a stream, the next one is opened after a pause. What is held stays until it is redacted or expires.
    pub(super) async fn run(self) {
        let mut pause = Pause::default();
        let mut generation = 0;
        loop {
            let error = self.follow(&mut generation, &mut pause).await;
            tracing::info!(error = %error, "the Workload API's stream ended");
            self.progress.identity_failed(&error);
            tokio::time::sleep(pause.next()).await;
        }
    }

    async fn follow(&self, generation: &mut u64, pause: &mut Pause) -> IdentityError {
        match self.messages(generation, pause).await {
            Ok(never) => match never {},
            Err(error) => {
                // SPIFFE Workload API 5.2.1: whoever is entitled to nothing stops using what it had.
                if matches!(error, IdentityError::Status { code: Code::PermissionDenied, .. }) {
                    self.held.set_material(None);
                    self.progress.changed();
                }
                error
            }
        }
    }

    async fn messages(
        &self,
        generation: &mut u64,
        pause: &mut Pause,
    ) -> Result<std::convert::Infallible, IdentityError> {
        let channel = connect(&self.socket).await?;
        let mut request = Request::new(X509svidRequest {});
        request.metadata_mut().insert("workload.spiffe.io", tonic::metadata::MetadataValue::from_static("true"));
        let mut client = SpiffeWorkloadApiClient::new(channel).max_decoding_message_size(MAX_MESSAGE_OCTETS);
        let mut stream = client.fetch_x509svid(request).await?.into_inner();
        loop {
            let message = stream.message().await?.ok_or(IdentityError::Ended)?;
            *generation += 1;
            // Section 4.5: a message that will not do is discarded, and what was held before is kept.
            match self.take(&message, *generation) {
                Ok(()) => pause.reset(),
                Err(error) => {
                    let error = IdentityError::Message(error);
                    tracing::warn!(%error, cause = std::error::Error::source(&error), "discarded");
                    self.progress.identity_failed(&error);
                }
            }
        }
    }

    fn take(&self, message: &X509svidResponse, generation: u64) -> Result<(), MaterialError> {
        let (hint, domain) = (self.hint.as_deref(), &self.trust_domain);
        let material = Material::from_message(message, hint, domain, &tls::provider(), generation)?;
        let credential = &material.credential;
        tracing::info!(id = %credential.id(), serial = %credential.serial(), until = %credential.not_after(), "new identity");
        self.held.set_material(Some(material));
        self.progress.changed();
        Ok(())
    }
}

async fn connect(socket: &Path) -> Result<Channel, IdentityError> {
    let socket = socket.to_owned();
    let connector = tower::service_fn(move |_| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    // The address is not used; HTTP/2 wants an authority.
    let endpoint = Endpoint::from_static("http://localhost")
        .connect_timeout(CONNECT_WITHIN)
        .http2_keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN)
        .keep_alive_while_idle(true);
    Ok(endpoint.connect_with_connector(connector).await?)
}

/// Why there is no message.
#[derive(Debug, thiserror::Error)]
pub(super) enum IdentityError {
    /// The socket is not there, or nobody serves it.
    #[error("the Workload API's socket cannot be reached")]
    Connect(#[from] tonic::transport::Error),
    /// It says no. `PermissionDenied`: no identity for this process (yet).
    #[error("the Workload API answers {code:?}: {message}")]
    Status {
        /// Its gRPC code.
        code: Code,
        /// Its words.
        message: String,
    },
    /// It says nothing more.
    #[error("the Workload API has ended the stream")]
    Ended,
    /// What it says will not do.
    #[error("the Workload API's message is not usable")]
    Message(#[source] MaterialError),
}

impl From<Status> for IdentityError {
    fn from(status: Status) -> Self {
        Self::Status { code: status.code(), message: status.message().to_owned() }
    }
}

/// A local socket answers at once or not at all.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// The stream is silent between two renewals; a client that hangs is found out within [`PING_EVERY`] + [`PONG_WITHIN`].
const PING_EVERY: Duration = Duration::from_secs(20);
/// See [`PING_EVERY`].
const PONG_WITHIN: Duration = Duration::from_secs(10);
/// 64 identities with chain, key and a bundle of 16 roots, a certificate having about a kilobyte: 1.5 MB.
const MAX_MESSAGE_OCTETS: usize = 4 << 20;

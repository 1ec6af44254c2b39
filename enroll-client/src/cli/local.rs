//! Asks a running key roller through its socket. Knows HTTP and gRPC on a Unix socket; knows no meaning.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::Request;
use tonic::metadata::MetadataValue;
use tonic::transport::Endpoint;

use crate::workload_api::generated::spiffe_workload_api_client::SpiffeWorkloadApiClient;
use crate::workload_api::generated::{X509svidRequest, X509svidResponse};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum LocalError {
    #[error("nobody answers on {}", .path.display())]
    Connect { path: PathBuf, source: std::io::Error },
    #[error("the key roller does not speak HTTP")]
    Http(#[from] hyper::Error),
    #[error("the key roller's answer cannot be read")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the key roller answers with status {status}: {detail}")]
    Status { status: u16, detail: String },
    #[error("the key roller cannot be reached")]
    Channel(#[from] tonic::transport::Error),
    #[error("the key roller answers: {0}")]
    Refused(String),
    #[error("the key roller does not answer within {} s", ANSWER_WITHIN.as_secs())]
    Silent,
}

/// The body of `GET path`.
pub(super) async fn get(socket: &Path, path: &str) -> Result<Bytes, LocalError> {
    within(async {
        let stream = connect(socket).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let mut reading = tokio::task::JoinSet::new();
        reading.spawn(connection);
        let request = http::Request::get(path).header(http::header::HOST, "localhost").body(Empty::<Bytes>::new());
        let request = request.map_err(|error| LocalError::Body(error.into()))?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_BODY_OCTETS).collect().await.map_err(LocalError::Body)?;
        let body = body.to_bytes();
        if status.is_success() {
            return Ok(body);
        }
        let detail = String::from_utf8_lossy(&body).chars().filter(|c| !c.is_control()).take(300).collect();
        Err(LocalError::Status { status: status.as_u16(), detail })
    })
    .await
}

/// The identities that this process may have, as an agent gets them.
pub(super) async fn identities(socket: &Path) -> Result<X509svidResponse, LocalError> {
    within(async {
        // First by hand, for a message that names the path.
        drop(connect(socket).await?);
        let path = socket.to_owned();
        let connector = tower::service_fn(move |_| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        });
        let channel = Endpoint::from_static("http://localhost").connect_with_connector(connector).await?;
        let mut request = Request::new(X509svidRequest {});
        request.metadata_mut().insert("workload.spiffe.io", MetadataValue::from_static("true"));
        let mut client = SpiffeWorkloadApiClient::new(channel).max_decoding_message_size(MAX_BODY_OCTETS);
        let refused = |status: tonic::Status| LocalError::Refused(format!("{:?}: {}", status.code(), status.message()));
        let mut stream = client.fetch_x509svid(request).await.map_err(refused)?.into_inner();
        let message = stream.message().await.map_err(refused)?;
        message.ok_or_else(|| LocalError::Refused("it ended the stream".to_owned()))
    })
    .await
}

async fn connect(socket: &Path) -> Result<UnixStream, LocalError> {
    UnixStream::connect(socket).await.map_err(|source| LocalError::Connect { path: socket.to_owned(), source })
}

async fn within<T>(work: impl Future<Output = Result<T, LocalError>>) -> Result<T, LocalError> {
    tokio::time::timeout(ANSWER_WITHIN, work).await.unwrap_or(Err(LocalError::Silent))
}

/// A local socket answers from memory.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Octets of an answer: the status of 1000 agents, or 64 identities with a bundle, has less than 2 MB.
const MAX_BODY_OCTETS: usize = 4 << 20;

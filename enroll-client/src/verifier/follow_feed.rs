//! Follows revocations through the local relay. Knows HTTP and where to begin again; what the feed says is for [`Revocations`](super::revocations).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use protocol::limits::MAX_SNAPSHOT_OCTETS;
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::held::Held;
use super::pause::Pause;
use super::progress::Progress;
use super::revocations::{Applied, FeedError};
use crate::sse::{SseError, SseReader};

/// One agent's subscription to the feed.
pub(super) struct FollowFeed {
    pub(super) socket: PathBuf,
    pub(super) held: Arc<Held>,
    pub(super) progress: Arc<Progress>,
}

impl FollowFeed {
    /// Never ends. What was revoked stays revoked whatever happens here; that nothing else was is believed only as long as it is fresh.
    pub(super) async fn run(self) {
        let mut pause = Pause::default();
        loop {
            let error = match self.follow(&mut pause).await {
                Ok(never) => match never {},
                Err(error) => error,
            };
            tracing::info!(error = %error, cause = std::error::Error::source(&error), "the feed's stream ended");
            self.progress.feed_failed(&error);
            if error.asks_for_a_snapshot() {
                self.held.begin_again();
            }
            tokio::time::sleep(pause.next()).await;
        }
    }

    async fn follow(&self, pause: &mut Pause) -> Result<std::convert::Infallible, FollowError> {
        let after = match self.held.feed_position() {
            Some(index) => index,
            None => self.fetch_snapshot().await?,
        };
        let mut answer = get(&self.socket, "/v1/feed", Some(after)).await?;
        let mut reader = SseReader::default();
        loop {
            // The relay passes a heartbeat on every five seconds, so silence is a connection that is dead.
            let frame =
                timeout(SILENCE, answer.body.frame()).await.map_err(|_| FollowError::Silent { after: SILENCE })?;
            let frame = frame.ok_or(FollowError::Ended)?.map_err(FollowError::Http)?;
            let Some(octets) = frame.data_ref() else { continue };
            let mut outcome = Ok(());
            reader.push(octets, |event| {
                if outcome.is_ok() {
                    outcome = self.held.apply(&event).map(|applied| self.tell(applied, pause));
                }
            })?;
            outcome?;
        }
    }

    fn tell(&self, applied: Applied, pause: &mut Pause) {
        match applied {
            Applied::Nothing => return,
            Applied::Refused(certificates) => tracing::info!(certificates, "revoked or superseded"),
            // Only a signed statement shows that what was sent before it holds.
            Applied::Heard => pause.reset(),
        }
        self.progress.changed();
    }

    /// Gives the index that the snapshot speaks for.
    async fn fetch_snapshot(&self) -> Result<u64, FollowError> {
        let answer = get(&self.socket, "/v1/snapshot", None).await?;
        let body = timeout(SNAPSHOT_WITHIN, Limited::new(answer.body, MAX_SNAPSHOT_OCTETS).collect());
        let body = body.await.map_err(|_| FollowError::Silent { after: SNAPSHOT_WITHIN })?;
        let body = body.map_err(|error| match error.downcast::<hyper::Error>() {
            Ok(error) => FollowError::Http(*error),
            Err(error) if error.is::<LengthLimitError>() => FollowError::SnapshotTooLong { limit: MAX_SNAPSHOT_OCTETS },
            Err(_) => FollowError::Ended,
        })?;
        let as_of = self.held.begin(&body.to_bytes())?;
        self.progress.changed();
        Ok(as_of)
    }
}

/// A body, and the task that reads it from the socket; that one is aborted with it.
struct Answer {
    body: Incoming,
    _connection: JoinSet<()>,
}

async fn get(socket: &std::path::Path, path: &'static str, after: Option<u64>) -> Result<Answer, FollowError> {
    let exchange = async {
        let stream = UnixStream::connect(socket).await.map_err(FollowError::Connect)?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let mut task = JoinSet::new();
        task.spawn(async move {
            // What went wrong is told to whoever reads the body.
            let _ended = connection.await;
        });
        let mut request = Request::get(path).header(http::header::HOST, "localhost");
        if let Some(index) = after {
            request = request.header("last-event-id", index);
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(|_| FollowError::Ended)?;
        let response = sender.send_request(request).await?;
        match response.status() {
            StatusCode::OK => Ok(Answer { body: response.into_body(), _connection: task }),
            StatusCode::GONE => Err(FollowError::TooFarBehind),
            status => Err(FollowError::Refused { path, status }),
        }
    };
    timeout(ANSWER_WITHIN, exchange).await.map_err(|_| FollowError::Silent { after: ANSWER_WITHIN })?
}

/// Why the feed is not followed at the moment.
#[derive(Debug, thiserror::Error)]
pub(super) enum FollowError {
    /// The socket is not there, or nobody serves it.
    #[error("the local socket cannot be reached")]
    Connect(#[source] std::io::Error),
    /// Not HTTP, or cut in the middle.
    #[error("the local socket's answer was cut off")]
    Http(#[from] hyper::Error),
    /// It says no: 403 without an identity, 503 before the client has heard from the server.
    #[error("GET {path} is answered with {status}")]
    Refused {
        /// What was asked for.
        path: &'static str,
        /// The answer.
        status: StatusCode,
    },
    /// 410: what came after our last event is not kept any more.
    #[error("the relay has dropped the events after our last one")]
    TooFarBehind,
    /// Neither an event nor a heartbeat.
    #[error("nothing was heard for {after:?}")]
    Silent {
        /// How long it was waited.
        after: Duration,
    },
    /// A snapshot longer than any.
    #[error("the snapshot has more than {limit} octets")]
    SnapshotTooLong {
        /// How many are read.
        limit: usize,
    },
    /// The relay has closed the stream; it does that to slow followers.
    #[error("the relay has ended the stream")]
    Ended,
    /// Not an event stream.
    #[error("the feed is not an event stream")]
    Stream(#[from] SseError),
    /// What it says does not hold.
    #[error("the feed does not hold")]
    Feed(#[from] FeedError),
}

impl FollowError {
    /// Whether to begin again from a snapshot, or just to go on after the last event.
    fn asks_for_a_snapshot(&self) -> bool {
        match self {
            Self::TooFarBehind | Self::Stream(_) | Self::Feed(_) => true,
            Self::Connect(_)
            | Self::Http(_)
            | Self::Refused { .. }
            | Self::Silent { .. }
            | Self::SnapshotTooLong { .. }
            | Self::Ended => false,
        }
    }
}

/// Three heartbeats.
const SILENCE: Duration = Duration::from_secs(15);
/// A local relay answers from memory.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// 96 MB over a Unix socket take a tenth of this on a slow machine.
const SNAPSHOT_WITHIN: Duration = Duration::from_secs(10);

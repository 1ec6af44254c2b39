//! Accepts local connections and serves one router on them, HTTP/1.1 and HTTP/2 alike. Knows deadlines and framing; knows no route.
//!
//! The loop is generic over the stream it serves: `wrap` makes of an accepted socket whatever should be read from, so that a filter below
//! HTTP/2 can be put there without touching the loop. Each request carries its [`Peer`] as an extension (`Arc<Peer>`).

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::admission::{Admission, ConnectionLimits, Permit};
use super::impatient::Impatient;
use super::peer::{Accepted, Peer};
use super::place::LocalSocket;

/// Serves `router` on every connection until `stop` is done; then waits a moment for answers under way, and ends.
pub async fn serve<S, W>(
    socket: LocalSocket,
    limits: ConnectionLimits,
    wrap: W,
    router: Router,
    stop: impl Future<Output = ()>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    W: Fn(UnixStream) -> S,
{
    let admission = Admission::new(limits);
    let (stopping, _) = tokio::sync::watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let stream = tokio::select! {
            () = &mut stop => break,
            accepted = socket.accept() => match accepted {
                Ok(stream) => stream,
                Err(error) => {
                    // Most often too many open files: those who hold them go away, the socket stays.
                    tracing::warn!(%error, "a local connection could not be accepted");
                    tokio::time::sleep(PAUSE_AFTER_FAILED_ACCEPT).await;
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
        };
        let Some((peer, permit)) = let_in(&stream, &admission) else { continue };
        let mut stopping = stopping.subscribe();
        connections.spawn(connection(wrap(stream), peer, permit, router.clone(), async move {
            // A dropped sender is a stop too.
            let _changed = stopping.changed().await;
        }));
    }
    // The file goes first, so that nobody waits in the queue of a socket that is not served any more.
    drop(socket);
    stopping.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_ANSWERS, all).await.is_err() {
        connections.shutdown().await;
    }
}

/// Who it is, and whether there is room. A refused connection is closed without a word: a word would need room too.
fn let_in(stream: &UnixStream, admission: &Arc<Admission>) -> Option<(Arc<Peer>, Permit)> {
    let accepted = Accepted::now();
    let peer = Peer::of(stream, accepted).inspect_err(|error| {
        tracing::warn!(%error, cause = std::error::Error::source(error), "a local connection is refused");
    });
    let peer = peer.ok()?;
    let permit = admission.admit(peer.uid()).inspect_err(|error| {
        tracing::warn!(%error, pid = peer.pid(), "a local connection is refused");
    });
    Some((Arc::new(peer), permit.ok()?))
}

/// One connection, until it is done, its process has ended, it asked for nothing in time, or we stop.
async fn connection<S>(stream: S, peer: Arc<Peer>, permit: Permit, router: Router, stop: impl Future<Output = ()>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let asked = Arc::new(AtomicBool::new(false));
    let service = {
        let (peer, asked) = (Arc::clone(&peer), Arc::clone(&asked));
        tower::service_fn(move |mut request: http::Request<hyper::body::Incoming>| {
            asked.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(Arc::clone(&peer));
            router.clone().oneshot(request)
        })
    };
    let builder = http_builder();
    let mut http =
        pin!(builder.serve_connection(TokioIo::new(Impatient::new(stream)), TowerToHyperService::new(service)));
    let mut stop = pin!(stop);
    let mut ended = pin!(peer.ended());
    let mut first_request = pin!(tokio::time::sleep(FIRST_REQUEST_WITHIN));
    let mut closing = false;
    loop {
        tokio::select! {
            outcome = &mut http => {
                if let Err(error) = outcome {
                    tracing::debug!(error, pid = peer.pid(), "a local connection ended");
                }
                break;
            }
            () = &mut ended => break,
            () = &mut first_request, if !first_request.is_elapsed() => {
                if !asked.load(Ordering::Relaxed) {
                    break;
                }
            }
            () = &mut stop, if !closing => {
                closing = true;
                http.as_mut().graceful_shutdown();
            }
        }
    }
    drop(permit);
}

fn http_builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(REQUEST_HEAD_WITHIN).max_buf_size(MAX_HEAD_OCTETS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST_OCTETS)
        .max_send_buf_size(MAX_SEND_BUFFER_OCTETS)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN);
    builder
}

/// Who connects asks at once; T-58 and T-61 (half-open connections). Longer than [`REQUEST_HEAD_WITHIN`], which bounds a slow head.
const FIRST_REQUEST_WITHIN: Duration = Duration::from_secs(10);
/// T-58: header within 5 s. On HTTP/1.1 this is also how long a connection may stay open between two requests.
const REQUEST_HEAD_WITHIN: Duration = Duration::from_secs(5);
/// A peer that is stopped, or does not read, is found out within [`PING_EVERY`] + [`PONG_WITHIN`].
const PING_EVERY: Duration = Duration::from_secs(20);
/// See [`PING_EVERY`].
const PONG_WITHIN: Duration = Duration::from_secs(10);
/// Our requests have a few short headers; hyper's least buffer is 8 KiB.
const MAX_HEAD_OCTETS: usize = 16 * 1024;
/// The same limit in HTTP/2's measure.
const MAX_HEADER_LIST_OCTETS: u32 = 16 * 1024;
/// A client uses two or three streams (X509-SVIDs, bundles, feed) on a connection.
const MAX_STREAMS: u32 = 16;
/// What one stream may have queued: the largest message (bundle and chain, 64 kB) fits.
const MAX_SEND_BUFFER_OCTETS: usize = 128 * 1024;
/// Answers under way take milliseconds; streams never end, and are cut after this. Their clients come back to the next process.
const LAST_ANSWERS: Duration = Duration::from_millis(500);
/// accept(2) fails at once while there are no descriptors left: without a pause that is a busy loop.
const PAUSE_AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::Access;
    use axum::Extension;
    use axum::routing::get;
    use futures_util::StreamExt;
    use std::path::PathBuf;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;
    use tokio::task::JoinHandle;

    struct Running {
        path: PathBuf,
        stop: oneshot::Sender<()>,
        task: JoinHandle<()>,
        _directory: tempfile::TempDir,
    }

    fn start(limits: ConnectionLimits) -> Running {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agent.sock");
        let socket = LocalSocket::bind(&path, Access::Owner).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let who = get(|Extension(peer): Extension<Arc<Peer>>| async move { peer.pid().to_string() });
        let stuck = get(std::future::pending::<String>);
        let late = get(|| async {
            let late = tokio::time::sleep(Duration::from_secs(3600));
            let chunks = futures_util::stream::once(late).map(|()| Ok::<_, std::convert::Infallible>("at last"));
            axum::body::Body::from_stream(chunks)
        });
        let large = get(|| async { "x".repeat(8 << 20) });
        let router =
            Router::new().route("/who", who).route("/stuck", stuck).route("/late", late).route("/large", large);
        let task = tokio::spawn(serve(socket, limits, |stream| stream, router, async move { drop(stopped.await) }));
        Running { path, stop, task, _directory: directory }
    }

    async fn ask(stream: &mut UnixStream, path: &str) -> String {
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nhost: l\r\nconnection: close\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_request_carries_its_peer() {
        let running = start(ConnectionLimits::default());
        let mut stream = UnixStream::connect(&running.path).await.unwrap();
        let answer = ask(&mut stream, "/who").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(&std::process::id().to_string()), "{answer}");
    }

    /// T-61: a flood of one user's connections is closed, and those who were there first go on.
    #[tokio::test]
    async fn too_many_connections_are_closed() {
        let running = start(ConnectionLimits { total: 3, per_user: 2 });
        let mut first = UnixStream::connect(&running.path).await.unwrap();
        let _second = UnixStream::connect(&running.path).await.unwrap();
        let mut third = UnixStream::connect(&running.path).await.unwrap();
        assert_eq!(third.read(&mut [0; 1]).await.unwrap_or(0), 0);
        assert!(ask(&mut first, "/who").await.contains("200"));
    }

    /// T-61: half-open connections give their places back.
    #[tokio::test(start_paused = true)]
    async fn who_asks_for_nothing_is_cut_off() {
        let running = start(ConnectionLimits::default());
        let mut silent = UnixStream::connect(&running.path).await.unwrap();
        assert_eq!(silent.read(&mut [0; 1]).await.unwrap(), 0);
        let mut slow = UnixStream::connect(&running.path).await.unwrap();
        slow.write_all(b"GET /who HT").await.unwrap();
        let mut rest = Vec::new();
        // A cut connection or an answer that says so, but an end.
        let _outcome = slow.read_to_end(&mut rest).await;
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
    }

    /// The deadlines are for requests: a stream of answers may be silent as long as it likes.
    #[tokio::test(start_paused = true)]
    async fn a_quiet_answer_is_not_cut_off() {
        let running = start(ConnectionLimits::default());
        let mut stream = UnixStream::connect(&running.path).await.unwrap();
        let answer = ask(&mut stream, "/late").await;
        assert!(answer.contains("at last"), "{answer}");
    }

    /// T-58: an answer that nobody reads is not kept.
    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_its_answer_is_cut_off() {
        let running = start(ConnectionLimits { total: 1, per_user: 1 });
        let mut stream = UnixStream::connect(&running.path).await.unwrap();
        stream.write_all(b"GET /large HTTP/1.1\r\nhost: l\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        // Its place is free again.
        let mut next = UnixStream::connect(&running.path).await.unwrap();
        assert!(ask(&mut next, "/who").await.contains("200"));
        let mut rest = Vec::new();
        let _cut = stream.read_to_end(&mut rest).await;
        assert!(rest.starts_with(b"HTTP/1.1 200") && rest.len() < 8 << 20, "{}", rest.len());
    }

    #[tokio::test(start_paused = true)]
    async fn stopping_takes_the_socket_away_and_cuts_what_does_not_end() {
        let running = start(ConnectionLimits::default());
        let mut stream = UnixStream::connect(&running.path).await.unwrap();
        stream.write_all(b"GET /stuck HTTP/1.1\r\nhost: l\r\n\r\n").await.unwrap();
        tokio::task::yield_now().await;
        running.stop.send(()).unwrap();
        running.task.await.unwrap();
        assert!(!running.path.exists());
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
    }
}

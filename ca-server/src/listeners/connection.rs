//! One connection, from its first request to its end: speaks HTTP on a stream, watches the vitals, leaves in order. Knows
//! hyper; knows no certificate and no route.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};

use super::exchange::Exchange;
use super::limits::Limits;
use super::peer::Peer;
use super::pulse::Pulse;
use super::vitals::{Ailment, Framing, Vitals};

/// What a connection is served with.
pub(super) struct Terms {
    /// Where its requests go.
    pub(super) router: Router,
    /// What they carry along.
    pub(super) peer: Peer,
    /// What it may take.
    pub(super) limits: Limits,
    /// How long it is kept; at most the limit.
    pub(super) age: Duration,
}

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// By itself, or in the order that we asked for.
    Finished,
    /// By a fault of the peer or the network.
    Broken(Box<dyn std::error::Error + Send + Sync>),
    /// By us: it was not well, and not idle.
    Dropped(Ailment),
    /// By us: it had to leave and did not.
    Overdue,
}

/// Serves `stream` until its end. When `leave` ends, what is in work is finished, and no more is taken.
pub(super) async fn serve<S>(stream: S, framing: Framing, terms: Terms, leave: impl Future<Output = ()>) -> End
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let vitals = Arc::new(Vitals::new(framing, &terms.limits));
    let (age, grace) = (terms.age, terms.limits.grace);
    let io = TokioIo::new(Pulse::new(stream, Arc::clone(&vitals)));
    let exchange = Exchange {
        router: terms.router,
        peer: terms.peer,
        vitals: Arc::clone(&vitals),
        body_within: terms.limits.body,
    };
    match framing {
        Framing::Plain => watch(plain().serve_connection(io, exchange), &vitals, age, grace, leave).await,
        Framing::Framed => watch(framed().serve_connection(io, exchange), &vitals, age, grace, leave).await,
    }
}

/// HTTP/1.1. Its own timeout for heads also runs between requests, so it is off: the vitals know the difference.
fn plain() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_OCTETS).max_headers(HEAD_FIELDS).header_read_timeout(None).half_close(false);
    builder
}

/// HTTP/2. A half-open connection does not answer pings; floods of resets end it (RUSTSEC-2023-0034, -2024-0003).
fn framed() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(ERROR_RESETS)
        .max_header_list_size(HEADER_LIST_OCTETS)
        .max_send_buf_size(SEND_OCTETS)
        .initial_stream_window_size(STREAM_WINDOW_OCTETS)
        .initial_connection_window_size(CONNECTION_WINDOW_OCTETS)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_WITHIN);
    builder
}

/// Drives a connection. One timer stands for all that may be late, and is touched only when the next thing is due earlier
/// than it rings.
async fn watch<C>(
    connection: C,
    vitals: &Vitals,
    age: Duration,
    grace: Duration,
    leave: impl Future<Output = ()>,
) -> End
where
    C: GracefulConnection,
    C::Error: std::error::Error + Send + Sync + 'static,
{
    let mut connection = pin!(connection);
    let mut leave = pin!(leave);
    let retires = vitals.born().checked_add(age).unwrap_or_else(Instant::now);
    let mut alarm = pin!(sleep_until(vitals.deadline().unwrap_or(retires).min(retires)));
    // Once it has to leave: until when.
    let mut until: Option<Instant> = None;
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                return Poll::Ready(result.map_or_else(|error| End::Broken(error.into()), |()| End::Finished));
            }
            let mut go = until.is_none() && leave.as_mut().poll(cx).is_ready();
            if !go {
                let last = until.unwrap_or(retires);
                let due = vitals.deadline().map_or(last, |due| due.min(last));
                if due < alarm.deadline() {
                    alarm.as_mut().reset(due);
                }
                ready!(alarm.as_mut().poll(cx));
                let now = Instant::now();
                let ailment = vitals.ailment(now);
                if let Some(ailment @ (Ailment::SlowHead | Ailment::Stuck)) = ailment {
                    return Poll::Ready(End::Dropped(ailment));
                }
                if until.is_some_and(|until| until <= now) {
                    return Poll::Ready(End::Overdue);
                }
                go = until.is_none() && (ailment == Some(Ailment::Idle) || retires <= now);
                if !go {
                    // It rang for something that has been mended since.
                    alarm.as_mut().reset(vitals.deadline().filter(|due| *due > now).map_or(last, |due| due.min(last)));
                }
            }
            if go {
                let overdue = Instant::now().checked_add(grace).unwrap_or_else(Instant::now);
                until = Some(overdue);
                alarm.as_mut().reset(overdue);
                vitals.close();
                connection.as_mut().graceful_shutdown();
            }
        }
    })
    .await
}

/// Octets of a request's head, and of what is read ahead. The longest of ours has a path of 1 kB and ten fields; nginx takes
/// 8 kB a line, and hyper no smaller buffer than 8 KiB.
const HEAD_OCTETS: usize = 16 * 1024;
/// Fields of a head. Our clients send six, browsers twenty.
const HEAD_FIELDS: usize = 64;
/// The same for HTTP/2, counted as RFC 9113, section 6.5.2, has it.
const HEADER_LIST_OCTETS: u32 = 16 * 1024;
/// Requests at once on a connection: RFC 9113, section 6.5.2, recommends no fewer than 100.
const STREAMS: u32 = 100;
/// Streams that were reset before they were taken: CVE-2023-44487; h2's default, against changes of it.
const PENDING_RESETS: usize = 20;
/// Streams that we reset for faults of the peer: RUSTSEC-2024-0003; a peer that errs more often is none.
const ERROR_RESETS: usize = 128;
/// Octets that wait to be sent on a stream: what one write of TLS takes, four times.
const SEND_OCTETS: usize = 64 * 1024;
/// Octets of a body that may come before it is read: the largest request of a host (security.md, T-57).
const STREAM_WINDOW_OCTETS: u32 = 64 * 1024;
/// The same for all streams together.
const CONNECTION_WINDOW_OCTETS: u32 = 256 * 1024;
/// Followers hear of us every 5 s (design, section 6); of a peer that vanished we hear so.
const PING_EVERY: Duration = Duration::from_secs(20);
/// A round trip, ten times over.
const PING_WITHIN: Duration = Duration::from_secs(10);

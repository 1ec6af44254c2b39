//! Bodies with an end: a request's arrives in time, an answer's stream ends when its connection has to. Knows frames; knows
//! no meaning and no size, which routes limit.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use super::vitals::Underway;

/// The body of a request. The clock runs from the first time that it has to be waited for; a body that is there already, as
/// most are, costs no timer.
pub(super) struct Arriving {
    body: Incoming,
    allowed: Duration,
    alarm: Option<Pin<Box<Sleep>>>,
}

/// Why a request's body ends early.
#[derive(Debug, thiserror::Error)]
pub(super) enum ArrivingError {
    /// It did not arrive in time.
    #[error("the body did not arrive within {allowed:?}")]
    Late {
        /// Time it had.
        allowed: Duration,
    },
    /// The connection broke, or what came is no HTTP.
    #[error("the body cannot be read")]
    Broken(#[from] hyper::Error),
}

/// The body of an answer, which keeps its exchange open until it was taken.
pub(super) struct Leaving {
    body: Body,
    /// For a stream of events, which has no end of its own: the moment that its connection has to end.
    until: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    _underway: Option<Underway>,
}

impl Arriving {
    pub(super) fn new(body: Incoming, allowed: Duration) -> Self {
        Self { body, allowed, alarm: None }
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = ArrivingError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ArrivingError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(ArrivingError::from)));
        }
        let allowed = self.allowed;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(allowed)));
        ready!(alarm.as_mut().poll(cx));
        Poll::Ready(Some(Err(ArrivingError::Late { allowed })))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Leaving {
    pub(super) fn new(body: Body, headers: &HeaderMap, underway: Option<Underway>) -> Self {
        let stream = underway.as_ref().filter(|_| is_event_stream(headers));
        let until = stream.map(|underway| -> Pin<Box<dyn Future<Output = ()> + Send>> {
            let vitals = Arc::clone(underway.vitals());
            Box::pin(async move { vitals.closed().await })
        });
        Self { body, until, _underway: underway }
    }
}

impl HttpBody for Leaving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(until) = &mut self.until
            && until.as_mut().poll(cx).is_ready()
        {
            self.until = None;
            self.body = Body::empty();
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(EVENT_STREAM))
}

/// HTML, section 9.2.5: server-sent events.
const EVENT_STREAM: &[u8] = b"text/event-stream";

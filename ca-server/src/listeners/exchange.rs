//! One request and its answer: the path is plain, the peer goes along, a panic is an answer (T-34, T-53). Knows HTTP; knows
//! no route.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::future::RouteFuture;
use futures_util::FutureExt as _;
use futures_util::future::CatchUnwind;
use hyper::body::Incoming;
use hyper::service::Service as HyperService;
use hyper::{Request, Response};
use protocol::problem::ProblemKind;
use tower::Service as _;

use super::body::{Arriving, Leaving};
use super::path::is_plain;
use super::peer::Peer;
use super::problem::{panicked, problem};
use super::vitals::{Underway, Vitals};

/// Answers the requests of one connection.
pub(super) struct Exchange {
    pub(super) router: Router,
    pub(super) peer: Peer,
    pub(super) vitals: Arc<Vitals>,
    pub(super) body_within: Duration,
}

impl HyperService<Request<Incoming>> for Exchange {
    type Response = Response<Leaving>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        let underway = Some(self.vitals.begin());
        if !is_plain(request.uri().path()) {
            return Answering { step: Step::NotFound, underway };
        }
        let mut request = request.map(|body| Arriving::new(body, self.body_within));
        request.extensions_mut().insert(self.peer.clone());
        // A clone of the router is a clone of an Arc.
        let route = AssertUnwindSafe(self.router.clone().call(request)).catch_unwind();
        Answering { step: Step::Routed(route), underway }
    }
}

/// An answer that is being made.
pub(super) struct Answering {
    step: Step,
    underway: Option<Underway>,
}

#[expect(clippy::large_enum_variant, reason = "nearly every request is routed; a box would cost each an allocation")]
enum Step {
    NotFound,
    Routed(CatchUnwind<AssertUnwindSafe<RouteFuture<Infallible>>>),
}

impl Future for Answering {
    type Output = Result<Response<Leaving>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = match &mut self.step {
            Step::NotFound => problem(ProblemKind::NotFound),
            Step::Routed(route) => match ready!(Pin::new(route).poll(cx)) {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                Err(_) => panicked(),
            },
        };
        Poll::Ready(Ok(self.leave(response)))
    }
}

impl Answering {
    fn leave(&mut self, response: Response<Body>) -> Response<Leaving> {
        let (head, body) = response.into_parts();
        let body = Leaving::new(body, &head.headers, self.underway.take());
        Response::from_parts(head, body)
    }
}

//! A TLS listener with a small router, and the authorities around it. Knows no route of the product.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Extension};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use ca_server::caller::Connection;
use ca_server::listeners::{ApiListener, Limits, Peer, Stopper, Tls, Trust, stopping};
use identity::{SpiffeId, Timestamp, TrustDomain};
use pki_test_fixtures::authority::{Authority, Leaf, dns_name};
use protocol::limits::MAX_REQUEST_OCTETS;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use tokio::task::JoinHandle;

/// A root, an issuer below it.
pub struct Pki {
    pub root: Authority,
    pub issuer: Authority,
}

/// A listener that serves.
pub struct House {
    pub pki: Pki,
    pub tls: Arc<Tls>,
    pub address: SocketAddr,
    pub stopper: Stopper,
    pub served: JoinHandle<()>,
}

impl Pki {
    pub fn new() -> Self {
        let root = Authority::root(&trust_domain(), now());
        let issuer = root.issuer(now());
        Self { root, issuer }
    }

    pub fn host(&self) -> Leaf {
        self.issuer.leaf(&host_id(), now(), HOUR)
    }

    pub fn trust(&self, sequence: u64) -> Trust {
        Trust { sequence, roots: vec![owned(self.root.der())], issuers: vec![owned(self.issuer.der())] }
    }

    fn server(&self) -> CertifiedKey {
        let leaf = self.issuer.leaf_with(SERVER, now(), HOUR, |params| {
            params.subject_alt_names.push(dns_name("localhost"));
        });
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf.key.serialize_der()));
        let chain = vec![leaf.der.into(), owned(self.issuer.der()), owned(self.root.der())];
        CertifiedKey::new(chain, any_supported_type(&key).unwrap())
    }
}

impl House {
    pub async fn open() -> Self {
        Self::with(Limits::API).await
    }

    pub async fn with(limits: Limits) -> Self {
        let pki = Pki::new();
        let tls = Arc::new(Tls::new(trust_domain(), Arc::new(now)));
        tls.set_trust(pki.trust(1)).unwrap();
        tls.set_leaf(pki.server()).unwrap();
        let listener = ApiListener::bind("127.0.0.1:0".parse().unwrap(), limits).await.unwrap();
        let address = listener.address().unwrap();
        let (stopper, stopping) = stopping();
        let served = tokio::spawn(listener.serve(router(), Arc::clone(&tls), stopping));
        Self { pki, tls, address, stopper, served }
    }
}

/// Routes that show what a route sees.
pub fn router() -> Router {
    Router::new()
        .route("/v1/health", get(|| async { "ok" }))
        .route("/v1/who", get(who))
        .route("/v1/echo", post(|body: Bytes| async move { body }))
        .route("/v1/panic", get(panics))
        .route("/v1/events", get(events))
        .route("/v1/wait", get(|| async { tokio::time::sleep(Duration::from_millis(300)).await }))
        .route("/v1/much", get(|| async { Bytes::from(vec![b'x'; MUCH_OCTETS]) }))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_OCTETS))
        .fallback(|| async { StatusCode::NOT_FOUND })
}

async fn who(Extension(peer): Extension<Peer>) -> String {
    match peer.connection {
        Connection::Socket => "socket".to_owned(),
        Connection::Certified(certificate) => format!("{} {}", certificate.spiffe_id, certificate.serial),
        Connection::Bare => "nobody".to_owned(),
    }
}

async fn panics() -> &'static str {
    panic!("a panic that a test asks for")
}

/// Events without an end, one at once and none after it.
async fn events() -> impl IntoResponse {
    let first = futures_util::stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"data: first\n\n"))]);
    let stream = futures_util::StreamExt::chain(first, futures_util::stream::pending());
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(stream))
}

pub fn trust_domain() -> TrustDomain {
    "example.org".parse().unwrap()
}

pub fn host_id() -> SpiffeId {
    "spiffe://example.org/host/a".parse().unwrap()
}

/// All clocks here stand still.
pub fn now() -> Timestamp {
    "2026-11-23T00:17:07.123Z".parse().unwrap()
}

pub fn owned(der: &[u8]) -> CertificateDer<'static> {
    der.to_vec().into()
}

pub const HOUR: Duration = Duration::from_secs(3600);
pub const SERVER: &str = "spiffe://example.org/brevet/server";
pub const MUCH_OCTETS: usize = 64 << 20;

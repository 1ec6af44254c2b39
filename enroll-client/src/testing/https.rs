//! An HTTPS server on loopback that shows what it was told, octet for octet.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tower::Layer as _;

use crate::clock::{Clock, TlsTime};
use crate::key::PrivateKey;

/// Octets that came out of TLS: what a server could read.
pub(crate) type Received = Arc<Mutex<Vec<u8>>>;

/// The certificate of the client, if it showed one.
#[derive(Debug, Clone)]
pub(crate) struct Peer(pub(crate) Option<CertificateDer<'static>>);

/// Stops when dropped.
pub(crate) struct Https {
    pub(crate) url: String,
    pub(crate) received: Received,
    task: JoinHandle<()>,
}

impl Drop for Https {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Https {
    /// A server with this certificate, which asks clients for one of `root`'s.
    pub(crate) async fn start(
        (chain, key): (Vec<CertificateDer<'static>>, PrivateKey),
        root: &[u8],
        clock: Arc<dyn Clock>,
        router: Router,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(root.to_vec())).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let clients = clients.allow_unauthenticated().build().unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.pkcs8().to_vec()));
        let config = ServerConfig::builder_with_details(provider, Arc::new(TlsTime(clock)))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(chain, key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let received = Received::default();
        let task = tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(config)), router, Arc::clone(&received)));
        Self { url, received, task }
    }

    /// What clients have said, as text.
    pub(crate) fn heard(&self) -> String {
        String::from_utf8_lossy(&self.received.lock().unwrap()).into_owned()
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, router: Router, received: Received) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (acceptor, router, received) = (acceptor.clone(), router.clone(), Arc::clone(&received));
        connections.spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let peer = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
            let peer = Peer(peer.map(|leaf| leaf.clone().into_owned()));
            let told = tower::util::MapRequestLayer::new(move |mut request: Request<_>| {
                request.extensions_mut().insert(peer.clone());
                request
            });
            let service = TowerToHyperService::new(told.layer(router));
            let stream = TokioIo::new(Recording { stream, received });
            // A client that goes away is no failure of the test.
            let _ended = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                .serve_connection(stream, service)
                .await;
        });
    }
}

struct Recording<S> {
    stream: S,
    received: Received,
}

impl<S: AsyncRead + Unpin> AsyncRead for Recording<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.received.lock().unwrap().extend_from_slice(&buffer.filled()[before..]);
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Recording<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

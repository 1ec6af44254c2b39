//! One kept mTLS connection, HTTP/1.1. Knows rustls and hyper; knows no message.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use brevet_tests::host::Got;
use enroll_client::pins::Pins;
use identity::svid::CertificateFacts;

/// A connection in the name of a host.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

/// TLS 1.3 in the name of a host, to a server that chains to a root whose key is pinned.
pub(crate) fn config(pins: &Pins, host: &Got) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for root in &host.issued.roots {
        if CertificateFacts::from_der(&root.0).is_ok_and(|facts| pins.root_keys().contains(&facts.key)) {
            roots.add(CertificateDer::from(root.0.clone())).expect("a root");
        }
    }
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(host.key.pkcs8().to_vec()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_root_certificates(roots)
        .with_client_auth_cert(host.checked.chain().to_vec(), key)
        .expect("a pair");
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

impl Connection {
    pub(crate) async fn open(config: Arc<ClientConfig>, address: SocketAddr) -> Self {
        let tcp = TcpStream::connect(address).await.expect("a connection");
        tcp.set_nodelay(true).expect("no delay");
        let name = ServerName::try_from("localhost").expect("a name");
        let tls = TlsConnector::from(config).connect(name, tcp).await.expect("a handshake");
        let (sender, connection) = handshake(TokioIo::new(tls)).await.expect("HTTP");
        tokio::spawn(async move { drop(connection.await) });
        Self { sender }
    }

    /// Sends JSON and waits for the whole answer.
    pub(crate) async fn post(&mut self, path: &str, body: Vec<u8>) -> (StatusCode, Bytes) {
        let request = Request::post(path)
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .expect("a request");
        self.sender.ready().await.expect("a connection that is kept");
        let response = self.sender.send_request(request).await.expect("an answer");
        let status = response.status();
        (status, response.into_body().collect().await.expect("a whole answer").to_bytes())
    }
}

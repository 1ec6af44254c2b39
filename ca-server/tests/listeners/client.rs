//! A client: rustls with a clock of ours, and HTTP/1.1 written by hand, so that it can be written wrongly.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pki_test_fixtures::authority::{Authority, Leaf};
use rustls::client::{ClientConfig, ResolvesClientCert};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::house::{House, now, owned};

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

#[derive(Debug)]
struct Still;

impl TimeProvider for Still {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(now().millis())))
    }
}

/// Shows the same certificate to everybody, whatever they ask for.
#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesClientCert for Shows {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A configuration that trusts `root` and shows `leaf`, with `above` it.
pub fn config(root: &Authority, shown: Option<(&Leaf, &[&[u8]])>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(owned(root.der())).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_details(provider, Arc::new(Still))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    match shown {
        None => builder.with_no_client_auth(),
        Some((leaf, above)) => builder.with_client_cert_resolver(Arc::new(Shows(Arc::new(certified(leaf, above))))),
    }
}

fn certified(leaf: &Leaf, above: &[&[u8]]) -> CertifiedKey {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf.key.serialize_der()));
    let chain: Vec<CertificateDer<'static>> =
        std::iter::once(leaf.der.as_slice()).chain(above.iter().copied()).map(owned).collect();
    CertifiedKey::new(chain, aws_lc_rs::sign::any_supported_type(&key).unwrap())
}

impl House {
    /// A configuration that shows nothing.
    pub fn stranger(&self) -> Arc<ClientConfig> {
        Arc::new(config(&self.pki.root, None))
    }

    /// A configuration of the host.
    pub fn known(&self) -> Arc<ClientConfig> {
        Arc::new(config(&self.pki.root, Some((&self.pki.host(), &[self.pki.issuer.der()]))))
    }

    pub async fn connect(&self, config: &Arc<ClientConfig>) -> std::io::Result<TlsStream<TcpStream>> {
        connect(self.address, config).await
    }

    /// A request on a connection of its own.
    pub async fn ask(&self, config: &Arc<ClientConfig>, request: &str) -> std::io::Result<Answer> {
        let mut stream = self.connect(config).await?;
        ask(&mut stream, request).await
    }
}

pub async fn connect(address: SocketAddr, config: &Arc<ClientConfig>) -> std::io::Result<TlsStream<TcpStream>> {
    handshake(TcpStream::connect(address).await?, config).await
}

pub async fn handshake(stream: TcpStream, config: &Arc<ClientConfig>) -> std::io::Result<TlsStream<TcpStream>> {
    TlsConnector::from(Arc::clone(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// A request without a body, with what HTTP/1.1 asks for.
pub fn get(path: &str) -> String {
    request("GET", path)
}

pub fn request(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

pub async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str) -> std::io::Result<Answer> {
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    answer(stream, request.starts_with("HEAD ")).await
}

/// Reads an answer: its head, and as much body as it says.
pub async fn answer(stream: &mut (impl AsyncRead + Unpin), without_body: bool) -> std::io::Result<Answer> {
    let mut octets = Vec::new();
    while !octets.ends_with(b"\r\n\r\n") {
        octets.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(octets).unwrap().to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; if without_body { 0 } else { length }];
    stream.read_exact(&mut body).await?;
    Ok(Answer { status, head, body: String::from_utf8(body).unwrap() })
}

/// That the other end closes, in a few seconds at most and without having said anything more.
pub async fn check_closed(stream: &mut (impl AsyncRead + Unpin)) {
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    // A reset or a close without a word are as good.
    drop(closed.expect("the connection is still open"));
    assert_eq!(rest, b"", "it said something");
}

/// What a machine that is busy with other things may need.
pub const PATIENCE: Duration = Duration::from_secs(20);

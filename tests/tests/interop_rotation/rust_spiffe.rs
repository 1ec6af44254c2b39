//! The Rust `spiffe` crate, unmodified, with rustls: this process is the agent.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use identity::svid::{CertificateFacts, Svid};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use spiffe::X509Source;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{CALLER, PEER, ROTATIONS, Stage, WITHIN};

#[tokio::test(flavor = "multi_thread")]
async fn rust_spiffe_lives_through_three_rotations() {
    let stage = tokio::task::spawn_blocking(|| Stage::new(&std::env::current_exe().unwrap())).await.unwrap();
    let endpoint = format!("unix://{}", stage.roller.socket().display());
    let source = X509Source::builder().endpoint(endpoint).build().await.unwrap();
    let (mut serials, mut calls) = (BTreeSet::new(), 0);
    let until = Instant::now() + WITHIN;
    while serials.len() <= ROTATIONS {
        assert!(Instant::now() < until, "{serials:?} after {calls} calls\n{}", stage.logs());
        let (serial, config) = client_config(&source);
        let answer = call(config, &stage.address).await;
        let answer = answer.unwrap_or_else(|error| panic!("call {calls} with {serial}: {error}\n{}", stage.logs()));
        assert_eq!(answer, format!("hello {CALLER}\n"));
        serials.insert(serial);
        calls += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(calls > 50, "continuous calls: {calls}");
}

fn client_config(source: &X509Source) -> (String, ClientConfig) {
    let svid = source.svid().unwrap();
    let mut roots = RootCertStore::empty();
    let domain = svid.spiffe_id().trust_domain().clone();
    for authority in source.bundle_set().unwrap().get(&domain).unwrap().authorities() {
        roots.add(CertificateDer::from(authority.as_bytes().to_vec())).unwrap();
    }
    let chain: Vec<_> = svid.cert_chain().iter().map(|one| CertificateDer::from(one.as_bytes().to_vec())).collect();
    let key = PrivateKeyDer::Pkcs8(svid.private_key().as_bytes().to_vec().into());
    let serial = spiffe_leaf(&chain[0]).serial().to_string();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Arc::new(PeerIs { roots, provider: Arc::clone(&provider) });
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(chain, key)
        .unwrap();
    (serial, config)
}

fn spiffe_leaf(der: &[u8]) -> Svid {
    Svid::leaf(&CertificateFacts::from_der(der).unwrap()).unwrap()
}

async fn call(config: ClientConfig, address: &str) -> std::io::Result<String> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::from(stream.peer_addr()?.ip());
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(b"hello\n").await?;
    let mut answer = String::new();
    while !answer.ends_with('\n') {
        answer.push(char::from(stream.read_u8().await?));
    }
    Ok(answer)
}

/// What every SPIFFE client does with rustls: the chain is checked as ever, and the id in place of a host name.
#[derive(Debug)]
struct PeerIs {
    roots: RootCertStore,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PeerIs {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let algorithms = self.provider.signature_verification_algorithms.all;
        let parsed = ParsedCertificate::try_from(leaf)?;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, intermediates, now, algorithms)?;
        if spiffe_leaf(leaf).spiffe_id().to_string() == PEER {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 was agreed on".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, leaf, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

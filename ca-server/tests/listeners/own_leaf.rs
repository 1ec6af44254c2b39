//! The server's own leaf: shown, renewed, and never lost while there is none better.

use std::sync::Arc;

use ca_server::decide::Command;
use ca_server::decide::revoke::Revoke;
use ca_server::issuance::Issuers;
use ca_server::listeners::{ApiListener, Limits, Stopper, Tls, Trust, follow_trust, stopping};
use ca_server::own_leaf::{OwnLeaf, OwnLeafError};
use identity::{CertificateFacts, Serial, Svid};
use ledger::entry::{AuthorityState, Body, Predicate, RevocationReason, Subject};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use crate::client::{PATIENCE, ask, connect, get};
use crate::house::{SERVER, router};
use crate::ledger::Running;

fn own_leaf(running: &Running, tls: &Arc<Tls>) -> OwnLeaf {
    let issuers = Arc::clone(&running.issuers);
    OwnLeaf {
        committer: running.committer.clone(),
        issuers: Box::new(move || Arc::new(Issuers::clone(&issuers.lock().unwrap()))),
        tls: Arc::clone(tls),
        dns_names: vec!["localhost".to_owned()],
        clock: running.clock(),
    }
}

struct Served {
    running: Running,
    tls: Arc<Tls>,
    address: std::net::SocketAddr,
    _stopper: Stopper,
    _keeping: tokio::task::JoinHandle<()>,
}

impl Served {
    /// A listener as the composition root starts it: trust, leaf, then connections.
    async fn start() -> Self {
        let running = Running::begin().await;
        let tls = Arc::new(Tls::new(crate::house::trust_domain(), running.clock()));
        let (stopper, stopping) = stopping();
        tokio::spawn(follow_trust(Arc::clone(&running.live), Arc::clone(&tls), stopping.clone()));
        let keeping = own_leaf(&running, &tls).start().await.unwrap();
        let listener = ApiListener::bind("127.0.0.1:0".parse().unwrap(), Limits::API).await.unwrap();
        let address = listener.address().unwrap();
        tokio::spawn(listener.serve(router(), Arc::clone(&tls), stopping));
        Self { running, tls, address, _stopper: stopper, _keeping: keeping }
    }

    /// The chain that is shown now; `None` while nothing is.
    async fn chain(&self) -> Option<Vec<CertificateDer<'static>>> {
        let config = ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody))
            .with_no_client_auth();
        let mut stream = connect(self.address, &Arc::new(config)).await.ok()?;
        assert_eq!(ask(&mut stream, &get("/v1/health")).await.unwrap().status, 200);
        Some(stream.get_ref().1.peer_certificates().unwrap().iter().map(|der| der.clone().into_owned()).collect())
    }

    async fn leaf(&self) -> Option<Svid> {
        let chain = self.chain().await?;
        Some(Svid::leaf(&CertificateFacts::from_der(&chain[0]).unwrap()).unwrap())
    }

    /// Waits until another leaf than `old` is shown.
    async fn next(&self, old: Option<Serial>) -> Svid {
        let begun = tokio::time::Instant::now();
        loop {
            if let Some(leaf) = self.leaf().await.filter(|leaf| Some(leaf.serial()) != old) {
                return leaf;
            }
            assert!(begun.elapsed() < PATIENCE, "there is no new leaf");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn the_chain_is_leaf_issuer_root_and_the_leaf_an_entry() {
    let served = Served::start().await;
    let leaf = served.next(None).await;
    assert_eq!(leaf.spiffe_id().as_str(), SERVER);
    let chain = served.chain().await.unwrap();
    let facts = CertificateFacts::from_der(&chain[0]).unwrap();
    assert_eq!(facts.dns_names, ["localhost"]);
    let (issuer, root) = (served.running.issuer.authority(), served.running.root.authority());
    assert_eq!((&*chain[1], &*chain[2], chain.len()), (&**issuer.certificate(), &**root.certificate(), 3));

    let entry = served.running.live.read(4).unwrap()[0].decode().unwrap();
    let Body::CertificateAuthorised(body) = entry.body else { panic!("entry 4 is a {:?}", entry.body.kind()) };
    assert_eq!((body.serial, body.subject.clone()), (leaf.serial(), Subject::Server));
}

#[tokio::test]
async fn it_is_renewed_at_half_life_for_a_new_key() {
    let served = Served::start().await;
    let first = served.next(None).await;
    served.running.turn_clock(13);
    let second = served.next(Some(first.serial())).await;
    assert_ne!(first.key(), second.key());
    assert!(second.not_after() > first.not_after());
}

#[tokio::test]
async fn another_issuer_signs_it_anew() {
    let served = Served::start().await;
    let first = served.next(None).await;
    let issuer = served.running.change_issuer().await;
    let second = served.next(Some(first.serial())).await;
    assert_eq!(second.issuer_key(), Some(issuer.key_identifier()));
}

#[tokio::test]
async fn a_revoked_one_is_replaced() {
    let served = Served::start().await;
    let first = served.next(None).await;
    served.running.submit(revoke(Predicate::Serial(first.serial()))).await.unwrap();
    served.next(Some(first.serial())).await;
}

#[tokio::test]
async fn what_is_shown_is_kept_while_there_is_no_other() {
    let served = Served::start().await;
    let first = served.next(None).await;
    *served.running.issuers.lock().unwrap() = Issuers::default();
    let own = own_leaf(&served.running, &served.tls);
    let refused = own.issue().await;
    assert!(matches!(refused, Err(OwnLeafError::KeyNotOpen { .. })), "{refused:?}");
    assert_eq!(served.leaf().await.unwrap().serial(), first.serial());
}

#[tokio::test]
async fn trust_follows_the_ledger() {
    let served = Served::start().await;
    served.next(None).await;
    let issuer = served.running.change_issuer().await;
    served.running.step(&served.running.issuer, AuthorityState::Compromised).await;
    let begun = tokio::time::Instant::now();
    let wanted = served.running.live.state().size() - 1;
    while served.tls.sequence() != wanted {
        assert!(begun.elapsed() < PATIENCE, "{} is not {wanted}", served.tls.sequence());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let state = served.running.live.state();
    let trust = Trust::of(&ca_server::draft::Draft::over(&state, state.time()));
    let root = served.running.root.authority().certificate();
    assert_eq!(trust.roots, [CertificateDer::from(root.to_vec())]);
    assert_eq!(trust.issuers, [CertificateDer::from(issuer.authority().certificate().to_vec())]);
}

fn revoke(predicate: Predicate) -> Command {
    let reason = RevocationReason::KeyCompromise;
    Command::Revoke(Box::new(Revoke { predicate, reason, comment: "a test".to_owned() }))
}

/// Takes any server: what is shown is what is asked here, not whether to believe it.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519]
    }
}

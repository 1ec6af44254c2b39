//! `examples/agent.rs` as the quickstart runs it: two processes, one host, their calls before and after a revocation. Knows the example's
//! arguments, lines and exit codes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use enroll_client::identities::{AgentName, CurrentIdentity, Publisher, RelayEvent, Selectors};
use enroll_client::socket::authority::Filtered;
use enroll_client::socket::{Access, ConnectionLimits, LocalSocket, serve};
use enroll_client::workload_api::router;
use identity::svid::{CertificateFacts, Svid};
use identity::{KeyHash, RequestId, Serial, Sha256Hash, SpiffeId, Timestamp, TrustDomain};
use ledger::entry::{Actor, Body, CertificatesRevoked, Entry, Predicate, RevocationReason};
use ledger::feed::{FeedEvent, FeedMessage, Heartbeat, RunningHash, Snapshot};
use ledger::note::{NoteSigner, SigningError, VerifierKey};
use ledger::origin::Origin;
use pki_test_fixtures::authority::Authority;
use protocol::feed::SnapshotMessage;
use protocol::trust::{LedgerTrust, Trust};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;
use zeroize::Zeroizing;

#[tokio::test]
async fn agents_call_each_other_until_one_is_revoked() {
    let host = Host::new();
    let web = host.deliver("web");
    host.deliver("db");
    let (_db, mut db_says) =
        host.start(&["serve", "--hint", "db", "--listen", "127.0.0.1:0", "--allow", "spiffe://example.org/web"]);
    let listening = next(&mut db_says).await;
    let address = listening.strip_prefix("listening on ").expect("the first line says where").to_owned();
    let call =
        |expect: &'static str| ["call", "--hint", "web", "--to", &address, "--expect", expect].map(str::to_owned);

    let answered = host.run(&call("spiffe://example.org/db")).await;
    assert_eq!(String::from_utf8_lossy(&answered.stdout), "1: hello spiffe://example.org/web\n", "{answered:?}");
    assert_eq!(answered.status.code(), Some(0));
    let someone_else = host.run(&call("spiffe://example.org/other")).await;
    assert_eq!(someone_else.status.code(), Some(3), "{someone_else:?}");

    // Two callers are under way, one on a connection it keeps, when the certificate of both is revoked.
    let many =
        [&call("spiffe://example.org/db")[..], &["--count", "1000", "--every", "20ms"].map(str::to_owned)].concat();
    let keeping = [&many[..], &["--keep".to_owned()]].concat();
    let (mut caller, mut caller_says) = host.start(&many);
    let (mut keeper, mut keeper_says) = host.start(&keeping);
    next(&mut caller_says).await;
    next(&mut keeper_says).await;
    let renewed = host.deliver("db");
    assert!(next(&mut db_says).await.starts_with(&format!("renewed: certificate {renewed}")));
    next(&mut caller_says).await;
    host.revoke(web);
    for (process, says) in [(&mut caller, &mut caller_says), (&mut keeper, &mut keeper_says)] {
        while timeout(LONG, says.next_line()).await.expect("it ends").unwrap().is_some() {}
        assert_eq!(timeout(LONG, process.wait()).await.unwrap().unwrap().code(), Some(3));
    }
}

/// A host with its socket served and its feed relayed, and nobody behind it but the test.
struct Host {
    domain: TrustDomain,
    now: Timestamp,
    issuer: Authority,
    publisher: Publisher,
    signer: Signer,
    origin: Origin,
    directory: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let domain = TrustDomain::parse("example.org").unwrap();
        let now = now();
        let root = Authority::root(&domain, now);
        let issuer = root.issuer(now);
        let (publisher, identities) = Publisher::new(domain.clone());
        publisher.set_bundle(1, vec![root.der().to_vec().into()]);
        let directory = tempfile::tempdir().unwrap();
        let socket = LocalSocket::bind(&directory.path().join("agent.sock"), Access::Owner).unwrap();
        let router = router(identities);
        tokio::spawn(serve(socket, ConnectionLimits::default(), Filtered::new, router, std::future::pending()));
        let origin = Origin::parse("example.org/brevet").unwrap();
        let host = Self { domain, now, issuer, publisher, signer: Signer::new(), origin, directory };
        let (revoked, cutoffs) = (Vec::new(), Vec::new());
        let snapshot = Snapshot { time: now, as_of: SIZE - 1, events: RunningHash::default(), revoked, cutoffs };
        let signed = snapshot.sign(&host.origin, &host.signer).unwrap();
        let message = SnapshotMessage { snapshot: signed.document, note: signed.note };
        host.publisher.relay().set_snapshot(SIZE - 1, serde_json::to_vec(&message).unwrap().into());
        host.write_trust();
        host
    }

    fn write_trust(&self) {
        let trust = Trust {
            v: protocol::trust::FORMAT,
            trust_domain: self.domain.clone(),
            url: "https://localhost:8443".into(),
            server_id: SpiffeId::from_path(&self.domain, protocol::trust::SERVER_PATH).unwrap(),
            root_keys: vec![KeyHash::of(b"not looked at by an agent")],
            ledger: LedgerTrust { origin: self.origin.to_string(), key: self.signer.verifier.to_string() },
            checkpoint: String::new(),
        };
        std::fs::write(self.path("trust.json"), trust.to_bytes().unwrap()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A new identity for the example, and its serial. It is picked by user and program.
    fn deliver(&self, name: &str) -> Serial {
        let spiffe_id = SpiffeId::from_path(&self.domain, &format!("/{name}")).unwrap();
        let leaf = self.issuer.leaf(&spiffe_id, self.now, Duration::from_secs(3600));
        let svid = Svid::leaf(&CertificateFacts::from_der(&leaf.der).unwrap()).unwrap();
        let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap());
        let identity = CurrentIdentity {
            spiffe_id,
            chain: vec![leaf.der.clone().into(), self.issuer.der().to_vec().into()],
            key_pkcs8: Arc::new(Zeroizing::new(leaf.key.serialize_der())),
            serial: svid.serial(),
            not_after: svid.not_after(),
            hint: name.to_owned(),
            selectors: Selectors { uid: Some(uid), gid: None, executable: Some(example()) },
        };
        self.publisher.deliver(AgentName::parse(name).unwrap(), identity);
        svid.serial()
    }

    fn revoke(&self, serial: Serial) {
        let body = CertificatesRevoked {
            predicate: Predicate::Serial(serial),
            evaluated_at: SIZE,
            count: 1,
            serials: Sha256Hash::of(serial.as_bytes()),
            reason: RevocationReason::KeyCompromise,
            comment: String::new(),
        };
        let (request, body) = (RequestId::from_bytes([1; 16]), Body::CertificatesRevoked(Box::new(body)));
        let entry = Entry { time: self.now, actor: Actor::Local, request, salt: [2; 16], body }.encode().unwrap();
        let event = FeedEvent::revoked(SIZE, &entry, &[serial], self.now.plus(Duration::from_secs(7200)));
        let mut events = RunningHash::default();
        events.extend(&event);
        let heartbeat = Heartbeat { time: now(), size: SIZE + 1, events }.sign(&self.origin, &self.signer).unwrap();
        for (id, message) in [(Some(SIZE), FeedMessage::Event(event)), (None, FeedMessage::Heartbeat(heartbeat))] {
            self.publisher.relay().push(RelayEvent { id, text: message.to_string().into() });
        }
    }

    fn command(&self, arguments: &[impl AsRef<str>]) -> Command {
        let mut command = Command::new(example());
        command.args(arguments.iter().map(AsRef::as_ref));
        command.arg("--socket").arg(self.path("agent.sock")).arg("--trust").arg(self.path("trust.json"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    fn start(&self, arguments: &[impl AsRef<str>]) -> (Child, Lines<BufReader<ChildStdout>>) {
        let mut child = self.command(arguments).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        (child, lines)
    }

    async fn run(&self, arguments: &[impl AsRef<str>]) -> Output {
        timeout(LONG, self.command(arguments).output()).await.expect("it ends").unwrap()
    }
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    timeout(LONG, lines.next_line()).await.expect("it says something").unwrap().expect("and goes on")
}

/// The example, built as a program of this package.
fn example() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_agent")).canonicalize().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the example goes by the machine's clock")]
fn now() -> Timestamp {
    Timestamp::from_system_time(std::time::SystemTime::now()).unwrap()
}

/// The ledger's key.
struct Signer {
    key: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl Signer {
    fn new() -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let key = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let public = key.public_key().as_ref().try_into().unwrap();
        let verifier = VerifierKey::ed25519("example.org/brevet", public).unwrap();
        Self { key, verifier }
    }
}

impl NoteSigner for Signer {
    fn name(&self) -> &str {
        self.verifier.name()
    }

    fn key_id(&self) -> u32 {
        self.verifier.key_id()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningError> {
        Ok(self.key.sign(message).as_ref().try_into()?)
    }
}

/// Entries of the ledger when it is first heard of.
const SIZE: u64 = 10;
const LONG: Duration = Duration::from_secs(30);

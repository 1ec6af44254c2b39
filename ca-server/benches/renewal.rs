//! What a renewal costs in process: open the request, ask the policies, prepare, record (real disk, fdatasync), sign. No HTTP, no
//! TLS. Beside it the bare operations, timed in the same run.
//!
//! `cargo bench -p ca-server --bench renewal`. One at a time it waits for the disk; 64 at once share a batch.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    missing_docs
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use ca_server::attestation::claims_to_entry;
use ca_server::committer::Recorded;
use ca_server::config::Config;
use ca_server::csr;
use ca_server::custody::{Custody, Passphrase, SoftwareKey};
use ca_server::decide::proof::ProofUse;
use ca_server::decide::{Command, agent::AddAgent};
use ca_server::decision::{Grant, Shown, Supersession};
use ca_server::disk::{Disk, RealDisk};
use ca_server::genesis::{Founding, found};
use ca_server::issuing::Issuing;
use ca_server::server::{Running, start};
use ca_server::service::{Service, new_host, new_request};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use identity::{HostId, KeyHash, KeyKind, Serial, Sha256Hash, SpiffeId, Timestamp};
use ledger::entry::{Actor, AgentAdded, Body, EvidenceUsed, Selectors};
use pki_test_fixtures::authority::request::{LeafKey, sound};
use policies::agent::file::{AgentRuleFile, SelectorsFile};
use policies::claims::Claims;
use policies::request::{Evidence, Host, Request};
use policies::{AgentRule, Name, Wanted};
use tokio::runtime::Runtime;

/// A server without listeners, one host, and agents on it.
struct Fleet {
    service: Arc<Service>,
    host: HostId,
    spiffe_id: SpiffeId,
    claims: Claims,
    agents: Vec<(AgentRule, Serial)>,
    _running: Running,
    _directory: tempfile::TempDir,
}

impl Fleet {
    async fn new(kind: KeyKind) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = Config::parse(CONFIG, directory.path()).unwrap();
        let passphrase =
            Passphrase::new(zeroize::Zeroizing::new(b"a passphrase of this bench alone".to_vec())).unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::take(&config.data_dir).unwrap());
        let admins = [b"one", b"two"].map(|name| KeyHash::of(name));
        let policy = policies::starter::ALL.iter().find(|starter| starter.name == "default").unwrap().bundle().unwrap();
        found(&disk, &config, &passphrase, &Founding { key_kind: KeyKind::P256, admins, policy }, now()).unwrap();
        let running = start(disk, &config, &passphrase, Arc::new(now)).unwrap();
        let service = Arc::clone(&running.service);
        let claims = Claims::from_pairs([("name", "web-1")]).unwrap();
        let (host, spiffe_id) = enrol(&service, &claims).await;
        let mut fleet =
            Self { service, host, spiffe_id, claims, agents: Vec::new(), _running: running, _directory: directory };
        for number in 0..AT_ONCE {
            fleet.add_agent(&format!("agent-{number}"), kind).await;
        }
        fleet
    }

    async fn add_agent(&mut self, name: &str, kind: KeyKind) {
        let file = AgentRuleFile {
            name: name.to_owned(),
            profile: PROFILE.to_owned(),
            id: format!("{{host}}/agent/{name}"),
            selectors: SelectorsFile { uid: Some(1), ..SelectorsFile::default() },
            key: Some(kind),
            lifetime: None,
            cutoff: None,
        };
        let rule = AgentRule::check(&file).unwrap();
        let agent = AgentAdded {
            agent: file.name,
            profile: file.profile,
            id: file.id,
            selectors: Selectors { uid: Some(1), gid: None, executable: None },
            key: kind,
            lifetime: rule.lifetime(),
            cutoff: None,
        };
        let command = Command::AddAgent(Box::new(AddAgent { agent }));
        self.service.submit(Actor::Local, new_request().unwrap(), command).await.unwrap();
        let serial = self.issue(&rule, None, &request(kind)).await;
        self.agents.push((rule, serial));
    }

    /// All steps of an agent's certificate: the next one, or the first.
    async fn issue(&self, rule: &AgentRule, renews: Option<Serial>, request: &[u8]) -> Serial {
        let csr = csr::open(request).unwrap();
        let rules = self.service.rules().unwrap();
        let profile = rules.set.profiles().profile(PROFILE).unwrap();
        let wanted = Wanted::agent(rule, profile, &self.spiffe_id, &self.claims, csr.key_kind()).unwrap();
        let asker = Host { id: &self.spiffe_id, profile: profile.name() };
        let asked = match renews {
            Some(_) => Request::renew_agent(asker, &wanted),
            None => Request::issue_agent(asker, &wanted),
        };
        let permit = rules.set.decide(&asked).into_result().unwrap();
        let superseded = renews.map(|serial| Supersession { serial, cutoff: None });
        let grant = Grant::agent(self.host, rule.name().as_str(), superseded, permit, rules.in_force).unwrap();
        serial_of(&issue(&self.service, Actor::Host(self.host), grant, csr).await)
    }

    /// Renews the first `requests.len()` agents at once.
    async fn renew(&mut self, requests: &[Vec<u8>]) {
        let renewals = self.agents.iter().zip(requests);
        let renewals = renewals.map(|((rule, serial), request)| self.issue(rule, Some(*serial), request));
        let serials = futures_util::future::join_all(renewals).await;
        for ((_, serial), renewed) in self.agents.iter_mut().zip(serials) {
            *serial = renewed;
        }
    }
}

/// Prepares, records, signs.
async fn issue(service: &Service, actor: Actor, grant: Grant, csr: csr::OpenedCsr) -> Recorded {
    let now = service.now();
    let issuer = service.read(now, |draft| service.issuing.active(draft)).unwrap();
    let prepared = Issuing::prepare(&issuer, grant, csr, now).unwrap();
    let command = Command::Authorise(Box::new(prepared.command()));
    let recorded = service.submit(actor, new_request().unwrap(), command).await.unwrap();
    black_box(service.issuing.sign(&recorded).unwrap());
    recorded
}

/// A host, on evidence that was checked elsewhere.
async fn enrol(service: &Service, claims: &Claims) -> (HostId, SpiffeId) {
    let rules = service.rules().unwrap();
    let profile = rules.set.profiles().profile(PROFILE).unwrap();
    let csr = csr::open(&request(KeyKind::P256)).unwrap();
    let wanted = Wanted::host(profile, &service.fixed.trust_domain, claims, csr.key_kind()).unwrap();
    let (attestor, fixed) = (Name::parse("join-token").unwrap(), Name::parse(PROFILE).unwrap());
    let evidence = Evidence { attestor: &attestor, fixed_profile: Some(&fixed), claims };
    let permit = rules.set.decide(&Request::enrol(evidence, &wanted)).into_result().unwrap();
    let until = service.now().plus(Duration::from_secs(600));
    let evidence = EvidenceUsed {
        attestor: "join-token".to_owned(),
        proof: Sha256Hash::of(b"proof"),
        proof_until: until,
        nonce: Sha256Hash::of(b"nonce"),
        nonce_until: until,
        bound_key: None,
        claims: claims_to_entry(claims),
    };
    let host = new_host().unwrap();
    let grant = Grant::enrolment(
        host,
        Shown { evidence, token: None, proof_use: ProofUse::Once },
        profile,
        permit,
        rules.in_force,
    )
    .unwrap();
    issue(service, Actor::Stranger, grant, csr).await;
    (host, wanted.id().clone())
}

fn serial_of(recorded: &Recorded) -> Serial {
    let Body::CertificateAuthorised(body) = recorded.body() else { panic!("a certificate") };
    body.serial
}

/// A request for a new key.
fn request(kind: KeyKind) -> Vec<u8> {
    let key = match kind {
        KeyKind::P256 => LeafKey::P256,
        KeyKind::Ed25519 => LeafKey::Ed25519,
    };
    sound(key, None).der
}

fn now() -> Timestamp {
    Timestamp::from_millis(UNIX_EPOCH.elapsed().unwrap().as_millis().try_into().unwrap()).unwrap()
}

fn renewals(criterion: &mut Criterion, kind: KeyKind) {
    let runtime = Runtime::new().unwrap();
    let mut fleet = runtime.block_on(Fleet::new(kind));
    let mut group = criterion.benchmark_group(format!("renewal {kind}"));
    let (leaf, issuer) = (SoftwareKey::generate(kind).unwrap(), SoftwareKey::generate(KeyKind::P256).unwrap());
    // As long as the information of a request, and as a to-be-signed leaf.
    let (short, long) = ([7; 130], [7; 560]);
    let signature = leaf.sign(&short).unwrap();
    group.bench_function("bare verify + sign", |b| {
        b.iter(|| {
            leaf.public_key().verify(black_box(&short), &signature).unwrap();
            issuer.sign(black_box(&long)).unwrap()
        });
    });
    for count in [1, AT_ONCE] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("{count} at once"), |b| {
            b.iter_batched(
                || (0..count).map(|_| request(kind)).collect::<Vec<_>>(),
                |requests| runtime.block_on(fleet.renew(&requests)),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn all(criterion: &mut Criterion) {
    for kind in KeyKind::ALL {
        renewals(criterion, kind);
    }
}

criterion_group!(benches, all);
criterion_main!(benches);

/// The profile of the starter policy.
const PROFILE: &str = "host";
/// Agents that renew at once.
const AT_ONCE: usize = 64;
/// A server whose listeners are never opened.
const CONFIG: &str = "data_dir = \"data\"\ntrust_domain = \"example.org\"\n\
    [api]\nlisten = \"127.0.0.1:8443\"\nurl = \"https://127.0.0.1:8443\"\ndns_names = [\"localhost\"]\n\
    [public]\nlisten = \"127.0.0.1:8080\"\nurl = \"http://127.0.0.1:8080\"\n\
    [admin]\nsocket = \"admin.sock\"\n[keys]\npassphrase_file = \"passphrase\"\n";

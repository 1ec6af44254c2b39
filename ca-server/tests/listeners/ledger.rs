//! A ledger with a committer at work, a root and an issuer. Knows the order in which a server starts; serves nothing.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use ca_server::committer::{Asked, CommitError, Committer, Handle, Recorded};
use ca_server::custody::{Custody, SoftwareKey};
use ca_server::decide::Command;
use ca_server::decide::authority::{ChangeAuthority, CreateAuthority};
use ca_server::decide::begin::Begin;
use ca_server::disk::{Disk, RealDisk};
use ca_server::issuance::{Issuer, Issuers, Publication, Root};
use ca_server::live::{Live, LogIdentity};
use ca_server::log::segments::MIN_SEGMENT_OCTETS;
use ca_server::log::{Prepare, SegmentOptions};
use ca_server::opening::open;
use ca_server::service::Clock;
use ca_server::tiles::publisher::Publisher;
use ed25519_dalek::{Signer as _, SigningKey};
use identity::{KeyKind, RequestId, Serial, Sha256Hash, Timestamp};
use ledger::entry::{Actor, AuthorityState, Body, LedgerCreated, PolicyLoaded};
use ledger::note::{NoteSigner, SigningError, VerifierKey};
use ledger::origin::Origin;
use tempfile::TempDir;

use crate::house::{now, trust_domain};

/// A ledger with a committer at work.
pub struct Running {
    pub live: Arc<Live>,
    pub committer: Handle,
    pub root: Root,
    pub issuer: Arc<Issuer>,
    pub issuers: Arc<Mutex<Issuers>>,
    pub time: Arc<AtomicU64>,
    disk: Arc<dyn Disk>,
    _directory: TempDir,
}

impl Running {
    pub async fn begin() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::take(&directory.path().join("data")).unwrap());
        let (key, origin) = (LedgerKey::new(), Origin::parse(ORIGIN).unwrap());
        let options = SegmentOptions { octets: MIN_SEGMENT_OCTETS, prepare: Prepare::OnDemand };
        let identity = LogIdentity { origin: origin.clone(), key: key.verifier.clone() };
        let verifier = key.verifier.to_string();
        let live = open(&disk, options, identity).unwrap().live;
        let time = Arc::new(AtomicU64::new(now().millis()));
        let (committing, ticking) = (Arc::clone(&live), Arc::clone(&time));
        let clock = Box::new(move || Timestamp::from_millis(ticking.load(Ordering::SeqCst)).unwrap());
        let (committer, handle) = Committer::new(committing, origin, Box::new(key), clock);
        std::thread::spawn(move || committer.run());

        let root = Root::create(&trust_domain(), software_key(), now(), serial(1)).unwrap();
        let issuer = Arc::new(root.certify(software_key(), publication(), now(), serial(2)).unwrap());
        let bodies = vec![
            Body::from(LedgerCreated { trust_domain: trust_domain(), origin: ORIGIN.to_owned(), key: verifier }),
            Body::from(root.created(AuthorityState::Active)),
            Body::from(issuer.created(AuthorityState::Active)),
            Body::from(PolicyLoaded {
                bundle: Sha256Hash::of(b"bundle"),
                octets: 6,
                profiles: Vec::new(),
                policies: Vec::new(),
                approvals: Vec::new(),
            }),
        ];
        let issuers = Arc::new(Mutex::new(Issuers::from_iter([Arc::clone(&issuer)])));
        let running = Self { live, committer: handle, root, issuer, issuers, time, disk, _directory: directory };
        running.submit(Command::Begin(Box::new(Begin { bodies }))).await.unwrap();
        running
    }

    pub async fn submit(&self, command: Command) -> Result<Recorded, CommitError> {
        static REQUESTS: AtomicU64 = AtomicU64::new(1);
        let number = u128::from(REQUESTS.fetch_add(1, Ordering::SeqCst));
        let request = RequestId::from_bytes(number.to_be_bytes());
        let asked = Asked { actor: Actor::Local, request, command };
        Ok(self.committer.submit_all(asked).await?.remove(0))
    }

    /// Another issuer signs from now on.
    pub async fn change_issuer(&self) -> Arc<Issuer> {
        let issuer = Arc::new(self.root.certify(software_key(), publication(), self.now(), serial(3)).unwrap());
        self.issuers.lock().unwrap().add(Arc::clone(&issuer));
        let created = CreateAuthority { authority: issuer.created(AuthorityState::Prepared) };
        self.submit(Command::CreateAuthority(Box::new(created))).await.unwrap();
        for to in [AuthorityState::Published, AuthorityState::Active] {
            self.step(&issuer, to).await;
        }
        issuer
    }

    pub async fn step(&self, issuer: &Issuer, to: AuthorityState) {
        let overridden = Some("a test".to_owned());
        let change = ChangeAuthority { authority: issuer.key_identifier(), to, overridden };
        self.submit(Command::ChangeAuthority(Box::new(change))).await.unwrap();
    }

    pub fn publish(&self) {
        Publisher::new(Arc::clone(&self.disk), Arc::clone(&self.live), 0).step().unwrap();
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.time.load(Ordering::SeqCst)).unwrap()
    }

    pub fn clock(&self) -> Clock {
        let time = Arc::clone(&self.time);
        Arc::new(move || Timestamp::from_millis(time.load(Ordering::SeqCst)).unwrap())
    }

    pub fn turn_clock(&self, hours: u64) {
        self.time.fetch_add(hours * 3_600_000, Ordering::SeqCst);
    }
}

struct LedgerKey {
    key: SigningKey,
    verifier: VerifierKey,
}

impl LedgerKey {
    fn new() -> Self {
        let key = SigningKey::from_bytes(&[7; 32]);
        let verifier = VerifierKey::ed25519(ORIGIN, key.verifying_key().as_bytes()).unwrap();
        Self { key, verifier }
    }
}

impl NoteSigner for LedgerKey {
    fn name(&self) -> &str {
        ORIGIN
    }

    fn key_id(&self) -> u32 {
        self.verifier.key_id()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningError> {
        Ok(self.key.sign(message).to_bytes())
    }
}

fn software_key() -> Arc<dyn Custody> {
    Arc::new(SoftwareKey::generate(KeyKind::P256).unwrap())
}

fn publication() -> Publication {
    Publication::parse("http://ca.example.org:8080", 16).unwrap()
}

fn serial(number: u8) -> Serial {
    Serial::new(now(), [number; 10]).unwrap()
}

const ORIGIN: &str = "example.org/brevet";

//! A small authority that records: root, issuer, committer, ledger in a directory of its own. Knows only the public API.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, UNIX_EPOCH};

use ca_server::committer::{Committer, Handle, Recorded};
use ca_server::csr;
use ca_server::custody::{Custody, SoftwareKey};
use ca_server::decide::{Command, begin::Begin, revoke::Revoke};
use ca_server::decision::Grant;
use ca_server::disk::{Disk, RealDisk};
use ca_server::issuance::crl::{self, AskedCrl, Period, Scope, SignedCrl};
use ca_server::issuance::{Issuer, Issuers, Prepared, Publication, Root, Signed, new_serial, prepare, sign};
use ca_server::live::LogIdentity;
use ca_server::log::{Prepare, SegmentOptions};
use ca_server::state::PolicyInForce;
use identity::{KeyKind, RequestId, Serial, Sha256Hash, Timestamp, TrustDomain};
use ledger::entry::{Actor, AuthorityState, Body, LedgerCreated, Predicate, RevocationReason};
use ledger::note::{NoteSigner, SigningError, VerifierKey};
use ledger::origin::Origin;
use pki_test_fixtures::authority::request::{LeafKey, sound};

/// An authority with a ledger.
pub struct Authority {
    pub root: Root,
    pub issuer: Arc<Issuer>,
    pub issuers: Issuers,
    handle: Option<Handle>,
    committer: Option<JoinHandle<()>>,
    _dir: tempfile::TempDir,
}

impl Authority {
    /// A new root and issuer, in the first entries of a new ledger.
    pub fn new(root: KeyKind, issuer: KeyKind) -> Self {
        let trust_domain: TrustDomain = "example.org".parse().unwrap();
        let key = |kind| -> Arc<dyn Custody> { Arc::new(SoftwareKey::generate(kind).unwrap()) };
        let root = Root::create(&trust_domain, key(root), now(), serial()).unwrap();
        let publication = Publication::parse("http://127.0.0.1:8080", 16).unwrap();
        let issuer = Arc::new(root.certify(key(issuer), publication, now(), serial()).unwrap());

        let signer = LedgerKey::new("example.org/brevet");
        let identity = LogIdentity { origin: Origin::parse("example.org/brevet").unwrap(), key: signer.verifier() };
        let dir = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::take(&dir.path().join("data")).unwrap());
        let options = SegmentOptions { octets: 1 << 20, prepare: Prepare::OnDemand };
        let live = ca_server::opening::open(&disk, options, identity.clone()).unwrap().live;
        let (committer, handle) = Committer::new(live, identity.origin.clone(), Box::new(signer), Box::new(now));
        let committer = std::thread::spawn(move || committer.run().unwrap());
        let authority = Self {
            issuers: Issuers::from_iter([Arc::clone(&issuer)]),
            handle: Some(handle),
            committer: Some(committer),
            _dir: dir,
            root,
            issuer,
        };
        let created =
            LedgerCreated { trust_domain, origin: identity.origin.as_str().to_owned(), key: identity.key.to_string() };
        authority.record(Command::Begin(Box::new(Begin {
            bodies: vec![
                Body::from(created),
                Body::from(authority.root.created(AuthorityState::Active)),
                Body::from(authority.issuer.created(AuthorityState::Active)),
            ],
        })));
        authority
    }

    /// Has a command recorded.
    pub fn record(&self, command: Command) -> Recorded {
        let handle = self.handle.as_ref().unwrap();
        let request = RequestId::from_bytes(*serial().as_bytes());
        let asked = ca_server::committer::Asked { actor: Actor::Local, request, command };
        handle.wait(handle.queue(asked).unwrap()).unwrap().remove(0)
    }

    /// A leaf that is ready to be recorded.
    pub fn prepare(&self, kind: KeyKind, id: &str, dns_names: &[&str]) -> Prepared {
        let request = sound(leaf_key(kind), Some("a nonce")).der;
        prepare(grant(id, dns_names), csr::open(&request).unwrap(), &self.issuer, now(), serial()).unwrap()
    }

    /// A leaf, recorded and signed.
    pub fn issue(&self, kind: KeyKind, id: &str, dns_names: &[&str]) -> Signed {
        let prepared = self.prepare(kind, id, dns_names);
        let recorded = self.record(Command::Authorise(Box::new(prepared.command())));
        sign(&recorded, &self.issuers).unwrap()
    }

    /// Revokes one certificate.
    pub fn revoke(&self, serial: Serial, reason: RevocationReason) {
        let predicate = Predicate::Serial(serial);
        self.record(Command::Revoke(Box::new(Revoke { predicate, reason, comment: String::new() })));
    }

    /// The full CRL, recorded and signed.
    pub fn crl(&self) -> SignedCrl {
        self.crl_of(Scope::Full)
    }

    /// A CRL that lasts an hour, recorded and signed.
    pub fn crl_of(&self, scope: Scope) -> SignedCrl {
        let period = Period::starting(now(), Duration::from_secs(3600), &self.issuer).unwrap();
        let asked = AskedCrl::new(Arc::clone(&self.issuer), scope, period);
        let recorded = self.record(Command::Crl(Box::new(asked.command())));
        let crl = crl::sign(&recorded, &asked.take().unwrap(), &self.issuers).unwrap();
        assert_eq!(crl.number(), recorded.index());
        crl
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        // The committer ends when nobody can ask it any more.
        self.handle.take();
        if let Some(committer) = self.committer.take() {
            committer.join().unwrap();
        }
    }
}

/// A grant for a host; the server's own needs no policy.
pub fn grant(id: &str, dns_names: &[&str]) -> Grant {
    let policy = PolicyInForce { index: 0, bundle: Sha256Hash::of(b"") };
    Grant::server(id.parse().unwrap(), dns_names.iter().map(|name| (*name).to_owned()).collect(), policy)
}

pub fn leaf_key(kind: KeyKind) -> LeafKey {
    match kind {
        KeyKind::P256 => LeafKey::P256,
        KeyKind::Ed25519 => LeafKey::Ed25519,
    }
}

pub fn now() -> Timestamp {
    Timestamp::from_millis(UNIX_EPOCH.elapsed().unwrap().as_millis().try_into().unwrap()).unwrap()
}

pub fn serial() -> Serial {
    new_serial(now()).unwrap()
}

/// The key of the test's ledger.
struct LedgerKey {
    name: &'static str,
    key: SoftwareKey,
}

impl LedgerKey {
    fn new(name: &'static str) -> Self {
        Self { name, key: SoftwareKey::generate(KeyKind::Ed25519).unwrap() }
    }

    fn verifier(&self) -> VerifierKey {
        let spki = self.key.public_key().spki_der();
        VerifierKey::ed25519(self.name, spki[spki.len() - 32..].try_into().unwrap()).unwrap()
    }
}

impl NoteSigner for LedgerKey {
    fn name(&self) -> &str {
        self.name
    }

    fn key_id(&self) -> u32 {
        self.verifier().key_id()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningError> {
        Ok(self.key.sign(message).unwrap().try_into().unwrap())
    }
}

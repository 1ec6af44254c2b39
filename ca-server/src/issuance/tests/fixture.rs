//! Authorities, requests and grants to test with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use identity::{HostId, KeyKind, RequestId, Serial, Sha256Hash, SpiffeId, Timestamp, TrustDomain};
use ledger::entry::{Actor, Body, Entry};
use pki_test_fixtures::authority::request::{LeafKey, sound};
use policies::{
    Wanted,
    request::{Host, Request},
};

use crate::csr::{self, OpenedCsr};
use crate::custody::{Custody, SignError, SoftwareKey};
use crate::decision::{Grant, Supersession};
use crate::issuance::{Issuer, Issuers, Prepared, Publication, Root, prepare};
use crate::public_key::PublicKey;
use crate::state::PolicyInForce;

/// A root, an issuer below it, and what both need.
pub(in crate::issuance) struct Pki {
    pub(in crate::issuance) root: Root,
    pub(in crate::issuance) issuer: Arc<Issuer>,
    pub(in crate::issuance) issuers: Issuers,
}

impl Pki {
    pub(in crate::issuance) fn new(root: KeyKind, issuer: KeyKind) -> Self {
        Self::with_issuer_key(root, key(issuer))
    }

    pub(in crate::issuance) fn with_issuer_key(root: KeyKind, issuer_key: Arc<dyn Custody>) -> Self {
        let root = Root::create(&trust_domain(), key(root), now(), serial(1)).unwrap();
        let issuer = Arc::new(root.certify(issuer_key, publication(), now(), serial(2)).unwrap());
        Self { root, issuers: Issuers::from_iter([Arc::clone(&issuer)]), issuer }
    }

    pub(in crate::issuance) fn p256() -> Self {
        Self::new(KeyKind::P256, KeyKind::P256)
    }

    /// A prepared leaf for a host.
    pub(in crate::issuance) fn prepared(&self, kind: KeyKind) -> Prepared {
        prepare(grant(HOST, &[]), opened(kind), &self.issuer, now(), serial(3)).unwrap()
    }
}

pub(in crate::issuance) fn key(kind: KeyKind) -> Arc<dyn Custody> {
    Arc::new(SoftwareKey::generate(kind).unwrap())
}

pub(in crate::issuance) fn opened(kind: KeyKind) -> OpenedCsr {
    let kind = match kind {
        KeyKind::P256 => LeafKey::P256,
        KeyKind::Ed25519 => LeafKey::Ed25519,
    };
    csr::open(&sound(kind, Some("a nonce that stays out")).der).unwrap()
}

pub(in crate::issuance) fn grant(id: &str, dns_names: &[&str]) -> Grant {
    let policy = PolicyInForce { index: 7, bundle: Sha256Hash::of(b"bundle") };
    Grant::server(spiffe_id(id), dns_names.iter().map(|name| (*name).to_owned()).collect(), policy)
}

/// A grant to renew a host's certificate, by the policies that we ship.
pub(in crate::issuance) fn renewal(kind: KeyKind, superseded: Supersession) -> Grant {
    let bundle = policies::starter::DEFAULT.bundle().unwrap();
    let rules = bundle.check().unwrap();
    let profile = rules.profiles().profile("host").unwrap();
    let id = spiffe_id(HOST);
    let wanted = Wanted::host_again(profile, id.clone(), Vec::new(), kind).unwrap();
    let host = Host { id: &id, profile: profile.name() };
    let permit = rules.decide(&Request::renew(host, &wanted, None)).into_result().unwrap();
    let policy = PolicyInForce { index: 7, bundle: bundle.digest() };
    Grant::renewal(HostId::from_bytes([4; 16]), superseded, permit, policy).unwrap()
}

pub(in crate::issuance) fn spiffe_id(id: &str) -> SpiffeId {
    id.parse().unwrap()
}

pub(in crate::issuance) fn trust_domain() -> TrustDomain {
    "example.org".parse().unwrap()
}

pub(in crate::issuance) fn publication() -> Publication {
    Publication::parse("http://ca.example.org:8080", 16).unwrap()
}

pub(in crate::issuance) fn now() -> Timestamp {
    "2026-11-23T00:17:07.123Z".parse().unwrap()
}

pub(in crate::issuance) fn serial(number: u8) -> Serial {
    Serial::new(now(), [number; 10]).unwrap()
}

/// What an entry with this body says when it is read back.
pub(in crate::issuance) fn recorded(body: impl Into<Body>) -> Body {
    let request = RequestId::from_bytes([5; 16]);
    Entry { time: now(), actor: Actor::Server, request, salt: [9; 16], body: body.into() }
        .encode()
        .unwrap()
        .decode()
        .unwrap()
        .body
}

/// A key that makes some signatures wrong.
#[derive(Debug)]
pub(in crate::issuance) struct FaultyKey {
    key: SoftwareKey,
    made: AtomicU64,
    fault: Fault,
}

/// When a key fails, counted from 0, and how.
#[derive(Debug, Clone, Copy)]
pub(in crate::issuance) enum Fault {
    /// The signature is of something else.
    WrongAt(u64),
    /// There is no signature.
    RefusesAt(u64),
}

impl FaultyKey {
    pub(in crate::issuance) fn new(fault: Fault) -> Arc<Self> {
        Arc::new(Self { key: SoftwareKey::generate(KeyKind::P256).unwrap(), made: AtomicU64::new(0), fault })
    }
}

impl Custody for FaultyKey {
    fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        match self.fault {
            Fault::WrongAt(at) if at == made => self.key.sign(b"something else"),
            Fault::RefusesAt(at) if at == made => Err(SignError { key: self.key.public_key().hash() }),
            Fault::WrongAt(_) | Fault::RefusesAt(_) => self.key.sign(message),
        }
    }
}

pub(in crate::issuance) const HOST: &str = "spiffe://example.org/host/a";

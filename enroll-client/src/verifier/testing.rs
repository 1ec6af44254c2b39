//! A host to test against: authorities, identities, and the local socket with both APIs on it. Knows no key roller and no server.

pub(crate) mod feed;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use identity::svid::{CertificateFacts, Svid};
use identity::{KeyIdentifier, SpiffeId, Timestamp, TrustDomain};
use pki_test_fixtures::authority::{Authority, Leaf, uri_name};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, SerialNumber,
};
use rustls_pki_types::CertificateDer;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use super::clock::{Clock, Moment};
use crate::identities::{AgentName, CurrentIdentity, Identities, Publisher, Selectors};
use crate::socket::authority::Filtered;
use crate::socket::{Access, ConnectionLimits, LocalSocket, serve};
use crate::workload_api::router;

/// A trust domain with one root and one issuer.
pub(crate) struct World {
    pub(crate) domain: TrustDomain,
    pub(crate) root: Authority,
    pub(crate) issuer: Authority,
    pub(crate) now: Timestamp,
}

impl World {
    pub(crate) fn new(domain: &str) -> Self {
        let domain = TrustDomain::parse(domain).unwrap();
        let now = now();
        let root = Authority::root(&domain, now);
        let issuer = root.issuer(now);
        Self { domain, root, issuer, now }
    }

    pub(crate) fn id(&self, path: &str) -> SpiffeId {
        SpiffeId::from_path(&self.domain, path).unwrap()
    }

    /// A sound leaf, valid for an hour.
    pub(crate) fn leaf(&self, path: &str) -> Leaf {
        self.issuer.leaf(&self.id(path), self.now, HOUR)
    }

    pub(crate) fn roots(&self) -> Vec<CertificateDer<'static>> {
        vec![CertificateDer::from(self.root.der().to_vec())]
    }

    /// Leaf and issuer.
    pub(crate) fn chain(&self, leaf: &Leaf) -> Vec<CertificateDer<'static>> {
        vec![CertificateDer::from(leaf.der.clone()), CertificateDer::from(self.issuer.der().to_vec())]
    }

    /// What a sound leaf says, for an issuer of one's own.
    pub(crate) fn leaf_params(&self, path: &str, key: &KeyPair) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.subject_alt_names = vec![uri_name(&format!("spiffe://{}{path}", self.domain))];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let identifier = KeyIdentifier::of_spki_der(&rcgen::PublicKeyData::subject_public_key_info(key)).unwrap();
        params.key_identifier_method = KeyIdMethod::PreSpecified(identifier.as_bytes().to_vec());
        params.serial_number = Some(SerialNumber::from_slice(&[0x11; 16]));
        params.use_authority_key_identifier_extension = true;
        let seconds = i64::try_from(self.now.seconds()).unwrap();
        params.not_before = time::OffsetDateTime::from_unix_timestamp(seconds - 60).unwrap();
        params.not_after = time::OffsetDateTime::from_unix_timestamp(seconds + 3600).unwrap();
        params
    }

    /// A new identity, for processes of our own user.
    pub(crate) fn identity(&self, path: &str) -> CurrentIdentity {
        let leaf = self.leaf(path);
        let svid = Svid::leaf(&CertificateFacts::from_der(&leaf.der).unwrap()).unwrap();
        CurrentIdentity {
            spiffe_id: svid.spiffe_id().clone(),
            chain: self.chain(&leaf),
            key_pkcs8: Arc::new(Zeroizing::new(leaf.key.serialize_der())),
            serial: svid.serial(),
            not_after: svid.not_after(),
            hint: path.trim_start_matches('/').to_owned(),
            selectors: Selectors { uid: Some(rustix::process::geteuid().as_raw()), ..Selectors::default() },
        }
    }
}

/// A root, and an issuer below it with `change` made to it: for issuers that no sound authority would sign.
pub(crate) fn forged_authority(
    world: &World,
    change: &dyn Fn(&mut CertificateParams),
) -> (CertificateDer<'static>, Issuer<'static, KeyPair>, CertificateDer<'static>) {
    let authority = |name: &str, key: &KeyPair| {
        let mut params = world.leaf_params("", key);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.extended_key_usages = Vec::new();
        params
    };
    let key = KeyPair::generate().unwrap();
    let params = authority("root", &key);
    let root_der = params.self_signed(&key).unwrap().der().clone();
    let root = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let mut params = authority("issuer", &key);
    change(&mut params);
    let der = params.signed_by(&key, &root).unwrap().der().clone();
    (root_der, Issuer::new(params, key), der)
}

/// A served socket, and the writers' side of what it serves.
pub(crate) struct Host {
    pub(crate) publisher: Publisher,
    pub(crate) socket: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
    pub(crate) identities: Identities,
    _directory: tempfile::TempDir,
}

impl Host {
    pub(crate) fn new(world: &World) -> Self {
        let (publisher, identities) = Publisher::new(world.domain.clone());
        publisher.set_bundle(1, world.roots());
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("agent.sock");
        let mut host = Self { publisher, socket, stop: None, task: None, identities, _directory: directory };
        host.start();
        host
    }

    /// Serves (again).
    pub(crate) fn start(&mut self) {
        let socket = LocalSocket::bind(&self.socket, Access::Owner).unwrap();
        let (stop, stopped) = oneshot::channel();
        let router = router(self.identities.clone());
        let limits = ConnectionLimits::default();
        self.stop = Some(stop);
        self.task = Some(tokio::spawn(serve(socket, limits, Filtered::new, router, async { drop(stopped.await) })));
    }

    /// Stops serving; what was published stays.
    pub(crate) async fn stop(&mut self) {
        drop(self.stop.take());
        self.task.take().unwrap().await.unwrap();
    }

    pub(crate) fn deliver(&self, world: &World, path: &str) -> CurrentIdentity {
        let identity = world.identity(path);
        self.publisher.deliver(name(path), identity.clone());
        identity
    }
}

/// A clock that stands still until it is set.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<Mutex<Moment>>);

impl TestClock {
    pub(crate) fn at(wall: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Moment { wall, since_boot: HOUR })))
    }

    pub(crate) fn clock(&self) -> Clock {
        let clock = self.clone();
        Clock::new(move || clock.now())
    }

    pub(crate) fn now(&self) -> Moment {
        *self.0.lock().unwrap()
    }

    /// Both clocks go on.
    pub(crate) fn pass(&self, duration: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = Moment { wall: now.wall.plus(duration), since_boot: now.since_boot + duration };
    }

    /// Somebody sets the wall clock.
    pub(crate) fn set_wall(&self, wall: Timestamp) {
        self.0.lock().unwrap().wall = wall;
    }
}

pub(crate) fn name(path: &str) -> AgentName {
    AgentName::parse(path.rsplit('/').next().unwrap()).unwrap()
}

/// The one look at the wall clock: rcgen's leaves and rustls' peers must agree with it.
#[expect(clippy::disallowed_methods, reason = "the composition root of the tests")]
pub(crate) fn now() -> Timestamp {
    Timestamp::from_system_time(std::time::SystemTime::now()).unwrap()
}

/// One HTTP/1.1 request on a connection of its own; gives status and body.
pub(crate) async fn get(socket: &Path, path: &str, header: &str) -> (u16, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::UnixStream::connect(socket).await.unwrap();
    let head = format!("GET {path} HTTP/1.0\r\nhost: localhost\r\n{header}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

//! What the host holds right now, for those who deliver it. Knows identities, bundle and the feed's relay; knows neither server nor disk.
//!
//! The key roller writes through a [`Publisher`]; everybody else holds an [`Identities`] and watches. A snapshot is one
//! consistent picture: the certificate, its key and the bundle it chains to always belong together, because they are
//! swapped as one `Arc`. What is expired, cut off or revoked is not in it; no reader has to look at a clock to be safe,
//! though a reader that keeps a snapshot for long should.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use identity::{Serial, SpiffeId, Timestamp, TrustDomain};
use rustls_pki_types::CertificateDer;
use tokio::sync::watch;
use zeroize::Zeroizing;

mod files;
mod name;
mod relay;
mod status;

pub use files::{FilesReporter, FilesStatus, ReloadStatus};
pub use name::{AgentName, AgentNameError, MAX_AGENT_NAME_OCTETS};
pub use relay::{FeedRelay, Follow, RelayError, RelayEvent};
pub use status::{IdentityStatus, Phase, Status, TrustStatus};

/// One consistent picture of what this host may hand to its agents.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The trust domain that the bundle speaks for.
    pub trust_domain: TrustDomain,
    /// The roots that agents should trust, DER, newest first. Empty until the server's bundle was fetched once.
    pub bundle: Vec<CertificateDer<'static>>,
    /// The bundle's `spiffe_sequence`: the ledger index of the newest authority entry it contains. 0 before the first.
    pub bundle_sequence: u64,
    /// What each agent may be given, by the agent's name. An agent that has nothing to be given is absent.
    pub agents: BTreeMap<AgentName, CurrentIdentity>,
    /// The agents of this host by the newest list; none before the first.
    pub offered: Option<BTreeMap<AgentName, SpiffeId>>,
    /// Agents of the list whose identity was revoked or cut off, and that have no other.
    pub ended: BTreeSet<AgentName>,
}

/// How things stand with one agent, for those who have delivered to it before.
#[derive(Debug)]
pub enum Standing<'a> {
    /// It has an identity.
    Has(&'a CurrentIdentity),
    /// It has none at the moment: not yet, or the one before has expired.
    Waits,
    /// Its identity was revoked or cut off, or it is no longer this host's.
    Ended,
}

impl Snapshot {
    /// How things stand with the agent for which `is` holds.
    pub fn standing(&self, is: impl Fn(&AgentName, &SpiffeId) -> bool) -> Standing<'_> {
        if let Some((_, identity)) = self.agents.iter().find(|(name, identity)| is(name, &identity.spiffe_id)) {
            return Standing::Has(identity);
        }
        let Some(offered) = &self.offered else { return Standing::Waits };
        match offered.iter().find(|(name, spiffe_id)| is(name, spiffe_id)) {
            Some((name, _)) if !self.ended.contains(name) => Standing::Waits,
            Some(_) | None => Standing::Ended,
        }
    }
}

/// An identity that was checked and may be handed to the processes its selectors pick, until `not_after`.
#[derive(Clone)]
pub struct CurrentIdentity {
    /// Exactly the URI name of the leaf.
    pub spiffe_id: SpiffeId,
    /// Leaf first, then the issuers, without the root; DER.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's private key, PKCS#8 DER, unencrypted. Zeroed when the last holder lets go of it.
    pub key_pkcs8: Arc<Zeroizing<Vec<u8>>>,
    /// The leaf's serial.
    pub serial: Serial,
    /// From when it may be used: the earlier of the leaf's notAfter and the cutoff ends it.
    pub not_after: Timestamp,
    /// Tells identities of one process apart (`X509SVID.hint` of the Workload API): the agent's name.
    pub hint: String,
    /// Which local processes this identity is for. All that are set must hold.
    pub selectors: Selectors,
}

impl fmt::Debug for CurrentIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentIdentity")
            .field("spiffe_id", &self.spiffe_id.as_str())
            .field("serial", &self.serial.to_string())
            .field("not_after", &self.not_after.to_string())
            .field("selectors", &self.selectors)
            .finish_non_exhaustive()
    }
}

/// Which process gets an identity: every selector that is set must hold for the peer of the socket.
///
/// With none set nothing matches ([`Selectors::is_empty`]): an agent without selectors is given to nobody, rather than
/// to everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selectors {
    /// The peer's effective user id.
    pub uid: Option<u32>,
    /// The peer's effective group id.
    pub gid: Option<u32>,
    /// The absolute path of the peer's program, as `/proc/PID/exe` names it.
    pub executable: Option<PathBuf>,
}

impl Selectors {
    /// Whether no selector is set, so that no process matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.uid.is_none() && self.gid.is_none() && self.executable.is_none()
    }
}

/// The readers' side. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Identities {
    snapshot: watch::Receiver<Arc<Snapshot>>,
    status: watch::Receiver<Arc<Status>>,
    relay: FeedRelay,
}

impl Identities {
    /// The picture as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.borrow())
    }

    /// A receiver that wakes at every change of the picture. It ends (`changed()` fails) when the roller stops.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshot.clone()
    }

    /// What `status` prints and `GET /v1/status` answers. It contains no key.
    #[must_use]
    pub fn status(&self) -> Arc<Status> {
        Arc::clone(&self.status.borrow())
    }

    /// A receiver that wakes at every change of the status.
    #[must_use]
    pub fn watch_status(&self) -> watch::Receiver<Arc<Status>> {
        self.status.clone()
    }

    /// The server's feed, relayed verbatim.
    #[must_use]
    pub fn relay(&self) -> &FeedRelay {
        &self.relay
    }
}

/// The writers' side: the key roller, and tests that need a host without one.
#[derive(Debug)]
pub struct Publisher {
    snapshot: watch::Sender<Arc<Snapshot>>,
    status: watch::Sender<Arc<Status>>,
    relay: FeedRelay,
}

impl Publisher {
    /// A publisher with nothing to give yet, and its readers' side.
    #[must_use]
    pub fn new(trust_domain: TrustDomain) -> (Self, Identities) {
        let status = Status::starting(&trust_domain);
        let empty = Snapshot {
            trust_domain,
            bundle: Vec::new(),
            bundle_sequence: 0,
            agents: BTreeMap::new(),
            offered: None,
            ended: BTreeSet::new(),
        };
        let (snapshot, snapshots) = watch::channel(Arc::new(empty));
        let (status, statuses) = watch::channel(Arc::new(status));
        let relay = FeedRelay::new();
        let readers = Identities { snapshot: snapshots, status: statuses, relay: relay.clone() };
        (Self { snapshot, status, relay }, readers)
    }

    /// Replaces an agent's identity, or gives it its first.
    pub fn deliver(&self, agent: AgentName, identity: CurrentIdentity) {
        self.change(|snapshot| {
            snapshot.ended.remove(&agent);
            snapshot.agents.insert(agent, identity);
        });
    }

    /// Replaces the list of agents that this host has.
    pub fn offer(&self, offered: BTreeMap<AgentName, SpiffeId>) {
        self.change(|snapshot| {
            snapshot.ended.retain(|name| offered.contains_key(name));
            snapshot.offered = Some(offered);
        });
    }

    /// Takes an agent's identity away for good: it was revoked or cut off.
    pub fn end(&self, agent: &AgentName) {
        self.change(|snapshot| {
            snapshot.agents.remove(agent);
            snapshot.ended.insert(agent.clone());
        });
    }

    /// Takes an agent's identity away: expired, or no longer this host's.
    pub fn withdraw(&self, agent: &AgentName) {
        self.change(|snapshot| {
            snapshot.agents.remove(agent);
        });
    }

    /// Changes which processes an identity that stands is for.
    pub fn select(&self, agent: &AgentName, selectors: Selectors) {
        self.change(|snapshot| {
            if let Some(identity) = snapshot.agents.get_mut(agent) {
                identity.selectors = selectors;
            }
        });
    }

    /// Replaces the bundle.
    pub fn set_bundle(&self, sequence: u64, roots: Vec<CertificateDer<'static>>) {
        self.change(|snapshot| {
            snapshot.bundle_sequence = sequence;
            snapshot.bundle = roots;
        });
    }

    /// Whether this is the bundle that readers see.
    #[must_use]
    pub fn bundle_is(&self, sequence: u64, roots: &[CertificateDer<'static>]) -> bool {
        let shared = self.snapshot.borrow();
        shared.bundle_sequence == sequence && shared.bundle == roots
    }

    /// Where couriers of files report.
    #[must_use]
    pub fn files_reporter(&self) -> FilesReporter {
        FilesReporter::new(self.status.clone())
    }

    /// Replaces what `status` tells, save for the files, which are told by others; nobody wakes when it says the same.
    pub fn set_status(&self, mut status: Status) {
        self.status.send_if_modified(|shared| {
            status.files.clone_from(&shared.files);
            let differs = **shared != status;
            if differs {
                *shared = Arc::new(status);
            }
            differs
        });
    }

    /// The relay to write the feed to.
    #[must_use]
    pub fn relay(&self) -> &FeedRelay {
        &self.relay
    }

    fn change(&self, change: impl FnOnce(&mut Snapshot)) {
        self.snapshot.send_modify(|shared| change(Arc::make_mut(shared)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> AgentName {
        AgentName::parse(text).unwrap()
    }

    fn identity(path: &str, selectors: Selectors) -> CurrentIdentity {
        CurrentIdentity {
            spiffe_id: SpiffeId::parse(&format!("spiffe://example.org{path}")).unwrap(),
            chain: vec![CertificateDer::from(vec![0x30, 0x00])],
            key_pkcs8: Arc::new(Zeroizing::new(b"canary-key-octets".to_vec())),
            serial: Serial::from_bytes([1; 16]).unwrap(),
            not_after: Timestamp::from_seconds(2_000_000_000).unwrap(),
            hint: "web".into(),
            selectors,
        }
    }

    /// T-63: no key in Debug output, at any depth.
    #[test]
    fn debug_output_has_no_key() {
        let (publisher, readers) = Publisher::new(TrustDomain::parse("example.org").unwrap());
        publisher.deliver(name("web"), identity("/web", Selectors::default()));
        let canary = format!("{:?}", b"canary-key-octets");
        for text in [format!("{:?}", readers.snapshot()), format!("{readers:?}"), format!("{publisher:?}")] {
            assert!(!text.contains("canary") && !text.contains(canary.trim_matches(['[', ']'])), "{text}");
        }
    }

    #[test]
    fn a_change_wakes_watchers_and_leaves_older_pictures_alone() {
        let (publisher, readers) = Publisher::new(TrustDomain::parse("example.org").unwrap());
        let mut watch = readers.watch();
        let before = readers.snapshot();
        publisher.deliver(name("web"), identity("/web", Selectors::default()));
        assert!(watch.has_changed().unwrap());
        assert!(before.agents.is_empty());
        assert_eq!(watch.borrow_and_update().agents.len(), 1);
        publisher.select(&name("web"), Selectors { uid: Some(7), ..Selectors::default() });
        assert_eq!(readers.snapshot().agents[&name("web")].selectors.uid, Some(7));
        publisher.withdraw(&name("web"));
        assert!(readers.snapshot().agents.is_empty());
    }

    #[test]
    fn no_selector_means_nobody() {
        assert!(Selectors::default().is_empty());
        assert!(!Selectors { gid: Some(0), ..Selectors::default() }.is_empty());
    }
}

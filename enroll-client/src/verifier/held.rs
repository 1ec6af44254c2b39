//! All that an agent holds to judge by: identity, bundle, revocations, clock. Knows how they go together; knows no socket.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;

use super::clock::{Clock, Moment};
use super::credential::Material;
use super::judge::{self, Judged, Role};
use super::peer::PeerId;
use super::refusal::Refusal;
use super::revocations::{Applied, FeedError, Revocations};
use super::rule::PeerRule;
use crate::sse::SseEvent;

/// Shared by configurations, tasks and the agent's handle. Written by two tasks, read in every handshake.
#[derive(Debug)]
pub(super) struct Held {
    material: ArcSwapOption<Material>,
    revocations: RwLock<Revocations>,
    clock: Clock,
    max_staleness: Duration,
}

impl Held {
    pub(super) fn new(clock: Clock, max_staleness: Duration, revocations: Revocations) -> Arc<Self> {
        let (material, revocations) = (ArcSwapOption::empty(), RwLock::new(revocations));
        Arc::new(Self { material, revocations, clock, max_staleness })
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn material(&self) -> Option<Arc<Material>> {
        self.material.load_full()
    }

    /// Replaces identity and bundle as one, or takes both away.
    pub(super) fn set_material(&self, material: Option<Material>) {
        self.material.store(material.map(Arc::new));
    }

    /// What to send as `Last-Event-ID`; nothing when a snapshot is wanted.
    pub(super) fn feed_position(&self) -> Option<u64> {
        self.change(|revocations| revocations.position())
    }

    /// Wants a snapshot.
    pub(super) fn begin_again(&self) {
        self.change(Revocations::begin_again);
    }

    /// Takes a snapshot and gives the index it speaks for.
    pub(super) fn begin(&self, body: &[u8]) -> Result<u64, FeedError> {
        let now = self.now()?;
        self.change(|revocations| revocations.begin(body, now))
    }

    /// Takes a message of the feed.
    pub(super) fn apply(&self, event: &SseEvent) -> Result<Applied, FeedError> {
        let now = self.now()?;
        self.change(|revocations| revocations.apply(event, now))
    }

    /// Decides on a peer in a handshake.
    pub(super) fn admit(&self, chain: &[CertificateDer<'_>], role: Role, rule: &PeerRule) -> Result<(), Refusal> {
        let now = self.now()?;
        let material = self.material.load();
        let bundle = &material.as_ref().ok_or(Refusal::NoBundle)?.bundle;
        let judged = judge::judge(chain, role, bundle, now.wall)?;
        if !rule.accepts(&judged.id) {
            return Err(Refusal::NotExpected { id: judged.id, rule: rule.clone() });
        }
        self.check_revoked(&judged, now)
    }

    /// Decides again on a peer whose handshake is over.
    pub(super) fn still_valid(&self, peer: &PeerId) -> Result<(), Refusal> {
        let now = self.now()?;
        let material = self.material.load();
        let material = material.as_ref().ok_or(Refusal::NoBundle)?;
        // The chain is verified again only when identity or bundle were replaced since: signatures do not change by themselves.
        if !peer.is_verified_under(material.generation) {
            // A leaf has both purposes or none (X509-SVID 4.4, kept by Svid::leaf), so the role makes no difference.
            judge::judge(peer.chain(), Role::Client, &material.bundle, now.wall)?;
            peer.verified_under(material.generation);
        }
        judge::check_not_after(peer.not_after(), now.wall)?;
        self.check_revoked(peer.judged(), now)
    }

    /// Our certificate, if it can be shown.
    pub(super) fn own(&self) -> Result<Arc<CertifiedKey>, Refusal> {
        let now = self.now()?;
        let material = self.material.load();
        let credential = &material.as_ref().ok_or(Refusal::NoBundle)?.credential;
        judge::check_validity(credential.svid(), now.wall)?;
        // Nobody who follows the feed would accept it any more.
        self.read(|revocations| revocations.check(credential.serial(), now.wall))?;
        Ok(Arc::clone(credential.certified()))
    }

    /// Whether revocations are known as of now.
    pub(super) fn check_fresh(&self) -> Result<(), Refusal> {
        let now = self.now()?;
        self.read(|revocations| revocations.check_fresh(now, self.max_staleness))
    }

    /// The leaf and every issuer above it; and first of all whether we know.
    fn check_revoked(&self, judged: &Judged, now: Moment) -> Result<(), Refusal> {
        self.read(|revocations| {
            revocations.check_fresh(now, self.max_staleness)?;
            std::iter::once(&judged.serial)
                .chain(&judged.issuers)
                .try_for_each(|serial| revocations.check(*serial, now.wall))
        })
    }

    fn read<T>(&self, read: impl FnOnce(&Revocations) -> Result<T, Refusal>) -> Result<T, Refusal> {
        // Poisoned: a writer has panicked half way. What is there may lack a revocation.
        let revocations = self.revocations.read().map_err(|_| Refusal::FeedNotHeard)?;
        read(&revocations)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Revocations) -> T) -> T {
        // A panic inside leaves the lock poisoned for good, and every reader refuses from then on: see `read`.
        change(&mut self.revocations.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn now(&self) -> Result<Moment, Refusal> {
        self.clock.read().ok_or(Refusal::NoTime)
    }
}

//! What is fetched or sent beside certificates: list of agents, bundle, feed, acknowledgements. Knows when; the machine is `Errand`.

use std::sync::Arc;
use std::time::Duration;

use protocol::feed::FeedAck;

use super::Driver;
use super::feed::{self, Follower};
use super::news::News;
use crate::machine::{Backoff, BootTime, Errand, Gate, Now};

/// One errand each.
#[derive(Debug)]
pub(super) struct Errands {
    /// The signed list of agents.
    pub(super) agents: Errand,
    /// The trust bundle.
    pub(super) bundle: Errand,
    /// To be connected to the feed.
    pub(super) feed: Errand,
    /// A snapshot for local followers while we follow ourselves.
    pub(super) snapshot: Errand,
    /// To tell the server how far we are.
    pub(super) acknowledge: Errand,
    /// Whether there is something to tell, and when we told it last.
    unacknowledged: bool,
    acknowledged_at: Option<BootTime>,
    backoff: Backoff,
    /// How often all hosts were told something at once.
    occasions: u32,
}

impl Errands {
    pub(super) fn new(backoff: Backoff, now: BootTime) -> Self {
        let errand = || Errand::new(backoff, ANSWER_LIMIT);
        let mut errands = Self {
            agents: errand(),
            bundle: errand(),
            feed: errand(),
            snapshot: errand(),
            acknowledge: errand(),
            unacknowledged: false,
            acknowledged_at: None,
            backoff,
            occasions: 0,
        };
        errands.bundle.want(now);
        errands
    }

    /// When to act on what all hosts were told in one instant.
    pub(super) fn spread(&mut self, now: BootTime) -> BootTime {
        self.occasions = self.occasions.wrapping_add(1);
        now.plus(self.backoff.spread(SPREAD, self.occasions))
    }

    /// There is something to tell the server.
    pub(super) fn want_acknowledge(&mut self) {
        self.unacknowledged = true;
    }

    fn all_mut(&mut self) -> [&mut Errand; 5] {
        [&mut self.agents, &mut self.bundle, &mut self.feed, &mut self.snapshot, &mut self.acknowledge]
    }
}

/// Which errands can be run as things stand.
#[derive(Debug, Clone, Copy)]
enum Open {
    /// Nothing new is taken. What the feed takes away is still taken away.
    Alarm,
    /// There is no certificate to ask with.
    Anonymous,
    /// We do not know where in the feed we are.
    Host,
    /// All.
    Following,
}

impl Driver {
    fn open_errands(&self) -> Option<Open> {
        let has_host = self.host.hand.machine.held().is_some();
        match (self.gate, has_host, self.trust.cursor()) {
            (Gate::Alarm, true, _) => Some(Open::Alarm),
            (Gate::Alarm, false, _) => None,
            (Gate::Open | Gate::NoHost, false, _) => Some(Open::Anonymous),
            (Gate::Open | Gate::NoHost, true, None) => Some(Open::Host),
            (Gate::Open | Gate::NoHost, true, Some(_)) => Some(Open::Following),
        }
    }

    /// When one of them is due that can be run.
    pub(super) fn errands_wake_at(&self) -> Option<BootTime> {
        let Errands { agents, bundle, feed, snapshot, acknowledge, .. } = &self.errands;
        let open: &[&Errand] = match self.open_errands()? {
            Open::Alarm => &[feed],
            Open::Anonymous => &[bundle],
            Open::Host => &[bundle, feed, agents],
            Open::Following => &[bundle, feed, agents, snapshot, acknowledge],
        };
        open.iter().filter_map(|errand| errand.wake_at()).min()
    }

    /// Starts what is due.
    pub(super) fn go_on_errands(&mut self, now: Now) {
        for errand in self.errands.all_mut() {
            if errand.is_overdue(now.boot) {
                errand.failed(now.boot, None, None);
            }
        }
        match self.open_errands() {
            None => {}
            Some(Open::Alarm) => self.go_feed(now),
            Some(Open::Anonymous) => self.go_bundle(now),
            Some(Open::Host) => {
                self.go_bundle(now);
                self.go_feed(now);
                self.go_agents(now);
            }
            Some(Open::Following) => {
                self.go_bundle(now);
                self.go_feed(now);
                self.go_agents(now);
                self.go_snapshot(now);
                self.go_acknowledge(now);
            }
        }
    }

    fn go_bundle(&mut self, now: Now) {
        if let Some(attempt) = self.errands.bundle.go(now.boot) {
            let asker = Arc::clone(&self.asker);
            self.work.spawn(async move { News::Bundle { attempt, outcome: asker.upstream().bundle().await } });
        }
    }

    fn go_feed(&mut self, now: Now) {
        if self.errands.feed.go(now.boot).is_some() {
            let after = self.trust.cursor().map(|cursor| cursor.index);
            self.follower = Some(Follower::start(Arc::clone(&self.asker), after));
        }
    }

    fn go_agents(&mut self, now: Now) {
        if let Some(attempt) = self.errands.agents.go(now.boot) {
            let asker = Arc::clone(&self.asker);
            self.work.spawn(async move { News::Offers { attempt, outcome: asker.upstream().agents().await } });
        }
    }

    fn go_snapshot(&mut self, now: Now) {
        if self.publisher.relay().wants_snapshot() {
            self.errands.snapshot.want_at(now.boot.plus(SNAPSHOT_AFTER));
        }
        if let Some(attempt) = self.errands.snapshot.go(now.boot) {
            let asker = Arc::clone(&self.asker);
            self.work.spawn(async move { News::Snapshot { attempt, outcome: feed::snapshot(&asker).await } });
        }
    }

    fn go_acknowledge(&mut self, now: Now) {
        let Some(cursor) = self.trust.cursor() else { return };
        if self.errands.unacknowledged {
            let earliest = self.errands.acknowledged_at.map_or(now.boot, |at| at.plus(ACKNOWLEDGE_EVERY));
            self.errands.acknowledge.want_at(now.boot.max(earliest));
        }
        let Some(attempt) = self.errands.acknowledge.go(now.boot) else { return };
        self.errands.unacknowledged = false;
        self.errands.acknowledged_at = Some(now.boot);
        let ack = FeedAck {
            index: cursor.index,
            events: cursor.running.count(),
            running: cursor.running.hash().to_vec().into(),
            bundle: self.bundle_sequence,
        };
        let asker = Arc::clone(&self.asker);
        self.work.spawn(async move {
            let outcome = asker.upstream().acknowledge(&ack).await;
            News::Acknowledged { attempt, outcome }
        });
    }
}

/// How often list and bundle are fetched without being told to: the refresh hint of the bundle, 300 s (SPIFFE Trust Domain and
/// Bundle, section 4.1.2, suggests five minutes). The feed tells earlier.
pub(super) const REFRESH: Duration = Duration::from_secs(300);
/// At most one acknowledgement per second: in a large fleet with cutoffs there are events all the time. The first after a pause goes at
/// once, so that the server knows how long a revocation took.
const ACKNOWLEDGE_EVERY: Duration = Duration::from_secs(1);
/// Over how long hosts spread what all of them are told to do at once. Ours: ten thousand hosts then ask two thousand times a second.
const SPREAD: Duration = Duration::from_secs(5);
/// How long local followers' snapshot waits after it is wanted, so that a burst of events asks for one.
const SNAPSHOT_AFTER: Duration = Duration::from_secs(10);
/// How long an answer may take: a little more than a request ([`crate::upstream::REQUEST_LIMIT`]) and a snapshot before it.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

//! How a connection is doing, and by when it must do better. Knows times; knows no octet and no request.
//!
//! The connection's parts say what happens (octets came, a request began, an answer was taken, octets do not leave), each
//! with one or two atomic stores; no timer is touched for a request that comes and goes without a wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::limits::Limits;

/// How a connection is doing.
#[derive(Debug)]
pub(super) struct Vitals {
    born: Instant,
    head: Duration,
    idle: Duration,
    stuck: Duration,
    framing: Framing,
    /// Requests begun whose answers were not taken whole.
    exchanges: AtomicU32,
    /// Octets of a head have come that is not whole yet.
    in_head: AtomicBool,
    /// Since when: milliseconds after `born` of what the connection waits for.
    since: AtomicU64,
    /// Octets do not leave since then: milliseconds after `born`, plus one; 0 when they do.
    stuck_since: AtomicU64,
    closing: AtomicBool,
    closed: Notify,
}

/// How requests lie on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// HTTP/1.1: octets between two requests are the head of the second.
    Plain,
    /// HTTP/2: octets may be pings and windows too; what is not whole is bounded by the library.
    Framed,
}

/// Why a connection is not doing well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ailment {
    /// The head of a request does not end.
    SlowHead,
    /// No request comes.
    Idle,
    /// The peer does not take what we have for it.
    Stuck,
}

/// A request in work, to the end of its answer.
#[derive(Debug)]
pub(super) struct Underway(Arc<Vitals>);

impl Vitals {
    /// A new connection, whose first request is awaited.
    pub(super) fn new(framing: Framing, limits: &Limits) -> Self {
        Self {
            born: Instant::now(),
            head: limits.head,
            idle: limits.idle,
            stuck: limits.stuck,
            framing,
            exchanges: AtomicU32::new(0),
            in_head: AtomicBool::new(true),
            since: AtomicU64::new(0),
            stuck_since: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            closed: Notify::new(),
        }
    }

    /// When the connection was made.
    pub(super) fn born(&self) -> Instant {
        self.born
    }

    /// Octets came.
    pub(super) fn received(&self) {
        let waiting = self.exchanges.load(Ordering::Relaxed) == 0 && !self.in_head.load(Ordering::Relaxed);
        if waiting && self.framing == Framing::Plain {
            self.head_began(Instant::now());
        }
    }

    /// Octets leave.
    pub(super) fn moved(&self) {
        if self.stuck_since.load(Ordering::Relaxed) != 0 {
            self.stuck_since.store(0, Ordering::Relaxed);
        }
    }

    /// Octets do not leave.
    pub(super) fn held_up(&self) {
        if self.stuck_since.load(Ordering::Relaxed) == 0 {
            self.stuck(Instant::now());
        }
    }

    /// A request begins.
    pub(super) fn begin(self: &Arc<Self>) -> Underway {
        self.exchanges.fetch_add(1, Ordering::Relaxed);
        self.in_head.store(false, Ordering::Relaxed);
        Underway(Arc::clone(self))
    }

    /// The connection is to end: streams without an end of their own end now.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.closed.notify_waiters();
    }

    /// Ends when [`Vitals::close`] was called.
    pub(super) async fn closed(&self) {
        // Registered before the flag is read, so that no call in between is missed.
        let mut notified = std::pin::pin!(self.closed.notified());
        notified.as_mut().enable();
        if !self.closing.load(Ordering::Acquire) {
            notified.await;
        }
    }

    /// By when the connection must do better; `None` while it is us who work.
    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.stuck_by(), self.request_by()].into_iter().flatten().min()
    }

    /// What is wrong at `now`.
    pub(super) fn ailment(&self, now: Instant) -> Option<Ailment> {
        if self.stuck_by().is_some_and(|by| by <= now) {
            return Some(Ailment::Stuck);
        }
        self.request_by().filter(|by| *by <= now)?;
        Some(if self.in_head.load(Ordering::Relaxed) { Ailment::SlowHead } else { Ailment::Idle })
    }

    fn stuck_by(&self) -> Option<Instant> {
        let since = self.stuck_since.load(Ordering::Relaxed).checked_sub(1)?;
        self.born.checked_add(Duration::from_millis(since).saturating_add(self.stuck))
    }

    fn request_by(&self) -> Option<Instant> {
        if self.exchanges.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let allowed = if self.in_head.load(Ordering::Relaxed) { self.head } else { self.idle };
        let since = Duration::from_millis(self.since.load(Ordering::Relaxed));
        self.born.checked_add(since.saturating_add(allowed))
    }

    fn head_began(&self, now: Instant) {
        self.since.store(self.age(now), Ordering::Relaxed);
        self.in_head.store(true, Ordering::Relaxed);
    }

    fn stuck(&self, now: Instant) {
        self.stuck_since.store(self.age(now).saturating_add(1), Ordering::Relaxed);
    }

    fn exchange_ended(&self, now: Instant) {
        // The time goes first: whoever sees no exchange must not see the time of an older one.
        self.since.store(self.age(now), Ordering::Release);
        self.exchanges.fetch_sub(1, Ordering::Release);
    }

    fn age(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.born).as_millis()).unwrap_or(u64::MAX)
    }
}

impl Underway {
    /// The connection that the request is on.
    pub(super) fn vitals(&self) -> &Arc<Vitals> {
        &self.0
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.0.exchange_ended(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Ailment, Framing, Vitals};
    use crate::listeners::Limits;

    fn vitals(framing: Framing) -> Arc<Vitals> {
        Arc::new(Vitals::new(framing, &Limits::API))
    }

    /// So long after the connection was made.
    fn at(vitals: &Vitals, seconds: u64) -> Instant {
        vitals.born() + Duration::from_secs(seconds)
    }

    /// A request and its answer, both within the same moment.
    fn exchange(vitals: &Arc<Vitals>, seconds: u64) {
        std::mem::forget(vitals.begin());
        vitals.exchange_ended(at(vitals, seconds));
    }

    #[track_caller]
    fn check(vitals: &Vitals, seconds: u64, ailment: Option<Ailment>) {
        assert_eq!(vitals.ailment(at(vitals, seconds)), ailment, "after {seconds} s");
    }

    #[test]
    fn the_first_head_is_awaited_from_the_start_t58() {
        let vitals = vitals(Framing::Plain);
        check(&vitals, 4, None);
        vitals.received();
        check(&vitals, 5, Some(Ailment::SlowHead));
    }

    #[test]
    fn octets_do_not_prolong_a_head_t58() {
        let vitals = vitals(Framing::Plain);
        exchange(&vitals, 10);
        vitals.head_began(at(&vitals, 20));
        vitals.received();
        check(&vitals, 24, None);
        check(&vitals, 25, Some(Ailment::SlowHead));
    }

    #[test]
    fn work_of_ours_has_no_deadline_and_idleness_has() {
        let vitals = vitals(Framing::Plain);
        let underway = vitals.begin();
        vitals.received();
        assert_eq!(vitals.deadline(), None);
        check(&vitals, 10_000, None);
        exchange(&vitals, 50);
        assert_eq!(vitals.deadline(), None, "one of two has ended");
        std::mem::forget(underway);
        vitals.exchange_ended(at(&vitals, 100));
        check(&vitals, 174, None);
        check(&vitals, 175, Some(Ailment::Idle));
    }

    #[test]
    fn frames_between_requests_are_no_head() {
        let vitals = vitals(Framing::Framed);
        exchange(&vitals, 10);
        vitals.received();
        check(&vitals, 84, None);
        check(&vitals, 85, Some(Ailment::Idle));
    }

    #[test]
    fn a_peer_that_takes_nothing_is_stuck_until_it_does() {
        let vitals = vitals(Framing::Plain);
        let _underway = vitals.begin();
        vitals.stuck(at(&vitals, 10));
        vitals.held_up();
        check(&vitals, 39, None);
        check(&vitals, 40, Some(Ailment::Stuck));
        vitals.moved();
        check(&vitals, 40, None);
    }

    #[tokio::test]
    async fn closing_is_heard_before_and_after() {
        let vitals = vitals(Framing::Plain);
        let early = tokio::spawn({
            let vitals = Arc::clone(&vitals);
            async move { vitals.closed().await }
        });
        tokio::task::yield_now().await;
        vitals.close();
        early.await.unwrap();
        vitals.closed().await;
    }
}

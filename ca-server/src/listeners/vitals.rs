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
            self.since.store(self.elapsed(), Ordering::Relaxed);
            self.in_head.store(true, Ordering::Relaxed);
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
            self.stuck_since.store(self.elapsed().saturating_add(1), Ordering::Relaxed);
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

    fn elapsed(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
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
        // The time goes first: whoever sees no exchange must not see the time of an older one.
        self.0.since.store(self.0.elapsed(), Ordering::Release);
        self.0.exchanges.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::time::{Instant, advance};

    use super::{Ailment, Framing, Vitals};
    use crate::listeners::Limits;

    fn vitals(framing: Framing) -> Arc<Vitals> {
        Arc::new(Vitals::new(framing, &Limits::API))
    }

    #[track_caller]
    fn check(vitals: &Vitals, seconds: u64, ailment: Option<Ailment>) {
        assert_eq!(vitals.ailment(Instant::now() + Duration::from_secs(seconds)), ailment, "after {seconds} s");
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_head_is_awaited_from_the_start_t58() {
        let vitals = vitals(Framing::Plain);
        check(&vitals, 4, None);
        check(&vitals, 5, Some(Ailment::SlowHead));
        vitals.received();
        check(&vitals, 5, Some(Ailment::SlowHead));
    }

    #[tokio::test(start_paused = true)]
    async fn octets_do_not_prolong_a_head_t58() {
        let vitals = vitals(Framing::Plain);
        drop(vitals.begin());
        for _ in 0..4 {
            vitals.received();
            advance(Duration::from_secs(1)).await;
        }
        check(&vitals, 0, None);
        check(&vitals, 1, Some(Ailment::SlowHead));
    }

    #[tokio::test(start_paused = true)]
    async fn work_of_ours_has_no_deadline_and_idleness_has() {
        let vitals = vitals(Framing::Plain);
        let underway = vitals.begin();
        vitals.received();
        assert_eq!(vitals.deadline(), None);
        check(&vitals, 10_000, None);
        advance(Duration::from_secs(100)).await;
        drop(underway);
        check(&vitals, 74, None);
        check(&vitals, 75, Some(Ailment::Idle));
    }

    #[tokio::test(start_paused = true)]
    async fn frames_between_requests_are_no_head() {
        let vitals = vitals(Framing::Framed);
        drop(vitals.begin());
        vitals.received();
        check(&vitals, 6, None);
        check(&vitals, 75, Some(Ailment::Idle));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_stuck_until_it_does() {
        let vitals = vitals(Framing::Plain);
        let _underway = vitals.begin();
        vitals.held_up();
        advance(Duration::from_secs(20)).await;
        vitals.held_up();
        check(&vitals, 10, Some(Ailment::Stuck));
        vitals.moved();
        check(&vitals, 10, None);
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

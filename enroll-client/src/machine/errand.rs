//! One thing that is fetched or sent again and again. Knows when to go; does not know what for.

use std::time::Duration;

use super::{Backoff, BootTime};

/// When to go, whether somebody is out, and how long to wait after a failure. At most one is out at a time.
///
/// An answer that never comes counts as a failure after a limit, so an errand always goes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    backoff: Backoff,
    limit: Duration,
    state: State,
    number: u64,
    failures: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing to do until somebody wants something.
    Idle,
    /// To go at this time.
    At(BootTime),
    /// Gone, to be given up at `until`; to go again right afterwards if something was wanted meanwhile.
    Out { until: BootTime, again: bool },
}

impl Errand {
    /// An errand that nobody wants yet. An answer is given up after `limit`.
    #[must_use]
    pub const fn new(backoff: Backoff, limit: Duration) -> Self {
        Self { backoff, limit, state: State::Idle, number: 0, failures: 0 }
    }

    /// Wants it done as soon as can be. One that failed keeps its place in the backoff: wanting is no reason to hurry.
    pub fn want(&mut self, now: BootTime) {
        match self.state {
            State::Idle => self.state = State::At(now),
            State::At(at) if self.failures == 0 && at > now => self.state = State::At(now),
            State::At(_) => {}
            State::Out { until, .. } => self.state = State::Out { until, again: true },
        }
    }

    /// Wants it done at `at` unless it is wanted earlier.
    pub fn want_at(&mut self, at: BootTime) {
        match self.state {
            State::Idle => self.state = State::At(at),
            State::At(earlier) if self.failures == 0 && earlier > at => self.state = State::At(at),
            State::At(_) | State::Out { .. } => {}
        }
    }

    /// Forgets what was wanted, and who is out: an answer that still comes is an old one.
    pub fn rest(&mut self) {
        self.state = State::Idle;
    }

    /// Goes if it is time; the number is the attempt's name, under which the answer is reported.
    pub fn go(&mut self, now: BootTime) -> Option<u64> {
        match self.state {
            State::At(at) if at <= now => {
                self.number = self.number.saturating_add(1);
                self.state = State::Out { until: now.plus(self.limit), again: false };
                Some(self.number)
            }
            State::Idle | State::At(_) | State::Out { .. } => None,
        }
    }

    /// Whether `attempt` is the one that is out: any other answer is an old one and changes nothing.
    #[must_use]
    pub fn is_out(&self, attempt: u64) -> bool {
        attempt == self.number && matches!(self.state, State::Out { .. })
    }

    /// Whether the one that is out has taken too long.
    #[must_use]
    pub fn is_overdue(&self, now: BootTime) -> bool {
        matches!(self.state, State::Out { until, .. } if until <= now)
    }

    /// The one that is out came back with what was wanted. Goes again at `next`, if given.
    pub fn done(&mut self, now: BootTime, next: Option<BootTime>) {
        self.failures = 0;
        self.state = match (self.state, next) {
            (State::Out { again: true, .. }, _) => State::At(now),
            (State::Idle | State::At(_) | State::Out { .. }, Some(next)) => State::At(next),
            (State::Idle | State::At(_) | State::Out { .. }, None) => State::Idle,
        };
    }

    /// The one that is out came back without, or did not come back. See [`Backoff::after`].
    pub fn failed(&mut self, now: BootTime, asked: Option<Duration>, life_left: Option<Duration>) {
        self.failures = self.failures.saturating_add(1);
        self.state = State::At(now.plus(self.backoff.after(self.failures, asked, life_left)));
    }

    /// Failures since the last success.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// When this must be looked at next.
    #[must_use]
    pub const fn wake_at(&self) -> Option<BootTime> {
        match self.state {
            State::Idle => None,
            State::At(at) => Some(at),
            State::Out { until, .. } => Some(until),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> BootTime {
        BootTime::after_start(Duration::from_secs(seconds))
    }

    fn errand() -> Errand {
        Errand::new(Backoff::new([3; 16]), Duration::from_secs(30))
    }

    #[test]
    fn goes_once_when_wanted() {
        let mut errand = errand();
        assert_eq!((errand.go(at(1)), errand.wake_at()), (None, None));
        errand.want_at(at(9));
        errand.want(at(2));
        assert_eq!(errand.go(at(1)), None);
        assert_eq!(errand.go(at(2)), Some(1));
        assert_eq!(errand.go(at(2)), None);
        assert!(errand.is_out(1) && !errand.is_out(0));
        assert_eq!(errand.wake_at(), Some(at(32)));
        errand.done(at(3), Some(at(300)));
        assert_eq!(errand.wake_at(), Some(at(300)));
        assert!(!errand.is_out(1));
    }

    #[test]
    fn wanted_while_out_goes_again() {
        let mut errand = errand();
        errand.want(at(0));
        errand.go(at(0));
        errand.want(at(1));
        errand.done(at(2), None);
        assert_eq!(errand.go(at(2)), Some(2));
    }

    #[test]
    fn a_failure_waits_and_wanting_does_not_hurry_it() {
        let mut errand = errand();
        errand.want(at(0));
        errand.go(at(0));
        assert!(!errand.is_overdue(at(29)) && errand.is_overdue(at(30)));
        errand.failed(at(30), None, None);
        let wake = errand.wake_at().unwrap();
        assert!(wake > at(30));
        errand.want(at(30));
        assert_eq!((errand.wake_at(), errand.failures()), (Some(wake), 1));
        assert_eq!(errand.go(wake), Some(2));
        errand.done(wake, None);
        assert_eq!((errand.wake_at(), errand.failures()), (None, 0));
    }
}

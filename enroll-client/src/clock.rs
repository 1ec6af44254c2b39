//! Where the roller takes the time from. Knows the machine's two clocks, and how to wait; decides nothing.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use identity::Timestamp;
use rustix::time::ClockId;
use rustls::time_provider::TimeProvider;
use rustls_pki_types::UnixTime;

use crate::machine::{BootTime, Now};

/// Two clocks that are read together. A seam: tests set them by hand.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// What they show.
    fn now(&self) -> Now;

    /// Waits until the boot clock shows `at`. May end early; whoever waits looks again.
    fn sleep_until(&self, at: BootTime) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The machine's clocks.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Now {
        #[expect(clippy::disallowed_methods, reason = "the one place of the key roller that reads the wall clock")]
        let wall = std::time::SystemTime::now();
        // A clock before 1970 or past 9999 is as wrong as one that shows 1970, at which nothing is valid.
        let wall = Timestamp::from_system_time(wall).unwrap_or(Timestamp::EPOCH);
        let boot = Duration::try_from(rustix::time::clock_gettime(ClockId::Boottime)).unwrap_or_default();
        Now { wall, boot: BootTime::after_start(boot) }
    }

    fn sleep_until(&self, at: BootTime) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        // tokio's clock stands still while the machine is suspended: never trust it for long.
        let wait = at.since(self.now().boot).min(LONGEST_SLEEP);
        Box::pin(tokio::time::sleep(wait))
    }
}

/// So that TLS and we agree on the time.
#[derive(Debug)]
pub(crate) struct TlsTime(pub(crate) std::sync::Arc<dyn Clock>);

impl TimeProvider for TlsTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(self.0.now().wall.millis())))
    }
}

/// Longest sleep. Ours: a wall clock that was set, or a resume from suspend, is seen after five seconds at the latest.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

#[cfg(test)]
pub(crate) mod manual {
    //! Clocks that are set by hand.

    use std::sync::Arc;

    use tokio::sync::watch;

    use super::*;

    /// Clones show the same.
    #[derive(Debug, Clone)]
    pub(crate) struct ManualClock(Arc<watch::Sender<Now>>);

    impl ManualClock {
        pub(crate) fn at(wall: Timestamp) -> Self {
            let boot = BootTime::after_start(Duration::from_secs(1000));
            Self(Arc::new(watch::Sender::new(Now { wall, boot })))
        }

        /// Sets the wall clock, and lets a moment pass so that it is seen.
        pub(crate) fn set(&self, wall: Timestamp) {
            self.0.send_modify(|now| *now = Now { wall, boot: now.boot.plus(Duration::from_millis(1)) });
        }

        /// Lets time pass on both clocks.
        pub(crate) fn pass(&self, time: Duration) {
            self.0.send_modify(|now| *now = Now { wall: now.wall.plus(time), boot: now.boot.plus(time) });
        }
    }

    /// How far the wall clock is ahead: it changes when somebody sets it.
    fn offset(now: &Now) -> i128 {
        i128::from(now.wall.millis()) - i128::try_from(now.boot.elapsed().as_millis()).unwrap()
    }

    impl Clock for ManualClock {
        fn now(&self) -> Now {
            *self.0.borrow()
        }

        fn sleep_until(&self, at: BootTime) -> Pin<Box<dyn Future<Output = ()> + Send>> {
            let mut watch = self.0.subscribe();
            Box::pin(async move {
                // An error is the end of the test.
                let start = offset(&watch.borrow());
                let _ended = watch.wait_for(|now| now.boot >= at || offset(now) != start).await;
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_clock_that_is_set_by_hand_wakes_who_waits() {
        let clock = manual::ManualClock::at(Timestamp::from_seconds(5).unwrap());
        let waits = clock.sleep_until(clock.now().boot.plus(Duration::from_secs(60)));
        clock.pass(Duration::from_secs(60));
        waits.await;
        assert_eq!(clock.now().wall, Timestamp::from_seconds(65).unwrap());
    }

    #[tokio::test]
    async fn the_machines_clocks_run() {
        let before = SystemClock.now();
        SystemClock.sleep_until(before.boot.plus(Duration::from_millis(3))).await;
        let after = SystemClock.now();
        assert!(after.boot.since(before.boot) >= Duration::from_millis(3));
        assert!(before.boot > BootTime::default() && before.wall > Timestamp::EPOCH);
        let tls = TlsTime(std::sync::Arc::new(SystemClock)).current_time().unwrap();
        assert!(tls.as_secs().abs_diff(after.wall.seconds()) < 60);
    }
}

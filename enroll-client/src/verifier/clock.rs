//! What time it is, twice: on the wall and since boot. Knows clocks; knows nothing that has a time.
//!
//! The wall says whether a certificate is valid. It can be set back, and a feed that has stopped would then look fresh again; the time since boot
//! cannot, so freshness is measured with both (T-52).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use identity::Timestamp;
use rustix::time::ClockId;
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Wall time.
    pub wall: Timestamp,
    /// Time since boot, sleep included. Never goes back.
    pub since_boot: Duration,
}

/// Where the verifier takes the time from. Clones read the same clock.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Option<Moment> + Send + Sync>);

impl Clock {
    /// The machine's clocks.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(|| {
            #[expect(clippy::disallowed_methods, reason = "an agent has no composition root of ours: this is it")]
            let wall = Timestamp::from_system_time(std::time::SystemTime::now()).ok()?;
            let since_boot = Duration::try_from(rustix::time::clock_gettime(ClockId::Boottime)).ok()?;
            Some(Moment { wall, since_boot })
        }))
    }

    /// A clock that reads `read`.
    #[must_use]
    pub fn new(read: impl Fn() -> Moment + Send + Sync + 'static) -> Self {
        Self(Arc::new(move || Some(read())))
    }

    /// What it shows, or nothing while the machine's clock stands before 1970 or past the year 9999: then nobody is trusted.
    #[must_use]
    pub fn read(&self) -> Option<Moment> {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.read()).finish()
    }
}

/// So that rustls and we agree on the time.
impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        self.read().map(|moment| unix_time(moment.wall))
    }
}

/// The same moment in rustls' type, whole seconds.
pub(super) fn unix_time(time: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_millis(time.millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_runs() {
        let clock = Clock::system();
        let (before, after) = (clock.read().unwrap(), clock.read().unwrap());
        assert!(after.since_boot >= before.since_boot && before.since_boot > Duration::ZERO);
        assert_eq!(clock.current_time().unwrap().as_secs() / 60, after.wall.seconds() / 60);
    }
}

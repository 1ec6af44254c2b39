//! The two clocks that every decision is made against. Knows how they relate; reads neither.

use std::fmt;
use std::time::Duration;

use identity::Timestamp;

/// Time since the machine started, suspend included (`CLOCK_BOOTTIME`). Nobody can set it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct BootTime(Duration);

/// One reading of both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The time of day, which certificates speak of and which an operator, NTP or an attacker can set.
    pub wall: Timestamp,
    /// The time since the machine started, which timers run on.
    pub boot: BootTime,
}

/// How far the wall clock was set between two readings, seen against the boot clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockStep {
    /// Within what NTP slews.
    Even,
    /// Set forward by so much.
    Forward(Duration),
    /// Set back by so much.
    Back(Duration),
}

impl BootTime {
    /// So long after the machine started.
    #[must_use]
    pub const fn after_start(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// How long after the machine started this is.
    #[must_use]
    pub const fn elapsed(self) -> Duration {
        self.0
    }

    /// This much later; at the end of time, the end of time.
    #[must_use]
    pub const fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Debug for BootTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "boot+{:?}", self.0)
    }
}

impl Now {
    /// What the boot clock will show when the wall clock shows `wall`, if nobody sets the latter; now, if that is past.
    #[must_use]
    pub fn boot_at(self, wall: Timestamp) -> BootTime {
        self.boot.plus(wall.since(self.wall))
    }

    /// How far the wall clock was set since `earlier`.
    #[must_use]
    pub fn step_since(self, earlier: Self) -> ClockStep {
        let expected = earlier.wall.plus(self.boot.since(earlier.boot));
        let (forward, back) = (self.wall.since(expected), expected.since(self.wall));
        if forward > SLEW {
            ClockStep::Forward(forward)
        } else if back > SLEW {
            ClockStep::Back(back)
        } else {
            ClockStep::Even
        }
    }
}

/// Difference between the clocks that is no step. NTP slews at most 500 ppm (adjtimex): 0.15 s in five minutes; two
/// readings are never further apart than the driver's longest sleep. 1 s is clear of both.
const SLEW: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn now(wall_seconds: u64, boot_seconds: u64) -> Now {
        Now {
            wall: Timestamp::from_seconds(wall_seconds).unwrap(),
            boot: BootTime::after_start(Duration::from_secs(boot_seconds)),
        }
    }

    #[track_caller]
    fn check_step(later: Now, expected: ClockStep) {
        assert_eq!(later.step_since(now(10_000, 100)), expected);
    }

    /// T-52: steps are seen against the boot clock.
    #[test]
    fn steps() {
        check_step(now(10_000, 100), ClockStep::Even);
        check_step(now(10_060, 160), ClockStep::Even);
        check_step(now(10_061, 160), ClockStep::Even);
        check_step(now(10_062, 160), ClockStep::Forward(Duration::from_secs(2)));
        check_step(now(10_058, 160), ClockStep::Back(Duration::from_secs(2)));
        check_step(now(6_460, 160), ClockStep::Back(Duration::from_secs(3600)));
        check_step(now(96_460, 160), ClockStep::Forward(Duration::from_secs(86_400)));
    }

    #[test]
    fn a_wall_time_in_boot_time() {
        assert_eq!(now(10_000, 100).boot_at(now(10_007, 0).wall), now(0, 107).boot);
        assert_eq!(now(10_000, 100).boot_at(now(9_000, 0).wall), now(0, 100).boot);
    }
}

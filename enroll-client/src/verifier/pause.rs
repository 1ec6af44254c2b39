//! How long to wait before the local socket is tried again. Knows attempts; knows no socket.

use std::time::Duration;

/// Doubles with each failure, from a tenth of a second to five, and takes a random part of the upper half.
///
/// Short: what is waited for is a process on this machine, and meanwhile revocations are not heard.
#[derive(Debug, Default)]
pub(super) struct Pause {
    failures: u32,
}

impl Pause {
    /// After something went well.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// After something failed: how long to wait.
    pub(super) fn next(&mut self) -> Duration {
        let mut octets = [0; 2];
        // Without random numbers it waits the longest.
        let random = if getrandom::fill(&mut octets).is_ok() { u16::from_le_bytes(octets) } else { u16::MAX };
        let pause = self.after(random);
        self.failures = self.failures.saturating_add(1);
        pause
    }

    fn after(&self, random: u16) -> Duration {
        let most = FIRST.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX)).min(LONGEST);
        most / 2 + (most / 2) * u32::from(random) / u32::from(u16::MAX)
    }
}

/// A restarted client is back within this.
const FIRST: Duration = Duration::from_millis(100);
/// One heartbeat: longer, and the default of 30 s staleness would leave few attempts.
const LONGEST: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(failures: u32, least_ms: u64, most_ms: u64) {
        let pause = Pause { failures };
        assert_eq!(pause.after(0), Duration::from_millis(least_ms));
        assert_eq!(pause.after(u16::MAX), Duration::from_millis(most_ms));
    }

    #[test]
    fn pauses_grow_to_a_limit() {
        check(0, 50, 100);
        check(1, 100, 200);
        check(5, 1600, 3200);
        check(6, 2500, 5000);
        check(40, 2500, 5000);
        check(u32::MAX, 2500, 5000);
    }

    #[test]
    fn success_begins_anew() {
        let mut pause = Pause::default();
        for _ in 0..20 {
            pause.next();
        }
        assert!(pause.next() >= Duration::from_millis(2500));
        pause.reset();
        assert!(pause.next() <= Duration::from_millis(100));
    }
}

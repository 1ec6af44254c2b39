//! How long to wait after a failure. Knows how often it failed and what the server asked for; draws no random number.

use std::time::Duration;

use sha2::{Digest, Sha256};

/// Exponential, with a jitter that is the same for the same seed and attempt, so that a decision can be repeated in a test
/// and a fleet is still spread: seeds differ between identities and hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    seed: [u8; 16],
}

impl Backoff {
    /// A backoff whose jitter follows from `seed`: a certificate's serial, or 16 octets drawn once per identity.
    #[must_use]
    pub const fn new(seed: [u8; 16]) -> Self {
        Self { seed }
    }

    /// How long to wait after the failure number `failures` (the first is 1).
    ///
    /// Doubles from one second to five minutes, then takes between half and all of it. With a certificate that still lives
    /// (`life_left`), never more than an eighth of what is left of it, so that there is always another try. What the server
    /// asked for (`Retry-After`) is a floor, up to an hour, with up to a quarter on top: those who were all
    /// told "60" do not come back in the same instant.
    #[must_use]
    pub fn after(&self, failures: u32, asked: Option<Duration>, life_left: Option<Duration>) -> Duration {
        let doubled = FIRST.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
        let mut ceiling = doubled.min(LONGEST);
        if let Some(left) = life_left {
            ceiling = ceiling.min((left / 8).max(FIRST));
        }
        let jitter = self.fraction(failures);
        let own = ceiling / 2 + scale(ceiling / 2, jitter);
        let wait = match asked {
            Some(asked) => {
                let asked = asked.min(LONGEST_ASKED);
                own.max(asked + scale(asked / 4, jitter))
            }
            None => own,
        };
        // Whole milliseconds: finer ones only make times hard to read.
        Duration::from_millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
    }

    /// A part of `within` for occasion number `n`: where many hosts hear something in one instant, each acts at a moment of its own.
    #[must_use]
    pub fn spread(&self, within: Duration, n: u32) -> Duration {
        let wait = scale(within, self.fraction(n));
        Duration::from_millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
    }

    /// A number from 0 to 2^16 - 1 that looks random over attempts and seeds.
    fn fraction(&self, attempt: u32) -> u16 {
        let digest = Sha256::new().chain_update(self.seed).chain_update(attempt.to_be_bytes()).finalize();
        let [high, low, ..] = <[u8; 32]>::from(digest);
        u16::from_be_bytes([high, low])
    }
}

/// `whole` times `fraction` / 2^16.
fn scale(whole: Duration, fraction: u16) -> Duration {
    (whole * u32::from(fraction)) / (1 << 16)
}

/// First wait. Ours: a server that restarts is back within a second or two.
const FIRST: Duration = Duration::from_secs(1);
/// Longest wait of our own. Ours: after an outage all are back within five minutes, at the load of one renewal each.
const LONGEST: Duration = Duration::from_secs(300);
/// Longest `Retry-After` that is obeyed (RFC 9110, section 10.2.3, names no limit): a mistaken "a year" must not end an identity.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(failures: u32, asked: Option<u64>, left: Option<u64>, from_ms: u128, to_ms: u128) {
        for seed in 0..=255 {
            let wait = Backoff::new([seed; 16])
                .after(failures, asked.map(Duration::from_secs), left.map(Duration::from_secs))
                .as_millis();
            assert!((from_ms..=to_ms).contains(&wait), "seed {seed}: {wait}");
        }
    }

    #[test]
    fn waits() {
        check(1, None, None, 500, 1_000);
        check(2, None, None, 1_000, 2_000);
        check(5, None, None, 8_000, 16_000);
        check(9, None, None, 128_000, 256_000);
        check(10, None, None, 150_000, 300_000);
        check(u32::MAX, None, None, 150_000, 300_000);
        check(0, None, None, 500, 1_000);
        // T-65: with 40 s of life left there is a try at least every 5 s, with none left every second.
        check(10, None, Some(40), 2_500, 5_000);
        check(10, None, Some(0), 500, 1_000);
        // T-65: 429 with Retry-After.
        check(1, Some(60), None, 60_000, 75_000);
        check(10, Some(1), None, 150_000, 300_000);
        check(1, Some(31_536_000), None, 3_600_000, 4_500_000);
    }

    #[test]
    fn occasions_are_spread() {
        let waits: Vec<_> = (0..200).map(|n| Backoff::new([5; 16]).spread(Duration::from_secs(4), n)).collect();
        assert!(waits.iter().all(|wait| *wait < Duration::from_secs(4)));
        assert!(
            waits.iter().any(|wait| *wait < Duration::from_secs(1))
                && waits.iter().any(|wait| *wait > Duration::from_secs(3))
        );
    }

    /// No stampede: a thousand seeds told the same thing do not share a second.
    #[test]
    fn seeds_spread() {
        let mut seconds = [0_u32; 400];
        for seed in 0..1000_u16 {
            let mut octets = [0; 16];
            octets[..2].copy_from_slice(&seed.to_be_bytes());
            let wait = Backoff::new(octets).after(10, None, None);
            seconds[usize::try_from(wait.as_secs()).unwrap()] += 1;
        }
        assert!(seconds.iter().max() < Some(&25), "{seconds:?}");
    }
}

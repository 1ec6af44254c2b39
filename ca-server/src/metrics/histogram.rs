//! A histogram over atomics: fixed bounds, whole numbers, no lock. Knows counting; knows no metric.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::text::Amount;

/// Counts observations by size. Times are kept in nanoseconds, so that nothing is rounded.
pub struct Histogram {
    unit: Unit,
    bounds: &'static [u64],
    /// One for each bound, and one for what is above them all.
    counts: Vec<AtomicU64>,
    sum: AtomicU64,
}

#[derive(Clone, Copy)]
enum Unit {
    Nanoseconds,
    Ones,
}

/// What a histogram held at one moment.
pub(super) struct Seen {
    /// Observations up to each bound, cumulated.
    pub(super) buckets: Vec<(Amount, u64)>,
    /// All observations.
    pub(super) count: u64,
    /// Their sum.
    pub(super) sum: Amount,
}

impl Histogram {
    /// Of durations, 100 µs to 5 s.
    pub(super) fn of_time() -> Self {
        Self::new(Unit::Nanoseconds, TIME_BOUNDS)
    }

    /// Of counts, 1 to 4096.
    pub(super) fn of_counts() -> Self {
        Self::new(Unit::Ones, COUNT_BOUNDS)
    }

    fn new(unit: Unit, bounds: &'static [u64]) -> Self {
        let counts = bounds.iter().map(|_| AtomicU64::new(0)).chain([AtomicU64::new(0)]).collect();
        Self { unit, bounds, counts, sum: AtomicU64::new(0) }
    }

    /// Counts a duration.
    pub fn took(&self, duration: Duration) {
        self.count(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Counts a number of things.
    pub fn held(&self, things: usize) {
        self.count(u64::try_from(things).unwrap_or(u64::MAX));
    }

    fn count(&self, value: u64) {
        // A bucket holds what is less than or equal to its bound.
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    pub(super) fn seen(&self) -> Seen {
        let mut counted = 0_u64;
        let mut cumulated = self.counts.iter().map(|count| {
            counted = counted.saturating_add(count.load(Ordering::Relaxed));
            counted
        });
        let buckets = self.bounds.iter().map(|bound| self.amount(*bound)).zip(cumulated.by_ref()).collect();
        let count = cumulated.next().unwrap_or_default();
        Seen { buckets, count, sum: self.amount(self.sum.load(Ordering::Relaxed)) }
    }

    fn amount(&self, value: u64) -> Amount {
        match self.unit {
            Unit::Nanoseconds => Amount::Nanoseconds(value),
            Unit::Ones => Amount::Ones(value),
        }
    }
}

/// An fdatasync takes 100 µs on a good disk and 10 ms on a bad one; five seconds is when hosts give up.
const TIME_BOUNDS: &[u64] = &[
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    5_000_000_000,
];
/// Up to the length of the committer's queue.
const COUNT_BOUNDS: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(nanoseconds: u64, bucket: usize) {
        let histogram = Histogram::of_time();
        histogram.took(Duration::from_nanos(nanoseconds));
        let seen = histogram.seen();
        let first = seen.buckets.iter().position(|(_, count)| *count == 1).unwrap_or(seen.buckets.len());
        assert_eq!((first, seen.count), (bucket, 1), "{nanoseconds} ns");
    }

    #[test]
    fn a_bucket_ends_at_its_bound() {
        check(0, 0);
        check(100_000, 0);
        check(100_001, 1);
        check(5_000_000_000, 13);
        check(5_000_000_001, 14);
        check(u64::MAX, 14);
    }

    #[test]
    fn counts_are_cumulated() {
        let histogram = Histogram::of_counts();
        [1, 1, 3, 5000].into_iter().for_each(|things| histogram.held(things));
        let seen = histogram.seen();
        let counts: Vec<u64> = seen.buckets.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]);
        assert_eq!((seen.count, seen.sum.to_string()), (4, "5005".to_owned()));
    }
}

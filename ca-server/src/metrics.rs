//! What is counted and timed while the server runs, and the page on which Prometheus reads it. Knows numbers; knows no
//! request, evidence or key, and no value here is text of a stranger (T-70).
//!
//! Labels come from fixed or configured sets: rules, routes, names of attestors. Where a set could grow (ids of policies
//! that are loaded), it is cut at [`MAX_LABELS`], and the rest counts as `other`.
//!
//! ```text
//! Meters    counters and histograms, one of each per ledger: what happens moves them
//! family    every metric there is: its name, kind and meaning
//! text      the exposition format, version 0.0.4
//! page      all of it, with what State and followers say at that moment
//! ```

pub mod family;
mod histogram;
pub mod page;
pub mod text;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use identity::Timestamp;
use ledger::entry::Subject;

pub use histogram::Histogram;

/// Counters and histograms of one running server.
pub struct Meters {
    /// From the queue to the turn in which a command is decided.
    pub queue_wait: Histogram,
    /// Entries of a batch.
    pub batch_entries: Histogram,
    /// One write and one fdatasync.
    pub write: Histogram,
    issued: [AtomicU64; 4],
    refused: Mutex<BTreeMap<String, u64>>,
    requests: Mutex<BTreeMap<(String, u16), u64>>,
    /// When the published checkpoint last moved.
    published: Mutex<Instant>,
    /// End of the server's own leaf, in seconds since 1970; 0: it has none yet.
    leaf_ends: AtomicU64,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            queue_wait: Histogram::of_time(),
            batch_entries: Histogram::of_counts(),
            write: Histogram::of_time(),
            issued: Default::default(),
            refused: Mutex::default(),
            requests: Mutex::default(),
            published: Mutex::new(Instant::now()),
            leaf_ends: AtomicU64::new(0),
        }
    }
}

impl Meters {
    /// A certificate was recorded and signed.
    pub fn issued(&self, subject: &Subject) {
        let at = match subject {
            Subject::Host { .. } => 0,
            Subject::Agent { .. } => 1,
            Subject::Person { .. } => 2,
            Subject::Server => 3,
        };
        if let Some(count) = self.issued.get(at) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A rule refused a request.
    pub fn refused(&self, rule: &str) {
        let mut rules = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let known = rules.contains_key(rule) || rules.len() < MAX_LABELS;
        let count = rules.entry(if known { rule } else { OTHER }.to_owned()).or_insert(0);
        *count = count.saturating_add(1);
    }

    /// A request was answered. `route` is the pattern of the path, not the path.
    pub fn answered(&self, route: &str, status: u16) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let known = requests.len() < MAX_LABELS || requests.contains_key(&(route.to_owned(), status));
        let count = requests.entry((if known { route } else { OTHER }.to_owned(), status)).or_insert(0);
        *count = count.saturating_add(1);
    }

    /// The published checkpoint has moved.
    pub fn published(&self) {
        *self.published.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// The server shows a leaf that ends then.
    pub fn shows_leaf(&self, not_after: Timestamp) {
        self.leaf_ends.store(not_after.seconds(), Ordering::Relaxed);
    }

    fn issued_by_kind(&self) -> impl Iterator<Item = (&'static str, u64)> {
        KINDS.into_iter().zip(self.issued.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    fn refused_by_rule(&self) -> BTreeMap<String, u64> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn answered_by_route(&self) -> BTreeMap<(String, u16), u64> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn published_for(&self) -> Duration {
        self.published.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    fn leaf_ends(&self) -> Option<u64> {
        Some(self.leaf_ends.load(Ordering::Relaxed)).filter(|seconds| *seconds > 0)
    }
}

/// In the order of [`Meters::issued`].
const KINDS: [&str; 4] = ["host", "agent", "person", "server"];
/// Label values of one metric. There are about 200 rules and 40 routes; Prometheus advises to stay below some hundreds.
pub const MAX_LABELS: usize = 512;
/// What did not fit.
const OTHER: &str = "other";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::family::{ALL, Kind};
    use super::*;

    const DOCUMENT: &str = include_str!("../../docs/metrics.md");
    const KINDS: [&str; 3] = ["counter", "gauge", "histogram"];

    #[test]
    fn every_metric_is_documented_and_exists() {
        let rows = DOCUMENT.lines().filter_map(|row| row.strip_prefix("| `")?.split_once("` | "));
        let documented: BTreeSet<(&str, &str)> = rows
            .map(|(name, rest)| (name, rest.split(" |").next().unwrap()))
            .filter(|(_, kind)| KINDS.contains(kind))
            .collect();
        let kind = |kind| match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let exist: BTreeSet<(&str, &str)> = ALL.iter().map(|family| (family.name, kind(family.kind))).collect();
        assert_eq!(exist.len(), ALL.len(), "a name stands twice");
        assert_eq!(exist, documented);
    }

    /// Prometheus, "Metric and label naming": what grows ends in `_total`, and nothing else does.
    #[test]
    fn names_follow_the_convention() {
        for family in ALL {
            assert_eq!(family.name.ends_with("_total"), family.kind == Kind::Counter, "{}", family.name);
            assert!(family.name.starts_with("brevet_") || family.name.starts_with("process_"), "{}", family.name);
            assert!(family.name.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'_'), "{}", family.name);
            assert!(family.help.ends_with('.') && family.help.is_ascii(), "{}", family.help);
        }
    }

    #[test]
    fn no_number_of_rules_or_routes_makes_the_page_grow_without_end() {
        let meters = Meters::default();
        for number in 0..2000 {
            meters.refused(&format!("rule-{number}"));
            meters.answered(&format!("GET /{number}"), 200);
        }
        meters.refused("rule-0");
        let (rules, routes) = (meters.refused_by_rule(), meters.answered_by_route());
        assert_eq!((rules.len(), rules["rule-0"]), (MAX_LABELS + 1, 2));
        assert_eq!(rules["other"], 2000 - u64::try_from(MAX_LABELS).unwrap());
        assert_eq!(routes.len(), MAX_LABELS + 1);
        assert_eq!(rules.values().sum::<u64>(), 2001, "none is lost");
    }
}

//! What was measured, and how it is told. Knows numbers.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::floor::Floor;
use super::process::Spent;

/// What one worker, or all, did.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// How long each renewal took that began and ended while the clock ran.
    pub(crate) took: Vec<Duration>,
    /// Answers that were checked whole.
    pub(crate) checked: u64,
    /// Answers 429 and 503.
    pub(crate) busy: u64,
}

impl Times {
    pub(crate) fn add(&mut self, more: Self) {
        self.took.extend(more.took);
        self.checked += more.checked;
        self.busy += more.busy;
    }
}

/// What was asked for.
#[derive(Debug, Serialize)]
pub(crate) struct Load {
    pub(crate) program: String,
    pub(crate) hosts: usize,
    pub(crate) agents_each: usize,
    pub(crate) connections: usize,
    /// 0: as many as the server takes.
    pub(crate) offered_per_second: u64,
    pub(crate) key: String,
    pub(crate) lifetime: String,
    pub(crate) requests: &'static str,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    load: Load,
    renewals: usize,
    seconds: f64,
    renewals_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    checked_whole: u64,
    busy: u64,
    server_cpu_us_per_renewal: f64,
    server_cores_used: f64,
    server_resident_mib: f64,
    entries: u64,
    floor_verify_and_sign_us: f64,
    cpu_over_floor: f64,
    floor_fdatasync_us: f64,
    note: &'static str,
}

impl Figures {
    /// Puts together what was measured during `seconds`.
    pub(crate) fn new(load: Load, times: &Times, spent: Spent, seconds: f64, entries: u64, floor: Floor) -> Self {
        let mut took = times.took.clone();
        took.sort_unstable();
        assert!(!took.is_empty(), "no renewal was answered");
        let at = |part: f64| millis(took[((took.len() - 1) as f64 * part) as usize]);
        let renewals = took.len();
        let cpu = spent.cpu.as_secs_f64() * 1e6 / renewals as f64;
        let verify_and_sign = floor.verify_and_sign.as_secs_f64() * 1e6;
        Self {
            load,
            renewals,
            seconds,
            renewals_per_second: renewals as f64 / seconds,
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            max_ms: at(1.0),
            checked_whole: times.checked,
            busy: times.busy,
            server_cpu_us_per_renewal: cpu,
            server_cores_used: spent.cpu.as_secs_f64() / seconds,
            server_resident_mib: spent.resident_kib as f64 / 1024.0,
            entries,
            floor_verify_and_sign_us: verify_and_sign,
            cpu_over_floor: cpu / verify_and_sign,
            floor_fdatasync_us: floor.fdatasync.as_secs_f64() * 1e6,
            note: NOTE,
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let load = &self.load;
        writeln!(
            f,
            "{} hosts of {} agents, {} connections, {} keys, life {}; requests {}",
            load.hosts, load.agents_each, load.connections, load.key, load.lifetime, load.requests
        )?;
        writeln!(
            f,
            "{} renewals in {:.1} s: {:.0}/s; p50 {:.2} ms, p99 {:.2} ms, longest {:.1} ms; {} checked whole, {} busy",
            self.renewals,
            self.seconds,
            self.renewals_per_second,
            self.p50_ms,
            self.p99_ms,
            self.max_ms,
            self.checked_whole,
            self.busy
        )?;
        writeln!(
            f,
            "server: {:.0} us of CPU a renewal, {:.2} cores, {:.0} MiB resident, {} entries",
            self.server_cpu_us_per_renewal, self.server_cores_used, self.server_resident_mib, self.entries
        )?;
        writeln!(
            f,
            "floor: verify + sign {:.0} us of CPU a core, so {:.2} times that; fdatasync {:.0} us (median)",
            self.floor_verify_and_sign_us, self.cpu_over_floor, self.floor_fdatasync_us
        )?;
        write!(f, "{}", self.note)
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// What the ratio leaves out.
const NOTE: &str =
    "the floor is bare cryptography alone: add a kept mTLS echo, Cedar and lint before comparing with targets.md";

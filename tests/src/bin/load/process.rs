//! What another process has cost so far. Knows `/proc`.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// The process that holds a data directory.
#[derive(Debug)]
pub(crate) struct Process(PathBuf);

/// CPU time and memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent {
    /// User and system time.
    pub(crate) cpu: Duration,
    /// Resident memory, KiB.
    pub(crate) resident_kib: u64,
}

impl Process {
    /// The process whose number stands in the lock of its data directory.
    pub(crate) fn of_lock(lock: &Path) -> Self {
        let pid = std::fs::read_to_string(lock).expect("a lock");
        Self(Path::new("/proc").join(pid.trim()))
    }

    /// What it has cost since it was started (proc(5): stat fields 14 and 15, status).
    pub(crate) fn spent(&self) -> Spent {
        let stat = self.read("stat");
        // The name, field 2, may hold anything, but ends at the last parenthesis.
        let (_, after_name) = stat.rsplit_once(')').expect("proc(5)");
        let ticks: u64 =
            after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
        let per_second = rustix::param::clock_ticks_per_second();
        let cpu = Duration::from_millis(ticks * 1000 / per_second);
        Spent { cpu, resident_kib: field(&self.read("status"), "VmRSS:") }
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).expect("the server's process")
    }
}

impl Spent {
    /// What was spent after `earlier`; memory as it is now.
    pub(crate) fn since(self, earlier: &Self) -> Self {
        Self { cpu: self.cpu - earlier.cpu, ..self }
    }
}

fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("proc(5)");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}

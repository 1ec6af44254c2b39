//! The floor under every renewal, measured in this process: bare cryptography and the disk. Knows no server.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use ca_server::custody::{Custody, SoftwareKey};
use identity::KeyKind;
use rustix::time::{ClockId, clock_gettime};

/// Bare costs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Floor {
    /// CPU time to verify a request's signature and to sign a leaf, on one core.
    pub(crate) verify_and_sign: Duration,
    /// Median time of fdatasync after 4 KiB into a file that has its length already, on the server's disk.
    pub(crate) fdatasync: Duration,
}

/// Measures, with requests by keys of `kind` and a P-256 issuer.
pub(crate) fn measure(kind: KeyKind, directory: &Path) -> Floor {
    Floor { verify_and_sign: verify_and_sign(kind), fdatasync: fdatasync(directory) }
}

fn verify_and_sign(kind: KeyKind) -> Duration {
    let (leaf, issuer) =
        (SoftwareKey::generate(kind).expect("a key"), SoftwareKey::generate(KeyKind::P256).expect("a key"));
    // As long as the information of a request, and as a to-be-signed leaf.
    let (short, long) = ([7; 130], [7; 560]);
    let signature = leaf.sign(&short).expect("a signature");
    let mut rounds: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let before = thread_time();
            for _ in 0..OPERATIONS {
                leaf.public_key().verify(&short, &signature).expect("verified");
                std::hint::black_box(issuer.sign(&long).expect("a signature"));
            }
            (thread_time() - before) / OPERATIONS
        })
        .collect();
    median(&mut rounds)
}

fn fdatasync(directory: &Path) -> Duration {
    let mut file = tempfile::tempfile_in(directory).expect("a file");
    file.write_all(&vec![0; 1 << 20]).and_then(|()| file.sync_all()).expect("a file on the disk");
    let mut times: Vec<Duration> = (0..SYNCS)
        .map(|number| {
            file.seek(SeekFrom::Start(number * 4096)).expect("sought");
            file.write_all(&[1; 4096]).expect("written");
            let start = Instant::now();
            file.sync_data().expect("durable");
            start.elapsed()
        })
        .collect();
    median(&mut times)
}

fn thread_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("a time")
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Rounds of which the median counts, and operations in each.
const ROUNDS: usize = 9;
const OPERATIONS: u32 = 500;
/// Syncs of which the median counts; their blocks fit into the file.
const SYNCS: u64 = 200;

//! Batch commit from 64 waiting producers on the real disk, beside that disk's bare fdatasync. Knows the committer and the log; serves nobody.
//!
//! `cargo bench -p ca-server --bench commit`, on the disk of `BREVET_BENCH_DIR` (else of the target directory). What counts is the ratio of the two.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    dead_code,
    missing_docs,
    unreachable_pub
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ca_server::committer::{Asked, Committer, Handle};
use ca_server::decide::Command;
use ca_server::disk::{Disk, DiskPath, RealDisk, SyncPoint, whole};
use ca_server::draft::Draft;
use ca_server::live::LogIdentity;
use ca_server::log::{Prepare, SegmentOptions, segments::SEGMENT_OCTETS};
use ca_server::opening::open;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use identity::{KeyHash, RequestId, Serial, Sha256Hash, Timestamp};
use ledger::entry::Actor;

#[path = "../tests/crash/chance.rs"]
mod chance;
#[path = "../tests/crash/fleet.rs"]
mod fleet;
#[path = "../tests/crash/key.rs"]
mod key;

use chance::Chance;
use fleet::Fleet;
use key::{TestKey, origin};

/// Enrolments that are all different, made before the clock starts.
fn enrolments(template: &Asked, first: u64, count: u64) -> Vec<Asked> {
    let Command::Authorise(template) = &template.command else { panic!("an enrolment") };
    (first..first + count)
        .map(|number| {
            let mut authorise = template.clone();
            let certificate = &mut authorise.certificate;
            let mut octets = [1; 16];
            octets[8..].copy_from_slice(&number.to_be_bytes());
            certificate.serial = Serial::from_bytes(octets).unwrap();
            certificate.key = KeyHash::of(&octets);
            certificate.subject = ledger::entry::Subject::Host { host: identity::HostId::from_bytes(octets) };
            let name = format!("spiffe://example.org/host/h{number}");
            certificate.spiffe_id = identity::SpiffeId::parse(&name).unwrap();
            let evidence = certificate.evidence.as_mut().unwrap();
            evidence.proof = Sha256Hash::of(&octets);
            evidence.nonce = Sha256Hash::of(name.as_bytes());
            Asked {
                actor: Actor::Stranger,
                request: RequestId::from_bytes(octets),
                command: Command::Authorise(authorise),
            }
        })
        .collect()
}

/// Runs the enrolments from `producers` threads, each of which waits for one answer before it asks again.
fn run(handle: &Handle, producers: usize, asked: Vec<Asked>) -> Duration {
    let mut shares: Vec<Vec<Asked>> = (0..producers).map(|_| Vec::new()).collect();
    for (number, asked) in asked.into_iter().enumerate() {
        shares[number % producers].push(asked);
    }
    let started = Instant::now();
    thread::scope(|scope| {
        for share in shares {
            scope.spawn(move || {
                for asked in share {
                    handle.wait(handle.queue(asked).unwrap()).unwrap();
                }
            });
        }
    });
    started.elapsed()
}

fn commit(criterion: &mut Criterion) {
    let dir =
        std::env::var_os("BREVET_BENCH_DIR").map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let dir = tempfile::tempdir_in(dir).unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::take(&dir.path().join("data")).unwrap());
    let identity = LogIdentity { origin: origin(), key: TestKey::new().verifier().clone() };
    let options = SegmentOptions { octets: SEGMENT_OCTETS, prepare: Prepare::Ahead };
    let live = open(&disk, options, identity).unwrap().live;
    let clock = Box::new(|| Timestamp::from_millis(1_795_000_000_000).unwrap());
    let (committer, handle) = Committer::new(Arc::clone(&live), origin(), Box::new(TestKey::new()), clock);
    let cpu = Arc::new(AtomicU64::new(0));
    let spent = Arc::clone(&cpu);
    let thread = thread::spawn(move || {
        committer.run().unwrap();
        spent.store(thread_nanoseconds(), Ordering::Relaxed);
    });
    let mut fleet = Fleet { chance: Chance::seeded(1) };
    let begin = fleet.begin(Timestamp::from_millis(1_795_000_000_000).unwrap(), &TestKey::new());
    handle.wait(handle.queue(begin).unwrap()).unwrap();
    let template = {
        let state = live.state();
        let command = fleet.enrol(&Draft::over(&state, state.time()));
        fleet.asked(Actor::Stranger, command)
    };

    let mut group = criterion.benchmark_group("commit");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    let mut next = 0;
    for producers in [1, 64, 256] {
        group.bench_function(BenchmarkId::new("entries, producers", producers), |bencher| {
            bencher.iter_custom(|count| {
                let asked = enrolments(&template, next, count);
                next += count;
                run(&handle, producers, asked)
            });
        });
    }
    let path = DiskPath::parse("bare").unwrap();
    let file = disk.create(&path).unwrap();
    whole::write_zeros(&*file, SEGMENT_OCTETS).unwrap();
    file.sync(BARE).unwrap();
    let mut place = 0;
    group.bench_function("bare fdatasync of a written 32 KiB", |bencher| {
        bencher.iter(|| {
            file.write_at(place, &[7; 32 << 10]).unwrap();
            file.sync(BARE).unwrap();
            place = (place + (32 << 10)) % (SEGMENT_OCTETS - (32 << 10));
        });
    });
    group.finish();

    let size = live.head().size;
    drop(handle);
    thread.join().unwrap();
    println!(
        "{size} entries; CPU of the committer's thread: {:.2} us each",
        cpu.load(Ordering::Relaxed) as f64 / 1000.0 / size as f64
    );
}

/// What this thread has spent on a CPU (proc(5), schedstat).
fn thread_nanoseconds() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

const BARE: SyncPoint = SyncPoint::new("bench: bare");

criterion_group!(benches, commit);
criterion_main!(benches);

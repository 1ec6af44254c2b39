//! The storage stack as a server runs it: producers, committer, publisher, keeper, the next segment, each on a thread of its own, and then the power goes.
//!
//! Not to be played again by its seed: who comes when is the machine's. What is checked holds in any order.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use ca_server::committer::Committer;
use ca_server::disk::Disk;
use ca_server::draft::Draft;
use ca_server::log::{Prepare, SegmentOptions, segments::MIN_SEGMENT_OCTETS};
use ca_server::opening::open;
use ca_server::snapshot::keeper::Keeper;
use ca_server::tiles::publisher::Publisher;
use identity::Timestamp;

use crate::chance::{Chance, rounds, seed};
use crate::faulty_disk::{Fault, FaultyDisk, Loss};
use crate::fleet::Fleet;
use crate::key::{TestKey, origin};
use crate::life::{SNAPSHOT_EVERY, identity};
use crate::outside::Outside;

const OPTIONS: SegmentOptions = SegmentOptions { octets: MIN_SEGMENT_OCTETS, prepare: Prepare::Ahead };
const PRODUCERS: u64 = 6;

/// One life with all its threads, until the disk is gone.
fn live_and_crash(disk: &FaultyDisk, outside: &Mutex<Outside>, clock: &Arc<AtomicU64>, chance: &mut Chance) {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let Ok(opened) = open(&shared, OPTIONS, identity()) else { return };
    let live = opened.live;
    let ticking = Arc::clone(clock);
    let now = Box::new(move || Timestamp::from_millis(ticking.fetch_add(7, Ordering::Relaxed)).unwrap());
    let (committer, handle) = Committer::new(Arc::clone(&live), origin(), Box::new(TestKey::new()), now);
    let mut publisher = Publisher::new(Arc::clone(&shared), Arc::clone(&live), opened.published);
    let mut keeper = Keeper::new(shared, Arc::clone(&live), SNAPSHOT_EVERY, opened.snapshot);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let committer = scope.spawn(|| committer.run());
        if live.head().size == 0 {
            let begin = Fleet { chance: chance.split() }
                .begin(Timestamp::from_millis(1_795_000_000_000).unwrap(), &TestKey::new());
            let _ = handle.queue(begin).and_then(|pending| handle.wait(pending));
        }
        for _ in 0..PRODUCERS {
            let (handle, live, mut fleet) = (handle.clone(), Arc::clone(&live), Fleet { chance: chance.split() });
            scope.spawn(move || {
                for _ in 0..60 {
                    let asked = {
                        let state = live.state();
                        if state.size() == 0 {
                            return;
                        }
                        fleet.command(&Draft::over(&state, state.time()))
                    };
                    let answer = handle.queue(asked).and_then(|pending| handle.wait(pending));
                    for recorded in answer.into_iter().flatten() {
                        outside.lock().unwrap().take(&recorded).unwrap();
                    }
                }
            });
        }
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let size = live.head().size;
                if publisher.step().is_err() {
                    return;
                }
                outside.lock().unwrap().published = size.max(live.published());
                thread::yield_now();
            }
        });
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                if let Ok(Some(name)) = keeper.step() {
                    outside.lock().unwrap().snapshot = Some(name);
                }
                thread::yield_now();
            }
        });
        drop(handle);
        let _ = committer.join().unwrap();
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn with_all_threads_running_nothing_acknowledged_is_lost() {
    let first = seed();
    for seed in first..first + rounds(6) {
        let mut chance = Chance::seeded(seed);
        let clock = Arc::new(AtomicU64::new(1_795_000_000_000));
        let mut disk = FaultyDisk::new(chance.next());
        let outside = Mutex::new(Outside::default());
        for _ in 0..3 {
            disk.set_fault(Fault::Crash { at: 20 + chance.below(300) as u64 });
            live_and_crash(&disk, &outside, &clock, &mut chance);
            disk = disk.after([Loss::Unsynced, Loss::RandomPart, Loss::Nothing][chance.below(3)]);
            let mut outside = outside.lock().unwrap();
            let complaint = outside.look_at_disk(&disk).and_then(|()| {
                let life = outside.start(&disk, &clock)?.expect("no fault is set");
                outside.check_receipts(&life)
            });
            complaint.unwrap_or_else(|complaint| panic!("BREVET_SEED={seed}: {complaint}"));
            disk = disk.after(Loss::Nothing);
        }
    }
}

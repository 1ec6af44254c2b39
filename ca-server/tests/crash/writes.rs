//! One history, every operation of the disk in it: failed, failed but persisted, and the power gone at that moment. Then a restart, and all is audited.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::chance::{Chance, cases};
use crate::faulty_disk::{Effect, Fault, FaultyDisk, Loss};
use crate::fleet::Fleet;
use crate::key::TestKey;
use crate::outside::Outside;

/// The history: begin, a second life, batches over two segments, two publications with a full tile between, two snapshots. Ends where the disk fails.
fn history(disk: &FaultyDisk, outside: &mut Outside) -> Result<(), String> {
    let clock = Arc::new(AtomicU64::new(1_795_000_000_000));
    let mut fleet = Fleet { chance: Chance::seeded(11) };
    let Ok(Some(mut life)) = outside.start(disk, &clock) else { return Ok(()) };
    for turn in 0..14 {
        let asked = if turn == 0 {
            vec![fleet.begin(life.now(), &TestKey::new())]
        } else {
            (0..24)
                .map(|_| {
                    life.draft(|draft| {
                        let command = fleet.enrol(draft);
                        fleet.asked(ledger::entry::Actor::Stranger, command)
                    })
                })
                .collect()
        };
        let Ok(answers) = life.turn(asked) else { return Ok(()) };
        for recorded in answers.into_iter().filter_map(Result::ok).flatten() {
            outside.take(&recorded)?;
        }
        if turn % 6 == 5 || turn == 13 {
            if life.publisher.step().is_err() {
                return Ok(());
            }
            outside.published = life.live.head().size;
        }
        if let Ok(Some(name)) = life.keeper.step() {
            outside.snapshot = Some(name);
        }
    }
    Ok(())
}

fn audit(disk: &FaultyDisk, mut outside: Outside, loss: Loss) -> Result<(), String> {
    let disk = disk.after(loss);
    outside.look_at_disk(&disk)?;
    let clock = Arc::new(AtomicU64::new(1_795_000_000_000));
    let life = outside.start(&disk, &clock)?.expect("no fault is set");
    outside.check_receipts(&life)
}

fn operations() -> u64 {
    let disk = FaultyDisk::new(3);
    disk.set_fault(Fault::None);
    let mut outside = Outside::default();
    history(&disk, &mut outside).unwrap();
    assert!(outside.known.len() > 256 && outside.snapshot.is_some() && outside.published > 256);
    disk.operations()
}

#[track_caller]
fn check(fault: Fault, loss: Loss) {
    let disk = FaultyDisk::new(3);
    disk.set_fault(fault);
    let mut outside = Outside::default();
    let complaint = history(&disk, &mut outside).and_then(|()| audit(&disk, outside, loss));
    complaint.unwrap_or_else(|complaint| panic!("{fault:?}, {loss:?}: {complaint}"));
}

#[test]
fn every_write_may_fail() {
    for at in cases(operations(), 8).map(|case| case + 1) {
        check(Fault::Error { at, effect: Effect::Failed }, if at % 2 == 0 { Loss::Unsynced } else { Loss::Nothing });
    }
}

#[test]
fn every_write_may_fail_and_yet_be_done() {
    for at in cases(operations(), 8).map(|case| case + 1) {
        check(Fault::Error { at, effect: Effect::Persisted }, if at % 2 == 0 { Loss::Unsynced } else { Loss::Nothing });
    }
}

#[test]
fn the_power_may_go_at_every_write() {
    for at in cases(operations(), 8).map(|case| case + 1) {
        check(Fault::Crash { at }, if at % 2 == 0 { Loss::Unsynced } else { Loss::RandomPart });
    }
}

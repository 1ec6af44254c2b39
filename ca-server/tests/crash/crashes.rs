//! The whole storage stack: random commands, a crash or an error at a random operation of the disk, a restart, again and again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use ca_server::views::follower::catch_up;
use ca_server::views::{View, Views};
use identity::Sha256Hash;

use crate::chance::{Chance, rounds, seed};
use crate::faulty_disk::{Effect, Fault, FaultyDisk, Loss};
use crate::fleet::Fleet;
use crate::key::TestKey;
use crate::life::Life;
use crate::outside::Outside;

/// What a round has met.
#[derive(Default)]
struct Seen {
    points: BTreeSet<&'static str>,
    entries: u64,
    published: u64,
    snapshots: u64,
}

/// Several lives of one ledger. The error says what somebody outside would complain of.
fn round(seed: u64, without: Option<&str>, seen: &mut Seen) -> Result<(), String> {
    let mut chance = Chance::seeded(seed);
    let mut fleet = Fleet { chance: chance.split() };
    let clock = Arc::new(AtomicU64::new(1_795_000_000_000));
    let mut disk = FaultyDisk::new(chance.next());
    if let Some(point) = without {
        disk = disk.without(point);
    }
    let mut outside = Outside::default();
    let kept_views = tempfile::tempdir().unwrap();
    for _ in 0..6 {
        let at_start = chance.once_in(5);
        if at_start {
            disk.set_fault(Fault::Crash { at: 1 + chance.below(14) as u64 });
        }
        if let Some(mut life) = outside.start(&disk, &clock)? {
            if seed.is_multiple_of(5) && !at_start {
                views(kept_views.path(), &life)?;
            }
            if !at_start {
                outside.check_receipts(&life)?;
                disk.set_fault(any_fault(&mut chance));
            }
            work(&mut life, &mut outside, &mut fleet, &mut chance, seen)?;
        }
        seen.points.extend(disk.points());
        disk = disk.after([Loss::Unsynced, Loss::RandomPart, Loss::RandomPart, Loss::Nothing][chance.below(4)]);
        outside.look_at_disk(&disk)?;
    }
    let life = outside.start(&disk, &clock)?.expect("no fault was set");
    outside.check_receipts(&life)?;
    if seed.is_multiple_of(5) {
        let kept = kept_views.path();
        let (kept, anew) = (views(kept, &life)?, views(&kept.with_extension("anew"), &life)?);
        if kept != anew {
            return Err("the views are not what a rebuild makes".to_owned());
        }
    }
    seen.entries += life.live.head().size;
    Ok(())
}

/// Opens the views as a server does, brings them up to the ledger, and gives what they say.
fn views(path: &Path, life: &Life) -> Result<Vec<(View, Sha256Hash)>, String> {
    let size = life.live.head().size;
    let is_ours = |stored, root| stored <= size && life.live.root_at(stored).ok() == Some(root);
    let views = Views::open(&path.join("views"), is_ours).map_err(|error| error.to_string())?;
    catch_up(&views, &life.live).map_err(|error| error.to_string())?;
    views.digests().map_err(|error| error.to_string())
}

fn any_fault(chance: &mut Chance) -> Fault {
    let at = 1 + chance.below(160) as u64;
    match chance.below(6) {
        0 => Fault::Error { at, effect: Effect::Failed },
        1 => Fault::Error { at, effect: Effect::Persisted },
        _ => Fault::Crash { at },
    }
}

/// Works until something fails, or long enough.
fn work(
    life: &mut Life,
    outside: &mut Outside,
    fleet: &mut Fleet,
    chance: &mut Chance,
    seen: &mut Seen,
) -> Result<(), String> {
    let turns = 4 + chance.below(30);
    for _ in 0..turns {
        let asked = if life.live.head().size == 0 {
            vec![fleet.begin(life.now(), &TestKey::new())]
        } else {
            (0..1 + chance.below(12)).map(|_| life.draft(|draft| fleet.command(draft))).collect()
        };
        // After an error of the disk the process ends.
        let Ok(answers) = life.turn(asked) else { return Ok(()) };
        for recorded in answers.into_iter().filter_map(Result::ok).flatten() {
            outside.take(&recorded)?;
        }
        if chance.once_in(5) {
            if life.publisher.step().is_err() {
                return Ok(());
            }
            outside.published = life.live.head().size;
            seen.published += 1;
        }
        match life.keeper.step() {
            Ok(Some(name)) => {
                outside.snapshot = Some(name);
                seen.snapshots += 1;
            }
            Ok(None) => {}
            // The server goes on without: see that this is right.
            Err(_) => {}
        }
    }
    Ok(())
}

// T-83: what was acknowledged is there, its receipt holds, State is what the entries make; nothing that was published is taken back.
#[test]
fn what_was_acknowledged_survives_every_crash() {
    let first = seed();
    let mut seen = Seen::default();
    for seed in first..first + rounds(15) {
        round(seed, None, &mut seen).unwrap_or_else(|complaint| panic!("BREVET_SEED={seed}: {complaint}"));
    }
    println!("{} entries at the ends, {} publications, {} snapshots", seen.entries, seen.published, seen.snapshots);
    assert!(seen.entries > 0 && seen.published > 0 && seen.snapshots > 0);
}

/// A check that cannot fail checks nothing: without any one of its syncs the same rounds find something missing. Those of the segments, of which some are
/// rarely what counts, are tried in `segments`, where a round is short.
#[test]
fn without_any_one_sync_something_is_lost() {
    let first = seed();
    let mut seen = Seen::default();
    let tried_here = |point: &&&str| !point.starts_with("segment:") || **point == FORGOTTEN;
    for seed in first..first + 200 {
        round(seed, None, &mut seen).unwrap();
        if seen.points.iter().filter(tried_here).count() == TRIED_HERE {
            break;
        }
    }
    let points: Vec<_> = seen.points.iter().filter(tried_here).collect();
    assert_eq!(points.len(), TRIED_HERE, "{points:?}");
    for point in points {
        let mut complaints =
            (first..first + 500).filter_map(|seed| round(seed, Some(point), &mut Seen::default()).err());
        let complaint =
            complaints.next().unwrap_or_else(|| panic!("nobody noticed that this sync was missing: {point}"));
        println!("without \"{point}\": {complaint}");
    }
}

/// The one sync of segments that needs tiles before it happens.
const FORGOTTEN: &str = "segment: the removal of one, before the next is removed";

/// Syncs of tiles and snapshots, and that one. A new sync raises the number, and is then tried.
const TRIED_HERE: usize = 9;

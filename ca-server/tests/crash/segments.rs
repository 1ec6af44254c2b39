//! The log alone: random batches, a crash at a random operation of the disk, a restart, again and again. Knows frames and segments.

use std::collections::BTreeSet;
use std::sync::Arc;

use ca_server::log::{
    Batch, Damage, Log, LogError, Outcome, Prepare, SegmentOptions, Segments, segments::MIN_SEGMENT_OCTETS,
};
use identity::BatchId;
use ledger::checkpoint::Checkpoint;
use ledger::entry::EntryBytes;
use ledger::frame::verify_frame;
use ledger::frontier::Frontier;
use ledger::hash::leaf_hash;

use crate::chance::{Chance, rounds, seed};
use crate::faulty_disk::{Effect, Fault, FaultyDisk, Loss};
use crate::key::{TestKey, origin};

const OPTIONS: SegmentOptions = SegmentOptions { octets: MIN_SEGMENT_OCTETS, prepare: Prepare::OnDemand };

/// What somebody outside knows: the entries that were acknowledged, or seen after a start, and the batch that was on its way.
#[derive(Default)]
struct Outside {
    known: Vec<EntryBytes>,
    on_its_way: Option<Batch>,
}

impl Outside {
    /// Opens the log as a start does and holds it against what is known. From here on all of it is known.
    fn start(&mut self, disk: &FaultyDisk, key: &TestKey) -> Result<Option<(Segments, Frontier)>, String> {
        let mut frontier = Frontier::new();
        let mut found = Vec::new();
        let opened = Segments::open(Arc::new(disk.clone()), OPTIONS, &mut |frame| {
            verify_frame(frame, &mut frontier, &origin(), key.verifier()).map_err(|error| Damage {
                index: error.entry,
                place: String::new(),
                what: error.flaw.to_string(),
            })?;
            found.extend(frame.entries.iter().cloned());
            Ok(())
        });
        let log = match opened {
            Ok(log) => log,
            Err(_) if disk.is_down() => return Ok(None),
            Err(error) => return Err(format!("does not start: {error}")),
        };
        let mut possible = self.known.clone();
        if found.len() > possible.len() {
            possible.extend(self.on_its_way.take().into_iter().flat_map(|batch| batch.entries));
        }
        if found != possible {
            return Err(format!("{} entries were known, {} are there", self.known.len(), found.len()));
        }
        self.known = found;
        self.on_its_way = None;
        Ok(Some((log, frontier)))
    }

    /// Commits random batches until the disk fails, or enough.
    fn work(
        &mut self,
        log: &Segments,
        frontier: &mut Frontier,
        key: &TestKey,
        chance: &mut Chance,
    ) -> Result<(), String> {
        for _ in 0..chance.below(12) {
            let batch = batch(frontier, key, chance);
            self.on_its_way = Some(batch.clone());
            match log.commit(&batch) {
                Ok(Outcome::Landed) => {
                    self.known.extend(batch.entries);
                    self.on_its_way = None;
                    frontier.extend(batch.leaves);
                }
                Ok(other) => return Err(format!("nobody else was there, and yet {other:?}")),
                Err(LogError::Full { .. }) => {
                    self.on_its_way = None;
                    continue;
                }
                Err(LogError::Broken { .. }) => break,
                Err(error) => return Err(error.to_string()),
            }
            let first = self.known.len() - 1;
            match log.read(first as u64) {
                Ok(Some(read)) if read.first() == self.known.last() => {}
                other => return Err(format!("entry {first} reads as {other:?}")),
            }
        }
        Ok(())
    }
}

fn batch(frontier: &Frontier, key: &TestKey, chance: &mut Chance) -> Batch {
    let entries: Vec<_> = (0..1 + chance.below(6))
        .map(|_| {
            let longest = if chance.once_in(8) { 7_000 } else { 1_500 };
            let octets = 1 + chance.below(longest);
            let fill = b'a' + chance.below(26) as u8;
            EntryBytes::new(vec![fill; octets]).unwrap()
        })
        .collect();
    let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let mut after = frontier.clone();
    after.extend(leaves.iter().copied());
    let checkpoint = Checkpoint::new(origin(), after.size(), after.root()).unwrap().sign(key).unwrap();
    let mut id = [0; 16];
    id[..8].copy_from_slice(&chance.next().to_be_bytes());
    Batch { id: BatchId::from_bytes(id), expected_size: frontier.size(), entries, leaves, checkpoint }
}

/// Several lives of one log. The error says what somebody outside would complain of.
fn round(seed: u64, without: Option<&str>, points: &mut BTreeSet<&'static str>) -> Result<(), String> {
    let mut chance = Chance::seeded(seed);
    let key = TestKey::new();
    let mut disk = FaultyDisk::new(chance.next());
    if let Some(point) = without {
        disk = disk.without(point);
    }
    let mut outside = Outside::default();
    for _ in 0..8 {
        let crashes_at_start = chance.once_in(4);
        let at = 1 + chance.below(if crashes_at_start { 12 } else { 60 }) as u64;
        let fault = match chance.below(6) {
            0 => Fault::Error { at, effect: Effect::Failed },
            1 => Fault::Error { at, effect: Effect::Persisted },
            _ => Fault::Crash { at },
        };
        if crashes_at_start {
            disk.set_fault(Fault::Crash { at });
        }
        if let Some((log, mut frontier)) = outside.start(&disk, &key)? {
            if !crashes_at_start {
                disk.set_fault(fault);
            }
            outside.work(&log, &mut frontier, &key, &mut chance)?;
        }
        points.extend(disk.points());
        let loss = [Loss::Unsynced, Loss::RandomPart, Loss::RandomPart, Loss::Nothing][chance.below(4)];
        disk = disk.after(loss);
    }
    outside.start(&disk, &key).map(drop)
}

// T-83: nothing that was acknowledged is ever missing.
#[test]
fn what_the_log_acknowledged_survives_every_crash() {
    let first = seed();
    for seed in first..first + rounds(300) {
        round(seed, None, &mut BTreeSet::new()).unwrap_or_else(|complaint| panic!("BREVET_SEED={seed}: {complaint}"));
    }
}

/// A check that cannot fail checks nothing: without any one of its syncs the same rounds find something missing.
#[test]
fn without_any_one_sync_the_log_loses_something() {
    let first = seed();
    let mut points = BTreeSet::new();
    for seed in first..first + 20 {
        round(seed, None, &mut points).unwrap();
    }
    assert!(points.len() >= 6, "{points:?}");
    for point in points {
        let noticed = (first..first + 3000).any(|seed| round(seed, Some(point), &mut BTreeSet::new()).is_err());
        assert!(noticed, "nobody noticed that this sync was missing: {point}");
    }
}

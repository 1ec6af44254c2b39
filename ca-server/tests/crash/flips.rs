//! A ledger of 300 real entries, one bit flipped at a time: the start refuses, and names the entry. Knows where in a segment an entry lies.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use ca_server::disk::Disk;
use ca_server::opening::{OpenError, open};
use ledger::entry::{Actor, Kind};
use ledger::frame::Decoder;

use crate::chance::{Chance, cases};
use crate::faulty_disk::{FaultyDisk, Loss};
use crate::fleet::Fleet;
use crate::key::TestKey;
use crate::life::{Life, identity};
use ca_server::log::{Prepare, SegmentOptions};

const SEGMENTS: &str = "ledger/segments/";
const SNAPSHOTS: &str = "ledger/snapshots/";

/// Octets of a segment before its first frame, of a frame's header, and of what precedes each entry (`ledger::frame`).
const SEGMENT_HEADER: usize = 512;
const FRAME_HEADER: usize = 56;
const BEFORE_ENTRY: usize = 18;

/// Large enough that no segment is forgotten: 300 entries lie in two.
const OPTIONS: SegmentOptions = SegmentOptions { octets: 192 << 10, prepare: Prepare::OnDemand };

/// A ledger of a little over 300 entries, of every kind, published in part, with a snapshot: of the first seed that gives one.
fn ledger_of_every_kind() -> FaultyDisk {
    (1..100).find_map(ledger).expect("a seed with which 300 entries are of every kind")
}

/// The ledger of a seed, unless it lacks a kind.
fn ledger(seed: u64) -> Option<FaultyDisk> {
    let disk = FaultyDisk::new(1);
    let clock = Arc::new(AtomicU64::new(1_795_000_000_000));
    let mut fleet = Fleet { chance: Chance::seeded(seed) };
    let mut life = Life::start_with(OPTIONS, disk.clone(), &clock).unwrap();
    life.turn(vec![fleet.begin(life.now(), &TestKey::new())]).unwrap();
    let mut kinds: Vec<Kind> = Vec::new();
    while life.live.head().size < 300 {
        let few = 1 + fleet.chance.below(6);
        let asked = (0..few).map(|_| life.draft(|draft| fleet.command(draft))).collect();
        for recorded in life.turn(asked).unwrap().into_iter().flatten().flatten() {
            kinds.push(recorded.body().kind());
        }
        kinds.extend(Kind::ALL.iter().filter(|kind| matches!(kind, Kind::LedgerCreated)));
        kinds.sort_unstable();
        kinds.dedup();
        if life.live.head().size > 280 && fleet.chance.once_in(9) {
            life.publisher.step().unwrap();
        }
        life.keeper.step().unwrap();
    }
    if kinds.len() < Kind::ALL.len() {
        return None;
    }
    let last = life.draft(|draft| fleet.enrol(draft));
    life.publisher.step().unwrap();
    life.turn(vec![fleet.asked(Actor::Stranger, last)]).unwrap();
    drop(life);
    Some(disk.after(Loss::Nothing).copy())
}

/// Where each entry lies: file, and its octets there with length and checksum.
fn places(disk: &FaultyDisk) -> BTreeMap<u64, (String, Range<usize>, Kind)> {
    let mut places = BTreeMap::new();
    for file in disk.files().into_iter().filter(|file| file.starts_with(SEGMENTS)) {
        let first = u64::from_str_radix(&file[SEGMENTS.len()..SEGMENTS.len() + 16], 16).unwrap();
        let mut decoder = Decoder::new(first);
        decoder.feed(&disk.content(&file).unwrap()[SEGMENT_HEADER..]);
        while let Some(frame) = decoder.next_frame().unwrap() {
            let mut at = SEGMENT_HEADER + frame.offset as usize + FRAME_HEADER;
            for (index, entry) in (frame.size_before..).zip(&frame.entries) {
                let end = at + BEFORE_ENTRY + entry.len();
                places.insert(index, (file.clone(), at..end, entry.decode().unwrap().body.kind()));
                at = end;
            }
        }
    }
    places
}

/// Flips one bit, starts, flips it back. Gives the entry that the refusal named; `None` when there was none.
fn refused(disk: &FaultyDisk, shared: &Arc<dyn Disk>, file: &str, octet: usize, bit: u32) -> Option<u64> {
    disk.damage(file, |content| content[octet] ^= 1 << bit);
    let named = match open(shared, OPTIONS, identity()) {
        Ok(_) => None,
        Err(OpenError::Damage(damage)) => Some(damage.index),
        Err(error) => panic!("{file}, octet {octet}, bit {bit}: {error}"),
    };
    disk.damage(file, |content| content[octet] ^= 1 << bit);
    named
}

// T-80, and "one random bit in every octet".
#[test]
fn a_flipped_bit_anywhere_is_refused_by_the_entry_concerned() {
    let disk = ledger_of_every_kind();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let places = places(&disk);
    let size = places.len() as u64;
    let mut chance = Chance::seeded(8);
    let octets: Vec<(String, usize)> = disk
        .files()
        .into_iter()
        .flat_map(|file| (0..disk.content(&file).unwrap().len()).map(move |octet| (file.clone(), octet)))
        .collect();
    for case in cases(octets.len() as u64, 2477) {
        let (file, octet) = &octets[case as usize];
        let bit = chance.below(8) as u32;
        let named = refused(&disk, &shared, file, *octet, bit);
        if file.starts_with(SNAPSHOTS) {
            // It holds nothing that the ledger does not: an older one takes its place, or none.
            assert_eq!(named, None, "{file}, octet {octet}, bit {bit}");
            continue;
        }
        let named = named.unwrap_or_else(|| panic!("{file}, octet {octet}, bit {bit}: nobody noticed"));
        assert!(named <= size, "{file}, octet {octet}, bit {bit}: named entry {named} of {size}");
        let there = places.iter().find(|(_, (place, octets, _))| place == file && octets.contains(octet));
        if let Some((index, _)) = there {
            assert_eq!(named, *index, "{file}, octet {octet}, bit {bit}");
        }
    }
}

#[test]
fn every_bit_of_an_entry_of_each_kind_is_refused_by_its_index() {
    let disk = ledger_of_every_kind();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let mut of_each: BTreeMap<Kind, (u64, String, Range<usize>)> = BTreeMap::new();
    for (index, (file, octets, kind)) in places(&disk) {
        of_each.insert(kind, (index, file, octets));
    }
    assert_eq!(of_each.len(), Kind::ALL.len());
    let bits: Vec<_> = of_each
        .values()
        .flat_map(|(index, file, octets)| {
            octets.clone().flat_map(move |octet| (0..8).map(move |bit| (*index, file, octet, bit)))
        })
        .collect();
    for case in cases(bits.len() as u64, 701) {
        let (index, file, octet, bit) = bits[case as usize];
        assert_eq!(refused(&disk, &shared, file, octet, bit), Some(index), "{file}, octet {octet}, bit {bit}");
    }
}

#[test]
fn undamaged_it_starts() {
    let disk = ledger_of_every_kind();
    let shared: Arc<dyn Disk> = Arc::new(disk);
    let opened = open(&shared, OPTIONS, identity()).unwrap();
    assert!(opened.live.head().size >= 300);
    assert!(opened.published > 256 && opened.snapshot > 0 && opened.live.head().size > opened.published);
}

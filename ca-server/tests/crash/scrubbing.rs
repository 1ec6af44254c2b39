//! The scrubber over a ledger that rots while the server runs. Knows which files matter.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use ca_server::live::ReadError;
use ca_server::log::LogError;
use ca_server::scrub::{self, Verified};
use ledger::entry::Actor;

use crate::chance::Chance;
use crate::faulty_disk::FaultyDisk;
use crate::fleet::Fleet;
use crate::key::TestKey;
use crate::life::Life;

/// A running ledger of some 600 entries, the older half of which is only in tiles.
fn running() -> (FaultyDisk, Life) {
    let disk = FaultyDisk::new(1);
    let clock = Arc::new(AtomicU64::new(1_795_000_000_000));
    let mut fleet = Fleet { chance: Chance::seeded(5) };
    let mut life = Life::start(disk.clone(), &clock).unwrap();
    life.turn(vec![fleet.begin(life.now(), &TestKey::new())]).unwrap();
    while life.live.head().size < 600 {
        let asked: Vec<_> = (0..20)
            .map(|_| {
                let command = life.draft(|draft| fleet.enrol(draft));
                fleet.asked(Actor::Stranger, command)
            })
            .collect();
        life.turn(asked).unwrap();
        life.publisher.step().unwrap();
    }
    assert!(life.live.log().first() > 0);
    (disk, life)
}

#[test]
fn what_is_right_is_verified_to_the_newest_entry() {
    let (_, life) = running();
    let mut told = Vec::new();
    let verified = scrub::verify(&life.live, |entries| told.push(entries)).unwrap();
    assert_eq!(verified, Verified { size: life.live.head().size, root: life.live.root_at(verified.size).unwrap() });
    assert_eq!(told.last(), Some(&verified.size));
}

#[track_caller]
fn check_found(file: &str, octet: usize, named: std::ops::Range<u64>) {
    let (disk, life) = running();
    disk.damage(file, |content| content[octet] ^= 4);
    match scrub::verify(&life.live, |_| ()) {
        Err(ReadError::Log(LogError::Damage(damage))) => assert!(named.contains(&damage.index), "{file}: {damage}"),
        other => panic!("{file}: {other:?}"),
    }
}

#[test]
fn what_has_rotted_is_found_and_named() {
    check_found("ledger/tiles/tile/entries/000", 100, 0..1);
    check_found("ledger/tiles/tile/entries/001", 2, 256..257);
    check_found("ledger/tiles/tile/0/000", 32 * 7, 7..8);
    check_found("ledger/tiles/tile/0/001", 8191, 511..512);
    let (disk, _) = running();
    let last = disk.files().into_iter().rfind(|file| file.starts_with("ledger/segments/")).unwrap();
    let first = u64::from_str_radix(&last["ledger/segments/".len()..][..16], 16).unwrap();
    check_found(&last, 512 + 56 + 30, first..first + 1);
}

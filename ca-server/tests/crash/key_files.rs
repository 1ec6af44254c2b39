//! A key's file after a crash or a failed write at each step of making it. Knows the disk that keeps only what was made
//! durable.

use ca_server::custody::{Custody as _, KeyFileError, KeyName, Passphrase, SealedKey, SoftwareKey, create, open};
use identity::KeyKind;

use crate::faulty_disk::{Effect, Fault, FaultyDisk, Loss};

fn passphrase() -> Passphrase {
    Passphrase::new(b"correct horse battery".to_vec().into()).unwrap()
}

fn make(disk: &FaultyDisk) -> Result<SoftwareKey, KeyFileError> {
    create(disk, &KeyName::root(), KeyKind::Ed25519, &passphrase())
}

/// A disk on which a key is made, with this fault.
fn with(fault: Fault) -> (FaultyDisk, Result<SoftwareKey, KeyFileError>) {
    let disk = FaultyDisk::new(7);
    disk.set_fault(fault);
    let made = make(&disk);
    (disk, made)
}

fn steps() -> u64 {
    let disk = FaultyDisk::new(7);
    make(&disk).unwrap();
    disk.operations()
}

/// A key that was given out is there; one that was not is there as a whole, or can be made.
#[track_caller]
fn check(after: &FaultyDisk, made: Result<SoftwareKey, KeyFileError>, what: &str) {
    match made {
        Ok(key) => {
            let expected = key.public_key().hash();
            open(after, &KeyName::root(), &passphrase(), expected).unwrap_or_else(|error| panic!("{what}: {error:?}"));
        }
        Err(_) => match make(after) {
            Ok(_) => {}
            Err(KeyFileError::Exists { .. }) => {
                let file = after.content("keys/root.key").unwrap();
                SealedKey::parse(&file).and_then(|sealed| sealed.unseal(&passphrase())).unwrap();
            }
            Err(error) => panic!("{what}: {error:?}"),
        },
    }
}

#[test]
fn a_crash_at_any_step_leaves_a_whole_key_or_none() {
    for at in 1..=steps() {
        for loss in [Loss::Unsynced, Loss::RandomPart] {
            let (disk, made) = with(Fault::Crash { at });
            check(&disk.after(loss), made, &format!("crash at {at}, {loss:?}"));
        }
    }
}

#[test]
fn a_step_that_fails_leaves_a_whole_key_or_none() {
    for at in 1..=steps() {
        for effect in [Effect::Failed, Effect::Persisted] {
            let (disk, made) = with(Fault::Error { at, effect });
            disk.set_fault(Fault::None);
            check(&disk.after(Loss::Unsynced), made, &format!("error at {at}, {effect:?}"));
        }
    }
}

#[test]
fn each_sync_is_needed() {
    let disk = FaultyDisk::new(7);
    make(&disk).unwrap();
    let points = disk.points();
    assert_eq!(points.len(), 3);
    for point in points {
        let disk = FaultyDisk::new(7).without(point);
        let key = make(&disk).unwrap();
        let found = open(&disk.after(Loss::Unsynced), &KeyName::root(), &passphrase(), key.public_key().hash());
        assert!(found.is_err(), "without `{point}` nobody notices");
    }
}

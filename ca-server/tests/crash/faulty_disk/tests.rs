//! The disk keeps what was made durable, and nothing else.

use super::*;

const POINT: SyncPoint = SyncPoint::new("test: content");
const NAME: SyncPoint = SyncPoint::new("test: name");

fn path(text: &str) -> DiskPath {
    DiskPath::parse(text).unwrap()
}

fn filled(disk: &FaultyDisk, name: &str) -> Box<dyn DiskFile> {
    let file = disk.create(&path(name)).unwrap();
    file.write_at(0, &[7; 2000]).unwrap();
    file
}

#[test]
fn content_and_name_are_lost_apart() {
    let disk = FaultyDisk::new(1);
    filled(&disk, "neither");
    filled(&disk, "content").sync(POINT).unwrap();
    assert!(disk.after(Loss::Nothing).files().len() == 2);
    assert!(disk.after(Loss::Unsynced).files().is_empty());

    let disk = FaultyDisk::new(1);
    filled(&disk, "name");
    disk.sync_dir(&DiskPath::root(), NAME).unwrap();
    assert_eq!(disk.after(Loss::Unsynced).content("name").unwrap().len(), 0);

    let disk = FaultyDisk::new(1);
    filled(&disk, "both").sync(POINT).unwrap();
    disk.sync_dir(&DiskPath::root(), NAME).unwrap();
    assert_eq!(disk.after(Loss::Unsynced).content("both").unwrap(), [7; 2000]);
}

#[test]
fn a_rename_is_lost_until_its_directory_is_synced() {
    let disk = FaultyDisk::new(1);
    filled(&disk, "old").sync(POINT).unwrap();
    disk.sync_dir(&DiskPath::root(), NAME).unwrap();
    disk.rename(&path("old"), &path("new")).unwrap();
    assert_eq!(disk.after(Loss::Unsynced).files(), ["old"]);
    for seed in 0..20 {
        let disk = FaultyDisk::new(seed);
        filled(&disk, "old");
        disk.sync_dir(&DiskPath::root(), NAME).unwrap();
        disk.rename(&path("old"), &path("new")).unwrap();
        assert_eq!(disk.after(Loss::RandomPart).files().len(), 1, "one of the two names, never both, never none");
    }
}

#[test]
fn a_torn_write_keeps_or_loses_whole_sectors() {
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let disk = FaultyDisk::new(seed);
        let file = filled(&disk, "a");
        file.sync(POINT).unwrap();
        disk.sync_dir(&DiskPath::root(), NAME).unwrap();
        file.write_at(500, &[9; 1000]).unwrap();
        let content = disk.after(Loss::RandomPart).content("a").unwrap();
        let sectors = [content[510], content[900], content[1400]];
        assert!(content[500..512].iter().all(|octet| *octet == sectors[0]));
        assert!(content[512..1024].iter().all(|octet| *octet == sectors[1]));
        assert!(content[1024..1500].iter().all(|octet| *octet == sectors[2]));
        assert!(content[..500].iter().chain(&content[1500..]).all(|octet| *octet == 7));
        seen.insert(sectors);
    }
    assert_eq!(seen.len(), 8, "each of three sectors old or new");
}

#[test]
fn a_failed_sync_drops_while_the_cache_still_shows() {
    let disk = FaultyDisk::new(1);
    let file = filled(&disk, "a");
    disk.sync_dir(&DiskPath::root(), NAME).unwrap();
    disk.set_fault(Fault::Error { at: 1, effect: Effect::Failed });
    file.sync(POINT).unwrap_err();
    file.sync(POINT).unwrap();
    assert_eq!(disk.content("a").unwrap(), [7; 2000]);
    assert_eq!(disk.after(Loss::Unsynced).content("a").unwrap().iter().filter(|octet| **octet == 7).count(), 0);
}

#[test]
fn a_lying_sync_is_no_sync() {
    let disk = FaultyDisk::new(1).without(NAME.name());
    filled(&disk, "a").sync(POINT).unwrap();
    disk.sync_dir(&DiskPath::root(), NAME).unwrap();
    assert!(disk.after(Loss::Unsynced).files().is_empty());
}

#[test]
fn after_the_crash_nothing_answers() {
    let disk = FaultyDisk::new(1);
    disk.set_fault(Fault::Crash { at: 2 });
    let file = disk.create(&path("a")).unwrap();
    file.write_at(0, b"x").unwrap_err();
    assert!(disk.is_down() && file.length().is_err() && disk.list(&DiskPath::root()).is_err());
}

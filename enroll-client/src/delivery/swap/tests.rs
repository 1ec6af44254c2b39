//! After any prefix of the steps there is one whole set, and after the next start there is nothing else.

use std::cell::Cell;
use std::path::Path;

use super::*;
use crate::delivery::testing::{Fixture, fixture};
use crate::delivery::{Current, HostGround, Layout, Permissions};

/// What becomes of the step at which things go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is not done.
    Fails,
    /// It is done, and says that it was not.
    FailsDone,
}

/// A directory in which one step goes wrong, or it and all after it: then nothing is done any more, as after kill -9.
struct Unlucky {
    ground: HostGround,
    at: usize,
    fate: Fate,
    is_killed: bool,
    steps: Cell<usize>,
}

impl Unlucky {
    fn new(directory: &Path, at: usize, fate: Fate, is_killed: bool) -> Self {
        Self { ground: ground(directory), at, fate, is_killed, steps: Cell::new(0) }
    }

    fn step<T>(&self, step: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let now = self.steps.replace(self.steps.get() + 1);
        if now < self.at || (now > self.at && !self.is_killed) {
            return step();
        }
        if now == self.at && self.fate == Fate::FailsDone {
            step()?;
        }
        Err(io::Error::from(io::ErrorKind::StorageFull))
    }

    fn has_met_it(&self) -> bool {
        self.steps.get() > self.at
    }
}

impl Ground for Unlucky {
    fn names(&self) -> io::Result<Vec<String>> {
        self.step(|| self.ground.names())
    }
    fn link(&self, name: &str) -> io::Result<Option<String>> {
        self.step(|| self.ground.link(name))
    }
    fn make_link(&self, target: &str, name: &str) -> io::Result<()> {
        self.step(|| self.ground.make_link(target, name))
    }
    fn make_set(&self, set: &str) -> io::Result<()> {
        self.step(|| self.ground.make_set(set))
    }
    fn write(&self, set: &str, name: &str, octets: &[u8]) -> io::Result<()> {
        self.step(|| self.ground.write(set, name, octets))
    }
    fn settle(&self, set: &str, name: &str, permissions: Permissions, mode: u32) -> io::Result<()> {
        self.step(|| self.ground.settle(set, name, permissions, mode))
    }
    fn open_up(&self, set: &str) -> io::Result<()> {
        self.step(|| self.ground.open_up(set))
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.step(|| self.ground.rename(from, to))
    }
    fn remove_link(&self, name: &str) -> io::Result<()> {
        self.step(|| self.ground.remove_link(name))
    }
    fn read(&self, set: &str, name: &str) -> io::Result<Vec<u8>> {
        self.step(|| self.ground.read(set, name))
    }
    fn names_of(&self, set: &str) -> io::Result<Vec<String>> {
        self.step(|| self.ground.names_of(set))
    }
    fn erase(&self, set: &str, name: &str) -> io::Result<()> {
        self.step(|| self.ground.erase(set, name))
    }
    fn remove_set(&self, set: &str) -> io::Result<()> {
        self.step(|| self.ground.remove_set(set))
    }
}

fn ground(directory: &Path) -> HostGround {
    HostGround::new(std::fs::File::open(directory).unwrap().into())
}

/// The serial that is seen through the names, if any; the set must be whole.
fn seen(fixture: &Fixture, directory: &Path) -> Option<identity::Serial> {
    let found = Current::read(&ground(directory), &Layout::Nginx.names(), fixture.now).unwrap();
    // The way that programs go leads to the same.
    let by_name = Layout::Nginx.names().all().map(|name| std::fs::read(directory.join(name)).ok());
    assert!(by_name.iter().all(Option::is_some) == found.is_some());
    assert!(by_name.iter().all(Option::is_none) == found.is_none());
    found.map(|found| found.serial)
}

fn sets(directory: &Path) -> usize {
    std::fs::read_dir(directory).unwrap().filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_dir()).count()
}

/// One thing goes wrong at each step in turn, in a directory that holds `before` sets already.
#[track_caller]
fn check(before: usize, fate: Fate, is_killed: bool) -> usize {
    let fixture = fixture();
    for at in 0.. {
        let directory = tempfile::tempdir().unwrap();
        let mut old = None;
        for _ in 0..before {
            let set = fixture.set(Layout::Nginx);
            swap(&ground(directory.path()), &set).unwrap();
            old = Some(set.serial());
        }
        let new = fixture.set(Layout::Nginx);
        let unlucky = Unlucky::new(directory.path(), at, fate, is_killed);
        // What the courier does at each delivery, and what it does when the grace is over.
        let outcome = swap(&unlucky, &new).and_then(|_| clean(&unlucky, &[]));
        let stands = seen(&fixture, directory.path());
        assert!(stands == old || stands == Some(new.serial()), "step {at}: {stands:?}");
        if outcome.is_ok() {
            assert_eq!(stands, Some(new.serial()), "step {at}");
        }
        // The next start.
        clean(&ground(directory.path()), &[]).unwrap();
        assert_eq!(seen(&fixture, directory.path()), stands, "step {at}");
        assert_eq!(sets(directory.path()), usize::from(stands.is_some()), "step {at}");
        assert!(!directory.path().join(NEW).is_symlink(), "step {at}");
        // And the next delivery.
        let next = fixture.set(Layout::Nginx);
        swap(&ground(directory.path()), &next).unwrap();
        assert_eq!(seen(&fixture, directory.path()), Some(next.serial()), "step {at}");
        if !unlucky.has_met_it() {
            assert_eq!(stands, Some(new.serial()));
            return at;
        }
    }
    unreachable!()
}

#[test]
fn one_whole_set_after_any_prefix_of_the_steps() {
    for before in 0..=2 {
        for fate in [Fate::Fails, Fate::FailsDone] {
            for is_killed in [false, true] {
                let steps = check(before, fate, is_killed);
                assert!(steps >= 17, "{steps}");
            }
        }
    }
}

#[test]
fn taken_away_all_at_once_or_not_yet() {
    let fixture = fixture();
    for fate in [Fate::Fails, Fate::FailsDone] {
        for at in 0..20 {
            let directory = tempfile::tempdir().unwrap();
            swap(&ground(directory.path()), &fixture.set(Layout::Nginx)).unwrap();
            let unlucky = Unlucky::new(directory.path(), at, fate, true);
            let outcome = withdraw(&unlucky);
            // Either whole or nothing: `seen` looks at that.
            let stands = seen(&fixture, directory.path());
            assert!(outcome.is_err() || stands.is_none());
            withdraw(&ground(directory.path())).unwrap();
            assert_eq!((seen(&fixture, directory.path()), sets(directory.path())), (None, 0));
        }
    }
}

#[test]
fn the_set_before_stays_until_it_is_cleaned_away() {
    let fixture = fixture();
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (fixture.set(Layout::Separate), fixture.set(Layout::Separate));
    assert_eq!(swap(&ground(directory.path()), &first).unwrap(), None);
    let open = std::fs::File::open(directory.path().join("key.pem")).unwrap();
    let before = swap(&ground(directory.path()), &second).unwrap();
    assert_eq!(before.as_deref(), Some(first.label()));
    assert_eq!(swap(&ground(directory.path()), &second).unwrap(), None, "it stands already");
    clean(&ground(directory.path()), &[first.label().to_owned()]).unwrap();
    assert_eq!(sets(directory.path()), 2);
    assert!(io::read_to_string(&open).unwrap().contains("PRIVATE KEY"));
    clean(&ground(directory.path()), &[]).unwrap();
    assert_eq!(sets(directory.path()), 1);
    // Who still holds it open reads zeros.
    let mut octets = [1; 64];
    std::os::unix::fs::FileExt::read_at(&open, &mut octets, 0).unwrap();
    assert_eq!(octets, [0; 64]);
}

#[test]
fn modes_whatever_the_umask() {
    use std::os::unix::fs::MetadataExt as _;
    let fixture = fixture();
    let directory = tempfile::tempdir().unwrap();
    let us = std::fs::metadata(directory.path()).unwrap();
    let permissions = Permissions { owner: Some(us.uid()), group: Some(us.gid()), key_mode: 0o440 };
    swap(&ground(directory.path()), &fixture.set_with(Layout::Postgresql, permissions)).unwrap();
    let mode = |name: &str| std::fs::metadata(directory.path().join(name)).unwrap().mode() & 0o7777;
    assert_eq!(["server.key", "server.crt", "root.crt", CURRENT].map(mode), [0o440, 0o644, 0o644, 0o755]);
    // A key without write for its owner goes all the same.
    withdraw(&ground(directory.path())).unwrap();
    assert_eq!(sets(directory.path()), 0);
}

/// What somebody else put there is never overwritten and never followed.
#[track_caller]
fn check_in_the_way(put: impl FnOnce(&Path), expected: &str) {
    let fixture = fixture();
    let directory = tempfile::tempdir().unwrap();
    put(directory.path());
    let before = sets(directory.path());
    let refused = swap(&ground(directory.path()), &fixture.set(Layout::Nginx)).unwrap_err();
    let told = crate::report::chain(&refused);
    assert!(told.contains(expected), "{told}");
    assert_eq!(sets(directory.path()), before, "nothing is left of the set that was refused");
}

#[test]
fn in_the_way() {
    check_in_the_way(|at| std::fs::write(at.join("tls.key"), "mine").unwrap(), "tls.key is there already");
    check_in_the_way(|at| std::fs::create_dir(at.join("tls.crt")).unwrap(), "tls.crt is there already");
    let link = |at: &Path, target: &str, name: &str| std::os::unix::fs::symlink(target, at.join(name)).unwrap();
    check_in_the_way(|at| link(at, "/etc/passwd", "ca.crt"), "does not lead to ..current/ca.crt");
    check_in_the_way(|at| link(at, "..current/tls.crt", "tls.key"), "tls.key is there already");
    check_in_the_way(|at| link(at, "/tmp", CURRENT), "..current is there already");
    check_in_the_way(|at| std::fs::create_dir(at.join(CURRENT)).unwrap(), "..current is there already");
    check_in_the_way(|at| std::fs::write(at.join(CURRENT), "").unwrap(), "..current is there already");
}

/// A link where the set's own directory would be is not followed, and nothing behind it is touched.
#[test]
fn a_link_in_place_of_a_set_is_not_followed() {
    let fixture = fixture();
    let (directory, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(elsewhere.path().join("kept"), "mine").unwrap();
    let set = fixture.set(Layout::Nginx);
    std::os::unix::fs::symlink(elsewhere.path(), directory.path().join(set.label())).unwrap();
    assert!(swap(&ground(directory.path()), &set).is_err());
    assert!(clean(&ground(directory.path()), &[]).is_err());
    assert_eq!(std::fs::read_to_string(elsewhere.path().join("kept")).unwrap(), "mine");
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 1);
}

//! Which directories are taken.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::Duration;

use super::*;
use crate::delivery::testing::{PRIVATE, web};
use crate::delivery::{Agent, Layout, WhenEnded};

/// In memory, and on every Linux.
const MEMORY: &str = "/dev/shm";

fn memory() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("brevet-place-").tempdir_in(MEMORY).unwrap()
}

fn order(directory: impl Into<PathBuf>) -> Order {
    Order {
        agent: Agent::Name(web()),
        directory: directory.into(),
        names: Layout::Separate.names(),
        permissions: PRIVATE,
        allow_disk: false,
        others_may_write: false,
        when_ended: WhenEnded::Remove,
        grace: Duration::ZERO,
        reload: None,
    }
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[track_caller]
fn check_refused(order: &Order, expected: &str) {
    let text = crate::report::chain(&Place::open(order).unwrap_err());
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_directory_in_memory_is_taken_and_made() {
    let memory = memory();
    assert!(Place::open(&order(memory.path())).is_ok());
    let new = memory.path().join("new");
    assert!(Place::open(&order(&new)).is_ok());
    assert_eq!(std::fs::metadata(&new).unwrap().permissions().mode() & 0o7777, 0o755);
    check_refused(&order(memory.path().join("a/b")), "could not open");
}

#[test]
fn a_disk_is_refused_unless_it_is_allowed() {
    // The build's own directory: on a disk wherever people build.
    let disk = tempfile::tempdir_in(std::env::current_dir().unwrap()).unwrap();
    let is_disk = !is_in_memory(std::fs::File::open(disk.path()).unwrap()).unwrap();
    let order = Order { others_may_write: true, ..order(disk.path()) };
    if is_disk {
        check_refused(&order, "is on a disk, where a key would rest: give a directory on tmpfs, or set allow_disk");
    }
    assert!(Place::open(&Order { allow_disk: true, ..order.clone() }).is_ok());
    check_refused(&Order { directory: "/proc/self".into(), ..order }, "/proc/self is not a directory");
}

#[test]
fn paths_that_are_none() {
    for path in ["/", "relative", "", "/dev/shm/../shm/x", "/.."] {
        check_refused(&order(path), "is no absolute path without");
    }
}

#[test]
fn links_and_files_on_the_way_are_refused() {
    let memory = memory();
    let real = memory.path().join("real");
    std::fs::create_dir_all(real.join("in")).unwrap();
    symlink(&real, memory.path().join("link")).unwrap();
    symlink("/nonexistent", memory.path().join("dangling")).unwrap();
    std::fs::write(memory.path().join("file"), "").unwrap();
    assert!(Place::open(&order(real.join("in"))).is_ok());
    for name in ["link", "link/in", "dangling", "file", "file/in"] {
        check_refused(&order(memory.path().join(name)), "is not a directory itself");
    }
}

#[test]
fn what_others_may_write_to_is_refused() {
    let memory = memory();
    let (shared, inner) = (memory.path().join("shared"), memory.path().join("shared/inner"));
    std::fs::create_dir_all(&inner).unwrap();
    for (bits, of_itself, above) in [
        (0o755, true, true),
        (0o775, false, false),
        (0o757, false, false),
        (0o777, false, false),
        // /tmp and /dev/shm: names in it are nobody else's to rename, but anybody may add one.
        (0o1777, false, true),
    ] {
        mode(&shared, bits);
        assert_eq!(Place::open(&order(&shared)).is_ok(), of_itself, "{bits:o}");
        assert_eq!(Place::open(&order(&inner)).is_ok(), above, "{bits:o}");
        let trusting = Order { others_may_write: true, ..order(&inner) };
        assert!(Place::open(&trusting).is_ok());
    }
    mode(&shared, 0o775);
    check_refused(&order(&inner), "has mode 0775: others than its owner may write there");
}

#[test]
fn a_strangers_directory_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let memory = memory();
    let theirs = memory.path().join("theirs");
    std::fs::create_dir_all(theirs.join("in")).unwrap();
    std::os::unix::fs::chown(&theirs, Some(12345), None).unwrap();
    for path in [theirs.clone(), theirs.join("in")] {
        check_refused(&order(path), "theirs belongs to user 12345, not to us (0) or root");
    }
    check_refused(&Order { others_may_write: true, ..order(theirs) }, "belongs to user 12345");
}

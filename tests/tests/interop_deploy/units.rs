//! The systemd units, with the programs that were built.

use std::path::Path;
use std::process::Command;

use crate::{succeed, text, top};

/// A copy of the units in which the programs are those that were built.
fn copied() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(top().join("deploy/systemd")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let unit = std::fs::read_to_string(&path).unwrap();
            let unit = unit.replace("/usr/bin/ca-server", env!("CARGO_BIN_EXE_ca-server"));
            let unit = unit.replace("/usr/bin/enroll-client", env!("CARGO_BIN_EXE_enroll-client"));
            std::fs::write(directory.path().join(path.file_name().unwrap()), unit).unwrap();
        }
    }
    directory
}

/// The unit with its drop-in laid over it, as `systemctl cat` would show the sum: a later value takes the place of an earlier one.
fn with_drop_in(unit: &Path, drop_in: &Path) -> String {
    let (mut unit, drop_in) = (std::fs::read_to_string(unit).unwrap(), std::fs::read_to_string(drop_in).unwrap());
    for line in drop_in.lines().filter(|line| !line.starts_with('#')) {
        if let Some((key, _)) = line.split_once('=') {
            let old = unit.lines().find(|old| old.split_once('=').is_some_and(|(of, _)| of == key)).unwrap().to_owned();
            unit = unit.replace(&old, line);
        }
    }
    unit
}

/// What `systemd-analyze security` says of a unit: 0.0 is closed, 10.0 open.
fn exposure(unit: &Path) -> f32 {
    let said = succeed(Command::new("systemd-analyze").args(["security", "--offline=true", "--no-pager"]).arg(unit));
    let said = text(&said.stdout);
    let line = said.lines().find(|line| line.contains("Overall exposure level")).unwrap_or_else(|| panic!("{said}"));
    let (_, level) = line.split_once(": ").unwrap();
    level.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn systemd_takes_the_units() {
    let units = copied();
    for entry in std::fs::read_dir(units.path()).unwrap() {
        let path = entry.unwrap().path();
        let output = succeed(Command::new("systemd-analyze").arg("verify").arg(&path));
        assert_eq!(text(&output.stderr), "", "{}", path.display());
    }
}

#[test]
fn systemd_would_find_something() {
    let units = copied();
    let path = units.path().join("ca-server.service");
    let broken = std::fs::read_to_string(&path).unwrap().replace("NoNewPrivileges=", "NoNewPrivilege=");
    std::fs::write(&path, broken).unwrap();
    let output = Command::new("systemd-analyze").arg("verify").arg(&path).output().unwrap();
    assert!(text(&output.stderr).contains("NoNewPrivilege"), "{output:?}");
}

#[test]
fn the_units_are_closed_and_the_drop_in_says_what_it_opens() {
    let units = copied();
    for unit in ["ca-server.service", "enroll-client.service", "enroll-client-renew.service"] {
        let level = exposure(&units.path().join(unit));
        assert!(level <= 1.5, "{unit}: {level}");
    }
    let drop_in = top().join("deploy/systemd/enroll-client.service.d/executables.conf");
    let merged = units.path().join("enroll-client.service");
    std::fs::write(&merged, with_drop_in(&merged, &drop_in)).unwrap();
    let level = exposure(&merged);
    let said = std::fs::read_to_string(drop_in).unwrap();
    assert!(said.contains(&format!("rates the unit {level:.1}")), "it is {level}");
}

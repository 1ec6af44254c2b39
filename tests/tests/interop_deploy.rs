//! What `deploy/` gives people: units as systemd reads them, container files as hadolint does, the chart as Helm renders it and
//! Kubernetes' own types take it, and the configurations in it as our programs do. Needs systemd-analyze, Python 3 with venv, and
//! once the package registry.
//!
//! `cargo test --workspace --test interop_deploy`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub
)]

mod interop_deploy {
    pub(crate) mod chart;
    pub(crate) mod containers;
    pub(crate) mod units;
}

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

/// The root of the tree.
fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The programs of an environment that has these packages, given as `name==version`; installed below the target directory on
/// first use.
fn programs(name: &str, packages: &[&str]) -> PathBuf {
    // Tests run side by side, and each installation is made once.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _held = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let (ready, wanted) = (venv.join("ready"), packages.join(" "));
    if std::fs::read_to_string(&ready).is_ok_and(|found| found == wanted) {
        return venv.join("bin");
    }
    succeed(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv));
    let pip = ["install", "--quiet", "--disable-pip-version-check"];
    succeed(Command::new(venv.join("bin/pip")).args(pip).args(packages));
    std::fs::write(ready, wanted).unwrap();
    venv.join("bin")
}

#[track_caller]
fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
    output
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

//! py-spiffe, unmodified. gRPC's C core is below it, so this is also the test of the filter for its `:authority`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{CALLER, PEER, ROTATIONS, Stage, WITHIN, report, script};

#[test]
fn py_spiffe_lives_through_three_rotations() {
    let python = python();
    let stage = Stage::new(&python);
    let mut command = Command::new(python);
    command.arg("-B").arg(script("py_spiffe.py")).arg(stage.roller.socket());
    command.args([&stage.address, PEER, &ROTATIONS.to_string(), &WITHIN.as_secs().to_string()]);
    let report = report(&mut command, &stage);
    assert_eq!(report["id"], CALLER);
    assert_eq!(report["serials"].as_array().unwrap().len(), ROTATIONS + 1);
    assert!(report["calls"].as_u64().unwrap() > 50, "continuous calls: {report}");
}

/// A Python that has the package; installed once.
fn python() -> PathBuf {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join(PACKAGES.join("-").replace("==", "-"));
    let ready = venv.join("ready");
    if !ready.exists() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv));
        let pip = ["install", "--quiet", "--disable-pip-version-check"];
        run(Command::new(venv.join("bin/pip")).args(pip).args(PACKAGES));
        std::fs::write(ready, PACKAGES.join(" ")).unwrap();
    }
    venv.join("bin/python")
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// The newest of both on 2026-11-22.
const PACKAGES: [&str; 2] = ["spiffe==0.3.2", "grpcio==1.85.1"];

//! Python packages that tests need, installed below the target directory on first use.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The Python of an environment that has this package, given as `name==version`.
pub fn python(package: &str) -> PathBuf {
    programs(package).join("python3")
}

/// The programs of an environment that has this package.
pub fn programs(package: &str) -> PathBuf {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join(package.replace("==", "-"));
    let ready = venv.join("ready");
    if !ready.exists() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv));
        run(Command::new(venv.join("bin/pip")).args(["install", "--quiet", "--disable-pip-version-check", package]));
        std::fs::write(ready, package).unwrap();
    }
    venv.join("bin")
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

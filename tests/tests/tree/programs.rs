//! Tests that need a program are off in `cargo test` and named in `tests/run`; the programs stand for themselves.

use toml::Value;

use crate::source::{MEMBERS, manifest, none, read, root};

#[test]
fn tests_that_need_a_program_are_named() {
    let text = read("tests/run");
    let (_, list) = text.split_once("interop_tests=(").unwrap();
    let (list, _) = list.split_once("\n)").unwrap();
    let named: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let mut off = Vec::new();
    for member in MEMBERS {
        let manifest = manifest(member);
        for test in manifest.get("test").and_then(Value::as_array).into_iter().flatten() {
            let name = test["name"].as_str().unwrap().to_owned();
            assert!(
                ["rs", "/main.rs"].iter().any(|_| root()
                    .join(member)
                    .join("tests")
                    .join(format!("{name}.rs"))
                    .exists()
                    || root().join(member).join("tests").join(&name).join("main.rs").exists()),
                "{member}: {name}"
            );
            if test.get("test").and_then(Value::as_bool) == Some(false) {
                off.push(name);
            }
        }
    }
    let mut complaints = Vec::new();
    complaints.extend(
        off.iter().filter(|name| !named.contains(&name.as_str())).map(|name| format!("tests/run forgets {name}")),
    );
    complaints.extend(
        named
            .iter()
            .filter(|name| !off.iter().any(|off| off == *name))
            .map(|name| format!("tests/run names {name}, which is no such test")),
    );
    none("issue 2, item 15: tests that need a program are `test = false` and named in tests/run", &complaints);
}

#[test]
fn continuous_integration_runs_the_same() {
    let lines: Vec<String> = read(".ci/run").lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].contains("/tests/run"), "{lines:?}");
}

#[test]
fn programs_are_one_line_over_their_library() {
    for (path, library) in [
        ("ca-server/src/main.rs", "ca_server"),
        ("enroll-client/src/main.rs", "enroll_client"),
        ("tests/src/bin/ca-server.rs", "ca_server"),
        ("tests/src/bin/enroll-client.rs", "enroll_client"),
    ] {
        let text = read(path);
        let code: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with("//")).collect();
        assert_eq!(code, ["fn main() -> std::process::ExitCode {", &format!("    {library}::main()"), "}"], "{path}");
    }
}

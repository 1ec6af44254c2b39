//! Which crate may depend on which, and on what of others. The table is that of the design and of ARCHITECTURE.md.

use std::collections::BTreeMap;
use std::process::Command;

use toml::{Table, Value};

use crate::source::{MEMBERS, dependencies, manifest, none, read, root};

/// What each may depend on, of ours.
const MAY: [(&str, &[&str]); 8] = [
    ("identity", &[]),
    ("protocol", &["identity"]),
    ("ledger", &["identity"]),
    ("policies", &["identity"]),
    ("pki-test-fixtures", &["identity"]),
    ("ca-server", &["identity", "protocol", "ledger", "policies"]),
    ("enroll-client", &["identity", "protocol", "ledger"]),
    ("tests", &["identity", "protocol", "ledger", "policies", "ca-server", "enroll-client"]),
];

fn ours(manifest: &Table, kinds: &[&str]) -> Vec<String> {
    let names = dependencies(manifest, kinds).into_iter().map(|(name, _)| name);
    names.filter(|name| MEMBERS.contains(&name.trim_start_matches("brevet-"))).collect()
}

#[test]
fn the_members_are_those_of_the_table() {
    let workspace: Table = read("Cargo.toml").parse().unwrap();
    let members = workspace["workspace"]["members"].as_array().unwrap();
    let members: Vec<_> = members.iter().map(|member| member.as_str().unwrap()).collect();
    assert_eq!(members, MEMBERS);
    for (member, _) in MAY {
        assert!(MEMBERS.contains(&member), "{member}");
    }
}

#[test]
fn crates_depend_on_what_they_may() {
    let mut complaints = Vec::new();
    for (member, may) in MAY {
        for name in ours(&manifest(member), &["dependencies", "build-dependencies"]) {
            if !may.contains(&name.as_str()) {
                complaints.push(format!("{member} depends on {name}"));
            }
        }
    }
    none("design, section 2: the table of crate edges", &complaints);
}

#[test]
fn architecture_has_the_same_table() {
    let text = read("ARCHITECTURE.md");
    let (_, table) = text.split_once("| crate | may depend on, of ours |\n|---|---|\n").unwrap();
    let mut told = BTreeMap::new();
    for line in table.lines().take_while(|line| line.starts_with('|')) {
        let cells: Vec<Vec<&str>> =
            line.trim_matches('|').split('|').map(|cell| cell.trim().split(", ").collect()).collect();
        for member in &cells[0] {
            let may = match cells[1][..] {
                ["nothing"] => Vec::new(),
                ["all"] => MEMBERS.into_iter().filter(|name| !["tests", "pki-test-fixtures"].contains(name)).collect(),
                ref named => named.to_vec(),
            };
            told.insert(*member, may);
        }
    }
    let here: BTreeMap<&str, Vec<&str>> = MAY.into_iter().map(|(member, may)| (member, may.to_vec())).collect();
    assert_eq!(told, here);
}

#[test]
fn for_their_tests_they_may_have_the_fixtures_too() {
    let mut complaints = Vec::new();
    for (member, may) in MAY {
        for name in ours(&manifest(member), &["dev-dependencies"]) {
            // The fixtures must not share the mistakes of what they test.
            let fixtures = name == "pki-test-fixtures" && member != "pki-test-fixtures";
            if !fixtures && !may.contains(&name.as_str()) {
                complaints.push(format!("{member} depends on {name} in its tests"));
            }
        }
    }
    none("design, section 2: pki-test-fixtures is for tests, and for tests only", &complaints);
}

#[test]
fn dependencies_stand_in_the_workspace() {
    let mut complaints = Vec::new();
    for member in MEMBERS {
        for (name, value) in
            dependencies(&manifest(member), &["dependencies", "build-dependencies", "dev-dependencies"])
        {
            if value.get("workspace").and_then(Value::as_bool) != Some(true) {
                complaints.push(format!("{member}: {name} has a version or a path of its own"));
            }
        }
    }
    none("versions and paths are said once, in the workspace's Cargo.toml", &complaints);
}

#[test]
fn no_second_cryptography() {
    let lock: Table = read("Cargo.lock").parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let mut complaints = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        if ["openssl", "openssl-sys", "openssl-src", "native-tls"].contains(&name) {
            complaints.push(format!("{name} is in Cargo.lock"));
        }
        // Cargo locks what a weak feature (`ring?/alloc`) names, also where nobody switches it on.
        let needs = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
        if name != "rustls-webpki" && needs.filter_map(Value::as_str).any(|needed| needed == "ring") {
            complaints.push(format!("{name} needs ring"));
        }
    }
    none("issue 2, item 1: no ring, no OpenSSL", &complaints);
}

#[test]
fn nothing_that_is_built_contains_ring() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--locked", "--offline", "--edges", "all", "--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("rustls v"), "{said}");
    // openssl-probe is no OpenSSL: it looks for the system's certificates.
    let wrong = ["ring v", "openssl v", "openssl-sys v", "native-tls v"];
    let built: Vec<_> = said.lines().filter(|line| wrong.iter().any(|name| line.starts_with(name))).collect();
    assert!(built.is_empty(), "{built:?}");
}

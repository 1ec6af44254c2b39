//! What a file, a crate and the workspace look like. Knows style.md's LOOK rules.

use toml::Value;

use crate::source::{MEMBERS, manifest, none, read, root, sources};

/// Written by programs; a rule about how people write does not apply.
const GENERATED: [&str; 1] = ["enroll-client/src/workload_api/generated.rs"];

/// Lines of a file. Past this it holds two nouns.
const MAX_LINES: usize = 400;

#[test]
fn every_file_says_first_what_it_knows() {
    let missing = sources().into_iter().filter(|source| {
        let first = source.text.lines().next().unwrap_or_default();
        !first.starts_with("//! ") && !GENERATED.contains(&source.path.as_str())
    });
    none("LOOK 4: the first line is `//! ...`", &missing.map(|source| source.path).collect::<Vec<_>>());
}

#[test]
fn no_file_holds_two_nouns() {
    let long = sources().into_iter().filter_map(|source| {
        let lines = source.text.lines().count();
        let told = !GENERATED.contains(&source.path.as_str());
        (lines > MAX_LINES && told).then(|| format!("{}: {lines} lines", source.path))
    });
    none("LOOK 3: at most 400 lines", &long.collect::<Vec<_>>());
}

#[test]
fn modules_are_named_by_their_file() {
    let named = sources().into_iter().filter(|source| source.path.ends_with("/mod.rs"));
    none("LOOK 5: foo.rs and foo/, no mod.rs", &named.map(|source| source.path).collect::<Vec<_>>());
}

#[test]
fn every_member_is_explained() {
    let mut complaints = Vec::new();
    let text = read("Cargo.toml");
    for member in MEMBERS {
        let line = text.lines().find(|line| line.trim_start().starts_with(&format!("\"{member}\","))).unwrap();
        if line.split_once('#').is_none_or(|(_, words)| words.split_whitespace().count() < 3) {
            complaints.push(format!("{member}: {line}"));
        }
    }
    none("LOOK 1: each member line says in a few words what the crate is", &complaints);
}

#[test]
fn lints_are_on_everywhere() {
    let mut complaints = Vec::new();
    for member in MEMBERS {
        let manifest = manifest(member);
        let on = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(Value::as_bool);
        if on != Some(true) {
            complaints.push(format!("{member}: [lints] workspace = true"));
        }
        if root().join(member).join("clippy.toml").exists() {
            complaints.push(format!("{member}: its own clippy.toml replaces that of the root"));
        }
    }
    none("the lints of the workspace hold in every crate", &complaints);
}

#[test]
fn nobody_switches_off_unsafe_for_a_crate() {
    // `allow(unsafe_code)` with a reason, at an item; never for a whole crate.
    let mut complaints = Vec::new();
    for source in sources() {
        if source.path.contains("/src/") && source.code().contains("#![allow(unsafe_code") {
            complaints.push(source.path);
        }
    }
    none("unsafe code is allowed at one item, with its reason", &complaints);
}

#[test]
fn nothing_is_left_for_later() {
    let words = ["TO", "FIX"].map(|word| format!("{word}{}", if word == "TO" { "DO" } else { "ME" }));
    let mut complaints = Vec::new();
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            let macros = ["todo!(", "unimplemented!(", "#[ignore"];
            if words.iter().map(String::as_str).chain(macros).any(|word| line.contains(word)) && !line.contains('"') {
                complaints.push(format!("{}:{}: {}", source.path, number + 1, line.trim()));
            }
        }
    }
    none("nothing is left for later, and no test is switched off", &complaints);
}

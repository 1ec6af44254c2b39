//! The tree as text: members, manifests, source files. Knows where things lie; knows no rule.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// The crates of the workspace, as their folders are called.
pub const MEMBERS: [&str; 8] =
    ["identity", "protocol", "ledger", "policies", "ca-server", "enroll-client", "pki-test-fixtures", "tests"];

/// A source file.
pub struct Source {
    /// Its path below the root of the workspace.
    pub path: String,
    /// All of it.
    pub text: String,
}

impl Source {
    /// What is compiled into a program: without comments, and without the tests at the bottom.
    pub fn code(&self) -> String {
        let lines: Vec<&str> = self.text.lines().collect();
        let tests = lines.windows(2).position(|pair| {
            pair[0] == "#[cfg(test)]"
                && pair[1..].iter().any(|next| next.ends_with('{') || next.starts_with("#[expect"))
        });
        lines[..tests.unwrap_or(lines.len())]
            .iter()
            .filter(|line| !line.trim_start().starts_with("//"))
            .map(|line| format!("{line}\n"))
            .collect()
    }

    /// Whether it is compiled for tests only.
    pub fn is_test(&self) -> bool {
        self.path.contains("/tests/")
            || self.path.contains("/benches/")
            || self.path.contains("/testing/")
            || self.path.ends_with("/tests.rs")
            || self.path.ends_with("/testing.rs")
    }
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[track_caller]
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn manifest(member: &str) -> Table {
    read(&format!("{member}/Cargo.toml")).parse().unwrap()
}

/// The names in every dependency table of these kinds, those for single platforms among them.
pub fn dependencies(manifest: &Table, kinds: &[&str]) -> Vec<(String, Value)> {
    let platforms = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let tables = std::iter::once(manifest).chain(platforms.filter_map(Value::as_table));
    tables
        .flat_map(|table| kinds.iter().filter_map(|kind| table.get(*kind)?.as_table()))
        .flat_map(|table| table.iter().map(|(name, value)| (name.clone(), value.clone())))
        .collect()
}

/// Every Rust file of the workspace, in order of their paths.
pub fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for member in MEMBERS {
        walk(&root().join(member), "rs", &mut found);
    }
    found
}

/// Files below `directory` with this ending.
pub fn walk(directory: &Path, ending: &str, found: &mut Vec<Source>) {
    let mut entries: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, ending, found);
        } else if path.extension().is_some_and(|extension| extension == ending) {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push(Source { path: path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned(), text });
        }
    }
}

/// Fails with every complaint at once.
#[track_caller]
pub fn none(rule: &str, complaints: &[String]) {
    assert!(complaints.is_empty(), "{rule}\n  {}", complaints.join("\n  "));
}

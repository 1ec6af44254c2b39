//! Every place where bytes must be durable has its own name: crash tests take them out one by one, and ARCHITECTURE.md lists
//! them in order.

use std::collections::BTreeMap;

use crate::source::{none, read, sources};

/// Name of each point, with the file it is in.
fn points() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for source in sources().into_iter().filter(|source| source.path.contains("/src/") && !source.is_test()) {
        let code = source.code();
        for rest in code.split("SyncPoint::new(").skip(1) {
            let name = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
            let (name, _) = name.unwrap_or_else(|| panic!("{}: the name of a SyncPoint is a literal", source.path));
            found.push((name.to_owned(), source.path.clone()));
        }
    }
    found
}

#[test]
fn every_sync_point_has_a_name_of_its_own() {
    let mut seen = BTreeMap::new();
    let mut complaints = Vec::new();
    for (name, path) in points() {
        if let Some(before) = seen.insert(name.clone(), path.clone()) {
            complaints.push(format!("\"{name}\": {before} and {path}"));
        }
    }
    assert!(seen.len() > 10, "{seen:?}");
    none("a crash test takes one sync out by its name", &complaints);
}

#[test]
fn architecture_lists_every_durable_write() {
    let text = read("ARCHITECTURE.md");
    let missing = points().into_iter().filter(|(name, _)| !text.contains(&format!("`{name}`")));
    let missing: Vec<_> = missing.map(|(name, path)| format!("\"{name}\" of {path}")).collect();
    none("DOCS 24: ARCHITECTURE.md, \"Order of durable writes\"", &missing);
}

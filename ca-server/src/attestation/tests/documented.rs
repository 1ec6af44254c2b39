//! `docs/attestation.md` lists every rule by which evidence is refused, and no other.

use std::collections::BTreeSet;

const DOCUMENT: &str = include_str!("../../../../docs/attestation.md");
const SOURCES: [&str; 7] = [
    include_str!("../../attestation.rs"),
    include_str!("../aws_iid/refusal.rs"),
    include_str!("../join_token/refusal.rs"),
    include_str!("../kubernetes/refusal.rs"),
    include_str!("../kubernetes/review/flaw.rs"),
    include_str!("../kubernetes/source/flaw.rs"),
    include_str!("../nonce.rs"),
];

/// The texts in the body of `fn rule`.
fn rules(source: &'static str) -> impl Iterator<Item = &'static str> {
    let body = source.split("fn rule(&self)").nth(1).unwrap().split("fn fix(&self)").next().unwrap();
    body.lines().filter_map(|line| line.split("=> \"").nth(1)?.split('"').next())
}

#[test]
fn every_rule_is_documented_and_exists() {
    let exist: BTreeSet<&str> = SOURCES.into_iter().flat_map(rules).collect();
    let rows = DOCUMENT.split("| rule |").nth(1).unwrap().lines().skip(2);
    let documented: BTreeSet<&str> = rows.filter_map(|row| row.strip_prefix("| `")?.split('`').next()).collect();
    assert!(exist.len() > 50, "{exist:?}");
    assert_eq!(exist, documented);
}

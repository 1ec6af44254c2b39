//! The example of the README is a bundle that holds. Knows its code blocks; tests only.

use std::collections::BTreeMap;

use crate::bundle::Bundle;
use crate::cases;

const README: &str = include_str!("../README.md");

fn block(kind: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("```{kind}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn the_example_holds() {
    let texts = BTreeMap::from([("build.cedar".to_owned(), block("cedar").to_owned())]);
    let set = Bundle::new(block("toml profiles"), texts).unwrap().check().unwrap();
    let results = cases::run(&set, "README.md", block("toml cases")).unwrap();
    assert_eq!(results.len(), 3);
    for result in &results {
        assert!(result.holds(), "{result}");
    }
    let names: Vec<&str> = results.iter().map(|result| result.name.as_str()).collect();
    assert_eq!(set.advice("no-builds-by-hand"), Some("take a token whose name begins with ci-"));
    assert_eq!(names.first(), Some(&"a build host enrols"));
}

//! What documents claim about the tree: files that they name are there, modules and crates that exist are on the map, sample
//! configurations are taken.

use std::collections::BTreeSet;
use std::path::Path;

use crate::source::{MEMBERS, Source, none, read, root, walk};

const ROOT_DOCUMENTS: [&str; 5] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];

fn documents() -> Vec<Source> {
    let mut found: Vec<Source> =
        ROOT_DOCUMENTS.iter().map(|path| Source { path: (*path).to_owned(), text: read(path) }).collect();
    for directory in ["docs", "policies", "deploy"] {
        walk(&root().join(directory), "md", &mut found);
    }
    found
}

/// Words of the command blocks (```sh) of a document.
fn commands(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut words = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```sh";
        } else if inside {
            let line = line.split(" #").next().unwrap();
            words.extend(line.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn commands_name_files_that_exist() {
    let mut complaints = Vec::new();
    let mut seen = 0;
    for document in documents() {
        for word in commands(&document.text) {
            // A path of this tree: with a slash, and not of another place, nor made by the commands themselves.
            let elsewhere =
                ["/", "~", "$", "-", ".brevet", "./.brevet", "target/"].iter().any(|start| word.starts_with(start));
            if !word.contains('/') || elsewhere || word.contains("://") || word.contains('=') {
                continue;
            }
            seen += 1;
            if !root().join(&word).exists() {
                complaints.push(format!("{}: {word}", document.path));
            }
        }
    }
    assert!(seen > 2, "no commands were found");
    none("TESTS 33: commands in documents name files that exist", &complaints);
}

#[test]
fn links_lead_somewhere() {
    let mut complaints = Vec::new();
    for document in documents() {
        for rest in document.text.split("](").skip(1) {
            let target = rest.split([')', '#']).next().unwrap();
            let from = Path::new(&document.path).parent().unwrap();
            if !target.is_empty() && !target.contains("://") && !root().join(from).join(target).exists() {
                complaints.push(format!("{}: {target}", document.path));
            }
        }
    }
    none("links in documents lead to files", &complaints);
}

#[test]
fn the_first_screen_says_how_to_run_and_test_it() {
    let readme = read("README.md");
    let screen: Vec<&str> = readme.lines().take(40).collect();
    for command in ["deploy/quickstart", "tests/run"] {
        assert!(screen.iter().any(|line| line.contains(command)), "README.md: {command} is not on its first screen");
    }
}

#[test]
fn the_map_has_every_crate_and_module() {
    let map = read("ARCHITECTURE.md");
    let mut complaints = Vec::new();
    for member in MEMBERS {
        let heading = format!("\n### `{member}`");
        let Some((_, section)) = map.split_once(&heading) else {
            complaints.push(format!("no section for {member}"));
            continue;
        };
        let section = section.split("\n#").next().unwrap();
        let library = read(&format!("{member}/src/lib.rs"));
        let modules: BTreeSet<&str> = library
            .lines()
            .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'))
            .collect();
        let missing =
            modules.into_iter().filter(|module| *module != "testing" && !section.contains(&format!("`{module}`")));
        complaints.extend(missing.map(|module| format!("{member}: {module}")));
    }
    none("DOCS 24: ARCHITECTURE.md maps every crate and its modules", &complaints);
}

#[test]
fn samples_are_taken() {
    let text = read("deploy/ca-server.toml");
    let config = ca_server::config::Config::parse(&text, Path::new("/etc/brevet")).unwrap();
    assert_eq!(config.trust_domain.as_str(), "example.org");
    let text = read("enroll-client/src/config/sample.toml");
    assert!(text.parse::<toml::Table>().is_ok());
}

#[test]
fn the_sample_has_every_key() {
    // A key that is left out stands there as a comment: `# key = ...`, or `# [table]`.
    let sample = read("deploy/ca-server.toml");
    let mut missing = Vec::new();
    for path in [
        "ca-server/src/config.rs",
        "ca-server/src/attestation/kubernetes/config.rs",
        "ca-server/src/attestation/aws_iid/config.rs",
    ] {
        let text = read(path);
        for part in text.split("#[serde(deny_unknown_fields)]").skip(1) {
            let body = part.split("\n}").next().unwrap();
            let fields =
                body.lines().filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':')).map(|(name, _)| name);
            for field in
                fields.filter(|field| field.chars().all(|character| character.is_ascii_lowercase() || character == '_'))
            {
                let stands = sample.lines().map(|line| line.trim_start_matches("# ")).any(|line| {
                    line.starts_with(&format!("{field} ="))
                        || line.trim_matches(['[', ']']).split('.').any(|name| name == field)
                });
                if !stands {
                    missing.push(format!("{path}: {field}"));
                }
            }
        }
    }
    none("CONFIG 19: the sample documents every key", &missing);
}

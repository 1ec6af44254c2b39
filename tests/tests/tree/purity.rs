//! Pure crates: no files, no sockets, no clock, no runtime. They get `now` and bytes as arguments.

use crate::source::{dependencies, manifest, none, sources};

const PURE: [&str; 4] = ["identity", "protocol", "ledger", "policies"];

/// Crates that bring files, sockets, threads, chance or a clock.
const FORBIDDEN: [&str; 16] = [
    "tokio",
    "axum",
    "rustls",
    "sled",
    "hyper",
    "hyper-util",
    "reqwest",
    "tonic",
    "rustix",
    "libc",
    "getrandom",
    "tempfile",
    "tokio-rustls",
    "tower",
    "tracing-subscriber",
    "clap",
];

/// Words that reach outside.
const OUTSIDE: [&str; 12] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::os",
    "SystemTime::now",
    "Instant::now",
    "EPOCH.elapsed(",
    "OffsetDateTime::now",
    "println!",
    "eprintln!",
];

#[test]
fn pure_crates_have_no_runtime() {
    let mut complaints = Vec::new();
    for member in PURE {
        for (name, _) in dependencies(&manifest(member), &["dependencies", "build-dependencies"]) {
            if FORBIDDEN.contains(&name.as_str()) {
                complaints.push(format!("{member} depends on {name}"));
            }
        }
    }
    none("design, section 2: a pure crate has no runtime, no sockets, no files", &complaints);
}

#[test]
fn pure_crates_reach_nothing_outside() {
    let mut complaints = Vec::new();
    for source in sources() {
        let member = source.path.split('/').next().unwrap();
        if !PURE.contains(&member) || source.is_test() {
            continue;
        }
        let code = source.code();
        complaints
            .extend(OUTSIDE.iter().filter(|word| code.contains(**word)).map(|word| format!("{}: {word}", source.path)));
    }
    none("design, section 2: a pure crate has no files, sockets or wall clock", &complaints);
}

#[test]
fn no_crate_reads_the_clock_below_its_composition_root() {
    // clippy's disallowed_methods says the same; here is the list of those who may.
    let mut complaints = Vec::new();
    for source in sources() {
        let Some((_, file)) = source.path.split_once("/src/") else { continue };
        if !source.is_test() && source.code().contains("SystemTime::now") && !CLOCKS.contains(&source.path.as_str()) {
            complaints.push(format!("{} ({file})", source.path));
        }
    }
    none("design, section 9: `now` is an argument below the composition roots", &complaints);
}

/// Composition roots, and those whose only noun is the clock. An agent that links the verifier has no composition root of ours.
const CLOCKS: [&str; 3] =
    ["ca-server/src/cli/serve.rs", "enroll-client/src/clock.rs", "enroll-client/src/verifier/clock.rs"];

//! Checked-in code that a program wrote is what that program writes today. Knows the .proto files; knows nothing of what they are for.
//!
//! `BREVET_REGENERATE=1 cargo test -p brevet-tests --test generated_code` writes the files instead of comparing them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

#[test]
fn the_workload_api_is_what_its_proto_file_says() {
    check("enroll-client/proto/workload.proto", "enroll-client/src/workload_api/generated.rs");
}

/// Compiles `proto` and compares with `checked_in`; both are paths below the workspace.
#[track_caller]
fn check(proto: &str, checked_in: &str) {
    let made = generate(&workspace().join(proto));
    let file = workspace().join(checked_in);
    if std::env::var_os("BREVET_REGENERATE").is_some() {
        std::fs::write(&file, &made).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    let line = made.lines().zip(found.lines()).position(|(made, found)| made != found);
    assert!(
        made == found,
        "{checked_in} is not what {proto} gives (first difference: line {:?}); run with BREVET_REGENERATE=1",
        line.map(|line| line + 1)
    );
}

/// The Rust text for one .proto file, by protox and tonic-prost-build: no protoc is needed.
fn generate(proto: &Path) -> String {
    let files = protox::compile([proto], [proto.parent().unwrap()]).expect("the .proto file compiles");
    let out = tempfile::tempdir().unwrap();
    tonic_prost_build::configure()
        .out_dir(out.path())
        .emit_rerun_if_changed(false)
        // Holds a private key: its Debug is written by hand, beside the module.
        .skip_debug(["X509SVID"])
        .compile_fds(files)
        .expect("code can be generated");
    // A service without a package is written to this file name.
    let body = std::fs::read_to_string(out.path().join("_.rs")).expect("one file is written");
    let name = proto.file_name().unwrap().to_string_lossy();
    format!("// Written from proto/{name} by tests/tests/generated_code.rs; edit that and regenerate.\n{body}")
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

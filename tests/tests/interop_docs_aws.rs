//! docs/aws.md as a newcomer follows it: its files are written and its commands run in their order, by bash, on one machine, with a
//! region and a metadata service of the fixtures in the place of AWS. Needs bash and curl.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use brevet_tests::host::now;
use pki_test_fixtures::cloud::{Imds, Instance, Region};

const GUIDE: &str = include_str!("../../docs/aws.md");

#[test]
fn the_guide_leads_to_an_attested_agent() {
    let place = tempfile::tempdir().unwrap();
    let region = Region::new("test-local-1");
    let id = "i-0123456789abcdef0";
    let imds = Imds::serve(&region.document(&Instance::new("111122223333", id, now())));
    let etc = place.path().join("etc");
    std::fs::create_dir(&etc).unwrap();
    std::fs::write(etc.join("regions.toml"), region.row()).unwrap();
    let [api, public] = [port(), port()].map(|port| format!("127.0.0.1:{port}"));
    let at = |directory: &str| place.path().join(directory).display().to_string();
    let uid = rustix::process::geteuid().as_raw();
    // What is another here than at a newcomer's; everything else is as the guide has it.
    let here = |text: &str| {
        [
            ("/etc/brevet", at("etc")),
            ("/var/lib/brevet", at("lib")),
            ("/run/brevet", at("run")),
            ("0.0.0.0:8443", api.clone()),
            ("0.0.0.0:8080", public.clone()),
            ("ca.example.org:8443", api.clone()),
            ("ca.example.org:8080", public.clone()),
            ("--uid 1000", format!("--uid {uid}")),
            ("[[aws]]", format!("[[aws]]\nregion_keys_file = \"{}/regions.toml\"", at("etc"))),
            ("kind = \"aws-iid\"", format!("kind = \"aws-iid\"\nendpoint = \"{}\"", imds.endpoint())),
            ("http://169.254.169.254", imds.endpoint()),
        ]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    let mut script = String::from("set -euo pipefail\ntrap 'kill $(jobs -p); wait' EXIT\n");
    for (kind, text) in blocks() {
        match kind {
            "toml" => {
                let file = text.lines().next().and_then(|line| line.strip_prefix("# ")).expect("the name of the file");
                std::fs::write(here(file), here(text)).unwrap();
            }
            "sh" => writeln!(script, "{}", here(text)).unwrap(),
            other => panic!("a block of kind {other:?}: the guide has files and commands"),
        }
    }
    let said = run(&script, place.path());
    let expected = format!("spiffe://example.org/aws/111122223333/test-local-1/{id}/agent/web");
    assert!(said.contains(&expected), "{said}");
    assert!(said.contains("\"verdict\": \"attested\"") && said.contains("\"proof_use\": \"by one host"), "{said}");
}

/// Blocks of the guide: kind and text.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let parts: Vec<&str> = GUIDE.split("```").collect();
    let blocks: Vec<_> = parts.iter().skip(1).step_by(2).map(|part| part.split_once('\n').unwrap()).collect();
    assert_eq!(parts.len(), 2 * blocks.len() + 1, "every block has an end");
    assert!(blocks.len() >= 6, "{blocks:?}");
    blocks
}

/// Runs the commands with our programs on the path; what they said.
fn run(script: &str, place: &Path) -> String {
    let programs = Path::new(env!("CARGO_BIN_EXE_ca-server")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let log = std::fs::File::create(place.join("log")).unwrap();
    let mut shell = Command::new("bash")
        .args(["-c", script])
        .env("PATH", path)
        .current_dir(place)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .expect("bash");
    let until = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = shell.try_wait().unwrap() {
            break Some(status);
        }
        if Instant::now() > until {
            // By its trap it ends what it began.
            let asked = Command::new("kill").args(["-TERM", &shell.id().to_string()]).status();
            assert!(asked.is_ok() && shell.wait().is_ok());
            break None;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let said = std::fs::read_to_string(place.join("log")).unwrap();
    assert!(status.is_some_and(|status| status.success()), "{status:?}: {said}");
    said
}

fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// All of it takes ten seconds on a machine that has nothing else to do.
const PATIENCE: Duration = Duration::from_secs(180);

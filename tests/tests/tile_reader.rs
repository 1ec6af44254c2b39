//! A reader of tiles that is not ours (Python, from the C2SP text alone) recomputes the root of a real server's ledger, and
//! refuses it once an octet has changed. Needs Python 3.9 or later.
//!
//! `cargo test -p brevet-tests --test tile_reader`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use brevet_tests::server::Server;
use serde_json::Value;

/// Where the ledger is, and by what it is known.
struct Ledger {
    origin: String,
    key: String,
}

impl Ledger {
    fn of(server: &Server) -> Self {
        let trust: Value = serde_json::from_slice(&server.trust()).unwrap();
        let said = |name: &str| trust["ledger"][name].as_str().unwrap().to_owned();
        Self { origin: said("origin"), key: said("key") }
    }

    fn read(&self, place: &str) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/tile_reader.py");
        let mut command = Command::new("python3");
        command.arg("-B").arg(script).args([place, &self.origin, &self.key]).stdin(Stdio::null());
        command.output().expect("python3 runs")
    }

    /// What the reader says of a ledger that holds.
    #[track_caller]
    fn check_holds(&self, place: &str) -> String {
        let output = self.read(place);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn check_refused(&self, place: &str, because: &str) {
        let output = self.read(place);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(because), "{said}");
    }
}

/// The size that a checkpoint states.
fn size(checkpoint: &[u8]) -> u64 {
    std::str::from_utf8(checkpoint).unwrap().lines().nth(1).unwrap().parse().unwrap()
}

/// Waits until the published checkpoint has this size at least: it moves once a second.
#[track_caller]
fn published(server: &Server, least: u64) -> u64 {
    let until = Instant::now() + PUBLISHED_LIMIT;
    loop {
        let found = std::fs::read(server.path("data/ledger/checkpoint")).map_or(0, |note| size(&note));
        if found >= least {
            return found;
        }
        assert!(Instant::now() < until, "the published checkpoint has {found} entries, not {least}:\n{}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_reader_that_is_not_ours_recomputes_the_root() {
    let server = Server::start(Path::new(env!("CARGO_BIN_EXE_ca-server")), "");
    let ledger = Ledger::of(&server);
    let small = published(&server, 1);
    assert!(small < WIDTH);
    println!("{}", ledger.check_holds(&server.public).trim());

    // A full tile, and one above it.
    std::thread::scope(|scope| {
        for lane in 0..LANES {
            let server = &server;
            scope.spawn(move || {
                for number in 0..WIDTH / LANES {
                    let _token = server.token(&format!("host-{lane}-{number}"));
                }
            });
        }
    });
    let large = published(&server, small + WIDTH);
    let said = ledger.check_holds(&server.public);
    println!("{}", said.trim());
    assert!(said.contains("on 2 levels"), "{said}");
    assert!(large > WIDTH);

    let stranger = Ledger { origin: "example.com/brevet".to_owned(), key: ledger.key.clone() };
    stranger.check_refused(&server.public, "the origin is");
}

#[test]
fn it_refuses_what_was_changed() {
    let server = Server::start(Path::new(env!("CARGO_BIN_EXE_ca-server")), "");
    let ledger = Ledger::of(&server);
    published(&server, 1);
    let copy = tempfile::tempdir().unwrap();
    let checkpoint = copy.path().join("checkpoint");
    std::fs::copy(server.path("data/ledger/checkpoint"), &checkpoint).unwrap();
    let tile = format!("tile/0/000.p/{}", size(&std::fs::read(&checkpoint).unwrap()));
    std::fs::create_dir_all(copy.path().join("tile/0/000.p")).unwrap();
    std::fs::copy(server.path("data/ledger/tiles").join(&tile), copy.path().join(&tile)).unwrap();
    let place = format!("file://{}", copy.path().display());
    ledger.check_holds(&place);

    flip(&copy.path().join(&tile), 40);
    ledger.check_refused(&place, "the leaf hashes make the root");
    flip(&copy.path().join(&tile), 40);
    ledger.check_holds(&place);
    let root = std::fs::read_to_string(&checkpoint).unwrap().lines().take(2).map(|line| line.len() + 1).sum();
    flip(&checkpoint, root);
    ledger.check_refused(&place, "the log's signature does not hold");
}

/// Changes one bit; of a letter, to another letter.
fn flip(path: &Path, at: usize) {
    let mut octets = std::fs::read(path).unwrap();
    octets[at] ^= 1;
    std::fs::write(path, octets).unwrap();
}

/// Hashes of a full tile.
const WIDTH: u64 = 256;

/// Operators at once.
const LANES: u64 = 8;

/// A debug server on a busy machine.
const PUBLISHED_LIMIT: Duration = Duration::from_secs(60);

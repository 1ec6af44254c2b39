//! Clients that are not ours live through three rotations under continuous mTLS calls, and no call fails: py-spiffe (unmodified, from the package
//! registry), the Rust `spiffe` crate, and curl. The real server, the real key roller, and as their peer the example agent (for curl, which wants a host
//! name, the server itself); certificates live 20 s.
//!
//! Needs Python 3.9 or later with venv, curl, and once the package registry: py-spiffe is installed below the target directory.
//!
//! `cargo test --workspace --test interop_rotation`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

mod interop_rotation {
    mod curl;
    mod py_spiffe;
    mod rust_spiffe;

    use std::io::{BufRead as _, BufReader};
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use brevet_tests::roller::{Roller, add_agent};
    use brevet_tests::server::Server;
    use serde_json::Value;

    /// A server, a host, and an agent of ours that answers whoever is the agent `caller` on it.
    struct Stage {
        server: Server,
        roller: Roller,
        peer: Child,
        address: String,
    }

    impl Stage {
        /// `program` is what the caller runs.
        fn new(program: &Path) -> Self {
            let server = Server::start(Path::new(env!("CARGO_BIN_EXE_ca-server")), "");
            let example = Path::new(env!("CARGO_BIN_EXE_agent"));
            add_agent(&server, "caller", program, LIFETIME);
            add_agent(&server, "peer", example, LIFETIME);
            let roller = Roller::start(Path::new(env!("CARGO_BIN_EXE_enroll-client")), &server, "stage");
            let errors = std::fs::File::create(roller.path("peer")).unwrap();
            let mut peer = Command::new(example)
                .args(["serve", "--listen", "127.0.0.1:0", "--allow", CALLER, "--socket"])
                .arg(roller.socket())
                .arg("--trust")
                .arg(roller.path("trust.json"))
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::from(errors))
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(peer.stdout.take().unwrap());
            let mut first = String::new();
            lines.read_line(&mut first).unwrap();
            let address = first.trim_end().strip_prefix("listening on ").expect("the peer listens").to_owned();
            // What it says of its own renewals is read, so that it does not wait for a reader.
            std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
            Self { server, roller, peer, address }
        }

        /// Both logs, for a test that failed.
        fn logs(&self) -> String {
            let peer = std::fs::read_to_string(self.roller.path("peer")).unwrap_or_default();
            format!("--- enroll-client\n{}\n--- the peer\n{peer}", self.roller.log())
        }
    }

    impl Drop for Stage {
        fn drop(&mut self) {
            drop(self.peer.kill());
            drop(self.peer.wait());
        }
    }

    /// A file of the tree that the tests run.
    fn script(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("interop").join(name)
    }

    /// The last line of a program that must succeed.
    #[track_caller]
    fn report(command: &mut Command, stage: &Stage) -> Value {
        let output = command.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {}\n{said}\n{}", output.status, stage.logs());
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Renewed every ten seconds, give or take one: three rotations take half a minute.
    const LIFETIME: &str = "20s";
    const ROTATIONS: usize = 3;
    /// A debug server on a busy machine may be late, but no certificate may end meanwhile.
    const WITHIN: Duration = Duration::from_secs(120);
    const CALLER: &str = "spiffe://example.org/host/stage/agent/caller";
    const PEER: &str = "spiffe://example.org/host/stage/agent/peer";
}

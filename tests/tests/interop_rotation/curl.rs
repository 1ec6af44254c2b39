//! curl as the whole agent: the loop of docs/agents.md waits on the socket for each new identity, and calls go on with what is there. The peer is the
//! server itself, which has a host name in its certificate and answers `/v1/snapshot` to agents only.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::{CALLER, ROTATIONS, Stage, WITHIN};

#[test]
fn curl_lives_through_three_rotations() {
    let path = std::env::var_os("PATH").unwrap();
    let mut programs = std::env::split_paths(&path).map(|directory| directory.join("curl"));
    let curl = programs.find(|program| program.is_file()).expect("curl: apt-get install curl");
    let stage = Stage::new(&curl);
    // In memory: these are keys.
    let files = tempfile::tempdir_in("/dev/shm").unwrap();
    let agent = Agent { stage: &stage, files: files.path() };
    ask(agent.local("/v1/bundle?format=pem", &[], "bundle.pem"), 200);
    ask(agent.local("/v1/identity", &[], "identity.json"), 200);
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(agent.file("identity.json")).unwrap()).unwrap();
    assert_eq!(json["identities"][0]["spiffe_id"], CALLER);
    // HTTP/2 has the same routes.
    ask(agent.local("/v1/identity", &["--http2-prior-knowledge"], "identity-by-http2.json"), 200);
    ask(agent.call(None), 401);

    let _following = agent.follow();
    let (mut used, mut calls, until) = (BTreeSet::new(), 0, Instant::now() + WITHIN);
    while used.len() <= ROTATIONS && Instant::now() < until {
        if std::fs::copy(agent.file("identity.pem"), agent.file("call.pem")).is_ok() {
            ask(agent.call(Some("call.pem")), 200);
            used.insert(std::fs::read(agent.file("call.pem")).unwrap());
            calls += 1;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(used.len() > ROTATIONS && calls > 50, "{} certificates, {calls} calls\n{}", used.len(), stage.logs());
}

struct Agent<'a> {
    stage: &'a Stage,
    files: &'a Path,
}

/// The loop, until it goes out of scope. Its last curl ends with the socket.
struct Following(Child);

impl Drop for Following {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Agent<'_> {
    /// Runs the loop of docs/agents.md, word for word but for the socket's place.
    fn follow(&self) -> Following {
        let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/agents.md");
        let document = std::fs::read_to_string(document).unwrap();
        let block = document.split("```sh\n").skip(1).map(|block| block.split_once("```").unwrap().0);
        let block = block.into_iter().find(|block| block.contains("while")).expect("a loop in docs/agents.md");
        assert!(block.contains(SOCKET));
        let script = block.replace(SOCKET, &self.stage.roller.socket().display().to_string());
        let mut command = Command::new("sh");
        command.args(["-euc", &script]).current_dir(self.files).stdin(Stdio::null());
        Following(command.spawn().unwrap())
    }

    /// A request on the socket.
    fn local(&self, target: &str, more: &[&str], out: &str) -> Command {
        let mut curl = curl();
        curl.arg("--unix-socket").arg(self.stage.roller.socket()).args(["--header", "workload.spiffe.io: true"]);
        curl.args(more).arg("--output").arg(self.file(out)).arg(format!("http://localhost{target}"));
        curl
    }

    /// A call over mTLS, or over TLS without an identity.
    fn call(&self, identity: Option<&str>) -> Command {
        let (_, port) = self.stage.server.url.rsplit_once(':').unwrap();
        let mut curl = curl();
        curl.arg("--cacert").arg(self.file("bundle.pem")).args(["--output", "/dev/null"]);
        if let Some(identity) = identity {
            curl.arg("--cert").arg(self.file(identity)).arg("--key").arg(self.file(identity));
        }
        curl.arg(format!("https://localhost:{port}/v1/snapshot"));
        curl
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files.join(name)
    }
}

fn curl() -> Command {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "30", "--write-out", "%{http_code}"]);
    curl.stdin(Stdio::null());
    curl
}

#[track_caller]
fn run(mut command: Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{command:?}: {status}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

#[track_caller]
fn ask(command: Command, expected: u16) {
    let shown = format!("{command:?}");
    assert_eq!(run(command), expected.to_string(), "{shown}");
}

/// Where the document says the socket is.
const SOCKET: &str = "/run/brevet/agent.sock";

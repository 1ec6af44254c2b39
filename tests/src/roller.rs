//! A real `enroll-client` beside a real server: the host's socket, and the agents behind it. Knows its command line.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::{PROFILE, Server};

/// A key roller under test. It is killed when it goes out of scope.
#[derive(Debug)]
pub struct Roller {
    program: PathBuf,
    directory: tempfile::TempDir,
    process: Child,
}

impl Roller {
    /// Enrols as the host `name`, and waits until it has an identity for each agent of the profile.
    #[must_use]
    pub fn start(program: &Path, server: &Server, name: &str) -> Self {
        let token = server.token(name);
        Self::showing(program, server, |directory| {
            let file = directory.join("token");
            std::fs::write(&file, &token).expect("a token");
            format!("kind = \"join-token\"\nfile = \"{}\"\n", file.display())
        })
    }

    /// The same with any evidence: what stands under `[evidence]`, for the host's directory.
    #[must_use]
    pub fn showing(program: &Path, server: &Server, evidence: impl FnOnce(&Path) -> String) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("trust.json"), server.trust()).expect("a trust file");
        let config = format!(
            "server = \"{}\"\ntrust_file = \"{}\"\nstate_dir = \"{}\"\nsocket = \"{}\"\n\
             socket_access = \"owner\"\n[evidence]\n{}",
            server.url,
            path("trust.json").display(),
            path("state").display(),
            path("agent.sock").display(),
            evidence(directory.path()),
        );
        std::fs::write(path("enroll-client.toml"), config).expect("a configuration");
        let log = std::fs::File::create(path("log")).expect("a log");
        let process = Command::new(program)
            .arg("run")
            .arg("--config")
            .arg(path("enroll-client.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::from(log))
            .spawn()
            .expect("the roller starts");
        let mut roller = Self { program: program.to_owned(), directory, process };
        let until = Instant::now() + START_LIMIT;
        while !roller.has_all() {
            let ended = roller.process.try_wait().is_ok_and(|status| status.is_some());
            assert!(!ended && Instant::now() < until, "the roller has no identities:\n{}", roller.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        roller
    }

    fn has_all(&self) -> bool {
        let mut command = Command::new(&self.program);
        command.args(["status", "--json", "--socket"]).arg(self.socket());
        let Ok(output) = command.output() else { return false };
        let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let agents = status.get("agents").and_then(Value::as_array).cloned().unwrap_or_default();
        let has_one = |agent: &Value| agent.get("serial").is_some_and(Value::is_string);
        !agents.is_empty() && agents.iter().all(has_one)
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.path("agent.sock")
    }

    /// A file of its directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What it wrote to its log.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

impl Drop for Roller {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Lets hosts ask for an agent that runs this program as our user.
pub fn add_agent(server: &Server, name: &str, program: &Path, lifetime: &str) {
    let uid = rustix::process::geteuid().as_raw().to_string();
    let program = program.canonicalize().expect("the program is there").display().to_string();
    let selectors = ["--uid", &uid, "--executable", &program, "--lifetime", lifetime];
    let _done = server.admin(&[&["agent", "add", name, "--profile", PROFILE][..], &selectors].concat());
}

/// A debug client on a busy machine needs a second or two for the host and as much for each agent.
const START_LIMIT: Duration = Duration::from_secs(60);

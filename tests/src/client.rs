//! A real `enroll-client` in a directory of its own: configured, started, asked, ended. Knows its command line.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::Server;

/// A host's key roller under test. It is killed when it goes out of scope, and its directory with it.
#[derive(Debug)]
pub struct Client {
    program: PathBuf,
    directory: tempfile::TempDir,
    process: Option<Child>,
}

impl Client {
    /// A host of this name with a join token. `more` is added to its configuration; it is not started yet.
    #[must_use]
    pub fn new(program: &Path, server: &Server, name: &str, more: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let client = Self { program: program.to_owned(), directory, process: None };
        std::fs::write(client.path("token"), server.token(name)).expect("a token");
        let config = format!(
            "server = \"{}\"\nstate_dir = \"{}\"\nsocket = \"{}\"\nsocket_access = \"owner\"\n\
             evidence = {{ kind = \"join-token\", file = \"{}\" }}\n{more}",
            server.url,
            client.path("state").display(),
            client.path("agent.sock").display(),
            client.path("token").display()
        );
        std::fs::write(client.path("enroll-client.toml"), config).expect("a configuration");
        client
    }

    /// A file of its directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A command of the program, with the host's configuration.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--config").arg(self.path("enroll-client.toml"));
        command.stdin(Stdio::null()).env_remove("RUST_BACKTRACE");
        command
    }

    /// Starts the key roller.
    pub fn run(&mut self) {
        let command = self.command(&["run"]);
        self.run_as(command);
    }

    /// Starts it by another command line, as under strace.
    pub fn run_as(&mut self, mut command: Command) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.path("log")).expect("a log");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::from(log));
        self.process = Some(command.spawn().expect("the key roller starts"));
    }

    /// Its process id, if it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Runs `renew --once` to its end.
    #[must_use]
    pub fn renew(&self, more: &[&str]) -> Output {
        self.command(&[&["renew", "--once"], more].concat()).output().expect("the program runs")
    }

    /// What it tells of itself; null while nobody answers.
    #[must_use]
    pub fn status(&self) -> Value {
        let socket = self.path("agent.sock").display().to_string();
        let output = Command::new(&self.program).args(["status", "--json", "--socket", &socket]).output();
        serde_json::from_slice(&output.expect("the program runs").stdout).unwrap_or_default()
    }

    /// One text of the status, by JSON pointer (RFC 6901).
    #[must_use]
    pub fn told(&self, pointer: &str) -> Option<String> {
        Some(self.status().pointer(pointer)?.as_str()?.to_owned())
    }

    /// Waits until something holds.
    pub fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let until = Instant::now() + LONG;
        while !holds(self) {
            let ended = self.process.as_mut().is_some_and(|process| process.try_wait().is_ok_and(|end| end.is_some()));
            assert!(!ended, "the key roller has ended:\n{}", self.log());
            assert!(Instant::now() < until, "waited for {what}: {:#}\n{}", self.status(), self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the process has ended by itself.
    pub fn until_ended(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.wait());
        }
    }

    /// What it wrote to its log.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Ends it by SIGTERM and tells whether it ended well.
    pub fn stop(&mut self) -> bool {
        let Some(mut process) = self.process.take() else { return false };
        let asked = Command::new("kill").args(["-TERM", &process.id().to_string()]).status();
        asked.is_ok_and(|status| status.success()) && process.wait().is_ok_and(|status| status.success())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.kill());
            drop(process.wait());
        }
    }
}

/// A directory in memory, and on every Linux.
#[must_use]
pub fn in_memory(prefix: &str) -> tempfile::TempDir {
    tempfile::Builder::new().prefix(prefix).tempdir_in("/dev/shm").expect("a directory in memory")
}

/// A debug client on a busy machine, with a renewal in it.
const LONG: Duration = Duration::from_secs(120);

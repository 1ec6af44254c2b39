//! A real `ca-server` in a directory of its own: made, started, killed, started again. Knows its command line.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A server under test. It is killed when it goes out of scope, and its directory with it.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    filter: String,
    directory: tempfile::TempDir,
    process: Option<Child>,
    /// Base of the API's addresses.
    pub url: String,
    /// Base of the public listener's addresses.
    pub public: String,
    /// The first two admins.
    pub admins: Vec<String>,
}

impl Server {
    /// Makes a ledger and starts the server. `more` is added to its configuration.
    #[must_use]
    pub fn start(program: &Path, more: &str) -> Self {
        Self::start_logging(program, more, "info")
    }

    /// The same, with another filter for the log.
    #[must_use]
    pub fn start_logging(program: &Path, more: &str, filter: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let [api, public] = [free_port(), free_port()];
        let config = format!(
            "data_dir = \"data\"\ntrust_domain = \"example.org\"\n\
             [api]\nlisten = \"127.0.0.1:{api}\"\nurl = \"https://127.0.0.1:{api}\"\ndns_names = [\"localhost\"]\n\
             [public]\nlisten = \"127.0.0.1:{public}\"\nurl = \"http://127.0.0.1:{public}\"\n\
             [admin]\nsocket = \"admin.sock\"\n[keys]\npassphrase_file = \"passphrase\"\n\
             [ledger]\nsegment_mib = 4\n{more}"
        );
        write_private(&directory.path().join("ca-server.toml"), &config);
        write_private(&directory.path().join("passphrase"), "a passphrase of this test alone\n");
        let mut server = Self {
            program: program.to_owned(),
            filter: filter.to_owned(),
            directory,
            process: None,
            url: format!("https://127.0.0.1:{api}"),
            public: format!("http://127.0.0.1:{public}"),
            admins: Vec::new(),
        };
        let keys: Vec<String> = ["one", "two"].iter().map(|name| server.admin_key(name)).collect();
        let config = server.config();
        let mut arguments = vec!["init", "--config", &config];
        for key in &keys {
            arguments.extend(["--admin", key]);
        }
        let made = server.json(&arguments);
        let admins = made.get("admins").and_then(Value::as_array).cloned().unwrap_or_default();
        server.admins = admins.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        server.run();
        server
    }

    /// Makes a credential key for an admin; gives its hash.
    #[must_use]
    pub fn admin_key(&self, name: &str) -> String {
        let passphrase = self.path(&format!("{name}.pass"));
        write_private(&passphrase, &format!("the passphrase of admin {name}\n"));
        let (out, passphrase) = (self.path(&format!("{name}.key")), passphrase.display().to_string());
        let out = out.display().to_string();
        let made = self.json(&["admin", "new-key", "--out", &out, "--passphrase-file", &passphrase]);
        made.get("key").and_then(Value::as_str).expect("a key").to_owned()
    }

    /// Starts the process and waits until it serves.
    pub fn run(&mut self) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.path("log")).expect("a log");
        let process = Command::new(&self.program)
            .args(["serve", "--config", &self.config()])
            .env("BREVET_LOG", &self.filter)
            .stderr(Stdio::from(log))
            .stdout(Stdio::null())
            .stdin(Stdio::null())
            .spawn()
            .expect("the server starts");
        self.process = Some(process);
        let until = Instant::now() + START_LIMIT;
        while !self.serves() {
            assert!(!self.has_ended(), "the server has ended:\n{}", self.log());
            assert!(Instant::now() < until, "the server does not serve:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    fn serves(&self) -> bool {
        self.command(&["status", "--config", &self.config()]).output().is_ok_and(|output| output.status.success())
            && self.log().contains("shows its first leaf")
    }

    /// Whether the process has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_none_or(|process| process.try_wait().is_ok_and(|status| status.is_some()))
    }

    /// Kills the process as a power cut would, save for the disk's own cache.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("the server can be killed");
            process.wait().expect("the server has ended");
        }
        // What it said when it served is no proof that the next one does.
        std::fs::rename(self.path("log"), self.path("log.before")).expect("a log");
    }

    /// Ends the process by SIGTERM and tells whether it ended well.
    pub fn stop(&mut self) -> bool {
        let Some(mut process) = self.process.take() else { return false };
        let pid = process.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status().is_ok_and(|status| status.success());
        let ended = process.wait().is_ok_and(|status| status.success());
        std::fs::rename(self.path("log"), self.path("log.before")).expect("a log");
        asked && ended
    }

    /// What the server wrote to its log since it was started.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// A file of the server's directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> String {
        self.path("ca-server.toml").display().to_string()
    }

    /// Octets of its trust file.
    #[must_use]
    pub fn trust(&self) -> Vec<u8> {
        std::fs::read(self.path("data/trust.json")).expect("trust.json")
    }

    /// Sends octets to the admin socket and reads until it is closed: head and body of the answer.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn ask_socket(&self, request: &[u8]) -> std::io::Result<String> {
        use std::io::{Read as _, Write as _};
        let mut stream = std::os::unix::net::UnixStream::connect(self.path("admin.sock"))?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.write_all(request)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// The page that Prometheus reads.
    #[must_use]
    pub fn metrics(&self) -> String {
        let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let answer = self.ask_socket(request).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
        body.to_owned()
    }

    /// A command of the program, ready to be run.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).env_remove("RUST_BACKTRACE").stdin(Stdio::null());
        command
    }

    /// Runs a command that must succeed; gives its JSON.
    #[must_use]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(&[&["--json"], arguments].concat()).output().expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}\n{}", self.log());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {said}"))
    }

    /// Runs an operator's command through the admin socket.
    #[must_use]
    pub fn admin(&self, arguments: &[&str]) -> Value {
        let config = self.config();
        self.json(&[arguments, &["--config", &config]].concat())
    }

    /// Runs an operator's command that must fail; gives what it said.
    #[must_use]
    pub fn refused(&self, arguments: &[&str]) -> String {
        let config = self.config();
        let output = self.command(&[arguments, &["--config", &config]].concat()).output().expect("the program runs");
        assert!(!output.status.success(), "{arguments:?} succeeded");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// A join token for a host of this name.
    #[must_use]
    pub fn token(&self, name: &str) -> String {
        let claim = format!("name={name}");
        let made = self.admin(&["token", "create", "--profile", PROFILE, "--claim", &claim]);
        made.get("token").and_then(Value::as_str).expect("a token").to_owned()
    }

    /// Lets hosts ask for an agent that runs as this user.
    pub fn add_agent(&self, name: &str, lifetime: &str) {
        let uid = rustix::process::geteuid().as_raw().to_string();
        let _done = self.admin(&["agent", "add", name, "--profile", PROFILE, "--uid", &uid, "--lifetime", lifetime]);
    }

    /// Entries of the ledger, in order.
    #[must_use]
    pub fn entries(&self) -> Vec<Value> {
        let config = self.config();
        let output = self.command(&["ledger", "tail", "-n", "1000000", "--config", &config]).output().expect("runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        lines.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect()
    }

    /// How many entries of a kind the ledger has.
    #[must_use]
    pub fn count(&self, kind: &str) -> usize {
        self.entries().iter().filter(|entry| entry.get("kind").and_then(Value::as_str) == Some(kind)).count()
    }

    /// Checks the whole ledger.
    pub fn verify(&self) {
        let _verified = self.admin(&["ledger", "verify"]);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.kill());
            drop(process.wait());
        }
    }
}

/// The profile of the starter policy for hosts with join tokens.
pub const PROFILE: &str = "host";

/// A debug server on a busy machine needs a second or two.
const START_LIMIT: Duration = Duration::from_secs(60);

/// The server answers, or it hangs.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn write_private(path: &Path, text: &str) {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).expect("a file");
    file.write_all(text.as_bytes()).expect("written");
}

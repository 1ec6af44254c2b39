//! Outside of the server: what the test remembers, the tokens at hand, and the operator's commands. Knows the command line.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard};

use brevet_tests::host::{Host, new_key, now, rule};
use brevet_tests::server::Server;
use protocol::revoke::Revoked;
use tokio::sync::Notify;

use super::recorder::{Ledger, Recorder, Revocation};

/// What all tasks share.
#[derive(Debug)]
pub(crate) struct Outside {
    program: PathBuf,
    config: String,
    trust: Vec<u8>,
    tokens: Mutex<Vec<String>>,
    recorder: Mutex<Recorder>,
    answer: Notify,
}

impl Outside {
    pub(crate) fn new(program: &Path, server: &Server) -> Self {
        Self {
            program: program.to_owned(),
            config: server.config(),
            trust: server.trust(),
            tokens: Mutex::default(),
            recorder: Mutex::default(),
            answer: Notify::new(),
        }
    }

    /// A host with connections of its own.
    pub(crate) fn host(&self) -> Host {
        Host::new(&self.trust)
    }

    /// What was answered.
    pub(crate) fn recorder(&self) -> MutexGuard<'_, Recorder> {
        self.recorder.lock().unwrap()
    }

    /// Remembers an answer.
    pub(crate) fn remember(&self, what: impl FnOnce(&mut Recorder)) {
        what(&mut self.recorder());
        self.answer.notify_one();
    }

    /// Waits until so many answers were remembered.
    pub(crate) async fn answered(&self, count: u64) {
        while self.recorder().answers() < count {
            self.answer.notified().await;
        }
    }

    /// Has tokens made for hosts that do not exist yet.
    pub(crate) fn top_up(&self, server: &Server, round: u64) {
        let mut tokens = self.tokens.lock().unwrap();
        for number in tokens.len()..TOKENS {
            tokens.push(server.token(&format!("host-{round}-{number}")));
        }
    }

    /// A token that nobody has used.
    pub(crate) fn token(&self) -> Option<String> {
        self.tokens.lock().unwrap().pop()
    }

    /// Revokes, as an operator does; none when the command brought no answer.
    pub(crate) async fn revoke(&self, which: &str, what: &str) -> Option<Revoked> {
        let mut command = Command::new(&self.program);
        command.args(["--json", "revoke", which, what, "--reason", "key-compromise", "--config", &self.config]);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        output.status.success().then(|| serde_json::from_slice(&output.stdout).expect("an answer"))
    }

    /// The whole ledger, octet for octet.
    pub(crate) fn ledger(&self) -> Ledger {
        let arguments = ["ledger", "tail", "-n", "100000000", "--config", &self.config];
        let output = Command::new(&self.program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ledger::read(&output.stdout)
    }

    /// Nobody renews what was revoked (T-33, T-44): asked of the newest `count` revocations whose host could still speak.
    pub(crate) async fn revocations_hold(&self, count: usize) {
        let revoked = self.recorder().revoked();
        let live = revoked.iter().rev().take(count).filter(|revocation| revocation.host.checked.not_after() > now());
        for revocation in live {
            let Revocation { host: by, serial, whose } = &**revocation;
            let host = self.host();
            host.present(by);
            assert_eq!(rule(host.renew(*serial, &new_key(), whose.clone()).await), "certificate-revoked", "{serial}");
        }
    }
}

/// Tokens at hand in a round: the more, the more hosts are new.
const TOKENS: usize = 8;

//! The roller against a whole CA over HTTPS, with a clock that is set by hand.

use std::path::PathBuf;
use std::time::Duration;

use identity::{KeyKind, Sha256Hash, TokenId};
use protocol::token::JoinToken;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::clock::manual::ManualClock;
use crate::evidence::EvidenceSource;
use crate::identities::{Phase, Status};
use crate::keep::Seal;
use crate::pins::Pins;
use crate::testing::moment;
use crate::testing::server::Server;
use crate::upstream::Upstream;

mod clocks;
mod failures;
mod feed;
mod life;
mod secrets;

/// A server, a host's state directory, and perhaps a roller.
struct Rig {
    server: Server,
    clock: ManualClock,
    directory: tempfile::TempDir,
    running: Option<Running>,
}

struct Running {
    identities: Identities,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Rig {
    /// A server that offers these agents, and a roller that was just started.
    async fn start(agents: &[&str]) -> Self {
        let mut rig = Self::stopped(agents).await;
        rig.run().unwrap();
        rig
    }

    async fn stopped(agents: &[&str]) -> Self {
        let clock = ManualClock::at(moment());
        let server = Server::start(&clock).await;
        agents.iter().for_each(|name| server.world().offer(name));
        let directory = tempfile::tempdir().unwrap();
        let token = JoinToken { id: TokenId::from_bytes([1; 16]), secret: [2; 32], trust: Sha256Hash::of(b"trust") };
        std::fs::write(directory.path().join("token"), token.reveal()).unwrap();
        Self { server, clock, directory, running: None }
    }

    fn state_dir(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    fn run(&mut self) -> Result<(), RestoreError> {
        self.run_narrowed(None)
    }

    fn run_narrowed(&mut self, agents: Option<&[&str]>) -> Result<(), RestoreError> {
        let trust = self.server.world().ca.trust(&self.server.https.url);
        let pins = Arc::new(Pins::from_trust_file(&trust.to_bytes().unwrap()).unwrap());
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let parts = Parts {
            upstream: Arc::new(Upstream::new(Arc::clone(&pins), Arc::clone(&clock)).unwrap()),
            pins,
            clock,
            evidence: EvidenceSource::JoinToken { file: self.directory.path().join("token") },
            profile: None,
            host_key: KeyKind::P256,
            agents: agents.map(|names| names.iter().map(|name| AgentName::parse(name).unwrap()).collect()),
        };
        let keep = Keep::open(&self.state_dir(), Seal::Permissions)?;
        let (driver, identities) = Driver::new(parts, keep)?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(driver.run(async { drop(stopped.await) }));
        self.running = Some(Running { identities, stop, task });
        Ok(())
    }

    /// Stops the roller as SIGTERM does.
    async fn stop(&mut self) {
        let Running { stop, task, .. } = self.running.take().unwrap();
        stop.send(()).unwrap();
        task.await.unwrap();
    }

    /// Ends the roller as kill -9 does: nothing is finished.
    async fn kill(&mut self) {
        let Running { task, .. } = self.running.take().unwrap();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        // The writer's thread ends a moment later, and with it the lock.
        self.until_free().await;
    }

    async fn until_free(&self) {
        while Keep::open(&self.state_dir(), Seal::Permissions).is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn identities(&self) -> &Identities {
        &self.running.as_ref().unwrap().identities
    }

    fn status(&self) -> Arc<Status> {
        self.identities().status()
    }

    fn pass(&self, seconds: u64) {
        self.clock.pass(Duration::from_secs(seconds));
    }

    /// Waits until `holds`; at most so long as nobody would wait for it, and then shows where things stand.
    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let waited = tokio::time::timeout(Duration::from_secs(20), async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        if waited.await.is_err() {
            panic!("waited for {what}: {}", self.picture());
        }
    }

    /// Lets time pass in small steps until `holds`.
    async fn until_passing(&self, what: &str, step: Duration, holds: impl Fn(&Self) -> bool) {
        for _ in 0..400 {
            let settled = tokio::time::timeout(Duration::from_millis(50), async {
                while !holds(self) {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            });
            if settled.await.is_ok() {
                return;
            }
            self.clock.pass(step);
        }
        panic!("waited for {what}: {}", self.picture());
    }

    fn picture(&self) -> String {
        let (status, world) = (self.status(), self.server.world());
        format!("{status:#?}\nserver saw {:#?} {:#?}", world.seen, world.acks)
    }

    async fn until_current(&self) {
        self.until("all identities to be current", |rig| {
            let status = rig.status();
            let is_current = |phase| phase == Phase::Current;
            is_current(status.host.phase)
                && status.agents.len() == rig.server.world().offers.len()
                && status.agents.iter().all(|agent| is_current(agent.phase))
        })
        .await;
    }

    fn serial(&self, agent: &str) -> Option<identity::Serial> {
        let name = AgentName::parse(agent).unwrap();
        self.identities().snapshot().agents.get(&name).map(|identity| identity.serial)
    }

    /// What the server was asked for certificates, in order.
    fn asked(&self) -> Vec<String> {
        let seen = self.server.world().seen.clone();
        seen.into_iter().filter(|line| ["enroll", "renew", "first"].iter().any(|what| line.starts_with(what))).collect()
    }
}

//! The key roller at work: carries out what the machines decide, and tells them what came of it. Knows all the other parts; decides nothing
//! itself.
//!
//! ```text
//!            events                        commands
//!  feed ───────────┐                  ┌───────────────▶ server (asks, at most one per identity)
//!  answers ────────┼──▶ Trust ────────┤───────────────▶ disk   (keys before they are sent, certificates, heads)
//!  clock ──────────┘    Identity × n  └───────────────▶ agents (one picture: `identities`)
//! ```
//!
//! One task owns all state and never waits for server or disk; work runs beside it and comes back as a message. So decisions are
//! taken one after the other, each with the clock's reading of that moment.

mod agents;
mod ask;
mod errands;
mod feed;
mod gate;
mod hand;
mod host;
mod keeper;
mod news;
mod parts;
mod restore;
mod spare;
mod status;
mod trusting;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::identities::{AgentName, FilesReporter, Identities, Publisher};
use crate::keep::Keep;
use crate::machine::{Backoff, BootTime, ClockStep, Event, Gate, Now, Trust};
use agents::Agent;
use ask::Asker;
use errands::Errands;
use feed::Follower;
use host::Host;
use keeper::Keeper;
use news::News;

pub use parts::Parts;
pub use restore::{RestoreError, check};

/// The roller of one host.
#[derive(Debug)]
pub struct Driver {
    asker: Arc<Asker>,
    clock: Arc<dyn Clock>,
    narrowed: Option<BTreeSet<AgentName>>,
    publisher: Publisher,
    keeper: Keeper,
    trust: Trust,
    gate: Gate,
    host: Host,
    agents: BTreeMap<AgentName, Agent>,
    offers_size: u64,
    bundle_sequence: u64,
    errands: Errands,
    follower: Option<Follower>,
    work: JoinSet<News>,
    last: Now,
}

impl Driver {
    /// Takes up what was kept, and checks all of it again. Nothing is sent yet.
    ///
    /// # Errors
    /// Something that is kept cannot be used; see [`RestoreError`].
    pub fn new(parts: Parts, keep: Keep) -> Result<(Self, Identities), RestoreError> {
        let now = parts.clock.now();
        let trust = restore::trust(&keep, &parts.pins, now)?;
        let kept = restore::host(&keep)?;
        let (publisher, identities) = Publisher::new(parts.pins.trust_domain().clone());
        let mut seed = [0; 16];
        // Without randomness nothing else would work either; a fleet that shares a seed is spread by names only.
        if let Err(error) = getrandom::fill(&mut seed) {
            tracing::error!(%error, "no random numbers");
        }
        let (clock, narrowed) = (Arc::clone(&parts.clock), parts.agents.clone());
        let mut driver = Self {
            host: Host::new(&parts, kept.unsettled, seed),
            asker: Arc::new(Asker::new(parts)),
            clock,
            narrowed,
            publisher,
            keeper: Keeper::new(keep),
            trust,
            gate: Gate::Open,
            agents: BTreeMap::new(),
            offers_size: 0,
            bundle_sequence: 0,
            errands: Errands::new(Backoff::new(seed), now.boot),
            follower: None,
            work: JoinSet::new(),
            last: now,
        };
        driver.set_gates(now);
        if let Some(kept) = kept.host {
            driver.restore_host(kept, now);
        }
        Ok((driver, identities))
    }

    /// Where couriers of files report.
    #[must_use]
    pub fn files_reporter(&self) -> FilesReporter {
        self.publisher.files_reporter()
    }

    /// Rolls keys until `stop` is done. What was asked and not answered by then is asked again after the next start.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        self.tick();
        loop {
            self.show();
            let wake = self.clock.sleep_until(self.wake_at());
            tokio::select! {
                () = &mut stop => break,
                () = wake => self.tick(),
                news = Follower::next(&mut self.follower) => self.hear(news),
                Some(done) = self.work.join_next() => match done {
                    Ok(news) => self.hear(news),
                    // The machines count an answer that never comes as lost.
                    Err(error) => tracing::error!(%error, "a task of the key roller failed"),
                },
            }
        }
        self.work.shutdown().await;
        drop(self.follower);
        self.keeper.finish().await;
    }

    /// Time has passed, or somebody set the clock.
    fn tick(&mut self) {
        let now = self.clock.now();
        match now.step_since(self.last) {
            ClockStep::Even => {}
            ClockStep::Forward(by) => tracing::warn!(seconds = by.as_secs(), "the wall clock was set forward"),
            ClockStep::Back(by) => tracing::warn!(seconds = by.as_secs(), "the wall clock was set back"),
        }
        self.last = now;
        self.use_spare(now);
        self.step_host(Event::Tick, now);
        let names: Vec<_> = self.agents.keys().cloned().collect();
        for name in names {
            self.step_agent(&name, Event::Tick, now);
        }
        self.go_on_errands(now);
    }

    fn wake_at(&self) -> BootTime {
        let agents = self.agents.values().filter_map(|agent| agent.hand.machine.wake_at());
        let all = agents.chain(self.host.hand.machine.wake_at()).chain(self.errands_wake_at());
        all.min().unwrap_or(BootTime::after_start(std::time::Duration::MAX))
    }
}

#[cfg(test)]
mod tests;

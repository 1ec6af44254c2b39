//! What the driver does about the ledger: feeds the trust machine, carries out what it decides, runs the errands.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use identity::Serial;
use ledger::feed::FeedMessage;

use super::Driver;
use super::errands::REFRESH;
use super::feed::FeedError;
use super::news::FeedNews;
use crate::bundle::Bundle;
use crate::check::Checked;
use crate::identities::{AgentName, RelayEvent};
use crate::keep::{KeptAlarm, KeptCursor};
use crate::machine::{Beat, Contradiction, Event, Gate, Head, Now, Seen, Trust, TrustCommand, TrustEvent};
use crate::report::chain;
use crate::upstream::UpstreamError;

/// What just came from the feed, for local followers.
enum Fresh {
    Nothing,
    Message(RelayEvent),
    Snapshot(u64, Bytes),
}

impl Driver {
    /// A certificate came with its receipt: what the receipt says of the ledger.
    pub(super) fn recorded(&mut self, checked: &Arc<Checked>, floor: u64, now: Now) {
        let checkpoint = checked.checkpoint();
        let head =
            Head { size: checkpoint.size(), root: *checkpoint.root(), note: checked.signed_checkpoint().clone() };
        let event = TrustEvent::Recorded { head, index: checked.index(), floor };
        self.step_trust(event, Fresh::Nothing, now);
        // If this was the contradiction, the machines must know before they are given the certificate.
        self.set_gates(now);
    }

    pub(super) fn feed_told(&mut self, news: FeedNews, now: Now) {
        match news {
            FeedNews::Connected => self.errands.feed.done(now.boot, None),
            FeedNews::Began { seen, body } => {
                let fresh = Fresh::Snapshot(seen.as_of, body);
                self.step_trust(TrustEvent::Snapshot(seen), fresh, now);
            }
            FeedNews::Event { event, told } => {
                let text = FeedMessage::Event(event.clone()).to_string().into();
                let fresh = Fresh::Message(RelayEvent { id: Some(event.index), text });
                self.step_trust(TrustEvent::Event { event, told }, fresh, now);
            }
            FeedNews::Beat(beat) => {
                let text = FeedMessage::Heartbeat(beat.note.to_string()).to_string().into();
                let fresh = Fresh::Message(RelayEvent { id: None, text });
                self.step_trust(TrustEvent::Heartbeat(beat), fresh, now);
            }
            FeedNews::Ended(error) => self.feed_ended(&error, now),
        }
    }

    fn feed_ended(&mut self, error: &FeedError, now: Now) {
        tracing::warn!(why = chain(error), "the feed is interrupted");
        self.follower = None;
        if error.is_gone() {
            self.trust.forget_cursor();
        }
        if error.is_unauthenticated() {
            self.host_unauthenticated(now);
        }
        // A server that restarts ends all feeds in one instant.
        let spread = self.errands.spread(now.boot).since(now.boot);
        self.errands.feed.failed(now.boot, Some(error.retry_after().unwrap_or(spread)), None);
    }

    fn step_trust(&mut self, event: TrustEvent, mut fresh: Fresh, now: Now) {
        let trust = std::mem::replace(&mut self.trust, Trust::alarmed(String::new()));
        let (trust, commands) = trust.step(event, now);
        self.trust = trust;
        for command in commands {
            match command {
                TrustCommand::Relay | TrustCommand::RelayAnew | TrustCommand::RelaySnapshot => {
                    self.relay(&command, std::mem::replace(&mut fresh, Fresh::Nothing));
                }
                TrustCommand::Revoked(serials) => self.revoked(&serials, now),
                TrustCommand::CutOff { serial, at } => {
                    if let Some(owner) = self.owners().get(&serial).cloned() {
                        self.step_owner(&owner, Event::CutOff { serial, at }, now);
                    }
                }
                TrustCommand::FetchAgents => {
                    let at = self.errands.spread(now.boot);
                    self.errands.agents.want_at(at);
                }
                TrustCommand::FetchBundle => {
                    let at = self.errands.spread(now.boot);
                    self.errands.bundle.want_at(at);
                }
                TrustCommand::Resync => {
                    tracing::warn!("the feed's events are not those of its heartbeat; beginning again from a snapshot");
                    self.follower = None;
                    self.errands.feed.failed(now.boot, None, None);
                }
                TrustCommand::Acknowledge => self.errands.want_acknowledge(),
                TrustCommand::KeepHead(head) => self.keeper.head(head),
                TrustCommand::KeepBeat(beat) => self.keep_beat(&beat),
                TrustCommand::Alarm(contradiction) => self.raise_alarm(&contradiction, now),
            }
        }
    }

    fn relay(&self, command: &TrustCommand, fresh: Fresh) {
        let relay = self.publisher.relay();
        match (fresh, command) {
            (Fresh::Message(event), _) => relay.push(event),
            (Fresh::Snapshot(as_of, body), TrustCommand::RelayAnew) => relay.begin(as_of, body),
            (Fresh::Snapshot(as_of, body), _) => relay.set_snapshot(as_of, body),
            (Fresh::Nothing, _) => {}
        }
    }

    /// Who holds which serial.
    fn owners(&self) -> BTreeMap<Serial, Option<AgentName>> {
        let host = self.host.hand.machine.serials().map(|serial| (serial, None));
        let agents = self
            .agents
            .iter()
            .flat_map(|(name, agent)| agent.hand.machine.serials().map(move |serial| (serial, Some(name.clone()))));
        host.chain(agents).collect()
    }

    fn step_owner(&mut self, owner: &Option<AgentName>, event: Event, now: Now) {
        match owner {
            Some(name) => self.step_agent(name, event, now),
            None => self.step_host(event, now),
        }
    }

    fn revoked(&mut self, serials: &[Serial], now: Now) {
        let owners = self.owners();
        for serial in serials {
            if let Some(owner) = owners.get(serial) {
                self.step_owner(owner, Event::Revoked(*serial), now);
            }
        }
    }

    fn keep_beat(&self, beat: &Beat) {
        let Some(cursor) = self.trust.cursor() else { return };
        self.keeper.cursor(KeptCursor {
            v: KEPT_VERSION,
            size: beat.size,
            time: beat.time,
            index: cursor.index,
            events: beat.running.count(),
            running: beat.running.hash().to_vec().into(),
            note: beat.note.to_string(),
        });
    }

    fn raise_alarm(&mut self, contradiction: &Contradiction, now: Now) {
        tracing::error!(what = %contradiction, "ALARM: the ledger's key has signed two statements that cannot both be true; nothing new is taken");
        self.keeper.alarm(KeptAlarm {
            v: KEPT_VERSION,
            seen: now.wall,
            what: contradiction.to_string(),
            held: contradiction.held().to_owned(),
            came: contradiction.came().to_owned(),
        });
    }

    pub(super) fn bundle_came(&mut self, attempt: u64, outcome: Result<Bytes, UpstreamError>, now: Now) {
        if !self.errands.bundle.is_out(attempt) || self.gate == Gate::Alarm {
            return;
        }
        let octets = match outcome {
            Ok(octets) => octets,
            Err(error) => {
                tracing::warn!(why = chain(&error), "the bundle was not fetched");
                return self.errands.bundle.failed(now.boot, error.failure().retry_after, None);
            }
        };
        match Bundle::read(&octets, self.bundle_sequence, &self.asker.parts().pins) {
            Ok(bundle) => {
                self.errands.bundle.done(now.boot, Some(now.boot.plus(REFRESH)));
                self.bundle_sequence = bundle.sequence;
                let held = self.publisher.bundle_is(bundle.sequence, &bundle.roots);
                if !held {
                    tracing::info!(sequence = bundle.sequence, roots = bundle.roots.len(), "a new trust bundle");
                    self.publisher.set_bundle(bundle.sequence, bundle.roots);
                    // An issuer becomes active when all have the bundle that holds it (design, section 4).
                    self.errands.want_acknowledge();
                }
            }
            Err(error) => {
                tracing::error!(why = chain(&error), "the bundle is not used");
                self.errands.bundle.failed(now.boot, None, None);
            }
        }
    }

    pub(super) fn snapshot_came(&mut self, attempt: u64, outcome: Result<(Seen, Bytes), FeedError>, now: Now) {
        if !self.errands.snapshot.is_out(attempt) {
            return;
        }
        match outcome {
            Ok((seen, body)) => {
                self.errands.snapshot.done(now.boot, None);
                let fresh = Fresh::Snapshot(seen.as_of, body);
                self.step_trust(TrustEvent::Snapshot(seen), fresh, now);
            }
            Err(error) => {
                tracing::warn!(why = chain(&error), "no snapshot for local followers");
                self.errands.snapshot.failed(now.boot, error.retry_after(), None);
            }
        }
    }

    pub(super) fn acknowledged(&mut self, attempt: u64, outcome: Result<(), UpstreamError>, now: Now) {
        if !self.errands.acknowledge.is_out(attempt) {
            return;
        }
        match outcome {
            Ok(()) => self.errands.acknowledge.done(now.boot, None),
            Err(error) => {
                tracing::warn!(why = chain(&error), "the server was not told how far we are");
                self.errands.acknowledge.failed(now.boot, error.failure().retry_after, None);
            }
        }
    }
}

/// Version of the kept files ([`crate::keep`]).
const KEPT_VERSION: u64 = 1;

//! The agents of this host: which there are, and what each has. Carries out what their machines decide.

use std::sync::Arc;

use protocol::agents::SignedAgentList;

use super::Driver;
use super::ask::{AskError, Attempted};
use super::errands::REFRESH;
use super::hand::{Hand, InHand, request_id};
use super::news::News;
use crate::check::{Checked, Whose};
use crate::identities::{AgentName, CurrentIdentity};
use crate::key::PrivateKey;
use crate::machine::{Asked, Command, Event, Gate, KeyUse, Now, Role, Withdrawn};
use crate::offers::{Offer, Offers};
use crate::report::chain;
use crate::upstream::UpstreamError;

/// One agent.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) hand: Hand,
    pub(super) gate: Gate,
    offer: Offer,
}

impl Agent {
    fn key_for(&mut self, asked: Asked, head: u64) -> Result<InHand, AskError> {
        if let (KeyUse::Same, Some(hand)) = (asked.key, &self.hand.attempt) {
            return Ok(hand.clone());
        }
        let request = request_id().map_err(|_| AskError::Random)?;
        let key = PrivateKey::generate(self.offer.key)?;
        let hand = InHand { key, request, floor: head, is_uncertain: false };
        self.hand.attempt = Some(hand.clone());
        Ok(hand)
    }
}

impl Driver {
    pub(super) fn offers_came(&mut self, attempt: u64, outcome: Result<SignedAgentList, UpstreamError>, now: Now) {
        if !self.errands.agents.is_out(attempt) || self.gate == Gate::Alarm {
            return;
        }
        let Some(Whose::Host { host, .. }) = self.host.known.clone() else { return };
        let signed = match outcome {
            Ok(signed) => signed,
            Err(error) => {
                tracing::warn!(why = chain(&error), "the list of agents was not fetched");
                if error.is_unauthenticated() {
                    self.host_unauthenticated(now);
                }
                return self.errands.agents.failed(now.boot, error.failure().retry_after, None);
            }
        };
        match Offers::read(&signed, host, self.narrowed.as_ref(), self.offers_size, &self.asker.parts().pins) {
            Ok(offers) => {
                self.errands.agents.done(now.boot, Some(now.boot.plus(REFRESH)));
                self.take_offers(offers, now);
            }
            Err(error) => {
                tracing::error!(why = chain(&error), "the list of agents is not used");
                self.errands.agents.failed(now.boot, None, None);
            }
        }
    }

    /// Makes the agents those of the list. One whose identity or kind of key changed begins anew.
    fn take_offers(&mut self, mut offers: Offers, now: Now) {
        self.offers_size = offers.size;
        let names: Vec<_> = self.agents.keys().cloned().collect();
        for name in names {
            let same = match (self.agents.get_mut(&name), offers.agents.remove(&name)) {
                (Some(agent), Some(offer)) if agent.offer.is_same_identity(&offer) => {
                    if agent.offer.selectors != offer.selectors {
                        self.publisher.select(&name, offer.selectors.clone());
                        agent.offer = offer;
                    }
                    true
                }
                (_, Some(offer)) => {
                    offers.agents.insert(name.clone(), offer);
                    false
                }
                (_, None) => false,
            };
            if !same {
                self.step_agent(&name, Event::Removed, now);
                self.agents.remove(&name);
                tracing::info!(agent = %name, "this host no longer has the agent");
            }
        }
        let gate = self.agents_gate();
        for (name, offer) in offers.agents {
            if offer.selectors.is_empty() {
                tracing::warn!(agent = %name, "the agent has no selectors, so no process will be given its identity");
            }
            tracing::info!(agent = %name, spiffe_id = %offer.spiffe_id, "this host has the agent");
            let hand = Hand::new(Role::Agent, gate, seed(&name, &offer));
            self.agents.insert(name.clone(), Agent { hand, gate, offer });
            self.step_agent(&name, Event::Tick, now);
        }
        let offered = self.agents.iter().map(|(name, agent)| (name.clone(), agent.offer.spiffe_id.clone()));
        self.publisher.offer(offered.collect());
    }

    pub(super) fn step_agent(&mut self, name: &AgentName, event: Event, now: Now) {
        let Some(agent) = self.agents.get_mut(name) else { return };
        for command in agent.hand.step(event, now) {
            match command {
                Command::Ask(asked) => self.ask_for_agent(name, asked, now),
                Command::Deliver(checked) => self.deliver_agent(name, &checked),
                Command::Withdraw { serial, why } => {
                    match why {
                        Withdrawn::Expired | Withdrawn::Removed => self.publisher.withdraw(name),
                        Withdrawn::CutOff | Withdrawn::Revoked => self.publisher.end(name),
                    }
                    tracing::warn!(agent = %name, %serial, ?why, "the agent's certificate has ended");
                }
                Command::Forget { serial } => {
                    tracing::info!(agent = %name, %serial, "the agent's earlier certificate has ended");
                }
            }
        }
    }

    fn ask_for_agent(&mut self, name: &AgentName, asked: Asked, now: Now) {
        let Some(Whose::Host { host, .. }) = self.host.known.clone() else { return };
        let head = self.trust.head_size();
        let Some(agent) = self.agents.get_mut(name) else { return };
        let attempt = asked.attempt;
        let whose = Whose::Agent { host, name: name.clone(), spiffe_id: agent.offer.spiffe_id.clone() };
        let hand = match agent.key_for(asked, head) {
            Ok(hand) => hand,
            Err(error) => return self.agent_answered(name, attempt, Err(error), now),
        };
        let (asker, name) = (Arc::clone(&self.asker), name.clone());
        self.work.spawn(async move {
            let outcome = asker.ask(asked.ask, &hand, whose).await.map(|attempted| (hand.key.clone(), attempted));
            News::Agent { name, attempt, outcome }
        });
    }

    pub(super) fn agent_answered(
        &mut self,
        name: &AgentName,
        attempt: u64,
        outcome: Result<(PrivateKey, Attempted), AskError>,
        now: Now,
    ) {
        let Some(agent) = self.agents.get_mut(name) else { return };
        if !agent.hand.machine.is_out(attempt) {
            tracing::debug!(agent = %name, attempt, "an answer came too late");
            return;
        }
        match outcome {
            Ok((key, attempted)) => {
                let floor = agent.hand.attempt.as_ref().filter(|hand| hand.key.hash() == key.hash());
                let floor = floor.map_or(0, |hand| hand.floor);
                let checked = Arc::clone(&attempted.checked);
                agent.hand.answer = Some((key, Arc::new(attempted)));
                self.recorded(&checked, floor, now);
                self.step_agent(name, Event::Answered { attempt, checked }, now);
                if let Some(agent) = self.agents.get_mut(name) {
                    agent.hand.answer = None;
                }
            }
            Err(error) => {
                let text = chain(&error);
                tracing::warn!(agent = %name, attempt, why = text, "the agent got no certificate");
                agent.hand.last_failure = Some(text);
                agent.hand.refused_by = error.refusal();
                self.step_agent(name, Event::Failed { attempt, failure: error.failure() }, now);
                if error.is_unauthenticated() {
                    self.host_unauthenticated(now);
                }
            }
        }
    }

    fn deliver_agent(&mut self, name: &AgentName, checked: &Arc<Checked>) {
        let Some(agent) = self.agents.get_mut(name) else { return };
        let Some((key, _)) = agent.hand.answer.take() else { return };
        agent.hand.attempt = None;
        agent.hand.last_failure = None;
        agent.hand.refused_by = None;
        let identity = CurrentIdentity {
            spiffe_id: checked.spiffe_id().clone(),
            chain: checked.chain().to_vec(),
            key_pkcs8: Arc::clone(key.pkcs8()),
            serial: checked.serial(),
            not_after: checked.not_after(),
            hint: name.to_string(),
            selectors: agent.offer.selectors.clone(),
        };
        self.publisher.deliver(name.clone(), identity);
        tracing::info!(
            agent = %name, serial = %checked.serial(), spiffe_id = %checked.spiffe_id(),
            not_after = %checked.not_after(), index = checked.index(), "the agent has a certificate"
        );
    }
}

/// What the jitter of an agent's attempts follows from, before it has a serial.
fn seed(name: &AgentName, offer: &Offer) -> [u8; 16] {
    let hash = identity::Sha256Hash::of(format!("{name}\n{}", offer.spiffe_id).as_bytes());
    let [seed @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = *hash.as_bytes();
    seed
}

//! The host's own identity: carries out what its machine decides. Knows which keys the server may have bound to it.

use std::sync::Arc;

use identity::KeyKind;

use super::Driver;
use super::ask::{AskError, Attempted};
use super::hand::{Hand, InHand, request_id};
use super::news::News;
use super::parts::Parts;
use super::spare::Spare;
use crate::check::{Checked, Whose};
use crate::keep::KeptHost;
use crate::key::PrivateKey;
use crate::machine::{Ask, Asked, Command, Event, Fault, Gate, Held, KeyUse, Now, Role, Withdrawn};
use crate::report::chain;

/// See the module.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) hand: Hand,
    kind: KeyKind,
    /// Id and identity, once the server has said them.
    pub(super) known: Option<Whose>,
    /// The newest certificate, in use or not.
    pub(super) spare: Option<Spare>,
    /// The key of the newest certificate that we know of.
    settled: Option<PrivateKey>,
    /// Keys that were sent without an answer, oldest first: the same as on disk.
    unsettled: Vec<PrivateKey>,
    /// Those of them that come from an earlier life, and have not been tried in this one.
    untried: Vec<PrivateKey>,
    /// Which of our keys is shown as the bound one: counts the times that it was the wrong one.
    bound_turn: usize,
}

impl Host {
    pub(super) fn new(parts: &Parts, unsettled: Vec<PrivateKey>, seed: [u8; 16]) -> Self {
        Self {
            hand: Hand::new(Role::Host, Gate::Open, seed),
            kind: parts.host_key,
            known: None,
            spare: None,
            settled: None,
            untried: unsettled.clone(),
            unsettled,
            bound_turn: 0,
        }
    }

    /// The key for an attempt. A fresh one is made only where none waits for an answer.
    fn key_for(&mut self, asked: Asked, head: u64) -> Result<InHand, AskError> {
        if let (KeyUse::Same, Some(hand)) = (asked.key, &self.hand.attempt) {
            return Ok(hand.clone());
        }
        let request = request_id().map_err(|_| AskError::Random)?;
        // A key of an earlier life: if the server took it ten minutes ago or less, it gives the same certificate again. The same when
        // there is no room for more keys.
        let spare = if self.unsettled.len() >= MAX_UNSETTLED { self.unsettled.last().cloned() } else { None };
        let hand = match self.untried.pop().or(spare) {
            Some(key) => InHand { key, request, floor: 0, is_uncertain: true },
            None => InHand { key: PrivateKey::generate(self.kind)?, request, floor: head, is_uncertain: false },
        };
        self.hand.attempt = Some(hand.clone());
        Ok(hand)
    }

    /// The key that is shown as the bound one: the settled one first, then those that the server may have taken.
    fn bound_key(&self, hand: &InHand) -> Option<PrivateKey> {
        let unsettled = self.unsettled.iter().rev().filter(|key| key.hash() != hand.key.hash());
        // A host that was never told of a certificate first tries as a new one.
        let candidates: Vec<Option<&PrivateKey>> =
            std::iter::once(self.settled.as_ref()).chain(unsettled.map(Some)).collect();
        let turn = self.bound_turn.checked_rem(candidates.len()).unwrap_or_default();
        candidates.get(turn).copied().flatten().cloned()
    }
}

impl Driver {
    /// Takes up the certificate of an earlier life.
    pub(super) fn restore_host(&mut self, kept: KeptHost, now: Now) {
        let KeptHost { key, issued } = kept;
        self.host.settled = Some(key.clone());
        self.host.known = super::restore::known(&issued);
        self.host.spare = Some(Spare { key, issued, ends_boot: None, told: None });
        self.use_spare(now);
        if !self.host.untried.is_empty() {
            // The renewal whose answer was lost is repeated at once, while the server still knows it.
            self.step_host(Event::RenewNow, now);
        }
    }

    pub(super) fn step_host(&mut self, event: Event, now: Now) {
        for command in self.host.hand.step(event, now) {
            match command {
                Command::Ask(asked) => self.ask_for_host(asked, now),
                Command::Deliver(checked) => self.deliver_host(&checked, now),
                Command::Withdraw { serial, why } => {
                    tracing::warn!(%serial, ?why, "the host's certificate has ended");
                    self.asker.upstream().withdraw();
                    if why != Withdrawn::Expired {
                        self.host.spare = None;
                    }
                }
                Command::Forget { serial } => tracing::info!(%serial, "the host's earlier certificate has ended"),
            }
        }
    }

    fn ask_for_host(&mut self, asked: Asked, now: Now) {
        let attempt = asked.attempt;
        let hand = match self.host.key_for(asked, self.trust.head_size()) {
            Ok(hand) => hand,
            Err(error) => return self.host_answered(attempt, Err(error), now),
        };
        let is_kept = self.host.unsettled.iter().any(|key| key.hash() == hand.key.hash());
        if !is_kept {
            self.host.unsettled.push(hand.key.clone());
        }
        let whose = self.host.known.clone().unwrap_or(Whose::NewHost);
        let bound = self.host.bound_key(&hand);
        let (asker, keys) = (Arc::clone(&self.asker), self.keeper.keys());
        self.work.spawn(async move {
            let outcome = async {
                // From here on a crash does not lose the key that the server may bind to us.
                keys.add_unsettled(hand.key.clone()).await?.ok_or(AskError::Stopping)?;
                match asked.ask {
                    Ask::Enrol | Ask::First => asker.enrol(&hand, bound.as_ref(), whose).await,
                    Ask::Renew { .. } => asker.ask(asked.ask, &hand, whose).await,
                }
            };
            let outcome = outcome.await.map(|attempted| (hand.key.clone(), attempted));
            News::Host { attempt, outcome }
        });
    }

    pub(super) fn host_answered(&mut self, attempt: u64, outcome: Result<(PrivateKey, Attempted), AskError>, now: Now) {
        if !self.host.hand.machine.is_out(attempt) {
            tracing::debug!(attempt, "an answer came too late");
            return;
        }
        match outcome {
            Ok((key, attempted)) => {
                let floor = self.host.hand.attempt.as_ref().filter(|hand| hand.key.hash() == key.hash());
                self.recorded(&attempted.checked, floor.map_or(0, |hand| hand.floor), now);
                let checked = Arc::clone(&attempted.checked);
                self.host.hand.answer = Some((key, Arc::new(attempted)));
                self.step_host(Event::Answered { attempt, checked }, now);
                self.host.hand.answer = None;
            }
            Err(error) => {
                let failure = error.failure();
                let text = chain(&error);
                tracing::warn!(attempt, why = text, "the host got no certificate");
                self.host.hand.last_failure = Some(text);
                self.host.hand.refused_by = error.refusal();
                if error.is_host_bound() {
                    self.host.bound_turn = self.host.bound_turn.saturating_add(1);
                }
                self.key_failed(failure.fault);
                self.step_host(Event::Failed { attempt, failure }, now);
            }
        }
    }

    /// What a failure says of the key in hand.
    fn key_failed(&mut self, fault: Fault) {
        let Some(hand) = &mut self.host.hand.attempt else { return };
        match fault {
            Fault::Busy => {}
            Fault::Lost => hand.is_uncertain = true,
            Fault::Refused | Fault::Anew | Fault::Revoked => {
                // Refused at its first use, it was certainly not taken. One whose answer was lost before may have been.
                let (key, is_uncertain) = (hand.key.clone(), hand.is_uncertain);
                self.host.hand.attempt = None;
                if !is_uncertain {
                    self.host.unsettled.retain(|kept| kept.hash() != key.hash());
                    self.keeper.drop_unsettled(key);
                }
            }
        }
    }

    fn deliver_host(&mut self, checked: &Arc<Checked>, now: Now) {
        let Some((key, attempted)) = self.host.hand.answer.take() else { return };
        let is_new = self.host.settled.as_ref().is_none_or(|settled| settled.hash() != key.hash());
        if is_new {
            self.keeper.settle(key.clone(), attempted.issued.clone());
            self.host.unsettled.clear();
            self.host.untried.clear();
        }
        if let Err(error) = self.asker.upstream().present(checked.chain().to_vec(), key.clone()) {
            // Key and chain were checked to be a pair; TLS does not take them. The next renewal brings others.
            tracing::error!(why = chain(&error), "the host's certificate cannot be used for TLS");
        }
        let ends_boot = self.host.hand.machine.held().map(Held::ends_boot);
        let issued = attempted.issued.clone();
        self.host.spare = Some(Spare { key: key.clone(), issued, ends_boot, told: None });
        self.host.settled = Some(key);
        self.host.bound_turn = 0;
        self.host.hand.attempt = None;
        self.host.hand.last_failure = None;
        self.host.hand.refused_by = None;
        self.host.known = Some(Whose::Host { host: checked.host(), spiffe_id: checked.spiffe_id().clone() });
        tracing::info!(
            serial = %checked.serial(), spiffe_id = %checked.spiffe_id(), not_after = %checked.not_after(),
            index = checked.index(), "the host has a certificate"
        );
        self.errands.agents.want(now.boot);
        if self.follower.is_none() {
            self.errands.feed.want(now.boot);
        }
    }

    /// The server does not take the host's certificate: it may have been rolled back, or the host evicted.
    pub(super) fn host_unauthenticated(&mut self, now: Now) {
        if self.host.hand.machine.failures() == 0 {
            self.step_host(Event::RenewNow, now);
        }
    }
}

/// Keys without an answer, as many as are kept on disk ([`crate::keep`]).
const MAX_UNSETTLED: usize = 8;

//! What an identity has asked for: gate, attempt, key. The part of its state that outlives a certificate.

use std::time::Duration;

use super::{Ask, Asked, Failure, Fault, Gate, KeyUse, Role};
use crate::check::Checked;
use crate::machine::{Backoff, BootTime, Errand, Held, Now, Outgoing};

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Track {
    role: Role,
    gate: Gate,
    errand: Errand,
    /// When the key was first used for which no answer was accepted and no refusal came.
    key_since: Option<BootTime>,
    /// The certificate that is held cannot be renewed.
    anew: bool,
}

impl Track {
    pub(super) fn new(role: Role, gate: Gate, seed: [u8; 16]) -> Self {
        let errand = Errand::new(Backoff::new(seed), ANSWER_LIMIT);
        Self { role, gate, errand, key_since: None, anew: false }
    }

    pub(super) fn failures(&self) -> u32 {
        self.errand.failures()
    }

    pub(super) fn is_out(&self, attempt: u64) -> bool {
        self.errand.is_out(attempt)
    }

    pub(super) fn set_gate(&mut self, gate: Gate) {
        if gate == Gate::Alarm {
            // Also the answer to what was asked before the alarm is something new.
            self.errand.rest();
        }
        self.gate = gate;
    }

    /// Asks if the gate is open and it is time: always without a certificate, else when the one that is held is due.
    pub(super) fn ask(&mut self, held: Option<&Held>, now: Now) -> Option<Asked> {
        if self.gate != Gate::Open {
            return None;
        }
        if held.is_none_or(|held| held.is_due(now)) {
            self.errand.want(now.boot);
        }
        let attempt = self.errand.go(now.boot)?;
        let ask = match (held, self.role) {
            (Some(held), _) if !self.anew => Ask::Renew { serial: held.serial() },
            (_, Role::Host) => Ask::Enrol,
            (_, Role::Agent) => Ask::First,
        };
        let key = match self.key_since {
            Some(since) if now.boot.since(since) < SAME_KEY => KeyUse::Same,
            Some(_) | None => {
                self.key_since = Some(now.boot);
                KeyUse::Fresh
            }
        };
        Some(Asked { attempt, ask, key })
    }

    /// Whether the answer is to the attempt that is out, still lives, and is not a certificate that we have already.
    /// An answer to the attempt that is not acceptable counts as a failure.
    pub(super) fn accepts(
        &mut self,
        attempt: u64,
        checked: &Checked,
        held: Option<&Held>,
        outgoing: &[Outgoing],
        now: Now,
    ) -> bool {
        if self.gate == Gate::Alarm || !self.errand.is_out(attempt) {
            return false;
        }
        let mut serials = held.map(Held::serial).into_iter().chain(outgoing.iter().map(|outgoing| outgoing.serial));
        let known = serials.any(|serial| serial == checked.serial());
        if known || checked.not_after() <= now.wall {
            let left = held.map(|held| held.ends_boot().since(now.boot));
            self.key_since = None;
            self.errand.failed(now.boot, None, left);
            return false;
        }
        true
    }

    pub(super) fn succeeded(&mut self, now: Now) {
        self.errand.done(now.boot, None);
        self.errand.rest();
        self.key_since = None;
        self.anew = false;
    }

    /// Whether it was the attempt that is out.
    pub(super) fn failed(&mut self, attempt: u64, failure: Failure, life_left: Option<Duration>, now: Now) -> bool {
        if !self.errand.is_out(attempt) {
            return false;
        }
        match failure.fault {
            Fault::Lost | Fault::Busy => {}
            Fault::Refused | Fault::Revoked => self.key_since = None,
            Fault::Anew => {
                self.key_since = None;
                self.anew = true;
            }
        }
        self.errand.failed(now.boot, failure.retry_after, life_left);
        true
    }

    pub(super) fn give_up_overdue(&mut self, life_left: Option<Duration>, now: Now) {
        if self.errand.is_overdue(now.boot) {
            self.errand.failed(now.boot, None, life_left);
        }
    }

    pub(super) fn wake_at(&self) -> Option<BootTime> {
        (self.gate == Gate::Open).then(|| self.errand.wake_at()).flatten()
    }

    pub(super) fn wake_with(&self, held: &Held) -> Option<BootTime> {
        let next = match (self.gate, self.errand.wake_at()) {
            (Gate::Open, Some(at)) => Some(at),
            (Gate::Open, None) => Some(held.due_boot()),
            (Gate::NoHost | Gate::Alarm, _) => None,
        };
        [next, Some(held.ends_boot())].into_iter().flatten().min()
    }
}

/// How long an answer may take before it counts as lost. Longer than the time limit of a request
/// ([`crate::upstream::REQUEST_LIMIT`]) and of reading evidence together: the driver's answer normally comes first.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// How long a key is used again for the same request. The server answers the same for 10 minutes (design, section 1, "lost
/// answers"), counted from its own clock: one minute is left for the way there.
const SAME_KEY: Duration = Duration::from_secs(9 * 60);

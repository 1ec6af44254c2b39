//! The life of one identity: pending, current, grace, ended. Knows serials and times; no octet of a key or certificate is read here.
//!
//! ```text
//!            Answered                    Answered                 the one before has ended
//!  Pending ───────────▶ Current ───────────────────────▶ Grace ───────────────────────────▶ Current
//!     ▲                    │  expired, cut off              │ expired, cut off
//!     └────────────────────┴────────────────────────────────┘          any: Revoked, Removed ──▶ Ended
//! ```
//!
//! What may be delivered is a [`Checked`], which only [`check`](crate::check) makes; a machine delivers no other, none that
//! has ended, and one at a time. In every state but `Ended` there is either something to wait for that has a deadline, or a gate
//! that the driver must open.

mod track;

use std::sync::Arc;
use std::time::Duration;

use identity::{Serial, Timestamp};

use super::{BootTime, Held, Now, Outgoing};
use crate::check::Checked;
use track::Track;

/// Whose identity it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The host's own: begins with evidence.
    Host,
    /// An agent's: begins with the host's certificate.
    Agent,
}

/// Whether the machine may ask for anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// It may.
    Open,
    /// The host has no certificate to ask with. What is held is handed out until it ends.
    NoHost,
    /// The ledger's statements contradict each other: nothing new is taken, what is held is handed out until it ends.
    Alarm,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// Time has passed, or the wall clock was set.
    Tick,
    /// The gate was opened or closed.
    Gate(Gate),
    /// A certificate from before a restart was read back and checked again. Only into `Pending`.
    Restored(Arc<Checked>),
    /// What is held should be renewed now: its renewal was cut short by a restart, or the server does not know it any more.
    RenewNow,
    /// The server answered the attempt, and the answer passed every check.
    Answered {
        /// The attempt's number from [`Asked`].
        attempt: u64,
        /// What may be delivered.
        checked: Arc<Checked>,
    },
    /// The attempt brought nothing.
    Failed {
        /// The attempt's number from [`Asked`].
        attempt: u64,
        /// Why, as far as it matters for what to do next.
        failure: Failure,
    },
    /// The feed says that this serial is revoked.
    Revoked(Serial),
    /// The feed says that this serial was superseded and is refused from `at` on.
    CutOff {
        /// The superseded serial.
        serial: Serial,
        /// Its cutoff.
        at: Timestamp,
    },
    /// This host may not have the identity any longer, or local configuration leaves it out.
    Removed,
}

/// An attempt that brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub fault: Fault,
    /// How long the server asked us to wait (`Retry-After`).
    pub retry_after: Option<Duration>,
}

/// Why an attempt brought nothing, by what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No answer, or one that did not pass the checks: the server may have recorded a certificate for the key. The same key again.
    Lost,
    /// The server said that it is not able to now. The same key again.
    Busy,
    /// The server decided against it. The next attempt has a new key.
    Refused,
    /// A renewal of this certificate is impossible (superseded, expired, evidence too old): from the start again.
    Anew,
    /// The server says that the certificate which was to be renewed is revoked.
    Revoked,
}

/// What the driver must do.
#[derive(Debug, Clone)]
pub enum Command {
    /// Ask the server; report with [`Event::Answered`] or [`Event::Failed`].
    Ask(Asked),
    /// Hand this out from now on, in place of what was handed out before.
    Deliver(Arc<Checked>),
    /// Stop handing this out; there is nothing in its place.
    Withdraw {
        /// The serial that was handed out.
        serial: Serial,
        /// Why.
        why: Withdrawn,
    },
    /// The grace of a superseded certificate is over.
    Forget {
        /// Its serial.
        serial: Serial,
    },
}

/// One attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Names the attempt in its answer.
    pub attempt: u64,
    /// What to ask for.
    pub ask: Ask,
    /// With which key.
    pub key: KeyUse,
}

/// What to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// The host's certificate, with evidence, and with proof of the bound key if there is one: `POST /v1/enroll`.
    Enrol,
    /// An agent's first certificate, with the host's: `POST /v1/agents`.
    First,
    /// A successor: `POST /v1/renew`.
    Renew {
        /// The certificate to be superseded.
        serial: Serial,
    },
}

/// With which key to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// One made for this attempt.
    Fresh,
    /// The one of the attempt before: its answer was lost, and for ten minutes the server gives the same certificate again.
    Same,
}

/// Why nothing is handed out any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawn {
    /// notAfter has come.
    Expired,
    /// The cutoff has come, and no successor.
    CutOff,
    /// Revoked.
    Revoked,
    /// No longer this host's.
    Removed,
}

/// An identity's state.
#[derive(Debug, Clone)]
pub enum Identity {
    /// It has nothing to hand out and asks for it.
    Pending(Pending),
    /// It hands out one certificate.
    Current(Current),
    /// It hands out one certificate, and those before it are still accepted somewhere.
    Grace(Grace),
    /// It is over.
    Ended(Ended),
}

/// See [`Identity::Pending`].
#[derive(Debug, Clone)]
pub struct Pending {
    track: Track,
}

/// See [`Identity::Current`].
#[derive(Debug, Clone)]
pub struct Current {
    track: Track,
    held: Held,
}

/// See [`Identity::Grace`].
#[derive(Debug, Clone)]
pub struct Grace {
    track: Track,
    held: Held,
    outgoing: Vec<Outgoing>,
}

/// See [`Identity::Ended`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Why.
    pub why: Withdrawn,
}

impl Identity {
    /// A new identity, and no attempt yet: the first [`Event::Tick`] or open gate starts it. The jitter of attempts before
    /// there is a serial follows from `seed`.
    #[must_use]
    pub fn new(role: Role, gate: Gate, seed: [u8; 16]) -> Self {
        Self::Pending(Pending { track: Track::new(role, gate, seed) })
    }

    /// The next state, and what to do.
    #[must_use]
    pub fn step(self, event: Event, now: Now) -> (Self, Vec<Command>) {
        let mut commands = Vec::new();
        let mut next = match self {
            Self::Ended(ended) => return (Self::Ended(ended), commands),
            Self::Pending(pending) => pending.take(event, now, &mut commands),
            Self::Current(Current { track, held }) => {
                Grace { track, held, outgoing: Vec::new() }.take(event, now, &mut commands)
            }
            Self::Grace(grace) => grace.take(event, now, &mut commands),
        };
        next.ask(now, &mut commands);
        (next, commands)
    }

    /// What is handed out.
    #[must_use]
    pub fn held(&self) -> Option<&Held> {
        match self {
            Self::Current(Current { held, .. }) | Self::Grace(Grace { held, .. }) => Some(held),
            Self::Pending(_) | Self::Ended(_) => None,
        }
    }

    /// Whether `attempt` is the one that waits for an answer: any other answer is an old one and changes nothing.
    #[must_use]
    pub fn is_out(&self, attempt: u64) -> bool {
        match self {
            Self::Pending(Pending { track })
            | Self::Current(Current { track, .. })
            | Self::Grace(Grace { track, .. }) => track.is_out(attempt),
            Self::Ended(_) => false,
        }
    }

    /// The serials that are handed out or in their grace.
    pub fn serials(&self) -> impl Iterator<Item = Serial> + '_ {
        let outgoing = match self {
            Self::Grace(Grace { outgoing, .. }) => outgoing.as_slice(),
            Self::Pending(_) | Self::Current(_) | Self::Ended(_) => &[],
        };
        self.held().map(Held::serial).into_iter().chain(outgoing.iter().map(|outgoing| outgoing.serial))
    }

    /// An identity that this host does not have: what a slot holds that was emptied.
    #[must_use]
    pub const fn gone() -> Self {
        Self::Ended(Ended { why: Withdrawn::Removed })
    }

    /// Attempts that failed since the last success.
    #[must_use]
    pub fn failures(&self) -> u32 {
        match self {
            Self::Pending(Pending { track })
            | Self::Current(Current { track, .. })
            | Self::Grace(Grace { track, .. }) => track.failures(),
            Self::Ended(_) => 0,
        }
    }

    /// When the next [`Event::Tick`] is needed at the latest. None: only an event from outside changes anything.
    #[must_use]
    pub fn wake_at(&self) -> Option<BootTime> {
        match self {
            Self::Ended(_) => None,
            Self::Pending(Pending { track }) => track.wake_at(),
            Self::Current(Current { track, held }) => track.wake_with(held),
            Self::Grace(Grace { track, held, outgoing }) => {
                let grace = outgoing.iter().map(|outgoing| outgoing.ends_boot).min();
                [track.wake_with(held), grace].into_iter().flatten().min()
            }
        }
    }

    fn ask(&mut self, now: Now, commands: &mut Vec<Command>) {
        let asked = match self {
            Self::Ended(_) => None,
            Self::Pending(Pending { track }) => track.ask(None, now),
            Self::Current(Current { track, held }) | Self::Grace(Grace { track, held, .. }) => {
                track.ask(Some(held), now)
            }
        };
        commands.extend(asked.map(Command::Ask));
    }
}

impl Pending {
    fn take(mut self, event: Event, now: Now, commands: &mut Vec<Command>) -> Identity {
        match event {
            Event::Tick => self.track.give_up_overdue(None, now),
            Event::Gate(gate) => self.track.set_gate(gate),
            Event::Removed => return Identity::Ended(Ended { why: Withdrawn::Removed }),
            Event::Failed { attempt, failure } => {
                self.track.failed(attempt, failure, None, now);
            }
            Event::Restored(checked) => return self.deliver(checked, now, commands),
            Event::Answered { attempt, checked } => {
                if self.track.accepts(attempt, &checked, None, &[], now) {
                    return self.deliver(checked, now, commands);
                }
            }
            Event::RenewNow | Event::Revoked(_) | Event::CutOff { .. } => {}
        }
        Identity::Pending(self)
    }

    fn deliver(mut self, checked: Arc<Checked>, now: Now, commands: &mut Vec<Command>) -> Identity {
        let held = Held::new(Arc::clone(&checked), now);
        if held.has_ended(now) {
            return Identity::Pending(self);
        }
        self.track.succeeded(now);
        commands.push(Command::Deliver(checked));
        Identity::Current(Current { track: self.track, held })
    }
}

impl Grace {
    /// The same for `Current`, which is a grace with nobody in it.
    fn take(mut self, event: Event, now: Now, commands: &mut Vec<Command>) -> Identity {
        match event {
            Event::Tick => {
                let left = self.held.ends_boot().since(now.boot);
                self.track.give_up_overdue(Some(left), now);
            }
            Event::Gate(gate) => self.track.set_gate(gate),
            Event::Removed => return self.end(Withdrawn::Removed, commands),
            Event::Failed { attempt, failure } => {
                let left = self.held.ends_boot().since(now.boot);
                if self.track.failed(attempt, failure, Some(left), now) && failure.fault == Fault::Revoked {
                    return self.end(Withdrawn::Revoked, commands);
                }
            }
            Event::Answered { attempt, checked } => {
                if self.track.accepts(attempt, &checked, Some(&self.held), &self.outgoing, now) {
                    self = self.succeed(checked, now, commands);
                }
            }
            Event::Revoked(serial) if serial == self.held.serial() => return self.end(Withdrawn::Revoked, commands),
            Event::Revoked(serial) => self.forget(commands, |outgoing| outgoing.serial == serial),
            Event::CutOff { serial, at } => self.cut_off(serial, at, now),
            Event::RenewNow => self.held.renew_now(now),
            // It has one already; a second is never delivered beside it.
            Event::Restored(_) => {}
        }
        self.forget(commands, |outgoing| outgoing.has_ended(now));
        if self.held.has_ended(now) {
            return self.expire(commands);
        }
        if self.outgoing.is_empty() {
            return Identity::Current(Current { track: self.track, held: self.held });
        }
        Identity::Grace(self)
    }

    fn succeed(mut self, checked: Arc<Checked>, now: Now, commands: &mut Vec<Command>) -> Self {
        self.outgoing.push(self.held.outgoing(&checked, now));
        self.held = Held::new(Arc::clone(&checked), now);
        self.track.succeeded(now);
        commands.push(Command::Deliver(checked));
        self
    }

    fn cut_off(&mut self, serial: Serial, at: Timestamp, now: Now) {
        if serial == self.held.serial() {
            self.held.cut_off(at, now);
        }
        for outgoing in self.outgoing.iter_mut().filter(|outgoing| outgoing.serial == serial) {
            outgoing.cut_off(at, now);
        }
    }

    fn expire(mut self, commands: &mut Vec<Command>) -> Identity {
        self.forget(commands, |_| true);
        let why = if self.held.is_cut_off() { Withdrawn::CutOff } else { Withdrawn::Expired };
        commands.push(Command::Withdraw { serial: self.held.serial(), why });
        Identity::Pending(Pending { track: self.track })
    }

    fn end(mut self, why: Withdrawn, commands: &mut Vec<Command>) -> Identity {
        self.forget(commands, |_| true);
        commands.push(Command::Withdraw { serial: self.held.serial(), why });
        Identity::Ended(Ended { why })
    }

    fn forget(&mut self, commands: &mut Vec<Command>, over: impl Fn(&Outgoing) -> bool) {
        self.outgoing.retain(|outgoing| {
            let over = over(outgoing);
            if over {
                commands.push(Command::Forget { serial: outgoing.serial });
            }
            !over
        });
    }
}

#[cfg(test)]
mod tests;

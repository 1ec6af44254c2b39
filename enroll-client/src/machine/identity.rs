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

mod message;
mod track;

use std::sync::Arc;

use identity::{Serial, Timestamp};

use super::{BootTime, Held, Now, Outgoing};
use crate::check::Checked;
use track::Track;

pub use message::{Ask, Asked, Command, Event, Failure, Fault, Gate, KeyUse, Role, Withdrawn};

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

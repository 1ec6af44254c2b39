//! A certificate as its state machine sees it: when it is renewed and when it ends, on both clocks.

use std::sync::Arc;

use identity::{Serial, Timestamp};

use super::{BootTime, Now, renewal_time};
use crate::check::Checked;

/// The certificate that is handed out.
#[derive(Debug, Clone)]
pub struct Held {
    checked: Arc<Checked>,
    cutoff: Option<Timestamp>,
    renew_at: Timestamp,
    renew_boot: BootTime,
    earliest_renewal: BootTime,
    ends_boot: BootTime,
}

/// The certificate before it: nothing hands it out any more, and processes that still use it are within their grace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its serial.
    pub serial: Serial,
    /// When verifiers stop to accept it: its cutoff or notAfter, whichever is earlier.
    pub ends: Timestamp,
    /// The same on the boot clock.
    pub ends_boot: BootTime,
}

impl Held {
    /// Fixes, once, when the certificate is renewed and when it ends.
    #[must_use]
    pub fn new(checked: Arc<Checked>, now: Now) -> Self {
        let renew_at = renewal_time(checked.serial(), checked.authorised_at(), checked.not_after());
        // A wall clock that is fast makes each new certificate look due. Whatever it says, there are not more than
        // ten renewals in a life.
        let life = checked.not_after().since(checked.authorised_at());
        Self {
            cutoff: None,
            renew_at,
            renew_boot: now.boot_at(renew_at),
            earliest_renewal: now.boot.plus(life / 10),
            ends_boot: now.boot_at(checked.not_after()),
            checked,
        }
    }

    /// What was checked, as it was delivered.
    #[must_use]
    pub fn checked(&self) -> &Arc<Checked> {
        &self.checked
    }

    /// The certificate's serial.
    #[must_use]
    pub fn serial(&self) -> Serial {
        self.checked.serial()
    }

    /// When it is due for renewal.
    #[must_use]
    pub fn renew_at(&self) -> Timestamp {
        self.renew_at
    }

    /// When verifiers stop to accept it: its cutoff or notAfter, whichever is earlier.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        self.cutoff.map_or(self.checked.not_after(), |cutoff| cutoff.min(self.checked.not_after()))
    }

    /// Takes in that the server has superseded it: the answer to a renewal was lost. It ends at `cutoff`, and another is due.
    pub fn cut_off(&mut self, cutoff: Timestamp, now: Now) {
        self.cutoff = Some(self.cutoff.map_or(cutoff, |known| known.min(cutoff)));
        self.ends_boot = self.ends_boot.min(now.boot_at(cutoff));
        self.renew_now(now);
    }

    /// Makes it due.
    pub fn renew_now(&mut self, now: Now) {
        self.earliest_renewal = self.earliest_renewal.min(now.boot);
        self.renew_boot = self.renew_boot.min(now.boot);
    }

    /// Whether a verifier could refuse it: by the wall clock, or by how long it has lived.
    #[must_use]
    pub fn has_ended(&self, now: Now) -> bool {
        now.wall >= self.ends() || now.boot >= self.ends_boot
    }

    /// Whether a cutoff is what ends it.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.cutoff.is_some_and(|cutoff| cutoff < self.checked.not_after())
    }

    /// Whether it is time to renew it.
    #[must_use]
    pub fn is_due(&self, now: Now) -> bool {
        now.boot >= self.earliest_renewal && (now.boot >= self.renew_boot || now.wall >= self.renew_at)
    }

    /// When it becomes due on the boot clock.
    #[must_use]
    pub fn due_boot(&self) -> BootTime {
        self.renew_boot.max(self.earliest_renewal)
    }

    /// When it ends on the boot clock.
    #[must_use]
    pub fn ends_boot(&self) -> BootTime {
        self.ends_boot
    }

    /// This certificate after `successor` has been accepted in its place.
    #[must_use]
    pub fn outgoing(mut self, successor: &Checked, now: Now) -> Outgoing {
        if let (true, Some(cutoff)) = (successor.supersedes() == Some(self.serial()), successor.cutoff()) {
            self.cut_off(cutoff, now);
        }
        Outgoing { serial: self.serial(), ends: self.ends(), ends_boot: self.ends_boot }
    }
}

impl Outgoing {
    /// Takes in a cutoff that the feed told.
    pub fn cut_off(&mut self, cutoff: Timestamp, now: Now) {
        self.ends = self.ends.min(cutoff);
        self.ends_boot = self.ends_boot.min(now.boot_at(cutoff));
    }

    /// Whether its grace is over.
    #[must_use]
    pub fn has_ended(&self, now: Now) -> bool {
        now.wall >= self.ends || now.boot >= self.ends_boot
    }
}

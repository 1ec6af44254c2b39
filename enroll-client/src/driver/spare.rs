//! The host's newest certificate, kept at hand while it is not in use: a clock that is wrong for a while must not cost the host its identity.
//!
//! A machine without a battery starts in 1970, and its kept certificate is "not yet valid"; a time server that errs by a day makes it
//! "expired". Either is over when the clock is set right, but evidence may be spent by then. So the certificate is checked again at
//! each tick, until it has ended by the clock that nobody sets, or by a time that the ledger's key has signed (security.md, T-52).

use std::sync::Arc;

use protocol::enroll::Issued;

use super::Driver;
use super::ask::Attempted;
use crate::check::{self, Expected, Whose};
use crate::key::PrivateKey;
use crate::machine::{BootTime, Event, Identity, Now};
use crate::report::chain;

/// See the module.
#[derive(Debug)]
pub(super) struct Spare {
    pub(super) key: PrivateKey,
    pub(super) issued: Issued,
    /// When it ends by the boot clock, if it was accepted in this life.
    pub(super) ends_boot: Option<BootTime>,
    /// What was last wrong with it, so that it is told once.
    pub(super) told: Option<String>,
}

impl Driver {
    /// Uses the spare certificate if there is nothing better and it holds.
    pub(super) fn use_spare(&mut self, now: Now) {
        if !matches!(self.host.hand.machine, Identity::Pending(_)) {
            return;
        }
        let Some(mut spare) = self.host.spare.take() else { return };
        if spare.ends_boot.is_some_and(|ends| now.boot >= ends) {
            return;
        }
        let whose = self.host.known.clone().unwrap_or(Whose::NewHost);
        let expected = Expected { key: spare.key.hash(), whose, renews: None };
        match check::answer(&spare.issued, &expected, &self.asker.parts().pins, now.wall) {
            Ok(checked) if self.trust.beat().is_some_and(|beat| beat.time >= checked.not_after()) => {
                tracing::warn!(
                    "the host's certificate ended before the newest heartbeat: this machine's clock is behind"
                );
            }
            Ok(checked) => {
                let checked = Arc::new(checked);
                let attempted = Attempted { issued: spare.issued, checked: Arc::clone(&checked) };
                self.host.hand.answer = Some((spare.key, Arc::new(attempted)));
                self.step_host(Event::Restored(checked), now);
            }
            Err(error) => {
                let why = chain(&error);
                if spare.told.as_ref() != Some(&why) {
                    tracing::info!(why, "the host's kept certificate is not used");
                }
                if error.is_about_time() {
                    spare.told = Some(why);
                    self.host.spare = Some(spare);
                }
            }
        }
    }
}

//! What an identity's machine hears and says. Knows the words; the grammar is in the machine.

use std::sync::Arc;
use std::time::Duration;

use identity::{Serial, Timestamp};

use crate::check::Checked;

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

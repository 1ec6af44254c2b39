//! The key roller's decisions: pure state machines over events and an argument `now`. No socket, no file, no clock, no key in here.
//!
//! | machine | one per | decides |
//! |---|---|---|
//! | [`Identity`] | host, and each agent | when to ask, what to hand out, when to take it away |
//! | [`Trust`] | client | whether the ledger's signed statements fit together, and where in the feed we are |
//! | [`Errand`] | thing to fetch | when to go next |
//!
//! Each `step` takes the state by value and gives the next state and what the driver must do. Deadlines are in boot time,
//! which runs through suspend and which nobody can set; whether a certificate is valid is a question to the wall clock.
//! Where the two disagree because somebody set the wall clock, whichever ends a certificate earlier wins ([`Now`]).

mod backoff;
mod errand;
mod held;
mod identity;
mod now;
mod renewal;
mod trust;

pub use backoff::Backoff;
pub use errand::Errand;
pub use held::{Held, Outgoing};
pub use identity::{Ask, Asked, Command, Event, Failure, Fault, Gate, Identity, KeyUse, Role, Withdrawn};
pub use now::{BootTime, ClockStep, Now};
pub use renewal::renewal_time;
pub use trust::{Alarmed, Beat, Contradiction, Cursor, Following, Head, Rule, Seen, Trust, TrustCommand, TrustEvent};

//! A CA in one value, to test against: authorities, a ledger, answers with receipts. Knows the wire and the ledger's formats;
//! shares no code with the server, and none of the client's checks.

pub(crate) mod ca;
pub(crate) mod https;
pub(crate) mod ledger;
pub(crate) mod server;

pub(crate) use ca::{Ca, Order};

use identity::Timestamp;

/// Some moment, the same in each run.
pub(crate) fn moment() -> Timestamp {
    Timestamp::from_seconds(1_900_000_000).unwrap()
}

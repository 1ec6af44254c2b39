//! The listeners as peers meet them: real sockets, a client that is not ours, and peers that mean no good.

#![allow(unreachable_pub, reason = "one program")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test that fails should fail loudly"
)]

mod admin;
mod client;
mod handshake;
mod house;
mod ledger;
mod own_leaf;
mod public;
mod requests;
mod slow;
mod stop;

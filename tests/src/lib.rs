//! What whole-product tests share: a real server in a directory of its own, and hosts that speak to it. Knows the programs
//! by their command lines only.
#![expect(clippy::missing_panics_doc, reason = "a test that cannot go on should stop")]
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on should stop")]

pub mod client;
pub mod host;
pub mod roller;
pub mod server;

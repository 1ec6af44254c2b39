//! The crate from outside: each rule of the standards against an oracle written another way, certificates made by rcgen
//! and spoiled one flaw at a time, and x509-parser as the second opinion on every certificate that is accepted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

mod authority;
mod encoding;
mod leaf;
mod made;
mod second_opinion;
mod serial;
mod spiffe_id;
mod timestamp;
mod tree;
mod unreadable;

use proptest::test_runner::Config;

/// At least so many cases; `PROPTEST_CASES` asks for more.
fn cases(least: u32) -> Config {
    let config = Config::default();
    Config { cases: config.cases.max(least), failure_persistence: None, ..config }
}

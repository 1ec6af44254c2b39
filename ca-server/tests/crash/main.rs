//! What is left after a crash, a failed write, a flipped bit. Knows the real log, committer, tiles, snapshots and views; knows no server.
//!
//! Rounds are an argument: `BREVET_ROUNDS=1000 BREVET_SEED=7 cargo test -p ca-server --test crash`. Each failure prints its seed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::let_underscore_must_use,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    unreachable_pub
)]

mod chance;
mod committing;
mod crashes;
mod faulty_disk;
mod fleet;
mod flips;
mod key;
mod key_files;
mod life;
mod outside;
mod scrubbing;
mod segments;
mod threads;
mod viewing;
mod writes;

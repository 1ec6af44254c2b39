//! Rules of this tree, as tests: who may know whom, who may open the doors to keys, what a file looks like, what documents
//! claim. Reads source text and Cargo.toml files; runs nothing of ours.
//!
//! A test that fails here says which rule and where it stands. To change a rule, change the design first.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub
)]

mod documents;
mod doors;
mod edges;
mod form;
mod openapi;
mod programs;
mod purity;
mod source;
mod sync_points;

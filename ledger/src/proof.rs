//! Proofs about the tree: made by whoever has its nodes, checked by whoever has a root. Knows hashes; knows no entries,
//! notes or storage.

mod batch;
mod check;
mod make;

pub use batch::BatchProofs;
pub use check::{ProofError, Tree, check_consistency, check_inclusion};
pub use make::{HashSource, MakeError, consistency, inclusion};

#[cfg(test)]
mod tests;

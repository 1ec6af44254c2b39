//! Brevet's ledger: entry kinds, hashing, frames, tiles, checkpoints, proofs.

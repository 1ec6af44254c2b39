//! Brevet's ledger as bytes and arithmetic. Knows entries, hashes, frames, tiles, notes and proofs; knows no file, socket, clock or key.
//!
//! The ledger is one append-only list of entries, hashed as a Merkle tree (RFC 6962). Read the modules in the order in which an entry
//! meets them:
//!
//! 1. [`hash`] turns an entry's bytes into a leaf hash, and two hashes into their parent.
//! 2. [`frontier`] is the right edge of the tree: all that is needed to append and to know the root.
//! 3. [`note`] is text signed by named keys, and [`checkpoint`] the note that states origin, size and root of a tree ([`origin`] names it).
//! 4. [`frame`] is a batch as it lies on disk: it tells a write that never finished from one that was damaged afterwards.
//! 5. [`proof`] makes and checks inclusion and consistency proofs.
//!
//! What is hashed, signed or parsed here follows RFC 6962, RFC 9162 and the C2SP texts signed-note, tlog-checkpoint, tlog-tiles and
//! tlog-proof; each module says which section.

pub mod checkpoint;
pub mod entry;
pub mod feed;

pub mod frame;
pub mod frontier;
pub mod hash;
pub mod note;
pub mod origin;
pub mod proof;

#[cfg(test)]
mod testing;

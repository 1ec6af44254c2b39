//! Brevet's ledger as bytes and arithmetic. Knows entries, hashes, frames, tiles, notes and proofs; knows no file,
//! socket, clock or key.
//!
//! The ledger is one append-only list of entries, hashed as a Merkle tree (RFC 6962). Read the modules in the order in
//! which an entry meets them:
//!
//! 1. [`entry`] is one change of state, and the octets that stand for it.
//! 2. [`hash`] turns those octets into a leaf hash, and two hashes into their parent.
//! 3. [`frontier`] is the right edge of the tree: all that is needed to append and to know the root.
//! 4. [`note`] is text signed by named keys, and [`checkpoint`] the note that states origin, size and root of a tree
//!    ([`origin`] names it).
//! 5. [`frame`] is a batch as it lies on disk: it tells a write that never finished from one that was damaged later.
//! 6. [`proof`] makes and checks inclusion and consistency proofs, and a [`receipt`] is an entry with such a proof.
//! 7. [`tile`] is the published form of the tree, for those who compute everything themselves.
//! 8. [`feed`] is what verifiers and clients follow: the few entries that change what they may trust.
//!
//! What is hashed, signed or parsed here follows RFC 6962, RFC 9162 and the C2SP texts signed-note, tlog-checkpoint,
//! tlog-tiles and tlog-proof; each module says which section.

pub mod checkpoint;
pub mod entry;
pub mod feed;

pub mod frame;
pub mod frontier;
pub mod hash;
pub mod note;
pub mod origin;
pub mod proof;
pub mod receipt;
pub mod tile;

#[cfg(test)]
mod testing;

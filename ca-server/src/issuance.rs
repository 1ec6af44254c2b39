//! Turns a grant into a signed certificate, and revocations into a signed CRL. Knows X.509; knows no socket, store or clock.
//!
//! ```text
//! prepare     Grant + OpenedCsr   → Prepared   to-be-signed octets, read back by a second parser and judged
//!                 (the committer records it: from there on it counts as issued)
//! sign        Recorded            → Signed     the only way to an issuer's key
//! ```
//!
//! What can go wrong here is that a certificate says something that was not granted. Three walls stand against it, none of
//! which knows how the one before works: the octets are written from the grant alone ([`prepare`](fn@prepare) takes
//! nothing from the request but its key); they are read back by `identity`'s parser and compared, field by field, with the
//! grant; and they are searched for anything that came with the request. What is signed is taken from the entry as it
//! stands in the ledger, and read back once more before it leaves.
//!
//! | noun | what it is |
//! |---|---|
//! | [`Root`], [`Issuer`], [`Issuers`] | authorities in use: a certificate and the key behind it |
//! | [`Publication`], [`Shard`] | the addresses in certificates |
//! | [`Prepared`], [`Signed`] | the two ends of a recording |
//! | [`crl`] | the list of what was revoked |

mod authority;
mod ceremony;
pub mod crl;
mod encoding;
mod issuer;
mod leaf;
mod lint;
mod prepare;
mod profile;
mod publication;
mod serial;
mod sign;

pub use authority::{Authority, AuthorityError};
pub use ceremony::{CeremonyError, Root};
pub use issuer::{Issuer, IssuerError, Issuers};
pub use lint::LintError;
pub use prepare::{PrepareError, Prepared, prepare};
pub use publication::{MAX_SHARDS, NoShard, Publication, PublicationError, Shard};
pub use serial::{NewSerialError, new_serial};
pub use sign::{SignError, Signed, sign};

#[cfg(test)]
mod tests;

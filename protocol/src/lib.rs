//! Messages between Brevet's client and server, their limits and problem types. Pure: knows no socket, key or clock, and
//! a receipt only as octets.
//!
//! Every message refuses unknown members. Octets are base64 with padding (RFC 4648, section 4), ids and hashes
//! lower-case hex, times RFC 3339 in UTC with milliseconds.

pub mod admin;
pub mod agents;
mod binary;
pub mod enroll;
pub mod feed;
pub mod limits;
pub mod problem;
pub mod reenrol;
pub mod revoke;
pub mod token;
pub mod trust;

pub use binary::Binary;

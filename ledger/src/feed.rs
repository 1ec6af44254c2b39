//! The feed: what verifiers and clients follow. Knows which entries are events, how they are counted and hashed, and
//! what follows from them; knows no socket and no clock.
//!
//! Few entries change what a verifier may trust. Each of those is an event: its id is the entry's index, its kind says
//! what it means, its data is text. All events together have a count and a [`RunningHash`], and every few seconds the
//! server signs both in a [`Heartbeat`], with the time and the ledger's size. So a follower finds out
//!
//! - that an event was left out, added or changed: its own count or hash differs from that of the next heartbeat;
//! - that the stream was cut or held back: no newer heartbeat comes, and it says how stale it is;
//! - that it was sent back: time, size and count never fall.
//!
//! | who | uses |
//! |---|---|
//! | server | [`FeedEvent`], [`RunningHash`], signs [`Heartbeat`] and [`Snapshot`], writes [`FeedMessage`] |
//! | client, verifier | reads [`FeedMessage`], holds a [`FeedState`] |
//! | auditor, tests | [`FeedLog`], which computes the whole feed from the entries alone |
//!
//! An event can only take trust away: it revokes, sets a cutoff, or says that something is to be fetched again. So it
//! is safe to act on one before the heartbeat that vouches for it, and all events are acted on at once.

mod event;
mod heartbeat;
mod log;
mod message;
mod snapshot;
mod state;
mod told;

pub use event::{EventKind, FeedEvent, RunningHash, UnknownEvent};
pub use heartbeat::{Heartbeat, HeartbeatError};
pub use log::{FeedLog, FeedLogError};
pub use message::{FeedMessage, FeedMessageError, HEARTBEAT_KIND};
pub use snapshot::{CutoffSerial, RevokedSerial, SignedSnapshot, Snapshot, SnapshotError};
pub use state::{Change, FeedState, FollowError, Staleness, Standing};
pub use told::{EventError, Told};

use std::time::Duration;

/// Octets of an event's data: a revocation of 200,000 certificates at 35 octets each, and its entry. The server revokes
/// no more than that in one entry.
pub const MAX_EVENT_OCTETS: usize = 8 * 1024 * 1024;

/// Serials that a follower holds as revoked, and as many with a cutoff: the snapshot of that many has 96 MB, and that
/// is what a client reads of one.
pub const MAX_SERIALS: usize = 1_000_000;

/// How long a revocation or cutoff is kept after its certificate has expired, so that a verifier whose clock is behind
/// does not take the certificate again. A clock that is further off stops every check of validity from working.
pub const KEPT_AFTER_EXPIRY: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests;

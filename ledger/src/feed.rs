//! The feed: what verifiers and clients follow. Knows which entries are events, and how they are counted and hashed;
//! knows no socket and no clock.

mod event;

pub use event::{EventKind, FeedEvent, RunningHash, UnknownEvent};

//! What hosts say of the feed: how far each has applied it. In memory only, learned again at reconnect; what is decided
//! from it is an entry (design, section 6). Knows no socket.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use identity::{HostId, Timestamp};

/// How far each host has applied the feed.
#[derive(Debug, Default)]
pub struct Followers(Mutex<HashMap<HostId, Applied>>);

/// How far one host has applied the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Id of the newest event.
    pub index: u64,
    /// Index of the newest trust bundle that it holds.
    pub bundle: u64,
    /// When it said so.
    pub at: Timestamp,
}

impl Followers {
    /// Takes what a host says.
    pub fn applied(&self, host: HostId, applied: Applied) {
        self.lock().insert(host, applied);
    }

    /// How far `host` has applied it, if it has said so since this server started.
    #[must_use]
    pub fn of(&self, host: &HostId) -> Option<Applied> {
        self.lock().get(host).copied()
    }

    /// Hosts that have said they applied everything up to `index`, out of those that have said anything.
    #[must_use]
    pub fn at_least(&self, index: u64) -> (usize, usize) {
        let followers = self.lock();
        (followers.values().filter(|applied| applied.index >= index).count(), followers.len())
    }

    /// The newest event that each has applied, in no order.
    #[must_use]
    pub fn applied_indices(&self) -> Vec<u64> {
        self.lock().values().map(|applied| applied.index).collect()
    }

    /// Forgets hosts that are gone.
    pub fn retain(&self, is_live: impl Fn(&HostId) -> bool) {
        self.lock().retain(|host, _| is_live(host));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<HostId, Applied>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

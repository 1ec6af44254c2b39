//! How many local connections may be open, in all and per user. Knows user ids and counts; knows no socket.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many connections may be open at the same time (T-61: connection flood).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Of all users together.
    pub total: usize,
    /// Of one user id. Smaller than `total`, so that no single user can lock out the others.
    pub per_user: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { total: MAX_CONNECTIONS, per_user: MAX_CONNECTIONS_PER_USER }
    }
}

/// Counts the open connections and refuses those above the limits.
#[derive(Debug)]
pub struct Admission {
    limits: ConnectionLimits,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_user: HashMap<u32, usize>,
}

impl Admission {
    /// An admission with nothing open.
    #[must_use]
    pub fn new(limits: ConnectionLimits) -> Arc<Self> {
        Arc::new(Self { limits, open: Mutex::default() })
    }

    /// Counts one connection of `uid` until the permit is dropped.
    ///
    /// # Errors
    /// When the user, or all users together, have as many open as they may.
    pub fn admit(self: &Arc<Self>, uid: u32) -> Result<Permit, TooManyConnections> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let of_user = open.by_user.get(&uid).copied().unwrap_or_default();
        if of_user >= self.limits.per_user {
            return Err(TooManyConnections::OfUser { uid, open: of_user, limit: self.limits.per_user });
        }
        if open.total >= self.limits.total {
            return Err(TooManyConnections::InAll { open: open.total, limit: self.limits.total });
        }
        open.total += 1;
        open.by_user.insert(uid, of_user + 1);
        Ok(Permit { admission: Arc::clone(self), uid })
    }

    /// Connections open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).total
    }

    fn release(&self, uid: u32) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total = open.total.saturating_sub(1);
        // A user with nothing open takes no memory: the map is as long as there are users with open connections.
        match open.by_user.get_mut(&uid) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => drop(open.by_user.remove(&uid)),
        }
    }
}

/// One counted connection; dropping it gives the place back.
#[derive(Debug)]
pub struct Permit {
    admission: Arc<Admission>,
    uid: u32,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.admission.release(self.uid);
    }
}

/// Why a connection was closed before it was served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TooManyConnections {
    /// One user has too many open.
    #[error("user {uid} has {open} connections open, the limit is {limit}")]
    OfUser {
        /// The user.
        uid: u32,
        /// How many that user has open.
        open: usize,
        /// How many it may have.
        limit: usize,
    },
    /// All users together have too many open.
    #[error("{open} connections are open, the limit is {limit}")]
    InAll {
        /// How many are open.
        open: usize,
        /// How many may be.
        limit: usize,
    },
}

/// An agent holds two (Workload API and feed), targets.md counts with 20 agents a host: six times that. One idle HTTP/2 connection
/// takes about 20 kB, so this bounds the memory of a flood to 5 MB.
const MAX_CONNECTIONS: usize = 256;
/// A quarter of all: three users at their limit still leave room for a fourth.
const MAX_CONNECTIONS_PER_USER: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ConnectionLimits = ConnectionLimits { total: 5, per_user: 3 };

    #[test]
    fn one_user_cannot_take_every_place() {
        let admission = Admission::new(LIMITS);
        let _flood: Vec<Permit> = (0..3).map(|_| admission.admit(1000).unwrap()).collect();
        assert_eq!(admission.admit(1000).err(), Some(TooManyConnections::OfUser { uid: 1000, open: 3, limit: 3 }));
        assert!(admission.admit(1001).is_ok());
    }

    #[test]
    fn all_users_together_have_a_limit() {
        let admission = Admission::new(LIMITS);
        let _open: Vec<Permit> = (0..5).map(|uid| admission.admit(uid).unwrap()).collect();
        assert_eq!(admission.admit(9).err(), Some(TooManyConnections::InAll { open: 5, limit: 5 }));
    }

    #[test]
    fn a_dropped_permit_gives_its_place_back_and_leaves_no_trace() {
        let admission = Admission::new(LIMITS);
        let permits: Vec<Permit> = (0..3).map(|_| admission.admit(7).unwrap()).collect();
        drop(permits);
        assert_eq!(admission.open(), 0);
        assert!(admission.open.lock().unwrap().by_user.is_empty());
        assert!(admission.admit(7).is_ok());
    }
}

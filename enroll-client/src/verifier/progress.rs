//! What the two following tasks have to tell: that something changed, and what went wrong last. Knows texts; judges nothing.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// Written by the tasks, read by whoever waits.
#[derive(Debug)]
pub(super) struct Progress {
    changes: watch::Sender<u64>,
    failures: Mutex<Failures>,
}

/// The newest trouble on each side, if there is any.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures {
    pub(super) identity: Option<String>,
    pub(super) feed: Option<String>,
}

impl Progress {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { changes: watch::Sender::new(0), failures: Mutex::default() })
    }

    /// Something held is different now.
    pub(super) fn changed(&self) {
        self.changes.send_modify(|changes| *changes = changes.wrapping_add(1));
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(super) fn identity_failed(&self, error: &dyn Error) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).identity = Some(chain(error));
    }

    pub(super) fn feed_failed(&self, error: &dyn Error) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).feed = Some(chain(error));
    }

    pub(super) fn failures(&self) -> Failures {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// An error and its causes, in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

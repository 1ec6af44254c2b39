//! When a snapshot is due, and its writing. Knows the live ledger; runs on a thread of its own, beside the committer.

use std::sync::Arc;

use crate::disk::Disk;
use crate::live::Live;

use super::{SnapshotError, SnapshotName};

/// Writes a snapshot whenever [`super::EVERY_ENTRIES`] more entries have landed.
pub struct Keeper {
    disk: Arc<dyn Disk>,
    live: Arc<Live>,
    every: u64,
    newest: u64,
}

impl Keeper {
    /// A keeper that writes one every `every` entries (for a server: [`super::EVERY_ENTRIES`]); the newest there is has the size `newest`.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, live: Arc<Live>, every: u64, newest: u64) -> Self {
        Self { disk, live, every: every.max(1), newest }
    }

    /// Works until the ledger ends. A snapshot that cannot be written costs only time at the next start, so it ends nothing.
    pub async fn run(mut self) -> Self {
        let mut size = self.live.subscribe();
        while size.wait_for(|size| self.is_due(*size)).await.is_ok() {
            let written = tokio::task::spawn_blocking(move || {
                let result = self.step();
                (self, result)
            });
            match written.await {
                Ok((keeper, Ok(_))) => self = keeper,
                Ok((keeper, Err(error))) => {
                    tracing::error!(%error, "a snapshot could not be written; the next one is tried later");
                    self = keeper;
                    self.newest = *size.borrow();
                }
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        }
        self
    }

    /// Writes one if it is due; gives its name. May block.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn step(&mut self) -> Result<Option<SnapshotName>, SnapshotError> {
        if !self.is_due(self.live.head().size) {
            return Ok(None);
        }
        // One moment of the State; the committer waits for the copy and for nothing else.
        let state = self.live.state().clone();
        let size = state.size();
        let root = self.live.root_at(size).map_err(std::io::Error::other)?;
        let name = SnapshotName { size, root };
        super::write(&*self.disk, name, &state)?;
        self.newest = size;
        Ok(Some(name))
    }

    fn is_due(&self, size: u64) -> bool {
        size.saturating_sub(self.newest) >= self.every
    }
}

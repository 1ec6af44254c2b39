//! Keeps the views up with the ledger. Knows the live ledger and the views; runs beside the committer, never before an answer.

use std::sync::Arc;
use std::time::Duration;

use crate::live::{Live, ReadError};

use super::{ViewError, Views};

/// Brings the views up to the end of the ledger, then follows it.
///
/// Ends when the ledger ends. Views that fail are dropped and built again; failing to read the ledger ends it too, since then the server
/// has to stop issuing anyway.
///
/// # Errors
/// [`FollowError`].
pub async fn follow(views: Arc<Views>, live: Arc<Live>) -> Result<(), FollowError> {
    let mut size = live.subscribe();
    loop {
        let (views_there, live_there) = (Arc::clone(&views), Arc::clone(&live));
        match tokio::task::spawn_blocking(move || catch_up(&views_there, &live_there)).await {
            Ok(caught_up) => caught_up?,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
        tokio::time::sleep(BETWEEN).await;
        if size.wait_for(|size| *size > views.size()).await.is_err() {
            return Ok(());
        }
    }
}

/// Gives the views all entries that they have not got. May block.
///
/// # Errors
/// [`FollowError`].
pub fn catch_up(views: &Views, live: &Live) -> Result<(), FollowError> {
    let mut rebuilds = 0;
    while views.size() < live.head().size {
        match step(views, live) {
            Err(FollowError::Views(error)) if rebuilds < MAX_REBUILDS => {
                tracing::warn!(%error, "the view store is dropped and built again");
                views.reset()?;
                rebuilds += 1;
            }
            done => done?,
        }
    }
    Ok(())
}

fn step(views: &Views, live: &Live) -> Result<(), FollowError> {
    let first = views.size();
    for (index, bytes) in (first..).zip(live.read(first)?) {
        let entry = bytes.decode().map_err(ReadError::Entry)?;
        views.take(index, &entry, |size| live.root_at(size).ok())?;
    }
    Ok(())
}

/// Why the views cannot follow.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] ReadError),
    /// The store fails again and again.
    #[error(transparent)]
    Views(#[from] ViewError),
}

/// Between two turns: who asks the views may wait that long for the newest, and a busy committer does not wake them each time.
const BETWEEN: Duration = Duration::from_millis(50);

/// How often one catching-up begins from nothing before the disk beneath is called broken.
const MAX_REBUILDS: u32 = 2;

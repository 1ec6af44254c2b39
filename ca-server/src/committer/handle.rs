//! The way to ask the committer. Knows the queue and the answers; knows no rule and no disk.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use super::plan::{Asked, Unwritable};
use super::recorded::Recorded;
use crate::live::{Live, ReadError};
use crate::refusal::Refusal;

/// Asks the committer; cheap to clone.
#[derive(Clone)]
pub struct Handle {
    queue: mpsc::Sender<Waiting>,
    live: Arc<Live>,
}

/// A command in the queue, and where its answer goes.
pub(super) struct Waiting {
    pub(super) asked: Asked,
    pub(super) since: Instant,
    answer: oneshot::Sender<Result<Answer, CommitError>>,
}

/// What the committer says; reading back is left to who asked.
#[derive(Debug)]
pub(super) enum Answer {
    Landed(Vec<Recorded>),
    Already(u64),
}

/// An answer that is on its way.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Result<Answer, CommitError>>);

impl Handle {
    pub(super) fn new(queue: mpsc::Sender<Waiting>, live: Arc<Live>) -> Self {
        Self { queue, live }
    }

    /// The ledger that the committer writes.
    #[must_use]
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// Has one command decided and recorded. The answer is that of its first entry; all commands but `Begin` have only one.
    ///
    /// # Errors
    /// [`CommitError`]: then nothing of it is in the ledger, save after [`CommitError::Ended`], when only a restart tells.
    pub async fn submit(&self, asked: Asked) -> Result<Recorded, CommitError> {
        self.submit_all(asked).await?.into_iter().next().ok_or(CommitError::Ended)
    }

    /// As [`Handle::submit`], with every entry that the command made.
    ///
    /// # Errors
    /// As [`Handle::submit`].
    pub async fn submit_all(&self, asked: Asked) -> Result<Vec<Recorded>, CommitError> {
        let answer = self.queue(asked)?.0.await.map_err(|_| CommitError::Ended)??;
        match answer {
            Answer::Landed(recorded) => Ok(recorded),
            Answer::Already(index) => {
                // Reads the disk, which an async thread must not wait for.
                let live = Arc::clone(&self.live);
                let read = tokio::task::spawn_blocking(move || read_back(&live, index)).await;
                Ok(vec![read.map_err(|_| CommitError::Ended)??])
            }
        }
    }

    /// Puts a command into the queue, to be waited for with [`Handle::wait`] on a thread that may block.
    ///
    /// # Errors
    /// [`CommitError::Busy`] when the queue is full, [`CommitError::Ended`] when nobody reads it any more.
    pub fn queue(&self, asked: Asked) -> Result<Pending, CommitError> {
        let (answer, pending) = oneshot::channel();
        self.queue.try_send(Waiting { asked, since: Instant::now(), answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CommitError::Busy,
            mpsc::error::TrySendError::Closed(_) => CommitError::Ended,
        })?;
        Ok(Pending(pending))
    }

    /// Waits for an answer, blocking.
    ///
    /// # Errors
    /// As [`Handle::submit`].
    pub fn wait(&self, pending: Pending) -> Result<Vec<Recorded>, CommitError> {
        match pending.0.blocking_recv().map_err(|_| CommitError::Ended)?? {
            Answer::Landed(recorded) => Ok(recorded),
            Answer::Already(index) => Ok(vec![read_back(&self.live, index)?]),
        }
    }
}

impl Waiting {
    /// Tells who asked; it is all the same if nobody listens any more, the entry stands.
    pub(super) fn tell(self, answer: Result<Answer, CommitError>) {
        drop(self.answer.send(answer));
    }
}

/// The entry at `index` as it was recorded, with a receipt under the newest checkpoint.
fn read_back(live: &Live, index: u64) -> Result<Recorded, CommitError> {
    let (bytes, entry, receipt) = live.receipt(index).map_err(|error| CommitError::Unreadable(Arc::new(error)))?;
    Ok(Recorded::read_back(index, bytes, entry.body, receipt))
}

/// Why a command was not recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// The asker's: a rule says no.
    #[error(transparent)]
    Refused(Refusal),
    /// The asker's: it is too long to be written down.
    #[error("the request cannot be recorded")]
    Unwritable(#[source] Unwritable),
    /// Ours: more is asked than can be recorded now; later it can.
    #[error("too many requests are waiting to be recorded")]
    Busy,
    /// Ours: the disk is full.
    #[error("the ledger has no room: {0}")]
    Full(String),
    /// Ours: the ledger's key could not sign.
    #[error("the ledger's key could not sign: {0}")]
    Unsigned(String),
    /// Ours: recorded before, but it cannot be read back.
    #[error("an entry recorded before cannot be read back")]
    Unreadable(#[source] Arc<ReadError>),
    /// Ours: the committer has stopped, on purpose.
    #[error("nothing is recorded any more: {0}")]
    Halted(String),
    /// Ours: the committer has gone. Whether the command was recorded is known after a restart.
    #[error("the committer has ended")]
    Ended,
}

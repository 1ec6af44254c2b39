//! Writes to the state directory, in order, beside the driver. Knows what is kept; decides nothing.

use protocol::enroll::Issued;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::keep::{Keep, KeepError, KeptAlarm, KeptCursor};
use crate::key::PrivateKey;
use crate::machine::Head;
use crate::report::chain;

/// The one writer.
#[derive(Debug)]
pub(super) struct Keeper {
    jobs: mpsc::UnboundedSender<Job>,
    task: JoinHandle<()>,
}

/// A handle with which a task beside the driver keeps a key before it sends it.
#[derive(Debug, Clone)]
pub(super) struct KeepKey(mpsc::UnboundedSender<Job>);

#[derive(Debug)]
enum Job {
    AddUnsettled(PrivateKey, oneshot::Sender<Result<(), KeepError>>),
    DropUnsettled(PrivateKey),
    Settle(Box<(PrivateKey, Issued)>),
    Head(Head),
    Cursor(KeptCursor),
    Alarm(KeptAlarm),
}

impl Keeper {
    pub(super) fn new(keep: Keep) -> Self {
        let (jobs, mut queue) = mpsc::unbounded_channel();
        let task = tokio::task::spawn_blocking(move || {
            while let Some(job) = queue.blocking_recv() {
                carry_out(&keep, job);
            }
        });
        Self { jobs, task }
    }

    pub(super) fn keys(&self) -> KeepKey {
        KeepKey(self.jobs.clone())
    }

    pub(super) fn drop_unsettled(&self, key: PrivateKey) {
        self.send(Job::DropUnsettled(key));
    }

    pub(super) fn settle(&self, key: PrivateKey, issued: Issued) {
        self.send(Job::Settle(Box::new((key, issued))));
    }

    pub(super) fn head(&self, head: Head) {
        self.send(Job::Head(head));
    }

    pub(super) fn cursor(&self, cursor: KeptCursor) {
        self.send(Job::Cursor(cursor));
    }

    pub(super) fn alarm(&self, alarm: KeptAlarm) {
        self.send(Job::Alarm(alarm));
    }

    /// Carries out what was asked for, and ends.
    pub(super) async fn finish(self) {
        drop(self.jobs);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the state directory's writer failed");
        }
    }

    fn send(&self, job: Job) {
        if self.jobs.send(job).is_err() {
            tracing::error!("the state directory's writer has ended");
        }
    }
}

impl KeepKey {
    /// Keeps a key that is about to be sent; only when this says so, it may be.
    ///
    /// `Ok(None)`: the writer has ended, since the program does.
    pub(super) async fn add_unsettled(&self, key: PrivateKey) -> Result<Option<()>, KeepError> {
        let (done, outcome) = oneshot::channel();
        if self.0.send(Job::AddUnsettled(key, done)).is_err() {
            return Ok(None);
        }
        outcome.await.ok().transpose()
    }
}

fn carry_out(keep: &Keep, job: Job) {
    let outcome = match job {
        Job::AddUnsettled(key, done) => {
            // Nobody waits any more when the program ends; the key is not sent then.
            let _ended = done.send(keep.add_unsettled(&key));
            return;
        }
        Job::DropUnsettled(key) => keep.drop_unsettled(&key),
        Job::Settle(host) => keep.settle_host(&host.0, &host.1),
        Job::Head(head) => keep.set_checkpoint(&head.note),
        Job::Cursor(cursor) => keep.set_cursor(&cursor),
        Job::Alarm(alarm) => keep.set_alarm(&alarm),
    };
    // What could not be kept is in use all the same. After a restart the unsettled key and the bound key lead back.
    if let Err(error) = outcome {
        tracing::error!(error = chain(&error), "the state directory cannot be written");
    }
}

//! Follows the server's feed: reads, checks forms and signatures, and passes on in order. Knows messages; keeps no state of the feed.

use std::sync::Arc;

use bytes::Bytes;
use ledger::feed::{
    EventError, FeedMessage, FeedMessageError, Heartbeat, HeartbeatError, SignedSnapshot, SnapshotError,
};
use protocol::feed::SnapshotMessage;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::ask::Asker;
use super::news::{FeedNews, News};
use crate::machine::{Beat, Seen};
use crate::pins::Pins;
use crate::sse::{SseError, SseEvent, SseReader};
use crate::upstream::UpstreamError;

/// A running follower. Dropped, it stops.
#[derive(Debug)]
pub(super) struct Follower {
    news: mpsc::Receiver<FeedNews>,
    task: AbortHandle,
}

/// Why the feed is not followed any further.
#[derive(Debug, thiserror::Error)]
pub(super) enum FeedError {
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error("the feed's snapshot cannot be read")]
    SnapshotForm(#[source] serde_json::Error),
    #[error("the feed's snapshot does not hold")]
    Snapshot(#[from] SnapshotError),
    #[error("the feed cannot be read")]
    Sse(#[from] SseError),
    #[error("the feed holds something else than events")]
    Message(#[from] FeedMessageError),
    #[error("an event of the feed does not say what its kind says")]
    Event(#[from] EventError),
    #[error("a heartbeat of the feed does not hold")]
    Heartbeat(#[from] HeartbeatError),
    #[error("the server ended the feed")]
    Over,
}

impl FeedError {
    /// Whether a snapshot must come first.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::Upstream(error) if error.is_gone())
    }

    pub(super) fn is_unauthenticated(&self) -> bool {
        matches!(self, Self::Upstream(error) if error.is_unauthenticated())
    }

    pub(super) fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Upstream(error) => error.failure().retry_after,
            Self::SnapshotForm(_)
            | Self::Snapshot(_)
            | Self::Sse(_)
            | Self::Message(_)
            | Self::Event(_)
            | Self::Heartbeat(_)
            | Self::Over => None,
        }
    }
}

impl Follower {
    /// Follows from event `after`; without one, from a snapshot.
    pub(super) fn start(asker: Arc<Asker>, after: Option<u64>) -> Self {
        let (sender, news) = mpsc::channel(QUEUE);
        let task = tokio::spawn(async move {
            let error = match follow(&asker, after, &sender).await {
                Ok(never) => match never {},
                Err(error) => error,
            };
            // Nobody listens any more: somebody else follows, or the program ends.
            let _ended = sender.send(FeedNews::Ended(error)).await;
        });
        Self { news, task: task.abort_handle() }
    }

    /// The next news; waits for ever while nobody follows.
    pub(super) async fn next(follower: &mut Option<Self>) -> News {
        match follower {
            Some(follower) => match follower.news.recv().await {
                Some(news) => News::Feed(news),
                // The task ended without a word: it panicked, or its end was heard already.
                None => News::Feed(FeedNews::Ended(FeedError::Over)),
            },
            None => std::future::pending().await,
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Fetches and opens a snapshot.
pub(super) async fn snapshot(asker: &Asker) -> Result<(Seen, Bytes), FeedError> {
    let body = asker.upstream().snapshot().await?;
    let seen = open_snapshot(&body, &asker.parts().pins)?;
    Ok((seen, body))
}

async fn follow(
    asker: &Asker,
    after: Option<u64>,
    news: &mpsc::Sender<FeedNews>,
) -> Result<std::convert::Infallible, FeedError> {
    let tell = async |told| news.send(told).await.map_err(|_| FeedError::Over);
    let after = match after {
        Some(after) => after,
        None => {
            let (seen, body) = snapshot(asker).await?;
            let as_of = seen.as_of;
            tell(FeedNews::Began { seen, body }).await?;
            as_of
        }
    };
    let mut stream = asker.upstream().feed(after).await?;
    tell(FeedNews::Connected).await?;
    let mut reader = SseReader::default();
    loop {
        let octets = stream.next().await?.ok_or(FeedError::Over)?;
        let mut events = Vec::new();
        reader.push(&octets, |event| events.push(event))?;
        for event in &events {
            tell(read(event, &asker.parts().pins)?).await?;
        }
    }
}

fn open_snapshot(body: &[u8], pins: &Pins) -> Result<Seen, FeedError> {
    let SnapshotMessage { snapshot: document, note } = serde_json::from_slice(body).map_err(FeedError::SnapshotForm)?;
    let signed = SignedSnapshot { document, note };
    let snapshot = signed.open(pins.origin(), pins.ledger_key())?;
    Ok(Seen {
        as_of: snapshot.as_of,
        running: snapshot.events,
        // Evidence needs the document too: the note only says its hash.
        note: format!("{}\n{}", signed.note, signed.document).into(),
        revoked: snapshot.revoked.iter().map(|revoked| revoked.serial).collect(),
        cutoffs: snapshot.cutoffs.iter().map(|cutoff| (cutoff.serial, cutoff.cutoff)).collect(),
    })
}

/// Reads one server-sent event. What we do not understand may take trust away, so it ends the following.
fn read(event: &SseEvent, pins: &Pins) -> Result<FeedNews, FeedError> {
    match FeedMessage::from_fields(event.id.as_deref(), &event.kind, &event.data)? {
        FeedMessage::Event(event) => {
            let told = event.read()?;
            Ok(FeedNews::Event { event, told })
        }
        FeedMessage::Heartbeat(note) => {
            let heartbeat = Heartbeat::open(note.as_bytes(), pins.origin(), pins.ledger_key())?;
            let Heartbeat { time, size, events: running } = heartbeat;
            Ok(FeedNews::Beat(Beat { time, size, running, note: note.into() }))
        }
    }
}

/// News that wait for the driver. Ours: it handles one in microseconds; behind this the connection waits.
const QUEUE: usize = 64;

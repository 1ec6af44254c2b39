//! A stream of full states: the first at once, then one for each change that shows. Knows when to send; knows no fields.

use std::sync::Arc;

use futures_util::Stream;
use futures_util::stream;
use tokio::sync::watch;
use tonic::Status;

use super::message::Contents;
use crate::identities::Snapshot;
use crate::socket::Peer;

/// What a picture gives one peer: a message and what it says, or the reason for none.
pub(super) type Shown<M> = Result<(Contents, M), Status>;

/// Sends what `show` makes of the picture now, and again whenever that differs from what was sent last.
///
/// The stream ends with the first refusal: what was sent before is then redacted (SPIFFE Workload API 5.2.1). The peer is looked at again
/// before each message, so that no key goes to whoever has taken its place.
pub(super) fn follow<M: Send + 'static>(
    pictures: watch::Receiver<Arc<Snapshot>>,
    peer: Arc<Peer>,
    show: impl Fn(&Peer, &Snapshot) -> Shown<M> + Send + 'static,
) -> impl Stream<Item = Result<M, Status>> + Send + 'static {
    let start = Some(Following { pictures, peer, show, sent: None });
    stream::unfold(start, |following| async {
        let mut following = following?;
        match following.next().await {
            Ok(message) => Some((Ok(message), Some(following))),
            Err(status) => Some((Err(status), None)),
        }
    })
}

struct Following<S> {
    pictures: watch::Receiver<Arc<Snapshot>>,
    peer: Arc<Peer>,
    show: S,
    sent: Option<Contents>,
}

impl<S> Following<S> {
    async fn next<M>(&mut self) -> Result<M, Status>
    where
        S: Fn(&Peer, &Snapshot) -> Shown<M>,
    {
        loop {
            if self.sent.is_some() && self.pictures.changed().await.is_err() {
                return Err(Status::unavailable("enroll-client is stopping"));
            }
            let picture = Arc::clone(&self.pictures.borrow_and_update());
            let (contents, message) = (self.show)(&self.peer, &picture)?;
            if self.sent.as_ref() == Some(&contents) {
                continue;
            }
            self.peer.recheck().map_err(|error| {
                tracing::warn!(pid = self.peer.pid(), uid = self.peer.uid(), %error, "a local stream is ended");
                Status::permission_denied("the calling process is not the one that connected")
            })?;
            self.sent = Some(contents);
            return Ok(message);
        }
    }
}

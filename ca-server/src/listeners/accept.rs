//! Takes connections from a TCP socket until the word to stop. Knows sockets; knows no protocol.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::stopping::Stopping;

/// The next connection; `None` after the word to stop.
pub(super) async fn accept(listener: &TcpListener, stopping: &mut Stopping) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopping.said() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => match prepare(&stream) {
                Ok(()) => return Some((stream, address)),
                Err(error) => tracing::debug!(%error, %address, "a connection was gone before it was taken"),
            },
            Err(error) => pause(&error).await,
        }
    }
}

/// What accept(2) complains of is either over with the connection it speaks of, or a lack of something that takes time.
pub(super) async fn pause(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted) {
        tracing::warn!(%error, "no connection can be accepted");
        tokio::time::sleep(RETRY_AFTER).await;
    }
}

/// Small answers leave at once, and octets that nobody acknowledges end the connection.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    Ok(rustix::net::sockopt::set_tcp_user_timeout(stream, UNACKNOWLEDGED_MILLISECONDS)?)
}

/// Connections in work: each holds a guest's token, and the house waits until all have gone.
pub(super) struct House(mpsc::Sender<()>, mpsc::Receiver<()>);

/// A connection in work.
#[derive(Clone)]
pub(super) struct Guest(#[expect(dead_code, reason = "held, not used")] mpsc::Sender<()>);

impl House {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(1);
        Self(sender, receiver)
    }

    pub(super) fn guest(&self) -> Guest {
        Guest(self.0.clone())
    }

    /// Ends when every connection has. Each has its own time to leave, so this ends too.
    pub(super) async fn empty(self) {
        let Self(sender, mut receiver) = self;
        drop(sender);
        // Nothing is ever sent: what ends the loop is the end of the last sender.
        while receiver.recv().await.is_some() {}
    }
}

/// Nothing that accept(2) lacks comes back sooner than some connection ends.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// RFC 5482: as long as a stuck peer has in `Limits`.
const UNACKNOWLEDGED_MILLISECONDS: u32 = 30_000;

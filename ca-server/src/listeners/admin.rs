//! The `admin` listener: a Unix socket for root and the server's own user. Knows who may connect; knows no route.
//!
//! Whoever gets through is [`Connection::Socket`](crate::caller::Connection::Socket), which is more than any certificate
//! gives. So there are two locks: the mode of the socket, and the user that the kernel says is at the other end.

mod socket;

use axum::Router;
use rustix::process::geteuid;
use tokio::net::UnixStream;

use super::accept::{House, pause};
use super::connection::{End, Terms, serve};
use super::crowd::Crowd;
use super::limits::Limits;
use super::peer::Peer;
use super::stopping::Stopping;
use super::vitals::Framing;
use crate::caller::Connection;

pub use socket::{AdminSocket, SocketError};

/// Who may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Root and the server's own user: mode 0600.
    Own,
    /// Also processes that run with this group id as their effective one (`sg`, `SupplementaryGroups=` is not enough): mode
    /// 0660.
    Group(u32),
}

/// The admin socket.
pub struct AdminListener {
    socket: AdminSocket,
    access: Access,
    limits: Limits,
}

impl AdminListener {
    /// Takes a socket into use.
    #[must_use]
    pub fn new(socket: AdminSocket, access: Access, limits: Limits) -> Self {
        Self { socket, access, limits }
    }

    /// Serves `router` until the word to stop, and then until every connection has ended: at most `limits.grace` later. The
    /// socket's name goes away with it.
    pub async fn serve(self, router: Router, mut stopping: Stopping) {
        let crowd = Crowd::new(self.limits);
        let house = House::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = stopping.said() => break,
                accepted = self.socket.listener().accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    pause(&error).await;
                    continue;
                }
            };
            if !self.access.permits(&stream) {
                continue;
            }
            let Ok(seat) = crowd.enter(None) else {
                tracing::warn!("an operator's connection was dropped: there are too many");
                continue;
            };
            let peer = Peer { connection: Connection::Socket, address: None };
            let terms = Terms { router: router.clone(), peer, limits: self.limits, age: self.limits.age };
            let (guest, stopping) = (house.guest(), stopping.clone());
            tokio::spawn(async move {
                let _held = (seat, guest);
                receive(stream, terms, stopping).await;
            });
        }
        drop(self.socket);
        house.empty().await;
    }
}

impl Access {
    /// Whether the process that connected may. SO_PEERCRED tells of the moment of connect(2) (T-60): who passes the
    /// connection on to somebody else answers for it.
    fn permits(self, stream: &UnixStream) -> bool {
        let peer = match stream.peer_cred() {
            Ok(peer) => peer,
            Err(error) => {
                tracing::warn!(%error, "an operator's connection was dropped: the system does not say whose it is");
                return false;
            }
        };
        let permitted = self.permits_ids(peer.uid(), peer.gid());
        if !permitted {
            tracing::warn!(uid = peer.uid(), gid = peer.gid(), "an operator's connection was dropped");
        }
        permitted
    }

    fn permits_ids(self, uid: u32, gid: u32) -> bool {
        let group = match self {
            Self::Own => false,
            Self::Group(group) => gid == group,
        };
        uid == 0 || uid == geteuid().as_raw() || group
    }
}

async fn receive(stream: UnixStream, terms: Terms, mut stopping: Stopping) {
    match serve(stream, Framing::Plain, terms, async { stopping.said().await }).await {
        End::Finished => {}
        End::Broken(error) => tracing::debug!(%error, "an operator's connection broke"),
        End::Dropped(ailment) => tracing::debug!(?ailment, "an operator's connection was dropped"),
        End::Overdue => tracing::debug!("an operator's connection was cut off"),
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::geteuid;

    use super::Access;

    #[track_caller]
    fn check(access: Access, uid: u32, gid: u32, permitted: bool) {
        assert_eq!(access.permits_ids(uid, gid), permitted, "{access:?} {uid} {gid}");
    }

    #[test]
    fn root_and_ourselves_and_where_asked_a_group() {
        check(Access::Own, 0, 5, true);
        check(Access::Own, geteuid().as_raw(), 5, true);
        check(Access::Own, 12_345, 0, false);
        check(Access::Group(700), 12_345, 700, true);
        check(Access::Group(700), 12_345, 0, false);
        check(Access::Group(700), 0, 0, true);
    }
}

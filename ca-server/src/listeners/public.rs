//! The `public` listener: plain HTTP for whoever verifies, where all that is served is signed or hashed. Knows its paths;
//! shows no entry, no bundle of entries, nothing that names a host.
//!
//! | path | what |
//! |---|---|
//! | `/crl/<authority>.crl` | the authority's full CRL |
//! | `/crl/<authority>/<shard>.crl` | the CRL of one shard, which a certificate's distribution point names |
//! | `/authority/<authority>.cer` | an authority's certificate |
//! | `/checkpoint`, `/tile/<level>/<index>` | the ledger's published head and hash tiles (C2SP tlog-tiles) |
//! | `/trust.json` | what a client starts from |

mod document;
mod files;

use std::io;
use std::net::SocketAddr;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};

use super::accept::{House, accept};
use super::connection::{End, Terms, serve};
use super::crowd::Crowd;
use super::limits::Limits;
use super::peer::Peer;
use super::stopping::Stopping;
use super::vitals::Framing;
use crate::caller::Connection;

pub use files::{PublicFiles, public_router};

/// The socket of the public listener.
pub struct PublicListener {
    socket: TcpListener,
    limits: Limits,
}

impl PublicListener {
    /// Takes the address.
    ///
    /// # Errors
    /// The address is taken, or not ours.
    pub async fn bind(address: SocketAddr, limits: Limits) -> io::Result<Self> {
        Ok(Self { socket: TcpListener::bind(address).await?, limits })
    }

    /// The address taken, with the port that the system chose where it was 0.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves `router` until the word to stop, and then until every connection has ended: at most `limits.grace` later.
    pub async fn serve(self, router: Router, mut stopping: Stopping) {
        let crowd = Crowd::new(self.limits);
        let house = House::new();
        while let Some((stream, address)) = accept(&self.socket, &mut stopping).await {
            let seat = match crowd.enter(Some(address.ip())) {
                Ok(seat) => seat,
                Err(full) => {
                    crowd.turn_away(full, address.ip());
                    continue;
                }
            };
            let peer = Peer { connection: Connection::Bare, address: Some(address.ip().to_canonical()) };
            let terms = Terms { router: router.clone(), peer, limits: self.limits, age: self.limits.age };
            let (guest, stopping) = (house.guest(), stopping.clone());
            tokio::spawn(async move {
                let _held = (seat, guest);
                receive(stream, address, terms, stopping).await;
            });
        }
        drop(self.socket);
        house.empty().await;
    }
}

async fn receive(stream: TcpStream, address: SocketAddr, terms: Terms, mut stopping: Stopping) {
    match serve(stream, Framing::Plain, terms, async { stopping.said().await }).await {
        End::Finished => {}
        End::Broken(error) => tracing::debug!(%address, %error, "a connection broke"),
        End::Dropped(ailment) => tracing::debug!(%address, ?ailment, "a connection was dropped"),
        End::Overdue => tracing::debug!(%address, "a connection was cut off"),
    }
}

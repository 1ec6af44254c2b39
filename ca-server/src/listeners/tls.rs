//! The `api` listener: TLS 1.3, a client certificate where there is one, then HTTP. Knows connections; its configuration is in
//! [`Tls`].

mod certificate;
mod settings;
mod trust;
mod verifier;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::accept::{House, accept};
use super::connection::{End, Terms, serve};
use super::crowd::{Crowd, Seat};
use super::limits::Limits;
use super::peer::Peer;
use super::stopping::Stopping;
use super::vitals::Framing;
use crate::caller::{ClientCertificate, Connection};

pub use certificate::ClientCertificateError;
pub use settings::{Tls, TlsError};
pub use trust::{Trust, follow_trust};

use certificate::client_certificate;

/// The socket of the TLS listener.
pub struct ApiListener {
    socket: TcpListener,
    limits: Limits,
}

impl ApiListener {
    /// Takes the address. Connections wait in the system until [`ApiListener::serve`].
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
    ///
    /// The configuration is read anew for each connection, so that a new leaf or other roots count from the next one on.
    /// While there is no leaf, connections are dropped.
    pub async fn serve(self, router: Router, tls: Arc<Tls>, mut stopping: Stopping) {
        let crowd = Crowd::new(self.limits);
        let house = House::new();
        let listener = Arc::new(Listener {
            router,
            tls,
            limits: self.limits,
            stopping: stopping.clone(),
            crowd: Arc::clone(&crowd),
        });
        while let Some((stream, address)) = accept(&self.socket, &mut stopping).await {
            match crowd.enter(Some(address.ip())) {
                Ok(seat) => {
                    let (listener, guest) = (Arc::clone(&listener), house.guest());
                    tokio::spawn(async move {
                        let _guest = guest;
                        listener.receive(stream, address, seat).await;
                    });
                }
                Err(full) => crowd.turn_away(full, address.ip()),
            }
        }
        drop(self.socket);
        house.empty().await;
    }
}

/// What every connection needs.
struct Listener {
    router: Router,
    tls: Arc<Tls>,
    limits: Limits,
    stopping: Stopping,
    crowd: Arc<Crowd>,
}

/// A connection whose handshake is done.
struct Received {
    stream: TlsStream<TcpStream>,
    certificate: Option<ClientCertificate>,
    framing: Framing,
    /// Ends when whom the handshake trusted is trusted no longer.
    distrusted: settings::Distrusted,
}

impl Listener {
    async fn receive(&self, stream: TcpStream, address: SocketAddr, seat: Seat) {
        let mut stopping = self.stopping.clone();
        let handshake = timeout(self.limits.handshake, self.handshake(stream));
        // Boxed: a handshake is long gone while its connection waits for events, and need not take its memory.
        let received = tokio::select! {
            received = Box::pin(handshake) => received,
            () = stopping.said() => return,
        };
        let received = match received {
            Ok(Ok(received)) => received,
            Ok(Err(error)) => return tracing::debug!(%address, %error, "a handshake failed"),
            Err(_) => return tracing::debug!(%address, "a handshake took too long"),
        };
        let Received { stream, certificate, framing, mut distrusted } = received;
        let _seat = match certificate.as_ref().map(|certificate| &certificate.spiffe_id) {
            None => seat,
            Some(identity) => match seat.recognise(identity) {
                Ok(seat) => seat,
                Err(full) => return self.crowd.turn_away(full, address.ip()),
            },
        };
        let age = self.age(address, certificate.as_ref());
        let connection = certificate.map_or(Connection::Bare, Connection::Certified);
        let peer = Peer { connection, address: Some(address.ip().to_canonical()) };
        let terms = Terms { router: self.router.clone(), peer, limits: self.limits, age };
        let leave = async {
            tokio::select! {
                biased;
                () = stopping.said() => {}
                () = distrusted.said() => {}
            }
        };
        match serve(stream, framing, terms, leave).await {
            End::Finished => {}
            End::Broken(error) => tracing::debug!(%address, %error, "a connection broke"),
            End::Dropped(ailment) => tracing::debug!(%address, ?ailment, "a connection was dropped"),
            End::Overdue => tracing::debug!(%address, "a connection was cut off"),
        }
    }

    async fn handshake(&self, stream: TcpStream) -> io::Result<Received> {
        let (config, distrusted) =
            self.tls.current().ok_or_else(|| io::Error::other("there is no leaf to show yet"))?;
        let stream = TlsAcceptor::from(config).accept(stream).await?;
        let (_, session) = stream.get_ref();
        let framing = if session.alpn_protocol() == Some(settings::HTTP_2) { Framing::Framed } else { Framing::Plain };
        let shown = session.peer_certificates().and_then(<[_]>::first);
        let certificate = shown.map(|leaf| client_certificate(leaf, self.tls.trust_domain()));
        let certificate = certificate.transpose().map_err(io::Error::other)?;
        Ok(Received { stream, certificate, framing, distrusted })
    }

    /// How long the connection is kept: no longer than the certificate on which it speaks, and up to an eighth less than the
    /// limit, by the port that the system gave it, so that a fleet that came at once does not come back at once.
    fn age(&self, address: SocketAddr, certificate: Option<&ClientCertificate>) -> Duration {
        let spread = self.limits.age / 8 / 64 * u32::from(address.port() % 64);
        let age = self.limits.age.saturating_sub(spread);
        certificate.map_or(age, |certificate| age.min(certificate.not_after.since(self.tls.now())))
    }
}

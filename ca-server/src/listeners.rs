//! Where requests come in: sockets, TLS, and everything that a peer may not keep us busy with. Knows connections and their
//! limits; knows no route, decides nothing, and reads State only for whom to trust in a handshake.
//!
//! | listener | speaks | to whom |
//! |---|---|---|
//! | [`ApiListener`] | HTTP/1.1 and HTTP/2 over TLS 1.3 | anybody; who shows a certificate of ours is [`Connection::Certified`] |
//! | [`PublicListener`] | plain HTTP/1.1 | anybody: what is signed anyway |
//! | [`AdminListener`] | plain HTTP/1.1 on a Unix socket | root and the server's own user |
//!
//! All three walk every connection through the same steps, and each step has its time:
//!
//! ```text
//! accept      a seat in the crowd, or the connection is dropped      crowd
//! handshake   TLS, client certificate                                tls
//! head        the head of a request arrives whole                    vitals
//! exchange    path is plain; Peer into the request; route; answer    exchange, body
//! idle        kept for the next request                              vitals
//! leave       age, end of the certificate, trust lost, shutdown      connection
//! ```
//!
//! A peer that is late in any of them loses the connection and nobody else notices. A panic in a route answers a problem
//! document, and the connection and the process go on (T-34).

mod accept;
mod admin;
mod body;
mod connection;
mod crowd;
mod exchange;
mod limits;
mod open_files;
mod path;
mod peer;
mod problem;
mod public;
mod pulse;
mod stopping;
mod tls;
mod vitals;

pub use admin::{Access, AdminListener, AdminSocket, SocketError};
pub use limits::Limits;
pub use open_files::raise_open_files;
pub use peer::Peer;
pub use public::{PublicFiles, PublicListener, public_router};
pub use stopping::{Stopper, Stopping, stopping};
pub use tls::{ApiListener, ClientCertificateError, Tls, TlsError, Trust, follow_trust};

#[cfg(doc)]
use crate::caller::Connection;

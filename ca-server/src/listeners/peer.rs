//! The other end of a connection, as every request carries it. Knows no request.

use std::net::IpAddr;

use crate::caller::Connection;

/// The other end of a connection; the listener puts it into every request.
#[derive(Clone, Debug)]
pub struct Peer {
    /// What it has proved.
    pub connection: Connection,
    /// Where it is; `None` on a Unix socket.
    pub address: Option<IpAddr>,
}

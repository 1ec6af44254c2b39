//! The local Unix socket: where it lies, who connected, how many may. Knows files, credentials and HTTP framing; knows no identity,
//! no key and no feed.
//!
//! ```text
//! LocalSocket::bind   a path      → a listener nobody else could have put there        (socket/place.rs)
//! Peer::of            a stream    → the process at its other end, told by the kernel   (socket/peer.rs)
//! Admission::admit    a uid       → a permit, or a refusal when too many are open      (socket/admission.rs)
//! Filtered::new       a stream    → the same, readable for our HTTP/2 server            (socket/authority.rs)
//! serve               all of it   → HTTP/1.1 and HTTP/2 for one router                 (socket/serve.rs)
//! ```
//!
//! The socket itself lets in whoever its mode lets in. What a caller *gets* is decided per request from its [`Peer`].

mod admission;
pub mod authority;
mod impatient;
mod peer;
mod pidfd;
mod place;
mod process;
mod serve;

pub use admission::{Admission, ConnectionLimits, Permit, TooManyConnections};
pub use peer::{Accepted, Peer, PeerError};
pub use place::{Access, LocalSocket, PlaceError};
pub(crate) use process::ProcessDirectory;
pub use process::{Executable, ProcessError};
pub use serve::serve;

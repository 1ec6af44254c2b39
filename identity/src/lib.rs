//! Names, numbers and times that every part of Brevet shares, and certificates read into facts. Pure: bytes in, values
//! out; knows no socket, file, clock, key or random source.
//!
//! Each type is parsed once, at the edge, and from then on is the proof that its rule holds: a function that takes a
//! [`SpiffeId`] has no bad path to fear, one that takes a [`Serial`] no negative number.
//!
//! | module | the noun |
//! |---|---|
//! | [`trust_domain`], [`spiffe_id`] | who somebody is |
//! | [`serial`], [`fingerprint`] | which certificate, which key |
//! | [`ids`] | which host, person, request, token, batch |
//! | [`timestamp`], [`lifetime`] | when, and for how long |
//! | [`key_kind`] | what kind of key |
//! | [`svid`] | what a certificate says, and whether it is an X509-SVID |
//! | [`text`] | any of these as a string in a serde document |
//!
//! ```
//! use identity::{SpiffeId, SpiffeIdError};
//!
//! let id: SpiffeId = "spiffe://example.org/agents/mailer".parse()?;
//! assert_eq!(id.trust_domain().as_str(), "example.org");
//! assert_eq!(id.path(), "/agents/mailer");
//!
//! // Nothing is normalised: what would need it is refused, with the rule and the place.
//! let refused = SpiffeId::parse("spiffe://example.org/agents/../admin");
//! assert_eq!(refused, Err(SpiffeIdError::DotSegment { position: 8 }));
//! # Ok::<(), SpiffeIdError>(())
//! ```

mod der;
pub mod fingerprint;
pub mod ids;
pub mod key_kind;
pub mod lifetime;
mod lower_hex;
pub mod serial;
pub mod spiffe_id;
pub mod svid;
pub mod text;
pub mod timestamp;
pub mod trust_domain;

pub use der::DerError;
pub use fingerprint::{CertificateFingerprint, KeyHash, KeyIdentifier, KeyIdentifierError, Sha256Hash};
pub use ids::{BatchId, HostId, PersonId, RequestId, TokenId};
pub use key_kind::{KeyKind, KeyKindError, UnsupportedKey};
pub use lifetime::{Lifetime, LifetimeError};
pub use lower_hex::HexError;
pub use serial::{Serial, SerialError};
pub use spiffe_id::{SpiffeId, SpiffeIdError, is_path_character};
pub use svid::{CertificateFacts, Svid, SvidError};
pub use timestamp::{Timestamp, TimestampError};
pub use trust_domain::{TrustDomain, TrustDomainError};

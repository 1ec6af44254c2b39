//! The kinds of entries: one list, from which names, bodies and reading follow. Knows no field of a body.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::{
    AgentAdded, AgentRemoved, ApprovalGiven, AuthorityChanged, AuthorityCreated, CertificateAuthorised,
    CertificatesRevoked, CrlAuthorised, HostBanned, HostEvicted, HostUnbanned, LedgerCreated, PersonAdmitted,
    PersonRemoved, PolicyLoaded, RefusalsSummed, RequestRefused, TokenCreated, TokenRevoked,
};

/// A kind that this program does not know.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown kind of entry {0:?}: it was written by a newer Brevet; upgrade this program")]
pub struct UnknownKind(pub String);

macro_rules! kinds {
    ($($(#[$doc:meta])* $body:ident = $name:literal,)+) => {
        /// The kinds of entries. A kind's meaning never changes; new meanings get new kinds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $($(#[$doc])* $body,)+ }

        /// What an entry says, by kind.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Body { $($(#[$doc])* $body(Box<$body>),)+ }

        impl Kind {
            /// Every kind there is.
            pub const ALL: &[Self] = &[$(Self::$body,)+];

            /// The name in the entry.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$body => $name,)+ }
            }
        }

        impl FromStr for Kind {
            type Err = UnknownKind;

            fn from_str(name: &str) -> Result<Self, UnknownKind> {
                match name {
                    $($name => Ok(Self::$body),)+
                    other => Err(UnknownKind(other.chars().take(64).collect())),
                }
            }
        }

        impl Body {
            /// Its kind.
            #[must_use]
            pub fn kind(&self) -> Kind {
                match self { $(Self::$body(_) => Kind::$body,)+ }
            }

            pub(super) fn from_json(kind: Kind, text: &str) -> Result<Self, serde_json::Error> {
                match kind { $(Kind::$body => serde_json::from_str(text).map(Self::$body),)+ }
            }
        }

        impl Serialize for Body {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$body(body) => body.serialize(serializer),)+ }
            }
        }

        $(impl From<$body> for Body {
            fn from(body: $body) -> Self {
                Self::$body(Box::new(body))
            }
        })+
    };
}

kinds! {
    /// Entry 0: the log begins.
    LedgerCreated = "ledger-created",
    /// A root or issuing authority came into being.
    AuthorityCreated = "authority-created",
    /// An authority went from one state to another.
    AuthorityChanged = "authority-changed",
    /// A person was admitted.
    PersonAdmitted = "person-admitted",
    /// A person is no longer one.
    PersonRemoved = "person-removed",
    /// A person approved one action.
    ApprovalGiven = "approval-given",
    /// A policy bundle came into force.
    PolicyLoaded = "policy-loaded",
    /// Hosts of a class may ask for this agent.
    AgentAdded = "agent-added",
    /// Hosts of a class may no longer ask for this agent.
    AgentRemoved = "agent-removed",
    /// A join token was made.
    TokenCreated = "token-created",
    /// A join token was taken back.
    TokenRevoked = "token-revoked",
    /// A certificate may be signed.
    CertificateAuthorised = "certificate-authorised",
    /// A known requester was refused.
    RequestRefused = "request-refused",
    /// Refusals, counted.
    RefusalsSummed = "refusals-summed",
    /// Certificates were revoked.
    CertificatesRevoked = "certificates-revoked",
    /// A host must prove anew what it is.
    HostEvicted = "host-evicted",
    /// A host may not enrol again.
    HostBanned = "host-banned",
    /// A ban was lifted.
    HostUnbanned = "host-unbanned",
    /// A CRL may be signed.
    CrlAuthorised = "crl-authorised",
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

//! Who asked: a random id, never a name. Knows no table that would tell the name.

use std::fmt;
use std::str::FromStr;

use identity::{HostId, PersonId};

/// Who asked for a change. Persons and hosts stand under random ids, so that a name can be erased (design, section 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Actor {
    /// The server itself: its own certificate, CRLs, summaries.
    Server,
    /// The root of the admin socket; never a person.
    Local,
    /// A host.
    Host(HostId),
    /// An admin or auditor.
    Person(PersonId),
    /// Somebody who has not proved who they are.
    Stranger,
}

/// Text that names no actor.
#[derive(Debug, thiserror::Error)]
#[error("an actor is `server`, `local`, `stranger`, `host:<id>` or `person:<id>`")]
pub struct ActorError;

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server => f.write_str("server"),
            Self::Local => f.write_str("local"),
            Self::Stranger => f.write_str("stranger"),
            Self::Host(id) => write!(f, "host:{id}"),
            Self::Person(id) => write!(f, "person:{id}"),
        }
    }
}

impl FromStr for Actor {
    type Err = ActorError;

    fn from_str(text: &str) -> Result<Self, ActorError> {
        match text {
            "server" => return Ok(Self::Server),
            "local" => return Ok(Self::Local),
            "stranger" => return Ok(Self::Stranger),
            _ => {}
        }
        match text.split_once(':') {
            Some(("host", id)) => id.parse().map(Self::Host).map_err(|_| ActorError),
            Some(("person", id)) => id.parse().map(Self::Person).map_err(|_| ActorError),
            _ => Err(ActorError),
        }
    }
}

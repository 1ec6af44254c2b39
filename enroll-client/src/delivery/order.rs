//! One `[[files]]` of the configuration, checked: whose identity goes where. Knows values; does nothing.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use identity::SpiffeId;

use super::{Names, Permissions, Reload};
use crate::identities::AgentName;

/// What is delivered where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Whose identity.
    pub agent: Agent,
    /// Where to.
    pub directory: PathBuf,
    /// What the files are called.
    pub names: Names,
    /// Who may read them.
    pub permissions: Permissions,
    /// Whether the directory may lie on a disk.
    pub allow_disk: bool,
    /// Whether others than root and us may write to it, or to what is above it.
    pub others_may_write: bool,
    /// What becomes of the files when the identity has ended.
    pub when_ended: WhenEnded,
    /// How long a set stays after another has taken its place.
    pub grace: Duration,
    /// How the program is told, if it is.
    pub reload: Option<Reload>,
}

/// How an agent is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Agent {
    /// By its name on this host.
    Name(AgentName),
    /// By its identity.
    SpiffeId(SpiffeId),
}

/// What becomes of the files of an identity that was revoked, cut off or taken from this host. One that has merely expired stays where it
/// is: no verifier takes it, and a program that starts again still finds what it is configured with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenEnded {
    /// They are taken away.
    Remove,
    /// They stay.
    Keep,
}

impl Agent {
    /// Whether this is the one.
    #[must_use]
    pub fn is(&self, name: &AgentName, spiffe_id: &SpiffeId) -> bool {
        match self {
            Self::Name(wanted) => wanted == name,
            Self::SpiffeId(wanted) => wanted == spiffe_id,
        }
    }
}

impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::SpiffeId(spiffe_id) => spiffe_id.fmt(f),
        }
    }
}

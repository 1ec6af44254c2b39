//! All profiles of a bundle, and what holds between them. Knows names and templates; knows no policy.

use std::collections::BTreeMap;

use super::pick::{PickRefusal, Wish, pick};
use super::{Name, Profile};

/// Profiles by name.
#[derive(Clone, Debug, Default)]
pub struct Profiles {
    by_name: BTreeMap<Name, Profile>,
}

/// Two profiles that cannot stand beside each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfilesError {
    /// One name twice.
    #[error("profile `{name}` stands twice")]
    Twice {
        /// The name.
        name: Name,
    },
    /// Hosts that different attestors vouch for could get one id (T-11: the same name in two accounts or clusters).
    #[error(
        "hosts of profile `{name}` ({id}, attestor `{attestor}`) and of profile `{other}` ({other_id}, attestor `{other_attestor}`) \
         could get one id; give one of them a literal segment of its own"
    )]
    Overlap {
        /// The later profile.
        name: Name,
        /// Its template.
        id: String,
        /// Its attestor.
        attestor: Name,
        /// The earlier profile.
        other: Name,
        /// Its template.
        other_id: String,
        /// Its attestor.
        other_attestor: Name,
    },
}

impl Profiles {
    /// Takes one more profile in.
    ///
    /// # Errors
    /// [`ProfilesError`] where it cannot stand beside those that are there; they are then unchanged.
    pub fn insert(&mut self, profile: Profile) -> Result<(), ProfilesError> {
        if self.by_name.contains_key(profile.name()) {
            return Err(ProfilesError::Twice { name: profile.name().clone() });
        }
        for other in self.by_name.values() {
            // Claims of one attestor tell its hosts apart, so two profiles of one attestor may share a template.
            if other.attestor() != profile.attestor() && other.host_id().overlaps(profile.host_id()) {
                return Err(ProfilesError::Overlap {
                    name: profile.name().clone(),
                    id: profile.host_id().to_string(),
                    attestor: profile.attestor().clone(),
                    other: other.name().clone(),
                    other_id: other.host_id().to_string(),
                    other_attestor: other.attestor().clone(),
                });
            }
        }
        self.by_name.insert(profile.name().clone(), profile);
        Ok(())
    }

    /// The profile of this name.
    #[must_use]
    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.by_name.get(name)
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Profile> {
        self.by_name.values()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The profile that a host enrols under.
    ///
    /// # Errors
    /// [`PickRefusal`] where not exactly one is meant.
    pub fn pick(&self, wish: Wish<'_>) -> Result<&Profile, PickRefusal> {
        pick(self.iter(), wish)
    }
}

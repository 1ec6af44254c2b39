//! What can be wrong with a profile. Knows fields and limits; says whose fault it is: the author's.

use identity::{Lifetime, LifetimeError};

use crate::name::NameError;
use crate::template::TemplateError;

/// What is wrong with one field of a profile: the fault of who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {fault}")]
pub struct ProfileError {
    /// The field, as it is written in the file.
    pub field: &'static str,
    /// What is wrong with it.
    pub fault: ProfileFault,
}

/// What can be wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileFault {
    /// No name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// No template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Shorter than is of any use.
    #[error("is {value}, at least {limit} is needed")]
    TooShort {
        /// What is written.
        value: Lifetime,
        /// What is needed.
        limit: Lifetime,
    },
    /// Longer than is allowed.
    #[error("is {value}, at most {limit} is allowed")]
    TooLong {
        /// What is written.
        value: Lifetime,
        /// What is allowed.
        limit: Lifetime,
    },
    /// Outside what a lifetime can be.
    #[error(transparent)]
    Lifetime(#[from] LifetimeError),
    /// An empty list of key kinds.
    #[error("an empty list lets no host in; leave it out for both kinds")]
    NoKeyKind,
    /// The same thing twice.
    #[error("`{value}` stands twice")]
    Twice {
        /// What.
        value: String,
    },
    /// Too many DNS names.
    #[error("has {count} names, at most {limit} are allowed")]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many may be.
        limit: usize,
    },
}

/// Collects what is wrong, field by field.
#[derive(Default)]
pub(super) struct Faults(Vec<ProfileError>);

impl Faults {
    pub(super) fn take<T, E: Into<ProfileFault>>(&mut self, field: &'static str, result: Result<T, E>) -> Option<T> {
        result.map_err(|fault| self.0.push(ProfileError { field, fault: fault.into() })).ok()
    }

    pub(super) fn into_errors(self) -> Vec<ProfileError> {
        self.0
    }
}

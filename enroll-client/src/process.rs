//! What keeps keys from leaving this process by the side door. Knows the process's own attributes; knows no key.

use std::io;

use rustix::process::{DumpableBehavior, Resource, Rlimit};

/// Why the process is not closed.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// Core dumps cannot be turned off.
    #[error("core dumps cannot be turned off")]
    Limit(#[source] io::Error),
    /// The process cannot be made undumpable.
    #[error("the process cannot be closed to other processes of its user")]
    Dumpable(#[source] io::Error),
}

/// No core dumps, and no other process of our user may read our memory (security.md, T-63).
///
/// # Errors
/// The system refuses; then the process should not hold keys.
pub fn close() -> Result<(), CloseError> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(Resource::Core, none).map_err(|error| CloseError::Limit(error.into()))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| CloseError::Dumpable(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_process_has_no_core() {
        close().unwrap();
        assert_eq!(rustix::process::getrlimit(Resource::Core), Rlimit { current: Some(0), maximum: Some(0) });
        assert_eq!(rustix::process::dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}

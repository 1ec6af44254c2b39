//! How many files the process may have open. Knows the limit of the system.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit on open files to what the system allows this process, and says what it is then. The usual soft limit of
/// 1,024 is for programs that use select(2), which this one does not.
///
/// Where it cannot be raised, what there was stays: [`Limits::within`](super::Limits::within) makes do with it.
#[must_use]
pub fn raise_open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum.unwrap_or(u64::MAX),
        Err(error) => {
            tracing::warn!(%error, "the limit on open files could not be raised");
            limit.current.unwrap_or(u64::MAX)
        }
    }
}

//! Put a policy bundle into force. Knows its hash; `policies` checked its content.

use ledger::entry::{Body, Kind, PolicyLoaded};

use super::approve::{TwoPersons, approvals};
use crate::draft::Draft;
use crate::refusal::Refusal;

/// Put a policy bundle into force.
#[derive(Clone, Debug)]
pub struct LoadPolicy {
    /// What would be written; its approvals are filled in here.
    pub policy: PolicyLoaded,
    /// Whether two persons must have approved it.
    pub two_persons: TwoPersons,
}

/// Decides.
///
/// # Errors
/// The same bundle is in force, or approvals are missing.
pub fn decide(draft: &Draft<'_>, command: &LoadPolicy) -> Result<Vec<Body>, Refusal> {
    if draft.policy().is_some_and(|policy| policy.bundle == command.policy.bundle) {
        return Err(Refusal::Exists { what: "the same policy bundle" });
    }
    let approvals = approvals(draft, command.two_persons, Kind::PolicyLoaded, &command.policy.bundle)?;
    Ok(vec![Body::from(PolicyLoaded { approvals, ..command.policy.clone() })])
}

//! The first entries of a new ledger. Knows only that nothing may precede them.

use ledger::entry::Body;

use crate::draft::Draft;
use crate::refusal::Refusal;

/// The first entries: `ledger-created`, the authorities, the first two admins, the first policy.
#[derive(Clone, Debug)]
pub struct Begin {
    /// In order.
    pub bodies: Vec<Body>,
}

/// Refuses unless the ledger is empty.
///
/// # Errors
/// [`Refusal::WrongBeginning`].
pub fn decide(draft: &Draft<'_>, command: &Begin) -> Result<Vec<Body>, Refusal> {
    let begins = matches!(command.bodies.first(), Some(Body::LedgerCreated(_)));
    if draft.size() != 0 || !begins {
        return Err(Refusal::WrongBeginning { size: draft.size() });
    }
    Ok(command.bodies.clone())
}

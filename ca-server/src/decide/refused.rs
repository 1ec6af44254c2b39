//! Write down refusals, one by one or summed. Knows no rule.

use ledger::entry::{Body, RefusalsSummed, RequestRefused};

use crate::draft::Draft;
use crate::refusal::Refusal;

/// Write down refusals.
#[derive(Clone, Debug)]
pub enum Refused {
    /// One, of a known requester: the command's actor.
    One(RequestRefused),
    /// Many, counted.
    Summed(RefusalsSummed),
}

/// Decides: it is always written.
///
/// # Errors
/// None.
pub fn decide(_draft: &Draft<'_>, command: &Refused) -> Result<Vec<Body>, Refusal> {
    Ok(vec![match command {
        Refused::One(body) => Body::from(body.clone()),
        Refused::Summed(body) => Body::from(body.clone()),
    }])
}

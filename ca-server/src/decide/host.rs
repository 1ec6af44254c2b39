//! Evict, ban or unban a host. Knows nothing of its certificates: revoking them is another command.

use identity::HostId;
use ledger::entry::{Body, HostBanned, HostEvicted, HostUnbanned};

use super::{MAX_REASON_OCTETS, within};
use crate::draft::Draft;
use crate::refusal::Refusal;
use crate::state::rows::Standing;

/// Change the standing of a host.
#[derive(Clone, Debug)]
pub struct StandHost {
    /// Which.
    pub host: HostId,
    /// How.
    pub change: Change,
    /// Why; must not name a person.
    pub reason: String,
}

/// A change of a host's standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It must prove anew what it is.
    Evict,
    /// It may not enrol again.
    Ban,
    /// It may again, by proving anew what it is.
    Unban,
}

/// Decides.
///
/// # Errors
/// No such host; a standing that it has already, or that does not allow the change; a reason that is too long.
pub fn decide(draft: &Draft<'_>, command: &StandHost) -> Result<Vec<Body>, Refusal> {
    within("the reason", &command.reason, MAX_REASON_OCTETS)?;
    let row = draft.host(&command.host).ok_or(Refusal::HostUnknown)?;
    let (host, reason) = (command.host, command.reason.clone());
    match (command.change, row.standing) {
        (Change::Evict, Standing::Good) => Ok(vec![Body::from(HostEvicted { host, reason })]),
        (Change::Ban, Standing::Good | Standing::Evicted) => Ok(vec![Body::from(HostBanned { host, reason })]),
        (Change::Unban, Standing::Banned) => Ok(vec![Body::from(HostUnbanned { host })]),
        (Change::Evict, Standing::Evicted) | (Change::Ban, Standing::Banned) => {
            Err(Refusal::Exists { what: "the same standing" })
        }
        (Change::Evict, standing @ Standing::Banned)
        | (Change::Unban, standing @ (Standing::Good | Standing::Evicted)) => Err(Refusal::HostNotGood { standing }),
    }
}

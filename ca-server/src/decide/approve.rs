//! The two-person rule: approve an action of somebody else, and find the approvals that an action needs. Knows no
//! particular action.

use std::time::Duration;

use identity::{PersonId, Sha256Hash, Timestamp};
use ledger::entry::{ApprovalGiven, Body, Kind, Role};

use crate::draft::Draft;
use crate::refusal::Refusal;

/// Approve an action of somebody else.
#[derive(Clone, Debug)]
pub struct Approve {
    /// Who approves.
    pub person: PersonId,
    /// The kind of entry that may spend it.
    pub action: Kind,
    /// SHA-256 of what exactly may be done.
    pub scope: Sha256Hash,
    /// The size of the ledger that the person had seen.
    pub seen: u64,
    /// Not to be spent after this.
    pub expires: Timestamp,
}

/// Whether an action needs the approval of two persons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TwoPersons {
    /// It does.
    Needed,
    /// It does not: the deployment has not turned the rule on for it.
    NotNeeded,
}

/// Decides.
///
/// # Errors
/// The person is no admin; the approval would run out before it begins or live too long; it was given before.
pub fn decide(draft: &Draft<'_>, command: &Approve) -> Result<Vec<Body>, Refusal> {
    draft
        .person(&command.person)
        .filter(|row| !row.removed && row.role == Role::Admin)
        .ok_or(Refusal::PersonUnknown)?;
    let now = draft.time();
    if command.expires <= now || command.expires.since(now) > APPROVAL_LIVES || command.seen > draft.size() {
        return Err(Refusal::ProofExpired { until: command.expires, now });
    }
    let action = command.action.as_str();
    let given = draft
        .approvals()
        .any(|(_, row)| row.person == command.person && row.action == action && row.scope == command.scope);
    if given {
        return Err(Refusal::Exists { what: "the same approval" });
    }
    Ok(vec![Body::from(ApprovalGiven {
        person: command.person,
        action: action.to_owned(),
        scope: command.scope,
        seen: command.seen,
        expires: command.expires,
    })])
}

/// Indexes of the approvals by two different admins that `action` with `scope` may spend.
///
/// # Errors
/// [`Refusal::Approvals`] when there are fewer.
pub fn approvals(
    draft: &Draft<'_>,
    two_persons: TwoPersons,
    action: Kind,
    scope: &Sha256Hash,
) -> Result<Vec<u64>, Refusal> {
    if two_persons == TwoPersons::NotNeeded {
        return Ok(Vec::new());
    }
    let mut found: Vec<(PersonId, u64)> = draft
        .approvals()
        .filter(|(_, row)| row.action == action.as_str() && row.scope == *scope)
        .filter(|(_, row)| draft.person(&row.person).is_some_and(|by| !by.removed && by.role == Role::Admin))
        .map(|(index, row)| (row.person, index))
        .collect();
    found.sort_unstable();
    found.dedup_by_key(|(person, _)| *person);
    if found.len() < NEEDED {
        return Err(Refusal::Approvals { found: found.len(), needed: NEEDED });
    }
    Ok(found.into_iter().take(NEEDED).map(|(_, index)| index).collect())
}

/// Approvals that an action spends (design, section 4: admitted by two others).
const NEEDED: usize = 2;

/// How long an approval may wait: long enough for another time zone, short enough that its giver still knows why.
pub const APPROVAL_LIVES: Duration = Duration::from_secs(7 * 24 * 3600);

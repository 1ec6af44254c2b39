//! Admit and remove persons. Knows ids and keys, never names.

use identity::{KeyHash, PersonId, Sha256Hash};
use ledger::entry::{Body, Kind, PersonAdmitted, PersonRemoved, Role};

use super::approve::{TwoPersons, approvals};
use super::{MAX_REASON_OCTETS, within};
use crate::draft::Draft;
use crate::refusal::Refusal;

/// Admit a person.
#[derive(Clone, Debug)]
pub struct AdmitPerson {
    /// The new random id.
    pub person: PersonId,
    /// What the person may be asked for.
    pub role: Role,
    /// The person's credential key.
    pub key: KeyHash,
}

/// Remove a person.
#[derive(Clone, Debug)]
pub struct RemovePerson {
    /// Who.
    pub person: PersonId,
    /// Why.
    pub reason: String,
}

/// The scope that two admins approve when they admit a person: role and credential key.
#[must_use]
pub fn scope_of_admission(role: Role, key: &KeyHash) -> Sha256Hash {
    let role = match role {
        Role::Admin => "admin",
        Role::Auditor => "auditor",
    };
    Sha256Hash::of(format!("brevet person-admitted {role} {key}").as_bytes())
}

/// Decides. Admission always needs two admins (design, section 4).
///
/// # Errors
/// The person or the key is known, or approvals are missing.
pub fn admit(draft: &Draft<'_>, command: &AdmitPerson) -> Result<Vec<Body>, Refusal> {
    if draft.person(&command.person).is_some() {
        return Err(Refusal::Exists { what: "the person" });
    }
    if draft.persons().any(|(_, row)| row.key == command.key) {
        return Err(Refusal::KeyOfPerson);
    }
    if draft.is_authority_key(&command.key) {
        return Err(Refusal::KeyOfAuthority);
    }
    if draft.key(&command.key).is_some() {
        return Err(Refusal::KeyOfAnother);
    }
    let scope = scope_of_admission(command.role, &command.key);
    let approvals = approvals(draft, TwoPersons::Needed, Kind::PersonAdmitted, &scope)?;
    Ok(vec![Body::from(PersonAdmitted { person: command.person, role: command.role, key: command.key, approvals })])
}

/// Decides.
///
/// # Errors
/// No such person; the last two admins stay, for without two nobody could be admitted again.
pub fn remove(draft: &Draft<'_>, command: &RemovePerson) -> Result<Vec<Body>, Refusal> {
    within("the reason", &command.reason, MAX_REASON_OCTETS)?;
    let row = draft.person(&command.person).filter(|row| !row.removed).ok_or(Refusal::PersonUnknown)?;
    let admins = draft.persons().filter(|(_, row)| !row.removed && row.role == Role::Admin).count();
    if row.role == Role::Admin && admins <= ADMINS_KEPT {
        return Err(Refusal::Approvals { found: admins.saturating_sub(1), needed: ADMINS_KEPT });
    }
    Ok(vec![Body::from(PersonRemoved { person: command.person, reason: command.reason.clone() })])
}

/// Admins that always remain: as many as an admission needs.
const ADMINS_KEPT: usize = 2;

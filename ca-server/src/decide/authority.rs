//! The life of authorities: prepared, published, active, retiring, retired, or compromised. Knows no key and no X.509.

use identity::KeyIdentifier;
use ledger::entry::{AuthorityChanged, AuthorityCreated, AuthorityState, Body};

use super::{MAX_REASON_OCTETS, within};
use crate::draft::Draft;
use crate::refusal::Refusal;

/// Bring an authority into being.
#[derive(Clone, Debug)]
pub struct CreateAuthority {
    /// What would be written.
    pub authority: AuthorityCreated,
}

/// Move an authority along its life.
#[derive(Clone, Debug)]
pub struct ChangeAuthority {
    /// Which.
    pub authority: KeyIdentifier,
    /// To this state.
    pub to: AuthorityState,
    /// Why the rule that every live client must hold the bundle first is overridden.
    pub overridden: Option<String>,
}

/// Decides. A new authority begins as prepared and is signed by one that exists, or by itself.
///
/// # Errors
/// It exists, begins in another state, or its parent is unknown.
pub fn create(draft: &Draft<'_>, command: &CreateAuthority) -> Result<Vec<Body>, Refusal> {
    let authority = &command.authority;
    if draft.authority(&authority.authority).is_some() {
        return Err(Refusal::Exists { what: "the authority" });
    }
    if authority.state != AuthorityState::Prepared {
        return Err(no_such_step("nothing", authority.state));
    }
    if let Some(parent) = &authority.parent {
        draft.authority(parent).ok_or(Refusal::Missing { what: "the parent authority" })?;
    }
    Ok(vec![Body::from(authority.clone())])
}

/// Decides. Activating needs the override: which clients hold the bundle is not known here, and unknown means no.
///
/// # Errors
/// No such authority, or no such step.
pub fn change(draft: &Draft<'_>, command: &ChangeAuthority) -> Result<Vec<Body>, Refusal> {
    use AuthorityState::{Active, Compromised, Prepared, Published, Retired, Retiring};
    let row = draft.authority(&command.authority).ok_or(Refusal::Missing { what: "the authority" })?;
    if let Some(why) = &command.overridden {
        within("the reason", why, MAX_REASON_OCTETS)?;
    }
    let (from, to) = (row.state, command.to);
    let allowed = match (from, to) {
        (Prepared, Published) | (Active, Retiring) | (Retiring, Retired) => true,
        (Published, Active) => command.overridden.is_some(),
        (Prepared | Published | Active | Retiring | Retired, Compromised) => true,
        _ => false,
    };
    if !allowed {
        return Err(no_such_step(&format!("{from:?}"), to));
    }
    let mut bodies = Vec::new();
    if let (Active, Some((other, _))) = (to, draft.active_issuer()) {
        bodies.push(step(other, Active, Retiring, None));
    }
    bodies.push(step(command.authority, from, to, command.overridden.clone()));
    Ok(bodies)
}

fn step(authority: KeyIdentifier, from: AuthorityState, to: AuthorityState, overridden: Option<String>) -> Body {
    Body::from(AuthorityChanged { authority, from, to, overridden, acknowledged: None })
}

fn no_such_step(from: &str, to: AuthorityState) -> Refusal {
    Refusal::NoSuchStep { from: from.to_lowercase(), to: format!("{to:?}").to_lowercase() }
}

//! Let hosts of a class ask for an agent, or no longer. Knows no template; `policies` checked it.

use ledger::entry::{AgentAdded, AgentRemoved, Body};

use super::{MAX_NAME_OCTETS, within};
use crate::draft::Draft;
use crate::refusal::Refusal;

/// Let hosts of a class ask for an agent.
#[derive(Clone, Debug)]
pub struct AddAgent {
    /// What would be written.
    pub agent: AgentAdded,
}

/// No longer let hosts of a class ask for an agent.
#[derive(Clone, Debug)]
pub struct RemoveAgent {
    /// What would be written.
    pub agent: AgentRemoved,
}

/// Decides. An agent of the same class and name is replaced; one that is the same already is left alone.
///
/// # Errors
/// A name is too long, or the very same agent exists.
pub fn add(draft: &Draft<'_>, command: &AddAgent) -> Result<Vec<Body>, Refusal> {
    let agent = &command.agent;
    within("the name of the agent", &agent.agent, MAX_NAME_OCTETS)?;
    within("the name of the profile", &agent.profile, MAX_NAME_OCTETS)?;
    let same = draft.agent(&agent.profile, &agent.agent).is_some_and(|row| {
        row.id == agent.id
            && row.selectors == agent.selectors
            && row.key == agent.key
            && row.lifetime == agent.lifetime
            && row.cutoff == agent.cutoff
    });
    if same {
        return Err(Refusal::Exists { what: "the same agent" });
    }
    Ok(vec![Body::from(agent.clone())])
}

/// Decides.
///
/// # Errors
/// There is no such agent.
pub fn remove(draft: &Draft<'_>, command: &RemoveAgent) -> Result<Vec<Body>, Refusal> {
    let AgentRemoved { profile, agent } = &command.agent;
    draft.agent(profile, agent).ok_or(Refusal::Missing { what: "the agent" })?;
    Ok(vec![Body::from(command.agent.clone())])
}

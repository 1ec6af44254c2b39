//! One agent rule beside the profiles and the other rules: that no two things can get one identity. Knows templates only.

use super::AgentRule;
use crate::name::Name;
use crate::profile::Profile;
use crate::profile::set::Profiles;

/// Why a rule cannot stand beside what is there: the fault of who adds it, or who loads these profiles.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgentConflict {
    /// Its profile is not among those in force.
    #[error("agent `{agent}`: there is no profile `{profile}`")]
    NoProfile {
        /// The rule.
        agent: Name,
        /// The profile it names.
        profile: Name,
    },
    /// Its profile does not allow its kind of key.
    #[error("agent `{agent}`: profile `{profile}` allows no {key} keys")]
    KeyKind {
        /// The rule.
        agent: Name,
        /// Its profile.
        profile: Name,
        /// The kind of its key.
        key: identity::KeyKind,
    },
    /// It could get the id of a host.
    #[error("agent `{agent}` ({id}) of profile `{profile}` could get the id of a host of profile `{host}` ({host_id})")]
    Host {
        /// The rule.
        agent: Name,
        /// Its template.
        id: String,
        /// Its profile.
        profile: Name,
        /// The profile of that host.
        host: Name,
        /// The template of that host.
        host_id: String,
    },
    /// Another agent of the same hosts could have its id.
    #[error("agents `{agent}` ({id}) and `{other}` ({other_id}) of profile `{profile}` could get one id")]
    Agent {
        /// The rule.
        agent: Name,
        /// Its template.
        id: String,
        /// The other rule.
        other: Name,
        /// Its template.
        other_id: String,
        /// The profile of both.
        profile: Name,
    },
    /// An agent whose claims another attestor checks could have its id.
    #[error(
        "agent `{agent}` ({id}) of profile `{profile}` and agent `{other}` ({other_id}) of profile `{other_profile}` could get one \
         id, though different attestors vouch for their claims; give one of them a segment of its own"
    )]
    Attestor {
        /// The rule.
        agent: Name,
        /// Its template.
        id: String,
        /// Its profile.
        profile: Name,
        /// The other rule.
        other: Name,
        /// Its template.
        other_id: String,
        /// The profile of the other.
        other_profile: Name,
    },
}

/// Checks a rule beside the profiles in force and the rules that are there. One of the same profile and name is what it
/// replaces, and is passed over.
///
/// An identity that several classes of hosts may have is allowed where their claims come from one attestor, or where the id has
/// no claim in it at all, so that who added both rules has said so in so many words.
///
/// # Errors
/// Every [`AgentConflict`].
pub fn check<'a>(
    rule: &AgentRule,
    profiles: &Profiles,
    others: impl IntoIterator<Item = &'a AgentRule>,
) -> Result<(), Vec<AgentConflict>> {
    let Some(own) = profiles.profile(rule.profile.as_str()) else {
        return Err(vec![AgentConflict::NoProfile { agent: rule.name.clone(), profile: rule.profile.clone() }]);
    };
    let mut conflicts = Vec::new();
    if !own.allows_key(rule.key_kind) {
        conflicts.push(AgentConflict::KeyKind {
            agent: rule.name.clone(),
            profile: rule.profile.clone(),
            key: rule.key_kind,
        });
    }
    for host in profiles.iter().filter(|host| rule.id.overlaps_host(own.host_id(), host.host_id())) {
        conflicts.push(AgentConflict::Host {
            agent: rule.name.clone(),
            id: rule.id.to_string(),
            profile: rule.profile.clone(),
            host: host.name().clone(),
            host_id: host.host_id().to_string(),
        });
    }
    conflicts.extend(others.into_iter().filter_map(|other| with(rule, own, other, profiles)));
    if conflicts.is_empty() { Ok(()) } else { Err(conflicts) }
}

fn with(rule: &AgentRule, own: &Profile, other: &AgentRule, profiles: &Profiles) -> Option<AgentConflict> {
    if rule.profile == other.profile && rule.name == other.name {
        return None;
    }
    // A rule whose profile is gone gives out nothing, until that profile is there again and it is checked anew.
    let theirs = profiles.profile(other.profile.as_str())?;
    if !rule.id.overlaps(own.host_id(), &other.id, theirs.host_id()) {
        return None;
    }
    if rule.profile == other.profile {
        return Some(AgentConflict::Agent {
            agent: rule.name.clone(),
            id: rule.id.to_string(),
            other: other.name.clone(),
            other_id: other.id.to_string(),
            profile: rule.profile.clone(),
        });
    }
    let said = rule.id.is_literal() && other.id.is_literal();
    (own.attestor() != theirs.attestor() && !said).then(|| AgentConflict::Attestor {
        agent: rule.name.clone(),
        id: rule.id.to_string(),
        profile: rule.profile.clone(),
        other: other.name.clone(),
        other_id: other.id.to_string(),
        other_profile: other.profile.clone(),
    })
}

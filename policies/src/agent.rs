//! Agents that the hosts of a profile may ask for. Knows ids and selectors; picks no process and reads no ledger.
//!
//! An agent rule stands on the server, as a ledger entry that `ca-server agent add` made. A client gets its list signed and may
//! narrow it, never widen it.

use identity::{KeyKind, Lifetime, SpiffeId};

use crate::claims::Claims;
use crate::cutoff::Cutoff;
use crate::name::{Name, NameError};
use crate::profile::{DEFAULT_LIFETIME_SECONDS, LEAF_LIFETIME_SECONDS, Profile, ProfileFault, within};
use crate::template::{AgentTemplate, RenderError, TemplateError};

pub mod beside;
pub mod file;
mod selectors;

use file::AgentRuleFile;
pub use selectors::{MAX_EXECUTABLE_OCTETS, Selectors};

/// A checked rule: hosts of `profile` may have agent `name`, under this id, for a process like this. [`AgentRuleFile`] says what
/// each value means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentRule {
    name: Name,
    profile: Name,
    id: AgentTemplate,
    selectors: Selectors,
    key_kind: KeyKind,
    lifetime: Lifetime,
    cutoff: Option<Cutoff>,
}

/// What is wrong with one field of an agent rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {fault}")]
pub struct AgentRuleError {
    /// The field, as it is written in the file.
    pub field: &'static str,
    /// What is wrong with it.
    pub fault: AgentRuleFault,
}

/// What can be wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgentRuleFault {
    /// No name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// No template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A lifetime outside its limits.
    #[error(transparent)]
    Lifetime(#[from] ProfileFault),
    /// Neither user nor group.
    #[error("a uid or a gid is needed; an executable alone can be run by anybody")]
    NobodySelected,
    /// The id that means "no such user".
    #[error("{id} is the system's word for nobody in particular")]
    ReservedId {
        /// The id.
        id: u32,
    },
    /// A path that is not the one path of a file.
    #[error("`{}` is not absolute and plain: `/` in front, no empty, `.` or `..` segment, no control character, at most {MAX_EXECUTABLE_OCTETS} octets", path.escape_debug())]
    Path {
        /// The path.
        path: String,
    },
}

impl AgentRule {
    /// Checks one rule by itself; [`beside`] checks it beside profiles and other rules.
    ///
    /// # Errors
    /// Every field that is wrong, in the order of the file's documentation.
    pub fn check(file: &AgentRuleFile) -> Result<Self, Vec<AgentRuleError>> {
        let mut faults = Faults::default();
        let name = faults.take("name", Name::parse(&file.name));
        let profile = faults.take("profile", Name::parse(&file.profile));
        let id = faults.take("id", AgentTemplate::parse(&file.id));
        let selectors = faults.take("selectors", Selectors::check(&file.selectors));
        let lifetime = faults.take("lifetime", within(file.lifetime, DEFAULT_LIFETIME_SECONDS, LEAF_LIFETIME_SECONDS));
        match (name, profile, id, selectors, lifetime) {
            (Some(name), Some(profile), Some(id), Some(selectors), Some(lifetime)) => Ok(Self {
                name,
                profile,
                id,
                selectors,
                key_kind: file.key.unwrap_or(KeyKind::P256),
                lifetime,
                cutoff: file.cutoff,
            }),
            _ => Err(faults.0),
        }
    }

    /// The rule as a file would say it, every value written out.
    #[must_use]
    pub fn to_file(&self) -> AgentRuleFile {
        AgentRuleFile {
            name: self.name.to_string(),
            profile: self.profile.to_string(),
            id: self.id.to_string(),
            selectors: self.selectors.to_file(),
            key: Some(self.key_kind),
            lifetime: Some(self.lifetime),
            cutoff: self.cutoff,
        }
    }

    /// The agent's name, unique in its profile.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The profile whose hosts may ask for it.
    #[must_use]
    pub fn profile(&self) -> &Name {
        &self.profile
    }

    /// The template of its id.
    #[must_use]
    pub fn id(&self) -> &AgentTemplate {
        &self.id
    }

    /// What a process must be to get it.
    #[must_use]
    pub fn selectors(&self) -> &Selectors {
        &self.selectors
    }

    /// The kind of its key.
    #[must_use]
    pub fn key_kind(&self) -> KeyKind {
        self.key_kind
    }

    /// Life of its certificates.
    #[must_use]
    pub fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    /// Its own cutoff, where it has one.
    #[must_use]
    pub fn own_cutoff(&self) -> Option<Cutoff> {
        self.cutoff
    }

    /// Its cutoff: its own, or that of its profile.
    #[must_use]
    pub fn cutoff(&self, profile: &Profile) -> Cutoff {
        self.cutoff.unwrap_or(profile.cutoff())
    }

    /// Its id on the host with this id and these claims.
    ///
    /// # Errors
    /// [`RenderError`] names the claim that is missing or does not fit.
    pub fn render(&self, host: &SpiffeId, claims: &Claims) -> Result<SpiffeId, RenderError> {
        self.id.render(host, claims)
    }
}

/// No agent of that id is listed for the host. The asker is told the rule and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no agent of profile `{profile}` has the id {asked} on host {host}; an admin lists it with `ca-server agent add`"
)]
pub struct NotListed {
    /// The host's profile.
    pub profile: Name,
    /// The host that asks.
    pub host: SpiffeId,
    /// The id that it asks for.
    pub asked: SpiffeId,
}

impl NotListed {
    /// The name of the rule that a refusal shows.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        "agent-not-listed"
    }
}

/// The rule under which a host of `profile` may ask for exactly this id: it is listed for the profile, and renders this id for
/// this host. What another host would get does not count.
///
/// # Errors
/// [`NotListed`] where there is none. A rule whose claims this host lacks is not one for this host.
pub fn find<'a>(
    rules: impl IntoIterator<Item = &'a AgentRule>,
    profile: &Name,
    host: &SpiffeId,
    claims: &Claims,
    asked: &SpiffeId,
) -> Result<&'a AgentRule, NotListed> {
    rules
        .into_iter()
        .find(|rule| rule.profile == *profile && rule.render(host, claims).as_ref() == Ok(asked))
        .ok_or_else(|| NotListed { profile: profile.clone(), host: host.clone(), asked: asked.clone() })
}

#[derive(Default)]
struct Faults(Vec<AgentRuleError>);

impl Faults {
    fn take<T, E: Into<AgentRuleFault>>(&mut self, field: &'static str, result: Result<T, E>) -> Option<T> {
        result.map_err(|fault| self.0.push(AgentRuleError { field, fault: fault.into() })).ok()
    }
}

#[cfg(test)]
mod tests;

//! The agents that hosts may ask for, as rules that were read once. Knows rows and rules; decides nothing.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use policies::AgentRule;
use policies::agent::file::{AgentRuleFile, SelectorsFile};

use crate::draft::Draft;
use crate::state::rows::AgentRow;

/// The rules of the newest change, kept ready.
#[derive(Default)]
pub struct AgentsInForce {
    ready: ArcSwapOption<Agents>,
}

/// The agents as they stood after one entry.
#[derive(Debug)]
pub struct Agents {
    /// Index of the newest entry about agents.
    newest: u64,
    /// In the order of class and name.
    rules: Vec<AgentRule>,
}

/// A row is no rule. It was checked before it was written, so that the fault is ours.
#[derive(Debug, thiserror::Error)]
#[error("agent {agent} of {profile}: {faults}")]
pub struct AgentsError {
    profile: String,
    agent: String,
    faults: String,
}

impl AgentsInForce {
    /// The agents as they stand in `draft`. Reads the rows when they changed.
    ///
    /// # Errors
    /// [`AgentsError`].
    pub fn of(&self, draft: &Draft<'_>) -> Result<Arc<Agents>, AgentsError> {
        let newest = draft.scalars().newest_agents;
        if let Some(ready) = self.ready.load_full()
            && ready.newest == newest
        {
            return Ok(ready);
        }
        let rules = draft.agents().into_iter().map(|(profile, name, row)| rule(profile, name, row));
        let ready = Arc::new(Agents { newest, rules: rules.collect::<Result<_, _>>()? });
        self.ready.store(Some(Arc::clone(&ready)));
        Ok(ready)
    }
}

impl Agents {
    /// All of them, in the order of class and name.
    #[must_use]
    pub fn all(&self) -> &[AgentRule] {
        &self.rules
    }

    /// Those of a class, in the order of their names.
    #[must_use]
    pub fn of_class(&self, profile: &str) -> &[AgentRule] {
        let first = self.rules.partition_point(|rule| rule.profile().as_str() < profile);
        let of_class = self.rules.get(first..).unwrap_or_default();
        let count = of_class.partition_point(|rule| rule.profile().as_str() == profile);
        of_class.get(..count).unwrap_or_default()
    }

    /// The one of a class that has this name.
    #[must_use]
    pub fn named(&self, profile: &str, name: &str) -> Option<&AgentRule> {
        let of_class = self.of_class(profile);
        let at = of_class.binary_search_by(|rule| rule.name().as_str().cmp(name)).ok()?;
        of_class.get(at)
    }
}

fn rule(profile: &str, name: &str, row: &AgentRow) -> Result<AgentRule, AgentsError> {
    let faulty = |faults| AgentsError { profile: profile.to_owned(), agent: name.to_owned(), faults };
    let cutoff = row.cutoff.as_deref().map(str::parse).transpose();
    let file = AgentRuleFile {
        name: name.to_owned(),
        profile: profile.to_owned(),
        id: row.id.clone(),
        selectors: SelectorsFile {
            uid: row.selectors.uid,
            gid: row.selectors.gid,
            executable: row.selectors.executable.clone(),
        },
        key: Some(row.key),
        lifetime: Some(row.lifetime),
        cutoff: cutoff.map_err(|_| faulty("its cutoff is none".to_owned()))?,
    };
    AgentRule::check(&file)
        .map_err(|faults| faulty(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))
}

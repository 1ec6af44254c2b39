//! One directory: the names the cache shows, those that are durable, and the changes between. Knows names; knows no content.

use std::collections::BTreeMap;

use super::world::NodeId;
use crate::chance::Chance;

#[derive(Debug, Clone, Default)]
pub struct DirNode {
    now: BTreeMap<String, NodeId>,
    durable: BTreeMap<String, NodeId>,
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Add(String, NodeId),
    Remove(String),
    /// Within one directory a rename is one step of the journal: both names change or neither.
    Rename {
        from: String,
        to: String,
        node: NodeId,
    },
}

impl DirNode {
    pub fn names(&self) -> impl Iterator<Item = (&str, NodeId)> {
        self.now.iter().map(|(name, node)| (name.as_str(), *node))
    }

    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.now.get(name).copied()
    }

    pub fn add(&mut self, name: &str, node: NodeId) {
        self.apply(Change::Add(name.to_owned(), node));
    }

    pub fn remove(&mut self, name: &str) {
        self.apply(Change::Remove(name.to_owned()));
    }

    pub fn rename(&mut self, from: &str, to: &str, node: NodeId) {
        self.apply(Change::Rename { from: from.to_owned(), to: to.to_owned(), node });
    }

    fn apply(&mut self, change: Change) {
        change.apply(&mut self.now);
        self.pending.push(change);
    }

    pub fn sync(&mut self) {
        self.pending.clear();
        self.durable.clone_from(&self.now);
    }

    pub fn durable(&self) -> Self {
        Self { now: self.durable.clone(), durable: self.durable.clone(), pending: Vec::new() }
    }

    pub fn partly_durable(&self, chance: &mut Chance) -> Self {
        let mut names = self.durable.clone();
        for change in &self.pending {
            if chance.once_in(2) {
                change.apply(&mut names);
            }
        }
        Self { now: names.clone(), durable: names, pending: Vec::new() }
    }
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<String, NodeId>) {
        match self {
            Self::Add(name, node) => {
                names.insert(name.clone(), *node);
            }
            Self::Remove(name) => {
                names.remove(name);
            }
            Self::Rename { from, to, node } => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

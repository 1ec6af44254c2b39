//! Two statements of the ledger's key that cannot both be true. Knows their texts, which are the evidence.

use std::fmt;

/// What does not fit, with both texts as they were signed: enough for somebody else to see it, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    rule: Rule,
    held: String,
    came: String,
}

/// The rule that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// One size, two roots.
    TwoRoots {
        /// The size.
        size: u64,
    },
    /// An entry was made at an index that was taken already.
    EntryBelowHead {
        /// Its index.
        index: u64,
        /// Size of the ledger before.
        head: u64,
    },
    /// The ledger has fewer entries than before.
    HeadWentBack {
        /// Before.
        held: u64,
        /// Now.
        came: u64,
    },
    /// The feed has fewer events than before.
    FeedWentBack {
        /// Before.
        held: u64,
        /// Now.
        came: u64,
    },
    /// As many events, and others.
    TwoFeeds {
        /// How many.
        events: u64,
    },
}

impl Contradiction {
    pub(super) fn new(rule: Rule, held: &str, came: &str) -> Self {
        Self { rule, held: held.to_owned(), came: came.to_owned() }
    }

    /// The rule that is broken.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// The statement that we held.
    #[must_use]
    pub fn held(&self) -> &str {
        &self.held
    }

    /// The statement that came.
    #[must_use]
    pub fn came(&self) -> &str {
        &self.came
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule {
            Rule::TwoRoots { size } => write!(f, "the ledger has two roots for {size} entries"),
            Rule::EntryBelowHead { index, head } => {
                write!(f, "the ledger made a new entry at index {index} after it had {head} entries")
            }
            Rule::HeadWentBack { held, came } => write!(f, "the ledger had {held} entries and now has {came}"),
            Rule::FeedWentBack { held, came } => write!(f, "the feed had {held} events and now has {came}"),
            Rule::TwoFeeds { events } => write!(f, "there are two feeds of {events} events"),
        }
    }
}

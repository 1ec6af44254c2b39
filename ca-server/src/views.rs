//! Answers to questions about the past: which entries speak of an agent, a host, a serial, a key, a kind, an actor. Knows terms and indices;
//! decides nothing, and is asked for no decision.
//!
//! A view holds indices only; what an entry says is read from the ledger. It is kept in sled, which is known to open a damaged file without
//! an error and with keys missing. So nothing is believed that does not add up: every page has a checksum and names the page that follows it,
//! every run says how many postings it has, and the head names the ledger's size and root. A store that is damaged, ahead of the ledger, or of
//! another ledger is dropped and built again from the ledger.
//!
//! Postings are written in blocks of [`BLOCK_ENTRIES`] entries, sorted by term, as one *run*; `RUNS_MERGED` such runs become one larger run. So
//! keys only ever grow, each posting is written twice, and a question looks into each run once. Entries that do not fill a block yet
//! are in memory only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use identity::Sha256Hash;
use ledger::entry::Entry;
use ledger::hash::Hash;

mod digest;
pub mod follower;
mod page;
mod run;
mod store;
mod terms;

pub use terms::View;

use page::Posting;
use run::{Level, Run};
use store::Store;
use terms::Term;

/// The views of one ledger.
pub struct Views {
    path: PathBuf,
    inner: RwLock<Inner>,
}

struct Inner {
    store: Store,
    /// Runs in the store, oldest entries first.
    runs: Vec<Run>,
    /// Postings that do not fill a block yet.
    tail: BTreeMap<View, BTreeSet<Posting>>,
    /// Entries in `runs`.
    stored: u64,
    /// Entries in `runs` and `tail`.
    size: u64,
}

/// Why a question cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The store does not add up, and is to be rebuilt.
    #[error("the view store is damaged: {0}")]
    Damaged(String),
    /// sled.
    #[error("the view store fails")]
    Store(#[from] sled::Error),
    /// The directory of the store.
    #[error("the directory of the view store fails")]
    Directory(#[from] std::io::Error),
    /// Entries must be given in order.
    #[error("entry {found} was given, entry {expected} follows")]
    Order {
        /// What was given.
        found: u64,
        /// What follows.
        expected: u64,
    },
}

impl Views {
    /// Opens the store at `path`. What is not a store of this ledger, as `is_ours` says of a size and the root of that size, is dropped with a
    /// line in the log.
    ///
    /// # Errors
    /// When not even an empty store can be made.
    pub fn open(path: &Path, is_ours: impl Fn(u64, Hash) -> bool) -> Result<Self, ViewError> {
        let found = Store::open(path).and_then(|store| {
            let runs = store.runs()?;
            match store.head()? {
                Some((size, root)) if is_ours(size, root) => Ok((store, runs, size)),
                Some((size, _)) => {
                    Err(ViewError::Damaged(format!("it speaks of {size} entries that are not those of this ledger")))
                }
                None if runs.is_empty() => Ok((store, runs, 0)),
                None => Err(ViewError::Damaged("it does not say how far it goes".to_owned())),
            }
        });
        let (store, runs, size) =
            match found.and_then(|(store, runs, size)| run::check_cover(&runs, size).map(|()| (store, runs, size))) {
                Ok(found) => found,
                Err(error) => {
                    tracing::warn!(%error, "the view store is dropped and built again");
                    (Store::anew(path)?, Vec::new(), 0)
                }
            };
        let inner = Inner { store, runs, tail: BTreeMap::new(), stored: size, size };
        Ok(Self { path: path.to_owned(), inner: RwLock::new(inner) })
    }

    /// Entries known here: those from this index on are still to be given.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.read().size
    }

    /// Takes the next entry. `root` gives the root of the ledger's tree of a size; it is asked once per block.
    ///
    /// # Errors
    /// [`ViewError::Order`]; else the store fails, and should be dropped.
    pub fn take(&self, index: u64, entry: &Entry, root: impl FnOnce(u64) -> Option<Hash>) -> Result<(), ViewError> {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if index != inner.size {
            return Err(ViewError::Order { found: index, expected: inner.size });
        }
        for (view, text) in terms::of(entry) {
            inner.tail.entry(view).or_default().insert(Posting { term: Term::of(&text), index });
        }
        inner.size = index.saturating_add(1);
        if inner.size - inner.stored < BLOCK_ENTRIES {
            return Ok(());
        }
        let size = inner.size;
        let root = root(size).ok_or_else(|| ViewError::Damaged(format!("the ledger has no root of size {size}")))?;
        inner.store_block(root)
    }

    /// Indices of the entries below `before` that speak of `text`, newest first, at most `limit` of them.
    ///
    /// # Errors
    /// [`ViewError::Damaged`] when anything on the way does not add up: there are no partial answers.
    pub fn find(&self, view: View, text: &str, before: u64, limit: usize) -> Result<Vec<u64>, ViewError> {
        let (inner, term) = (self.read(), Term::of(text));
        let mut found = Vec::new();
        let bounds = Posting { term, index: 0 }..Posting { term, index: before };
        if before > 0
            && let Some(tail) = inner.tail.get(&view)
        {
            found.extend(tail.range(bounds).rev().take(limit).map(|posting| posting.index));
        }
        for run in inner.runs.iter().rev() {
            if found.len() >= limit {
                break;
            }
            if run.first < before {
                run.find(&inner.store, view, Posting { term, index: before }, limit, &mut found)?;
            }
        }
        Ok(found)
    }

    /// One SHA-256 per view over all that it says, sorted: the same for every store of one ledger, however it was built.
    ///
    /// # Errors
    /// [`ViewError::Damaged`]; every page is read and checked.
    pub fn digests(&self) -> Result<Vec<(View, Sha256Hash)>, ViewError> {
        let inner = self.read();
        let empty = BTreeSet::new();
        View::ALL
            .iter()
            .map(|&view| {
                let tail = inner.tail.get(&view).unwrap_or(&empty);
                Ok((view, digest::digest(&inner.store, &inner.runs, view, tail)?))
            })
            .collect()
    }

    /// Drops everything, to be built again.
    ///
    /// # Errors
    /// When no empty store can be made.
    pub fn reset(&self) -> Result<(), ViewError> {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.store.close();
        *inner = Inner { store: Store::anew(&self.path)?, runs: Vec::new(), tail: BTreeMap::new(), stored: 0, size: 0 };
        Ok(())
    }

    fn read(&self) -> impl std::ops::Deref<Target = Inner> + '_ {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Writes the tail as a run, merges if there are enough, and says how far the store goes: in one batch, so that all of it is there or nothing.
    fn store_block(&mut self, root: Hash) -> Result<(), ViewError> {
        let mut batch = sled::Batch::default();
        let added = self.size - self.stored;
        let (mut runs, blocks): (Vec<_>, Vec<_>) =
            self.runs.iter().cloned().partition(|run| run.level == Level::Merged);
        if blocks.len().saturating_add(1) < RUNS_MERGED {
            runs.clone_from(&self.runs);
            runs.push(Run::write(&mut batch, Level::Block, self.stored, added, &self.tail));
        } else {
            runs.push(run::merge(&self.store, &mut batch, &blocks, added, &self.tail)?);
        }
        store::put_head(&mut batch, self.size, root);
        self.store.apply(batch)?;
        self.runs = runs;
        self.stored = self.size;
        self.tail.clear();
        Ok(())
    }
}

/// Entries whose postings are kept in memory until they are written as one run: about 300 kB, and at a start at most so many entries are read again.
pub const BLOCK_ENTRIES: u64 = 1024;

/// Runs of one block that become one run. A question looks into at most so many small runs, and into one large one per 65,536 entries.
const RUNS_MERGED: usize = 64;

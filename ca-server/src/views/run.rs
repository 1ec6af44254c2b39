//! A run: the postings of successive entries, sorted, in pages. Knows how its pages hang together; knows no entry.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ViewError;
use super::page::{Page, Posting, key, prefix};
use super::store::{self, Store};
use super::terms::View;

/// What is known of a run before a page of it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) level: Level,
    /// Its first entry.
    pub(super) first: u64,
    /// Its entries.
    pub(super) entries: u64,
    views: BTreeMap<u8, Extent>,
}

/// How many times a posting has been merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Level {
    /// Not yet.
    Block,
    /// Once; runs of this level stay.
    Merged,
}

impl Level {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Block => 0,
            Self::Merged => 1,
        }
    }
}

/// The postings of one view in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Extent {
    first: Posting,
    postings: u64,
}

impl Run {
    /// Adds a run to a batch.
    pub(super) fn write(
        batch: &mut sled::Batch,
        level: Level,
        first: u64,
        entries: u64,
        postings: &BTreeMap<View, BTreeSet<Posting>>,
    ) -> Self {
        let mut views = BTreeMap::new();
        for (view, postings) in postings {
            let postings: Vec<_> = postings.iter().copied().collect();
            if let Some(extent) = write_view(batch, &prefix(level, first, *view), &postings) {
                views.insert(view.code(), extent);
            }
        }
        let run = Self { level, first, entries, views };
        store::put_run(batch, &run);
        run
    }

    /// Adds the indices below `below.index` of the entries that speak of its term, newest first, until there are `limit`.
    pub(super) fn find(
        &self,
        store: &Store,
        view: View,
        below: Posting,
        limit: usize,
        found: &mut Vec<u64>,
    ) -> Result<(), ViewError> {
        let Some(extent) = self.views.get(&view.code()) else { return Ok(()) };
        let prefix = prefix(self.level, self.first, view);
        let mut below = below;
        while found.len() < limit && extent.first < below {
            let (first, page) = store
                .page_before(&prefix, below)?
                .ok_or_else(|| ViewError::Damaged("the first page of a run is missing".to_owned()))?;
            if page.next.is_some_and(|next| next < below) {
                return Err(ViewError::Damaged("a page is missing".to_owned()));
            }
            for posting in page.postings.iter().rev().filter(|posting| **posting < below) {
                if posting.term != below.term || found.len() >= limit {
                    return Ok(());
                }
                found.push(posting.index);
            }
            below = Posting { term: below.term, index: first.index };
            if first.term != below.term {
                return Ok(());
            }
        }
        Ok(())
    }

    /// All postings of one view, in order; every page is checked.
    pub(super) fn postings<'a>(
        &self,
        store: &'a Store,
        view: View,
    ) -> impl Iterator<Item = Result<Posting, ViewError>> + 'a {
        let extent = self.views.get(&view.code()).cloned();
        let mut expected = extent.as_ref().map(|extent| extent.first);
        let mut left = extent.map_or(0, |extent| extent.postings);
        let prefix = prefix(self.level, self.first, view);
        let mut page = Vec::new().into_iter();
        std::iter::from_fn(move || {
            if let Some(posting) = page.next() {
                return Some(Ok(posting));
            }
            let first = expected?;
            let read = store.page_at(&key(&prefix, first)).and_then(|read| {
                left = u64::try_from(read.postings.len())
                    .ok()
                    .and_then(|found| left.checked_sub(found))
                    .ok_or_else(miscounted)?;
                if read.next.is_none() && left > 0 { Err(miscounted()) } else { Ok(read) }
            });
            match read {
                Ok(read) => {
                    expected = read.next;
                    page = read.postings.into_iter();
                    page.next().map(Ok)
                }
                Err(error) => {
                    expected = None;
                    Some(Err(error))
                }
            }
        })
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        let views: Vec<_> = self
            .views
            .iter()
            .map(|(view, extent)| (*view, extent.first.term.0, extent.first.index, extent.postings))
            .collect();
        postcard::to_stdvec(&(self.level, self.first, self.entries, views))
    }

    pub(super) fn decode(octets: &[u8]) -> Option<Self> {
        type Stored = (Level, u64, u64, Vec<(u8, [u8; 16], u64, u64)>);
        let (level, first, entries, views): Stored = postcard::from_bytes(octets).ok()?;
        let views = views.into_iter().map(|(view, term, index, postings)| {
            (view, Extent { first: Posting { term: super::terms::Term(term), index }, postings })
        });
        Some(Self { level, first, entries, views: views.collect() })
    }
}

/// Adds one run to a batch in place of `blocks`, with the postings of the `added` entries after them.
pub(super) fn merge(
    store: &Store,
    batch: &mut sled::Batch,
    blocks: &[Run],
    added: u64,
    tail: &BTreeMap<View, BTreeSet<Posting>>,
) -> Result<Run, ViewError> {
    let mut postings = tail.clone();
    for block in blocks {
        for view in View::ALL {
            let all: Result<Vec<_>, _> = block.postings(store, *view).collect();
            postings.entry(*view).or_default().extend(all?);
        }
        store.remove_run(batch, block)?;
    }
    let first = blocks.first().map_or(0, |block| block.first);
    let entries = blocks.iter().map(|block| block.entries).fold(added, u64::saturating_add);
    Ok(Run::write(batch, Level::Merged, first, entries, &postings))
}

/// Checks that the runs cover the entries below `size`, each once.
pub(super) fn check_cover(runs: &[Run], size: u64) -> Result<(), ViewError> {
    let mut next = 0_u64;
    for run in runs {
        if run.first != next {
            return Err(ViewError::Damaged(format!("entries {next} to {} are in no run", run.first)));
        }
        next = next.saturating_add(run.entries);
    }
    if next == size {
        Ok(())
    } else {
        Err(ViewError::Damaged(format!("the runs end at {next}, the store says {size}")))
    }
}

fn write_view(batch: &mut sled::Batch, prefix: &[u8], postings: &[Posting]) -> Option<Extent> {
    let first = *postings.first()?;
    let mut pages = postings.chunks(PAGE_POSTINGS).peekable();
    while let Some(page) = pages.next() {
        let Some(start) = page.first() else { continue };
        let next = pages.peek().and_then(|next| next.first()).copied();
        let key = key(prefix, *start);
        let value = Page::encode(&key, page, next);
        batch.insert(key, value);
    }
    Some(Extent { first, postings: u64::try_from(postings.len()).unwrap_or(u64::MAX) })
}

fn miscounted() -> ViewError {
    ViewError::Damaged("a run has more or fewer postings than it says".to_owned())
}

/// Postings of a page: 3 kB, about what sled keeps together.
pub(super) const PAGE_POSTINGS: usize = 128;

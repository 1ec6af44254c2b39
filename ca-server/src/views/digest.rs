//! A digest of what a view says. Knows postings; knows no store of its own.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use identity::Sha256Hash;
use sha2::{Digest as _, Sha256};

use super::ViewError;
use super::page::Posting;
use super::run::Run;
use super::store::Store;
use super::terms::View;

/// SHA-256 over all postings of one view in order, whatever runs they lie in. Holds one page of each run.
pub(super) fn digest(
    store: &Store,
    runs: &[Run],
    view: View,
    tail: &BTreeSet<Posting>,
) -> Result<Sha256Hash, ViewError> {
    type Source<'a> = Box<dyn Iterator<Item = Result<Posting, ViewError>> + 'a>;
    let mut sources: Vec<Source<'_>> = vec![Box::new(tail.iter().map(|posting| Ok(*posting)))];
    for run in runs {
        sources.push(Box::new(run.postings(store, view)));
    }
    let mut next = BinaryHeap::new();
    for (place, source) in sources.iter_mut().enumerate() {
        if let Some(posting) = source.next() {
            next.push(Reverse((posting?, place)));
        }
    }
    let mut sum = Sha256::new();
    while let Some(Reverse((posting, place))) = next.pop() {
        sum.update(posting.octets());
        if let Some(following) = sources.get_mut(place).and_then(Iterator::next) {
            next.push(Reverse((following?, place)));
        }
    }
    Ok(Sha256Hash::from_bytes(sum.finalize().into()))
}

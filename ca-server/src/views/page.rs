//! One page of postings. Knows its octets and its checksum; knows no store.

use sha2::{Digest as _, Sha256};

use super::ViewError;
use super::run::Level;
use super::terms::{TERM_OCTETS, Term, View};

/// An entry speaks of a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Posting {
    pub(super) term: Term,
    pub(super) index: u64,
}

impl Posting {
    pub(super) fn octets(self) -> [u8; POSTING_OCTETS] {
        let mut octets = [0; POSTING_OCTETS];
        for (to, from) in octets.iter_mut().zip(self.term.0.into_iter().chain(self.index.to_be_bytes())) {
            *to = from;
        }
        octets
    }

    pub(super) fn from_octets(octets: &[u8]) -> Option<Self> {
        let (term, index) = octets.split_first_chunk::<TERM_OCTETS>()?;
        Some(Self { term: Term(*term), index: u64::from_be_bytes(index.try_into().ok()?) })
    }
}

/// Where the pages of a run lie. Runs of one level follow one another, so that what is written is always at the end.
pub(super) fn run_prefix(level: Level, first: u64) -> Vec<u8> {
    [[PAGE, level.code()].as_slice(), &first.to_be_bytes()].concat()
}

/// Where the pages of one view of a run lie.
pub(super) fn prefix(level: Level, first: u64, view: View) -> Vec<u8> {
    let mut key = run_prefix(level, first);
    key.push(view.code());
    key
}

/// The key of a page: prefix and first posting.
pub(super) fn key(prefix: &[u8], first: Posting) -> Vec<u8> {
    [prefix, first.octets().as_slice()].concat()
}

/// Postings in order, the first of the next page, and a checksum over both and the key.
pub(super) struct Page {
    pub(super) postings: Vec<Posting>,
    pub(super) next: Option<Posting>,
}

impl Page {
    pub(super) fn encode(key: &[u8], postings: &[Posting], next: Option<Posting>) -> Vec<u8> {
        let mut octets: Vec<u8> = postings.iter().chain(&next).flat_map(|posting| posting.octets()).collect();
        octets.push(u8::from(next.is_some()));
        let sum = checksum(key, &octets);
        octets.extend_from_slice(&sum);
        octets
    }

    pub(super) fn decode(key: &[u8], octets: &[u8]) -> Result<Self, ViewError> {
        let damaged = || ViewError::Damaged("a page is not what was written".to_owned());
        let (content, sum) = octets.split_last_chunk::<SUM_OCTETS>().ok_or_else(damaged)?;
        if checksum(key, content) != *sum {
            return Err(damaged());
        }
        let (has_next, postings) = content.split_last().ok_or_else(damaged)?;
        let mut postings: Vec<Posting> = postings
            .chunks(POSTING_OCTETS)
            .map(|octets| Posting::from_octets(octets).ok_or_else(damaged))
            .collect::<Result<_, _>>()?;
        let next = if *has_next == 1 { postings.pop() } else { None };
        Ok(Self { postings, next })
    }
}

fn checksum(key: &[u8], content: &[u8]) -> [u8; SUM_OCTETS] {
    let mut sum = [0; SUM_OCTETS];
    for (to, from) in sum.iter_mut().zip(Sha256::new().chain_update(key).chain_update(content).finalize()) {
        *to = from;
    }
    sum
}

/// Octets of a posting.
pub(super) const POSTING_OCTETS: usize = TERM_OCTETS + 8;

/// Octets of a checksum: against accidents, not against an attacker, who could write the whole store.
const SUM_OCTETS: usize = 8;

/// The first octet of a page's key.
const PAGE: u8 = b'p';

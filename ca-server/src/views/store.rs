//! The sled store beneath the views. Knows its settings and its records; knows no posting.

use std::path::Path;

use ledger::hash::Hash;
use sha2::{Digest as _, Sha256};

use super::ViewError;
use super::page::{Page, Posting, key};
use super::run::Run;

/// An open store.
pub(super) struct Store(Option<sled::Db>);

impl Store {
    /// Opens the store at `path`, or an empty one.
    pub(super) fn open(path: &Path) -> Result<Self, ViewError> {
        // sled can panic on a damaged file, and that must cost no more than a rebuild.
        let opened = std::panic::catch_unwind(|| config(path).open());
        let db = opened.map_err(|_| ViewError::Damaged("sled panicked while it opened the store".to_owned()))??;
        Ok(Self(Some(db)))
    }

    /// Removes whatever is at `path`, and makes an empty store.
    pub(super) fn anew(path: &Path) -> Result<Self, ViewError> {
        match std::fs::remove_dir_all(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Self::open(path),
        }
    }

    /// Lets go of the files.
    pub(super) fn close(&mut self) {
        self.0 = None;
    }

    /// How far the store goes: entries, and the root of the tree of that size.
    pub(super) fn head(&self) -> Result<Option<(u64, Hash)>, ViewError> {
        let Some(octets) = self.db()?.get(HEAD)? else { return Ok(None) };
        let content = open_sealed(HEAD, &octets)?;
        let read =
            content.split_first_chunk::<8>().and_then(|(size, root)| Some((*size, <[u8; 32]>::try_from(root).ok()?)));
        let (size, root) = read.ok_or_else(|| damaged("the head cannot be read"))?;
        Ok(Some((u64::from_be_bytes(size), Hash::from_bytes(root))))
    }

    /// Every run, in the order of its entries.
    pub(super) fn runs(&self) -> Result<Vec<Run>, ViewError> {
        let mut runs = Vec::new();
        for record in self.db()?.scan_prefix([RUN]) {
            let (key, octets) = record?;
            runs.push(Run::decode(open_sealed(&key, &octets)?).ok_or_else(|| damaged("a run cannot be read"))?);
        }
        runs.sort_unstable_by_key(|run| run.first);
        Ok(runs)
    }

    /// The last page below `prefix` that begins before `posting`, and its first posting.
    pub(super) fn page_before(&self, prefix: &[u8], posting: Posting) -> Result<Option<(Posting, Page)>, ViewError> {
        let Some((found, octets)) = self.db()?.get_lt(key(prefix, posting))? else { return Ok(None) };
        let Some(first) = found.strip_prefix(prefix) else { return Ok(None) };
        let first = Posting::from_octets(first).ok_or_else(|| damaged("a page has a key that was not written"))?;
        Ok(Some((first, Page::decode(&found, &octets)?)))
    }

    /// The page with exactly this key.
    pub(super) fn page_at(&self, key: &[u8]) -> Result<Page, ViewError> {
        let octets = self.db()?.get(key)?.ok_or_else(|| damaged("a page is missing"))?;
        Page::decode(key, &octets)
    }

    /// Adds the removal of a run and its pages to a batch.
    pub(super) fn remove_run(&self, batch: &mut sled::Batch, run: &Run) -> Result<(), ViewError> {
        for key in self.db()?.scan_prefix(super::page::run_prefix(run.level, run.first)).keys() {
            batch.remove(key?);
        }
        batch.remove(run_key(run));
        Ok(())
    }

    /// Makes a batch true, all of it or nothing. When it becomes durable is sled's affair: what is lost is read from the ledger again.
    pub(super) fn apply(&self, batch: sled::Batch) -> Result<(), ViewError> {
        Ok(self.db()?.apply_batch(batch)?)
    }

    fn db(&self) -> Result<&sled::Db, ViewError> {
        self.0.as_ref().ok_or_else(|| damaged("it is being rebuilt"))
    }
}

/// Adds the record of a run to a batch.
pub(super) fn put_run(batch: &mut sled::Batch, run: &Run) {
    let key = run_key(run);
    // A run is plain numbers: it always encodes. Were it empty, it would not decode, and the store be dropped.
    let value = seal(&key, &run.encode().unwrap_or_default());
    batch.insert(key, value);
}

/// Adds how far the store goes to a batch.
pub(super) fn put_head(batch: &mut sled::Batch, size: u64, root: Hash) {
    let content = [size.to_be_bytes().as_slice(), root.as_bytes()].concat();
    batch.insert(HEAD, seal(HEAD, &content));
}

fn run_key(run: &Run) -> Vec<u8> {
    [[RUN, run.level.code()].as_slice(), &run.first.to_be_bytes()].concat()
}

fn seal(key: &[u8], content: &[u8]) -> Vec<u8> {
    let sum = Sha256::new().chain_update(key).chain_update(content).finalize();
    [content, sum.as_slice()].concat()
}

fn open_sealed<'a>(key: &[u8], octets: &'a [u8]) -> Result<&'a [u8], ViewError> {
    let (content, sum) = octets.split_last_chunk::<32>().ok_or_else(|| damaged("a record is cut off"))?;
    let expected = Sha256::new().chain_update(key).chain_update(content).finalize();
    if expected.as_slice() == sum { Ok(content) } else { Err(damaged("a record is not what was written")) }
}

fn damaged(what: &str) -> ViewError {
    ViewError::Damaged(what.to_owned())
}

fn config(path: &Path) -> sled::Config {
    sled::Config::new().path(path).cache_capacity(CACHE_OCTETS).flush_every_ms(Some(FLUSH_EVERY_MILLISECONDS))
}

/// The key of the record that says how far the store goes. The last octet is the version of the format: another version is no head, and
/// the store is dropped.
const HEAD: &[u8] = b"h\x01";

/// The first octet of a run's key.
const RUN: u8 = b'r';

/// sled's cache. Its default is 1 GB; at 64 MB it was resident with 86 MB (measured).
const CACHE_OCTETS: u64 = 8 << 20;

/// How often sled writes out. It is on purpose not `None`: never rely on `Drop`.
const FLUSH_EVERY_MILLISECONDS: u64 = 1000;

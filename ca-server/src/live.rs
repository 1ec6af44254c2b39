//! The ledger as the running server knows it: State, tree, newest entries, head. Knows where to look an entry up; decides nothing.
//!
//! Only the committer changes it, after its batch is durable. Everybody else reads: State for decisions, entries by index for whoever
//! follows, proofs for whoever asks again.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};

use ledger::checkpoint::SignedCheckpoint;
use ledger::entry::{Entry, EntryBytes, EntryError};
use ledger::hash::{Hash, leaf_hash};
use ledger::note::VerifierKey;
use ledger::origin::Origin;
use ledger::proof::{MakeError, check_inclusion, consistency, inclusion};
use ledger::receipt::Receipt;
use tokio::sync::watch;

use crate::log::{Batch, Damage, Head, Log, LogError, SharedLog};
use crate::metrics::Meters;
use crate::recent::Recent;
use crate::state::{Changes, State};
use crate::tiles::Tiles;
use crate::tree::{Nodes, Tree, root_at};

/// What the running server knows of its ledger.
pub struct Live {
    log: SharedLog,
    tiles: Arc<Tiles>,
    identity: LogIdentity,
    state: RwLock<State>,
    tree: RwLock<Tree>,
    recent: RwLock<Recent>,
    head: RwLock<Head>,
    size: watch::Sender<u64>,
    published: AtomicU64,
    halted: OnceLock<String>,
    meters: Meters,
}

/// Which log it is: whose checkpoints are its own.
#[derive(Debug, Clone)]
pub struct LogIdentity {
    /// Its name.
    pub origin: Origin,
    /// Its key.
    pub key: VerifierKey,
}

impl Live {
    /// What a start has read and checked (`crate::opening`).
    pub(crate) fn new(
        log: SharedLog,
        tiles: Arc<Tiles>,
        identity: LogIdentity,
        state: State,
        tree: Tree,
        head: Head,
        published: u64,
    ) -> Self {
        let recent = RwLock::new(Recent::from(head.size));
        let (size, _) = watch::channel(head.size);
        Self {
            log,
            tiles,
            identity,
            state: RwLock::new(state),
            tree: RwLock::new(tree),
            recent,
            head: RwLock::new(head),
            size,
            published: AtomicU64::new(published),
            halted: OnceLock::new(),
            meters: Meters::default(),
        }
    }

    /// The State now. Whoever holds it holds the committer up: read and let go.
    pub fn state(&self) -> impl Deref<Target = State> + '_ {
        read(&self.state)
    }

    /// The tree now; the same holds.
    pub fn tree(&self) -> impl Deref<Target = Tree> + '_ {
        read(&self.tree)
    }

    /// The newest checkpoint. State and tree are at least as new.
    #[must_use]
    pub fn head(&self) -> Head {
        read(&self.head).clone()
    }

    /// Size of the published checkpoint: what lies below in full tiles is durable there.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }

    /// Name and key of the log.
    #[must_use]
    pub fn identity(&self) -> &LogIdentity {
        &self.identity
    }

    /// Tells the size whenever entries have landed; what they are is read by index.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.size.subscribe()
    }

    /// What is counted and timed.
    #[must_use]
    pub fn meters(&self) -> &Meters {
        &self.meters
    }

    /// The log beneath.
    #[must_use]
    pub fn log(&self) -> &dyn Log {
        &*self.log
    }

    /// The published form beneath.
    #[must_use]
    pub fn tiles(&self) -> &Arc<Tiles> {
        &self.tiles
    }

    /// Entries from `index` on, at least one: from memory, else from the log, else from the entry bundles. May block.
    ///
    /// # Errors
    /// [`ReadError::NotThere`] at the end of the ledger; [`ReadError::Log`] when what is read is not what was written.
    pub fn read(&self, index: u64) -> Result<Vec<EntryBytes>, ReadError> {
        if let Some(found) = read(&self.recent).read(index, crate::log::READ_OCTETS) {
            return Ok(found);
        }
        let size = read(&self.head).size;
        if index >= size {
            return Err(ReadError::NotThere { index, size });
        }
        match self.log.read(index)? {
            Some(found) => Ok(found),
            None => Ok(self.tiles.entries_from(index)?),
        }
    }

    /// An entry with its receipt under the newest checkpoint. May block.
    ///
    /// # Errors
    /// As [`Live::read`]; and [`ReadError::Proof`] when a tile is missing.
    pub fn receipt(&self, index: u64) -> Result<(EntryBytes, Entry, Receipt), ReadError> {
        let head = self.head();
        let (Some(checkpoint), true) = (head.checkpoint, index < head.size) else {
            return Err(ReadError::NotThere { index, size: head.size });
        };
        let entries = self.read(index)?;
        let bytes = entries.into_iter().next().ok_or(ReadError::NotThere { index, size: head.size })?;
        let entry = bytes.decode()?;
        let path = inclusion(&self.nodes(), index, head.size)?;
        // Entry and tiles were read back from the disk: what does not prove the entry is not handed out as a proof.
        let root = self.root_at(head.size)?;
        check_inclusion(&leaf_hash(&bytes), index, head.size, &root, &path)
            .map_err(|error| damage(index, &error.to_string()))?;
        let receipt = Receipt::make(index, bytes.clone(), path, checkpoint);
        Ok((bytes, entry, receipt))
    }

    /// The proof that the ledger of `old_size` entries is a prefix of that of `size`. May block.
    ///
    /// # Errors
    /// [`ReadError::Proof`] when the sizes do not fit or a tile is missing.
    pub fn consistency(&self, old_size: u64, size: u64) -> Result<Vec<Hash>, ReadError> {
        Ok(consistency(&self.nodes(), old_size, size)?)
    }

    /// The root of the tree of the first `size` entries. May block.
    ///
    /// # Errors
    /// [`LogError`] when a tile is missing.
    pub fn root_at(&self, size: u64) -> Result<Hash, LogError> {
        root_at(&self.nodes(), size)
    }

    fn nodes(&self) -> Nodes<'_, RwLock<Tree>, Tiles> {
        Nodes { tree: &self.tree, tiles: &*self.tiles }
    }

    /// Why nothing may be issued any more, if so.
    #[must_use]
    pub fn halted(&self) -> Option<String> {
        self.halted.get().cloned()
    }

    /// Stops issuing until the next start: for damage that somebody found, and for rules that broke.
    pub fn halt(&self, reason: &str) {
        tracing::error!(reason, "nothing is issued any more");
        // The first reason stays: later ones follow from it.
        drop(self.halted.set(reason.to_owned()));
    }

    /// Makes true what is durable. The tree goes first: whoever has seen a State finds its tree.
    pub(crate) fn land(&self, changes: Changes, batch: &Batch) {
        self.grow(&batch.leaves);
        write(&self.state).absorb(changes);
        self.announce(&batch.entries, &batch.checkpoint);
    }

    /// Makes true whatever the log has that we do not: what others have committed, or we without hearing of it.
    pub(crate) fn catch_up(&self) -> Result<(), LogError> {
        let head = self.log.head()?;
        let Some(checkpoint) = head.checkpoint.filter(|_| head.size > read(&self.tree).size()) else { return Ok(()) };
        let claim = checkpoint.open(&self.identity.origin, &self.identity.key);
        let claim = claim.map_err(|error| damage(head.size, &error.to_string()))?;
        let mut tree = read(&self.tree).clone();
        let first = tree.size();
        let (mut entries, mut leaves) = (Vec::new(), Vec::new());
        while tree.size() < head.size {
            let found = self.log.read(tree.size())?.ok_or_else(|| damage(tree.size(), "the log does not have it"))?;
            for bytes in found.into_iter().take(usize::try_from(head.size - tree.size()).unwrap_or(usize::MAX)) {
                let leaf = leaf_hash(&bytes);
                tree.push(leaf);
                leaves.push(leaf);
                entries.push(bytes);
            }
        }
        if (claim.size(), *claim.root()) != (tree.size(), tree.root()) {
            return Err(damage(first, "the entries from here on are not those that the checkpoint signs"));
        }
        self.grow(&leaves);
        let mut state = write(&self.state);
        for (index, bytes) in (first..).zip(&entries) {
            let entry = bytes.decode().map_err(|error| damage(index, &error.to_string()))?;
            state.apply(index, &entry, bytes).map_err(|error| damage(index, &error.to_string()))?;
        }
        drop(state);
        self.announce(&entries, &checkpoint);
        Ok(())
    }

    fn grow(&self, leaves: &[Hash]) {
        let mut tree = write(&self.tree);
        leaves.iter().for_each(|leaf| tree.push(*leaf));
    }

    fn announce(&self, entries: &[EntryBytes], checkpoint: &SignedCheckpoint) {
        {
            let mut recent = write(&self.recent);
            entries.iter().for_each(|entry| recent.push(entry.clone()));
        }
        let size = {
            let mut head = write(&self.head);
            let size = head.size.saturating_add(u64::try_from(entries.len()).unwrap_or(u64::MAX));
            *head = Head { size, checkpoint: Some(checkpoint.clone()) };
            size
        };
        self.size.send_replace(size);
    }

    /// Notes what is published.
    pub(crate) fn set_published(&self, size: u64) {
        self.published.store(size, Ordering::Release);
        self.meters.published();
    }

    /// Has the tree forget tiles that are durable.
    pub(crate) fn release(&self, level: u32, before: u64) {
        write(&self.tree).release(level, before);
    }
}

/// Why an entry or a proof cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The ledger does not reach that far.
    #[error("there is no entry {index}, the ledger has {size}")]
    NotThere {
        /// The entry.
        index: u64,
        /// Entries there are.
        size: u64,
    },
    /// What was read is not what was written, or cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The entry is of a kind or version that this program does not know.
    #[error("an entry cannot be read")]
    Entry(#[from] EntryError),
    /// A proof cannot be made.
    #[error("a proof cannot be made")]
    Proof(#[from] MakeError<LogError>),
}

fn damage(index: u64, what: &str) -> LogError {
    LogError::Damage(Damage { index, place: "the log".to_owned(), what: what.to_owned() })
}

/// A panic under a lock ends the committer and with it the process; readers in that moment see what is there.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

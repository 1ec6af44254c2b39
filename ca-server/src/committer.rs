//! The committer: takes what has queued, decides it in order, makes it durable, then true, then known. Knows batches; knows no kind of entry.
//!
//! There is one, on a thread of its own, so each decision is taken against exactly the State that precedes it, without locks. On many
//! machines the log says who was first: after [`Outcome::Lost`] the draft is thrown away and everything is decided anew.
//!
//! It fails closed. A log that breaks ends the process ([`Fatal`]). Rules that contradict each other, or panic, halt it: from then on
//! everything is answered with [`CommitError::Halted`], and nothing is issued until a restart has read the ledger again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use identity::{BatchId, Timestamp};
use ledger::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use ledger::entry::EntryBytes;
use ledger::note::NoteSigner;
use ledger::origin::Origin;
use ledger::proof::BatchProofs;
use tokio::sync::mpsc;

use crate::live::Live;
use crate::log::{Batch, LogError, Outcome};

mod handle;
mod plan;
mod recorded;

pub use handle::{CommitError, Handle};
pub use plan::{Asked, Unwritable};
pub use recorded::Recorded;

use handle::{Answer, Waiting};
use plan::{Plan, Verdict, plan};
use recorded::Sealed;

/// Reads the time.
pub type Clock = Box<dyn Fn() -> Timestamp + Send>;

/// The one writer of the ledger.
pub struct Committer {
    live: Arc<Live>,
    origin: Origin,
    signer: Box<dyn NoteSigner + Send>,
    clock: Clock,
    queue: mpsc::Receiver<Waiting>,
    waiting: Vec<Waiting>,
    /// Several waited for the last turn, so that more come in a moment.
    is_busy: bool,
}

/// The log cannot be trusted to keep what it is given: the process ends, and a restart finds out what is durable.
#[derive(Debug, thiserror::Error)]
#[error("the ledger cannot be written: {0}")]
pub struct Fatal(#[from] pub LogError);

impl Committer {
    /// The committer of a ledger, and the handle by which it is asked.
    #[must_use]
    pub fn new(live: Arc<Live>, origin: Origin, signer: Box<dyn NoteSigner + Send>, clock: Clock) -> (Self, Handle) {
        let (sender, queue) = mpsc::channel(QUEUE_LENGTH);
        let handle = Handle::new(sender, Arc::clone(&live));
        (Self { live, origin, signer, clock, queue, waiting: Vec::new(), is_busy: false }, handle)
    }

    /// Works until every handle is gone.
    ///
    /// # Errors
    /// [`Fatal`]; who waits for an answer learns that there is none.
    pub fn run(mut self) -> Result<(), Fatal> {
        while self.turn()? {}
        Ok(())
    }

    /// Takes what has queued, waiting for the first; `false` when nobody can ask any more.
    ///
    /// # Errors
    /// [`Fatal`].
    pub fn turn(&mut self) -> Result<bool, Fatal> {
        if self.waiting.is_empty() {
            if self.is_busy {
                std::thread::sleep(GATHERING);
            }
            if self.queue.blocking_recv_many(&mut self.waiting, QUEUE_LENGTH) == 0 {
                return Ok(false);
            }
            self.is_busy = self.waiting.len() >= BUSY_FROM;
            self.waiting.iter().for_each(|waiting| self.live.meters().queue_wait.took(waiting.since.elapsed()));
        }
        let mut unheard: Vec<Sealed> = Vec::new();
        for _ in 0..MAX_ATTEMPTS {
            let Some(plan) = self.decide() else { return Ok(true) };
            if plan.entries.is_empty() {
                self.answer(plan.verdicts, None);
                return Ok(true);
            }
            let (sealed, batch, plan) = match self.seal(plan) {
                Ok(sealed) => sealed,
                Err(error) => {
                    self.fail(&error);
                    return Ok(true);
                }
            };
            let began = Instant::now();
            match self.live.log().commit(&batch) {
                Ok(Outcome::Landed) => {
                    self.live.meters().write.took(began.elapsed());
                    self.live.meters().batch_entries.held(batch.entries.len());
                    self.live.land(plan.changes, &batch);
                    self.answer(plan.verdicts, Some(&Arc::new(sealed)));
                    return Ok(true);
                }
                Ok(Outcome::Lost { .. }) => {}
                Ok(Outcome::Unknown) => unheard.push(sealed.with_verdicts(plan.verdicts)),
                Err(LogError::Full { detail }) => {
                    self.fail(&CommitError::Full(detail));
                    return Ok(true);
                }
                Err(error) => return Err(Fatal(error)),
            }
            // First make true whatever the log has, then ask: a batch that is found after that is among what was made true.
            self.live.catch_up()?;
            if let Some(mut sealed) = self.find(&mut unheard)? {
                let verdicts = sealed.take_verdicts();
                self.answer(verdicts, Some(&Arc::new(sealed)));
                return Ok(true);
            }
        }
        // A batch that nobody has heard of may still land: then only a restart tells.
        self.fail(if unheard.is_empty() { &CommitError::Busy } else { &CommitError::Ended });
        Ok(true)
    }

    /// Whether all that was taken from the queue has been answered.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Decides what waits. `None` when nothing may be decided any more; everybody has been told.
    fn decide(&mut self) -> Option<Plan> {
        if self.live.halted().is_none() {
            let (now, limits) = ((self.clock)(), self.live.log().limits());
            let asked = self.waiting.iter().map(|waiting| &waiting.asked);
            let state = self.live.state();
            // A panic in a rule must neither end the process without a word nor be stepped over.
            match catch_unwind(AssertUnwindSafe(|| plan(&state, now, asked, limits, random))) {
                Ok(Ok(plan)) => return Some(plan),
                Ok(Err(error)) => self.live.halt(&format!("the rules contradict each other: {error}")),
                Err(_) => self.live.halt("a rule panicked; the log has its message"),
            }
        }
        self.fail(&CommitError::Halted(self.live.halted().unwrap_or_default()));
        None
    }

    /// Hashes and signs: the batch for the log, what receipts are made of, and the rest of the plan.
    fn seal(&self, plan: Plan) -> Result<(Sealed, Batch, Plan), CommitError> {
        let leaves: Vec<_> = plan.entries.iter().map(|entry| entry.leaf).collect();
        let (expected_size, proofs) = {
            let tree = self.live.tree();
            (tree.size(), BatchProofs::new(tree.frontier(), &leaves))
        };
        let checkpoint = self.sign(&proofs).map_err(|error| CommitError::Unsigned(error.to_string()))?;
        let id = random().map(BatchId::from_bytes).map_err(|error| CommitError::Unsigned(error.to_string()))?;
        let entries: Vec<EntryBytes> = plan.entries.iter().map(|entry| entry.bytes.clone()).collect();
        let batch = Batch { id, expected_size, entries, leaves, checkpoint: checkpoint.clone() };
        let Plan { entries, changes, verdicts } = plan;
        let sealed = Sealed::new(batch.id, expected_size, entries, proofs, checkpoint);
        Ok((sealed, batch, Plan { entries: Vec::new(), changes, verdicts }))
    }

    fn sign(&self, proofs: &BatchProofs) -> Result<SignedCheckpoint, CheckpointError> {
        Checkpoint::new(self.origin.clone(), proofs.size(), proofs.root())?.sign(&*self.signer)
    }

    /// The batch that landed although nobody said so.
    fn find(&self, unheard: &mut Vec<Sealed>) -> Result<Option<Sealed>, LogError> {
        for place in 0..unheard.len() {
            if let Some(sealed) = unheard.get(place)
                && self.live.log().find(sealed.batch)?.is_some()
            {
                return Ok(Some(unheard.swap_remove(place)));
            }
        }
        Ok(None)
    }

    /// Answers those whose commands were decided; the rest stays for the next turn. From here on it is known.
    fn answer(&mut self, verdicts: Vec<Verdict>, landed: Option<&Arc<Sealed>>) {
        let taken = verdicts.len().min(self.waiting.len());
        for (waiting, verdict) in self.waiting.drain(..taken).zip(verdicts) {
            let answer = match (verdict, landed) {
                (Verdict::New(range), Some(sealed)) => Ok(Answer::Landed(Recorded::of_batch(sealed, range))),
                (Verdict::New(_), None) => Err(CommitError::Ended),
                (Verdict::Already(index), _) => Ok(Answer::Already(index)),
                (Verdict::Refused(refusal), _) => Err(CommitError::Refused(refusal)),
                (Verdict::Unwritable(why), _) => Err(CommitError::Unwritable(why)),
            };
            waiting.tell(answer);
        }
    }

    fn fail(&mut self, error: &CommitError) {
        for waiting in self.waiting.drain(..) {
            waiting.tell(Err(error.clone()));
        }
    }
}

/// 16 octets of the system's randomness.
fn random() -> Result<[u8; 16], getrandom::Error> {
    let mut octets = [0; 16];
    getrandom::fill(&mut octets)?;
    Ok(octets)
}

/// Commands that may wait. At 8,000 a second (targets) that is half a second of waiting; who comes later is told to come again.
pub const QUEUE_LENGTH: usize = 4096;

/// From so many commands in one turn on, the next turn waits for [`GATHERING`] first: fewer, larger batches. A batch costs a
/// signature, an fdatasync and a wake-up for each of its commands, about 1 ms of CPU; with 64 connections this makes a
/// renewal a seventh cheaper, and the latency no longer than it is.
const BUSY_FROM: usize = 4;

/// See [`BUSY_FROM`].
const GATHERING: Duration = Duration::from_micros(500);

/// How often one turn is decided anew after another was first. Each loss means that somebody else's batch landed.
const MAX_ATTEMPTS: usize = 64;

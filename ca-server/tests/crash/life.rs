//! One life of the storage stack over some disk: opened as a server opens it, worked in steps, one thread. Knows every part; knows no fault.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ca_server::committer::{Asked, CommitError, Committer, Handle, Recorded};
use ca_server::disk::Disk;
use ca_server::draft::Draft;
use ca_server::live::{Live, LogIdentity};
use ca_server::log::{Prepare, SegmentOptions, SharedLog, segments::MIN_SEGMENT_OCTETS};
use ca_server::opening::{OpenError, Opened, open, open_over};
use ca_server::snapshot::keeper::Keeper;
use ca_server::tiles::publisher::Publisher;
use identity::Timestamp;

use crate::key::{TestKey, origin};

pub struct Life {
    pub live: Arc<Live>,
    pub publisher: Publisher,
    pub keeper: Keeper,
    committer: Committer,
    handle: Handle,
    clock: Arc<AtomicU64>,
}

pub const OPTIONS: SegmentOptions = SegmentOptions { octets: MIN_SEGMENT_OCTETS, prepare: Prepare::OnDemand };

/// Entries between two snapshots here: few, so that there are many.
pub const SNAPSHOT_EVERY: u64 = 60;

pub fn identity() -> LogIdentity {
    LogIdentity { origin: origin(), key: TestKey::new().verifier().clone() }
}

impl Life {
    pub fn start(disk: impl Disk + 'static, clock: &Arc<AtomicU64>) -> Result<Self, OpenError> {
        Self::start_with(OPTIONS, disk, clock)
    }

    pub fn start_with(
        options: SegmentOptions,
        disk: impl Disk + 'static,
        clock: &Arc<AtomicU64>,
    ) -> Result<Self, OpenError> {
        let disk: Arc<dyn Disk> = Arc::new(disk);
        let opened = open(&disk, options, identity())?;
        Ok(Self::of(opened, disk, clock))
    }

    /// A life whose log is kept by somebody else.
    pub fn start_over(disk: impl Disk + 'static, log: SharedLog, clock: &Arc<AtomicU64>) -> Result<Self, OpenError> {
        let disk: Arc<dyn Disk> = Arc::new(disk);
        let opened = open_over(&disk, log, identity())?;
        Ok(Self::of(opened, disk, clock))
    }

    fn of(opened: Opened, disk: Arc<dyn Disk>, clock: &Arc<AtomicU64>) -> Self {
        let live = opened.live;
        let ticking = Arc::clone(clock);
        let now = Box::new(move || Timestamp::from_millis(ticking.fetch_add(7, Ordering::Relaxed)).unwrap());
        let (committer, handle) = Committer::new(Arc::clone(&live), origin(), Box::new(TestKey::new()), now);
        let publisher = Publisher::new(Arc::clone(&disk), Arc::clone(&live), opened.published);
        let keeper = Keeper::new(disk, Arc::clone(&live), SNAPSHOT_EVERY, opened.snapshot);
        Self { live, publisher, keeper, committer, handle, clock: Arc::clone(clock) }
    }

    /// Has these commands decided in one turn, in one batch if they fit. `Err` when the log broke.
    pub fn turn(&mut self, asked: Vec<Asked>) -> Result<Vec<Result<Vec<Recorded>, CommitError>>, ()> {
        let pending: Vec<_> = asked.into_iter().map(|asked| self.handle.queue(asked).unwrap()).collect();
        for _ in 0..pending.len() {
            match self.committer.turn() {
                Ok(_) if self.committer.is_idle() => break,
                Ok(_) => {}
                Err(_) => return Err(()),
            }
        }
        Ok(pending.into_iter().map(|pending| self.handle.wait(pending)).collect())
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.load(Ordering::Relaxed)).unwrap()
    }

    /// Looks at the State through a draft.
    pub fn draft<T>(&self, look: impl FnOnce(&Draft<'_>) -> T) -> T {
        look(&Draft::over(&self.live.state(), self.now()))
    }
}

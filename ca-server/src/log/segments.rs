//! The log on one machine: frames in preallocated segments, one fdatasync per batch. Knows sizes, places and order; knows no kind of entry.
//!
//! # What is true when
//!
//! A batch is written where zeros lie, read back, and synced; then, and not before, [`Outcome::Landed`] is returned. The next batch is written only
//! after that, so at most the last frame can be unfinished, and `ledger::frame` can tell it from damage.
//!
//! A segment is full-length and synced before it gets its name, and its name is durable before a frame is written into it.
//!
//! Whatever fails between the first octet of a frame and the end of its sync leaves the log *broken*: it takes nothing more, because nobody knows what
//! is durable, and a second fdatasync would tell lies (the kernel has marked the lost pages clean). The process ends, and the next start finds out.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use identity::BatchId;
use ledger::entry::EntryBytes;
use ledger::frame::{Decoder, EncodeError, Frame, MAX_FRAME_ENTRIES, encode};

use super::places::{Kept, Place};
use super::recovery::{OpenLogError, recover};
use super::segment::{FIRST_FRAME, Segment, path};
use super::spare::{Prepare, Spare};
use super::{Batch, Damage, Head, Limits, Log, LogError, Outcome, READ_OCTETS};
use crate::disk::{Disk, SyncPoint};

/// The segments of one data directory.
pub struct Segments {
    disk: Arc<dyn Disk>,
    limits: Limits,
    writer: Mutex<Writer>,
    kept: RwLock<VecDeque<Kept>>,
}

/// How segments are made.
#[derive(Debug, Clone, Copy)]
pub struct SegmentOptions {
    /// Octets of a segment, made of whole sectors, from [`MIN_SEGMENT_OCTETS`] on. What is there already keeps the size it has.
    pub octets: u64,
    /// When the next one is made.
    pub prepare: Prepare,
}

struct Writer {
    head: Head,
    /// Where the next frame goes, in the last segment.
    offset: u64,
    spare: Spare,
    broken: Option<String>,
}

impl Segments {
    /// Opens the log of a data directory, or begins one. `visit` is given every frame in order; what it calls damage, is damage.
    ///
    /// # Errors
    /// [`OpenLogError::Damage`] when something is not what was written and no crash explains it.
    pub fn open(
        disk: Arc<dyn Disk>,
        options: SegmentOptions,
        visit: &mut dyn FnMut(&Frame) -> Result<(), Damage>,
    ) -> Result<Self, OpenLogError> {
        if options.octets < MIN_SEGMENT_OCTETS || !options.octets.is_multiple_of(FIRST_FRAME) {
            return Err(OpenLogError::SegmentOctets { found: options.octets });
        }
        let recovered = recover(&*disk, visit)?;
        let room = options.octets - FIRST_FRAME - FRAME_OVERHEAD_OCTETS;
        let limits = Limits {
            entries: BATCH_ENTRIES,
            octets: usize::try_from(room).map_or(BATCH_OCTETS, |room| room.min(BATCH_OCTETS)),
        };
        let spare = Spare::new(Arc::clone(&disk), options.octets, options.prepare);
        let writer = Writer { head: recovered.head, offset: recovered.offset, spare, broken: None };
        Ok(Self { disk, limits, writer: Mutex::new(writer), kept: RwLock::new(recovered.kept) })
    }

    /// Makes a batch durable, or says why the log is broken from now on.
    fn append(&self, writer: &mut Writer, batch: &Batch, frame: &[u8]) -> std::io::Result<Place> {
        let octets = to_u64(frame.len());
        let segment =
            match self.last_segment().filter(|segment| octets <= segment.octets().saturating_sub(writer.offset)) {
                Some(segment) => segment,
                None => {
                    let segment = Arc::new(writer.spare.take()?.place(&*self.disk, writer.head.size)?);
                    writer.offset = FIRST_FRAME;
                    self.kept_mut().push_back(Kept::new(writer.head.size, Arc::clone(&segment)));
                    segment
                }
            };
        segment.file().write_at(writer.offset, frame)?;
        // T-80: what the file gives back now is what its checksums, and so the checkpoint, were made of.
        let mut back = vec![0; frame.len()];
        segment.file().read_at(writer.offset, &mut back)?;
        if back != frame {
            return Err(std::io::Error::other("the frame reads back other than it was written"));
        }
        segment.file().sync(BATCH)?;
        // From here the batch is durable: a crash finds it, whole.
        let place = Place {
            first: batch.expected_size,
            entries: batch.entries.len(),
            offset: writer.offset,
            octets: frame.len(),
            batch: batch.id,
        };
        writer.offset = writer.offset.saturating_add(octets);
        if segment.octets().saturating_sub(writer.offset) < segment.octets() / 2 {
            writer.spare.prepare();
        }
        Ok(place)
    }

    fn last_segment(&self) -> Option<Arc<Segment>> {
        self.kept().back().map(|kept| Arc::clone(&kept.segment))
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> impl std::ops::Deref<Target = VecDeque<Kept>> + '_ {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept_mut(&self) -> impl std::ops::DerefMut<Target = VecDeque<Kept>> + '_ {
        self.kept.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log for Segments {
    fn head(&self) -> Result<Head, LogError> {
        Ok(self.writer().head.clone())
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn commit(&self, batch: &Batch) -> Result<Outcome, LogError> {
        let mut writer = self.writer();
        if let Some(detail) = writer.broken.clone() {
            return Err(LogError::Broken { detail });
        }
        if batch.expected_size != writer.head.size {
            return Ok(Outcome::Lost { head: writer.head.clone() });
        }
        let frame = frame_of(batch, self.limits)?;
        // A full disk shows while nothing of this batch is written: the same batch may come again.
        let needs_new =
            self.last_segment().is_none_or(|last| to_u64(frame.len()) > last.octets().saturating_sub(writer.offset));
        if needs_new && let Err(error) = writer.spare.make_ready() {
            return Err(LogError::Full { detail: error.to_string() });
        }
        match self.append(&mut writer, batch, &frame) {
            Ok(place) => {
                if let Some(last) = self.kept_mut().back_mut() {
                    last.frames.push(place);
                }
                let size = batch.expected_size.saturating_add(to_u64(batch.entries.len()));
                writer.head = Head { size, checkpoint: Some(batch.checkpoint.clone()) };
                Ok(Outcome::Landed)
            }
            Err(error) => {
                let detail = error.to_string();
                tracing::error!(%detail, "the ledger cannot be written; the process must end");
                writer.broken = Some(detail.clone());
                Err(LogError::Broken { detail })
            }
        }
    }

    fn find(&self, batch: BatchId) -> Result<Option<Range<u64>>, LogError> {
        let kept = self.kept();
        let recent = kept.iter().rev().flat_map(|kept| kept.frames.iter().rev()).take(RECENT_BATCHES);
        Ok(recent.filter(|place| place.batch == batch).map(Place::entries).next())
    }

    fn first(&self) -> u64 {
        self.kept().front().map_or(0, |kept| kept.first)
    }

    fn read(&self, from: u64) -> Result<Option<Vec<EntryBytes>>, LogError> {
        let mut found = Vec::new();
        let mut octets = 0_usize;
        let mut next = from;
        while octets < READ_OCTETS {
            let place = super::places::locate(&self.kept(), next);
            let Some((segment, place, file)) = place else { break };
            for (index, entry) in (place.first..).zip(read_frame(&segment, &place, file)?.entries) {
                if index >= from && (found.is_empty() || octets.saturating_add(entry.len()) <= READ_OCTETS) {
                    octets = octets.saturating_add(entry.len());
                    found.push(entry);
                } else if index >= from {
                    return Ok(Some(found));
                }
            }
            next = place.entries().end;
        }
        Ok((!found.is_empty()).then_some(found))
    }

    fn forget(&self, index: u64) -> Result<(), LogError> {
        let gone = super::places::take_below(&mut self.kept_mut(), index, SEGMENTS_KEPT);
        for first in gone {
            // One by one, each durable before the next: were a later one gone and an earlier one back, entries would be missing between them.
            let removed = path(first).and_then(|path| {
                self.disk.remove(&path)?;
                self.disk.sync_dir(&path.parent(), FORGOTTEN)
            });
            removed.map_err(|error| LogError::Broken { detail: error.to_string() })?;
        }
        Ok(())
    }
}

fn frame_of(batch: &Batch, limits: Limits) -> Result<Vec<u8>, LogError> {
    let octets = batch.entries.iter().map(|entry| entry.len()).fold(0, usize::saturating_add);
    let oversized = || LogError::Oversized { entries: batch.entries.len(), octets, limits };
    if octets > limits.octets || batch.entries.len() > limits.entries {
        return Err(oversized());
    }
    encode(batch.id, batch.expected_size, &batch.entries, &batch.leaves, &batch.checkpoint).map_err(|error| match error
    {
        EncodeError::Leaf { index } => LogError::Mismatch { index },
        EncodeError::Entries { .. }
        | EncodeError::Leaves { .. }
        | EncodeError::Checkpoint { .. }
        | EncodeError::TooLong { .. }
        | EncodeError::ZeroOctet { .. } => oversized(),
    })
}

/// Reads one frame again, with all its checksums.
fn read_frame(segment: &Segment, place: &Place, file: u64) -> Result<Frame, LogError> {
    let damage = |index, what: &dyn std::fmt::Display| {
        let place = path(file).map_or_else(|_| String::new(), |path| path.to_string());
        LogError::Damage(Damage { index, place, what: what.to_string() })
    };
    let mut octets = vec![0; place.octets];
    segment.file().read_at(place.offset, &mut octets).map_err(|error| damage(place.first, &error))?;
    let mut decoder = Decoder::new(place.first);
    decoder.feed(&octets);
    match decoder.next_frame() {
        Ok(Some(frame)) if frame.entries.len() == place.entries => Ok(frame),
        Ok(_) => Err(damage(place.first, &"the frame that was there is not there any more")),
        Err(error) => Err(damage(error.entry, &error.flaw)),
    }
}

fn to_u64(octets: usize) -> u64 {
    u64::try_from(octets).unwrap_or(u64::MAX)
}

/// Octets of a segment: a start reads at most three of them, and 60,000 certificates make one. Smaller ones mean more pauses, larger ones a slower start.
pub const SEGMENT_OCTETS: u64 = 64 << 20;

/// A segment must hold any one entry (16 KiB) and the entries of a beginning (`init`), with room to spare.
pub const MIN_SEGMENT_OCTETS: u64 = 64 << 10;

/// Octets of a batch: written and synced in about a millisecond more than an empty one (measured 1 GB/s).
const BATCH_OCTETS: usize = 1 << 20;

/// Entries of a batch. More producers than that do not wait at once: the queue is four times as long, and the frame takes no more.
const BATCH_ENTRIES: usize = if MAX_FRAME_ENTRIES < 1024 { MAX_FRAME_ENTRIES } else { 1024 };

/// What a frame has beside its entries, at most: 18 octets for each entry, a checkpoint, header, checksum, padding.
const FRAME_OVERHEAD_OCTETS: u64 = 1024 * 18 + 2048 + 1024;

/// Batches that [`Log::find`] looks through: far more than can be on their way unheard.
const RECENT_BATCHES: usize = 4096;

/// Segments kept even if all their entries are in entry bundles: the one being written, and the one before it, so that readers of what is new do not
/// fall off its edge.
const SEGMENTS_KEPT: usize = 2;

/// The one sync of a batch: from here on it may be acknowledged.
const BATCH: SyncPoint = SyncPoint::new("segment: a batch, before it is acknowledged");

/// The removal of a segment whose entries are in tiles, before the next one is removed.
const FORGOTTEN: SyncPoint = SyncPoint::new("segment: the removal of one, before the next is removed");

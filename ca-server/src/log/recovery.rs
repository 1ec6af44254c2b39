//! What a start makes of the segments it finds. Knows the rules for what a crash can leave; writes only to clear that away.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use ledger::checkpoint::SignedCheckpoint;
use ledger::frame::{Decoder, End, Frame};

use super::places::{Kept, Place};
use super::segment::{self, FIRST_FRAME, OpenError, Segment};
use super::{Damage, Head};
use crate::disk::{Disk, SyncPoint, whole};

/// The log as it was found.
pub(super) struct Recovered {
    pub(super) head: Head,
    /// Where the next frame goes, in the last segment.
    pub(super) offset: u64,
    pub(super) kept: VecDeque<Kept>,
}

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenLogError {
    /// Something is not what was written, and no crash explains it. Refuse to serve.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// The disk fails.
    #[error("the segments of the ledger cannot be read or mended")]
    Disk(#[from] io::Error),
    /// The configured size is none.
    #[error("a segment of {found} octets is too small, or not made of whole sectors")]
    SegmentOctets {
        /// What was configured.
        found: u64,
    },
}

/// Reads every segment, gives every frame to `visit`, and makes durable what will be believed from here on.
pub(super) fn recover(
    disk: &dyn Disk,
    visit: &mut dyn FnMut(&Frame) -> Result<(), Damage>,
) -> Result<Recovered, OpenLogError> {
    let directory = segment::directory()?;
    whole::make_dirs(disk, &directory, DIRECTORY)?;
    // A process that was killed may have left names that are seen and not durable.
    disk.sync_dir(&directory, NAMES)?;
    segment::remove_spare(disk)?;

    let mut firsts: Vec<u64> =
        disk.list(&directory)?.iter().filter_map(|listed| segment::first_of(&listed.name)).collect();
    firsts.sort_unstable();
    let mut size = firsts.first().copied().unwrap_or(0);
    let mut head = Head { size, checkpoint: None };
    let mut kept = VecDeque::new();
    let mut end = End::Clean { offset: FIRST_FRAME };
    for first in firsts {
        if first != size {
            return Err(damage(size, first, "the segment does not begin where the one before it ends").into());
        }
        if let End::Torn { .. } = end {
            return Err(damage(size, first, "there is a segment after one that ends with an unfinished frame").into());
        }
        let segment = open(disk, first)?;
        let mut found = Found { kept: Kept::new(first, Arc::new(segment)), checkpoint: None };
        end = found.read(visit)?;
        size = found.kept.frames.last().map_or(first, |place| place.entries().end);
        head = Head { size, checkpoint: found.checkpoint.take().or(head.checkpoint) };
        kept.push_back(found.kept);
    }
    let offset = match (kept.back(), end) {
        (Some(last), end) => settle(last, end)?,
        (None, _) => FIRST_FRAME,
    };
    Ok(Recovered { head, offset, kept })
}

fn open(disk: &dyn Disk, first: u64) -> Result<Segment, OpenLogError> {
    Segment::open(disk, first).map_err(|error| match error {
        OpenError::Disk(error) => OpenLogError::Disk(error),
        OpenError::Header | OpenError::Length { .. } => damage(first, first, &error.to_string()).into(),
    })
}

/// A segment while it is read.
struct Found {
    kept: Kept,
    checkpoint: Option<SignedCheckpoint>,
}

impl Found {
    fn read(&mut self, visit: &mut dyn FnMut(&Frame) -> Result<(), Damage>) -> Result<End, OpenLogError> {
        let first = self.kept.first;
        let segment = Arc::clone(&self.kept.segment);
        let mut decoder = Decoder::new(first);
        let mut at = FIRST_FRAME;
        while at < segment.octets() {
            let piece = usize::try_from(segment.octets() - at).map_or(PIECE_OCTETS, |left| left.min(PIECE_OCTETS));
            let mut octets = vec![0; piece];
            segment.file().read_at(at, &mut octets)?;
            at = at.saturating_add(u64::try_from(piece).unwrap_or(u64::MAX));
            decoder.feed(&octets);
            while let Some(frame) = decoder.next_frame().map_err(|error| in_segment(first, &error))? {
                visit(&frame)?;
                self.kept.frames.push(Place {
                    first: frame.size_before,
                    entries: frame.entries.len(),
                    offset: frame.offset.saturating_add(FIRST_FRAME),
                    octets: frame.octets,
                    batch: frame.batch,
                });
                self.checkpoint = Some(frame.checkpoint);
            }
        }
        Ok(decoder.finish().map_err(|error| in_segment(first, &error))?)
    }
}

/// Makes the last segment such that what was read is durable, and what was torn is zeros again. Gives the place of the next frame.
fn settle(last: &Kept, end: End) -> io::Result<u64> {
    let file = last.segment.file();
    // The last frame may be in the page cache only: a process that was killed before its sync, or whose sync failed, leaves pages that are seen,
    // and perhaps clean, and yet not on the disk. Written again they are dirty again, and this sync is an honest one.
    if let Some(place) = last.frames.last() {
        let mut frame = vec![0; place.octets];
        file.read_at(place.offset, &mut frame)?;
        file.write_at(place.offset, &frame)?;
    }
    let offset = match end {
        End::Clean { offset } => offset.saturating_add(FIRST_FRAME),
        End::Torn { offset, octets } => {
            let offset = offset.saturating_add(FIRST_FRAME);
            tracing::warn!(octets, "the last batch was never finished, nor acknowledged; it is cleared away");
            let zeros = vec![0; usize::try_from(octets).map_err(io::Error::other)?];
            file.write_at(offset, &zeros)?;
            offset
        }
    };
    file.sync(TAIL)?;
    Ok(offset)
}

fn in_segment(first: u64, error: &ledger::frame::Damage) -> Damage {
    damage(error.entry, first, &format!("{} (frame at octet {})", error.flaw, error.offset.saturating_add(FIRST_FRAME)))
}

fn damage(index: u64, first: u64, what: &str) -> Damage {
    let place = segment::path(first).map_or_else(|_| String::new(), |path| path.to_string());
    Damage { index, place, what: what.to_owned() }
}

/// What is read at once: large enough that system calls do not count.
const PIECE_OCTETS: usize = 1 << 20;

/// The directories of the ledger, before anything is in them.
const DIRECTORY: SyncPoint = SyncPoint::new("segment: the directories, before a segment is in them");

/// The names that a start has found, before what is in them is believed.
const NAMES: SyncPoint = SyncPoint::new("segment: the names that a start has found");

/// The end of the log as a start has read it: before it is believed, and before a frame is written where a torn one lay.
const TAIL: SyncPoint = SyncPoint::new("segment: the last frame that a start has found, and zeros behind it");

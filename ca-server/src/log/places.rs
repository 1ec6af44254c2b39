//! Where each frame of the kept segments lies. Knows indices and offsets; reads nothing.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use identity::BatchId;

use super::segment::Segment;

/// A segment and the frames in it.
pub(super) struct Kept {
    /// Its first entry, and its name.
    pub(super) first: u64,
    pub(super) segment: Arc<Segment>,
    pub(super) frames: Vec<Place>,
}

/// Where one frame lies in its segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) first: u64,
    pub(super) entries: usize,
    pub(super) offset: u64,
    pub(super) octets: usize,
    pub(super) batch: BatchId,
}

impl Kept {
    pub(super) fn new(first: u64, segment: Arc<Segment>) -> Self {
        Self { first, segment, frames: Vec::new() }
    }
}

impl Place {
    pub(super) fn entries(&self) -> Range<u64> {
        self.first..self.first.saturating_add(u64::try_from(self.entries).unwrap_or(u64::MAX))
    }
}

/// The segment that holds an entry, the place of its frame there, and the segment's name.
pub(super) fn locate(kept: &VecDeque<Kept>, index: u64) -> Option<(Arc<Segment>, Place, u64)> {
    let after = kept.partition_point(|kept| kept.first <= index);
    let kept = kept.get(after.checked_sub(1)?)?;
    let after = kept.frames.partition_point(|place| place.first <= index);
    let place = kept.frames.get(after.checked_sub(1)?)?;
    place.entries().contains(&index).then(|| (Arc::clone(&kept.segment), *place, kept.first))
}

/// Takes out the segments all of whose entries lie below `index`, save the last `spared`; gives their names.
pub(super) fn take_below(kept: &mut VecDeque<Kept>, index: u64, spared: usize) -> Vec<u64> {
    let mut gone = Vec::new();
    while kept.len() > spared && kept.get(1).is_some_and(|next| next.first <= index) {
        gone.extend(kept.pop_front().map(|kept| kept.first));
    }
    gone
}

//! Frames that are whole or torn: every pattern of lost sectors, every cut.

mod damage;
mod random;

use super::*;
use crate::{
    checkpoint::Checkpoint,
    frontier::Frontier,
    hash::leaf_hash,
    origin::Origin,
    testing::{TestSigner, entry},
};

const ORIGIN: &str = "example.org/brevet";

fn signer() -> TestSigner {
    TestSigner::new(ORIGIN, 1)
}

fn origin() -> Origin {
    Origin::parse(ORIGIN).unwrap()
}

fn batch(number: u64) -> BatchId {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    BatchId::from_bytes(id)
}

/// A log that is written frame by frame, as the committer does it.
#[derive(Debug)]
struct Log {
    frontier: Frontier,
    octets: Vec<u8>,
    /// Where each frame starts, and the index of its first entry.
    frames: Vec<(usize, u64)>,
    /// The entry that each octet belongs to; what belongs to no entry belongs to the first of its frame.
    owners: Vec<u64>,
}

impl Log {
    fn new() -> Self {
        Self { frontier: Frontier::new(), octets: Vec::new(), frames: Vec::new(), owners: Vec::new() }
    }

    /// A log with batches of these numbers of entries, each of about `padding` octets.
    fn of(batches: &[usize], padding: usize) -> Self {
        let mut log = Self::new();
        for count in batches {
            let first = log.frontier.size();
            let entries = (first..).take(*count).map(|index| long_entry(index, padding)).collect();
            log.commit(entries);
        }
        log
    }

    fn commit(&mut self, entries: Vec<Vec<u8>>) {
        let size_before = self.frontier.size();
        let entries: Vec<EntryBytes> = entries.into_iter().map(|entry| EntryBytes::new(entry).unwrap()).collect();
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        self.frontier.extend(leaves.iter().copied());
        let checkpoint = Checkpoint::new(origin(), self.frontier.size(), self.frontier.root()).unwrap();
        let checkpoint = checkpoint.sign(&signer()).unwrap();
        self.frames.push((self.octets.len(), size_before));
        self.octets.extend(encode(batch(size_before), size_before, &entries, &leaves, &checkpoint).unwrap());
        self.owners.resize(self.owners.len() + header::HEADER_OCTETS, size_before);
        for (index, entry) in (size_before..).zip(&entries) {
            let octets = encode::LENGTH_OCTETS + CHECKSUM_OCTETS + entry.len();
            self.owners.resize(self.owners.len() + octets, index);
        }
        self.owners.resize(self.octets.len(), size_before);
    }

    /// The entry to be named when the octet at this place is damaged.
    fn concerned(&self, place: usize) -> u64 {
        self.owners.get(place).copied().unwrap_or(self.frontier.size())
    }

    /// The segment: the frames, and sectors of zeros behind them.
    fn segment(&self, sectors: usize) -> Vec<u8> {
        [self.octets.as_slice(), &vec![0; sectors * SECTOR_OCTETS]].concat()
    }

    fn end(&self) -> u64 {
        to_u64(self.octets.len())
    }
}

fn long_entry(index: u64, padding: usize) -> Vec<u8> {
    let mut octets = entry(index);
    octets.extend(vec![b'x'; padding]);
    octets
}

fn to_u64(octets: usize) -> u64 {
    u64::try_from(octets).unwrap()
}

/// Reads and verifies everything, in pieces of `piece` octets.
fn read_in(segment: &[u8], piece: usize) -> Result<(Vec<Frame>, End), Damage> {
    let mut decoder = Decoder::new(0);
    let mut frontier = Frontier::new();
    let mut frames = Vec::new();
    for octets in segment.chunks(piece) {
        decoder.feed(octets);
        while let Some(frame) = decoder.next_frame()? {
            verify_frame(&frame, &mut frontier, &origin(), signer().verifier())?;
            frames.push(frame);
        }
    }
    assert_eq!(decoder.size(), frontier.size());
    Ok((frames, decoder.finish()?))
}

fn read(segment: &[u8]) -> Result<(Vec<Frame>, End), Damage> {
    read_in(segment, segment.len().max(1))
}

#[track_caller]
fn check_end(segment: &[u8], frames: usize, end: End) {
    let (read, found) = read(segment).unwrap();
    assert_eq!((read.len(), found), (frames, end));
}

#[track_caller]
fn check_damage(segment: &[u8], entry: u64) -> Flaw {
    match read(segment) {
        Err(damage) => {
            assert_eq!(damage.entry, entry, "{:?}", damage.flaw);
            damage.flaw
        }
        Ok((frames, end)) => panic!("read {} frames, {end}", frames.len()),
    }
}

#[test]
fn what_is_written_is_read() {
    let log = Log::of(&[1, 3, 1, 20], 100);
    for piece in [1, 7, 511, 512, 513, 5000, 1 << 20] {
        let (frames, end) = read_in(&log.segment(3), piece).unwrap();
        assert_eq!(end, End::Clean { offset: log.end() });
        let mut index = 0;
        for (frame, (offset, first)) in frames.iter().zip(&log.frames) {
            assert_eq!((frame.offset, frame.size_before), (to_u64(*offset), *first));
            assert_eq!(frame.batch, batch(*first));
            for (entry, leaf) in frame.entries.iter().zip(&frame.leaves) {
                assert_eq!(**entry, long_entry(index, 100));
                assert_eq!(*leaf, leaf_hash(entry));
                index += 1;
            }
        }
        assert_eq!(index, log.frontier.size());
    }
}

#[test]
fn a_segment_ends_with_zeros_or_at_once() {
    let log = Log::of(&[2], 600);
    check_end(&log.octets, 1, End::Clean { offset: log.end() });
    check_end(&log.segment(10), 1, End::Clean { offset: log.end() });
    check_end(&[], 0, End::Clean { offset: 0 });
    check_end(&[0; 4096], 0, End::Clean { offset: 0 });
    check_end(&[0; 100], 0, End::Clean { offset: 0 });
    // A file that does not end on a sector.
    check_end(&[log.octets.as_slice(), &[0; 100]].concat(), 1, End::Clean { offset: log.end() });
    check_end(&[log.octets.as_slice(), &[0; 700]].concat(), 1, End::Clean { offset: log.end() });
}

/// Every pattern of sectors of the last frame that a crash can leave unwritten, and none of them is taken for damage.
#[test]
fn every_torn_last_frame_is_dropped() {
    let mut log = Log::of(&[2], 300);
    let before = log.octets.len();
    log.commit((2..6).map(|index| long_entry(index, 700)).collect());
    let sectors = (log.octets.len() - before) / SECTOR_OCTETS;
    assert!((5..=10).contains(&sectors));
    for lost in 1_u32..1 << sectors {
        let mut segment = log.segment(4);
        let mut written_end = 0;
        for sector in 0..sectors {
            let start = before + sector * SECTOR_OCTETS;
            if lost >> sector & 1 == 1 {
                segment[start..start + SECTOR_OCTETS].fill(0);
            } else {
                written_end = (sector + 1) * SECTOR_OCTETS;
            }
        }
        let end = match written_end {
            0 => End::Clean { offset: to_u64(before) },
            octets => End::Torn { offset: to_u64(before), octets: to_u64(octets) },
        };
        check_end(&segment, 1, end);
    }
}

#[test]
fn a_file_that_ends_in_a_frame_is_torn_where_a_whole_sector_is_missing() {
    let mut log = Log::of(&[1], 10);
    let before = log.octets.len();
    log.commit(vec![long_entry(1, 1500)]);
    let whole = log.octets.len();
    for end in before..whole {
        let cut = &log.octets[..end];
        let (offset, octets) = (to_u64(before), to_u64(end - before));
        if end == before {
            check_end(cut, 1, End::Clean { offset });
        } else if end - before < header::HEADER_OCTETS || whole - end < SECTOR_OCTETS {
            assert!(matches!(check_damage(cut, 1), Flaw::CutInsideSector { .. }), "{end}");
        } else {
            check_end(cut, 1, End::Torn { offset, octets });
        }
    }
}

#[test]
fn the_end_is_not_told_before_all_frames_are_taken() {
    let mut decoder = Decoder::new(0);
    decoder.feed(&Log::of(&[1, 1], 10).octets);
    assert!(decoder.next_frame().unwrap().is_some());
    assert!(matches!(decoder.finish().unwrap_err().flaw, Flaw::FramesLeft { .. }));
}

/// The longest runs of zeros that the fields allow, if every checksum and the batch id happened to be zero.
#[test]
fn no_whole_frame_can_have_a_long_run_of_zeros() {
    // From the number of entries, which is not zero, to the length of the first entry, which is not zero either.
    check_run(3 + 8 + 16 + CHECKSUM_OCTETS + encode::LENGTH_OCTETS);
    // From the length of an entry to its first octet; from the checkpoint to the padding or the next frame.
    check_run(encode::LENGTH_OCTETS + CHECKSUM_OCTETS);
    check_run(FRAME_CHECKSUM_OCTETS);
}

#[track_caller]
fn check_run(octets: usize) {
    assert!(octets < ZERO_RUN && ZERO_RUN * 2 <= SECTOR_OCTETS, "{octets}");
}

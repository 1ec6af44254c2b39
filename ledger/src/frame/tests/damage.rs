//! Frames that are damaged: every bit, sectors and frames that are missing, forged checksums; and what is not written.

use super::*;

/// Every bit of every octet of a log: found, and named by the entry concerned.
#[test]
fn every_flipped_bit_is_damage_and_names_the_entry() {
    let log = Log::of(&[1, 3], 150);
    let segment = log.segment(2);
    assert_eq!(segment.len() / SECTOR_OCTETS, 5);
    let mut damaged = segment.clone();
    for (place, bit) in (0..segment.len()).flat_map(|place| (0..8).map(move |bit| (place, bit))) {
        damaged[place] ^= 1 << bit;
        check_damage(&damaged, log.concerned(place));
        damaged[place] ^= 1 << bit;
    }
    assert_eq!(damaged, segment);
}

/// Only the last frame can be torn: a sector of zeros with anything behind its frame was written once.
#[test]
fn an_unwritten_sector_before_other_frames_is_damage() {
    let log = Log::of(&[1, 3, 1, 1], 700);
    for (number, (offset, _)) in log.frames.iter().enumerate() {
        let next = log.frames.get(number + 1).map_or(log.octets.len(), |(offset, _)| *offset);
        if next == log.octets.len() {
            continue;
        }
        for sector in (*offset..next).step_by(SECTOR_OCTETS) {
            let mut segment = log.segment(3);
            segment[sector..sector + SECTOR_OCTETS].fill(0);
            assert!(matches!(check_damage(&segment, log.concerned(sector)), Flaw::Unwritten { .. }), "{sector}");
        }
    }
}

#[test]
fn a_frame_behind_a_gap_of_zeros_is_damage() {
    let log = Log::of(&[1, 1], 10);
    let (second, _) = log.frames[1];
    let segment = [&log.octets[..second], &[0; 3 * SECTOR_OCTETS], &log.octets[second..]].concat();
    assert!(matches!(check_damage(&segment, 1), Flaw::Unwritten { .. }));
}

#[test]
fn what_lies_too_far_behind_the_last_frame_is_damage() {
    let log = Log::of(&[1], 10);
    let mut segment = [log.octets.as_slice(), &vec![0; MAX_FRAME_OCTETS + SECTOR_OCTETS]].concat();
    let last = segment.len() - SECTOR_OCTETS;
    segment[last..].fill(b'x');
    assert!(matches!(check_damage(&segment, 1), Flaw::Unwritten { .. }));
}

#[test]
fn frames_out_of_order_are_damage() {
    let log = Log::of(&[1, 1, 1], 10);
    let frame = |number: usize| match log.frames.get(number + 1) {
        Some((next, _)) => &log.octets[log.frames[number].0..*next],
        None => &log.octets[log.frames[number].0..],
    };
    let swapped = [frame(0), frame(2), frame(1)].concat();
    assert!(matches!(check_damage(&swapped, 1), Flaw::SizeBefore { expected: 1, found: 2 }));
    let repeated = [frame(0), frame(0)].concat();
    assert!(matches!(check_damage(&repeated, 1), Flaw::SizeBefore { expected: 1, found: 0 }));
}

/// Checksums stop faults; whoever rewrites a frame with all its checksums is stopped by the checkpoint.
#[test]
fn a_frame_rewritten_without_the_key_is_damage() {
    let log = Log::of(&[2], 10);
    let (frames, _) = read(&log.octets).unwrap();
    let other: Vec<EntryBytes> = (7..9).map(|index| EntryBytes::new(entry(index)).unwrap()).collect();
    let leaves: Vec<Hash> = other.iter().map(|entry| leaf_hash(entry)).collect();
    let forged = encode(batch(0), 0, &other, &leaves, &frames[0].checkpoint).unwrap();
    assert!(matches!(check_damage(&forged, 0), Flaw::Root { .. }));

    let mut frontier = Frontier::new();
    frontier.extend(leaves.iter().copied());
    let stranger = Checkpoint::new(origin(), 2, frontier.root()).unwrap().sign(&TestSigner::new(ORIGIN, 2)).unwrap();
    let forged = encode(batch(0), 0, &other, &leaves, &stranger).unwrap();
    assert!(matches!(check_damage(&forged, 0), Flaw::Checkpoint(_)));
}

#[test]
fn a_frame_that_does_not_verify_leaves_the_frontier_alone() {
    let log = Log::of(&[1, 1], 10);
    let (frames, _) = read(&log.octets).unwrap();
    let mut frontier = Frontier::new();
    let damage = verify_frame(&frames[1], &mut frontier, &origin(), signer().verifier()).unwrap_err();
    assert!(matches!(damage.flaw, Flaw::SizeBefore { expected: 0, found: 1 }));
    frontier.push(leaf_hash(b"another first entry"));
    let damage = verify_frame(&frames[1], &mut frontier, &origin(), signer().verifier()).unwrap_err();
    assert!(matches!(damage.flaw, Flaw::Root { .. }));
    assert_eq!(frontier.size(), 1);
}

#[track_caller]
fn check_not_encoded(entries: Vec<Vec<u8>>, why: EncodeError) {
    let entries: Vec<EntryBytes> = entries.into_iter().map(|entry| EntryBytes::new(entry).unwrap()).collect();
    let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let checkpoint = Checkpoint::new(origin(), 1, leaf_hash(b"")).unwrap().sign(&signer()).unwrap();
    assert_eq!(encode(batch(0), 5, &entries, &leaves, &checkpoint), Err(why));
}

#[test]
fn what_could_not_be_read_is_not_written() {
    check_not_encoded(vec![], EncodeError::Entries { found: 0, limit: MAX_FRAME_ENTRIES });
    let many = vec![b"x".to_vec(); MAX_FRAME_ENTRIES + 1];
    check_not_encoded(many, EncodeError::Entries { found: MAX_FRAME_ENTRIES + 1, limit: MAX_FRAME_ENTRIES });
    check_not_encoded(vec![b"x".to_vec(), b"a\0b".to_vec()], EncodeError::ZeroOctet { index: 6 });
    check_not_encoded(vec![vec![]], EncodeError::ZeroOctet { index: 5 });
    let large = vec![vec![b'x'; 16 * 1024]; 256];
    let found = frame_octets(large.iter().map(Vec::len), 170);
    check_not_encoded(large, EncodeError::TooLong { found, limit: MAX_FRAME_OCTETS });
    let one = [EntryBytes::new(b"x".to_vec()).unwrap()];
    let checkpoint = Checkpoint::new(origin(), 1, leaf_hash(b"x")).unwrap().sign(&signer()).unwrap();
    // T-80: the tree must have been made of these very octets.
    assert_eq!(encode(batch(0), 0, &one, &[leaf_hash(b"y")], &checkpoint), Err(EncodeError::Leaf { index: 0 }));
    assert_eq!(encode(batch(0), 0, &one, &[], &checkpoint), Err(EncodeError::Leaves { entries: 1, leaves: 0 }));
}

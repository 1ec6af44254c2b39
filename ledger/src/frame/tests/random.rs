//! Frames of random entries, read in random pieces with random damage; and octets that are no frames at all.

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;

fn longest_run_of_zeros(octets: &[u8]) -> usize {
    octets.split(|octet| *octet != 0).map(<[u8]>::len).max().unwrap_or(0)
}

prop_compose! {
    fn some_batches()(batches in vec(vec("[ -~]{1,900}", 1..5), 1..6)) -> Log {
        let mut log = Log::new();
        for entries in batches {
            log.commit(entries.into_iter().map(String::into_bytes).collect());
        }
        log
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn frames_have_no_long_run_of_zeros_and_fill_sectors(log in some_batches()) {
        prop_assert!(longest_run_of_zeros(&log.octets) < ZERO_RUN);
        prop_assert_eq!(log.octets.len() % SECTOR_OCTETS, 0);
        let written = |octets| sector::Sector::of(octets) == sector::Sector::Written;
        prop_assert!(log.octets.chunks(SECTOR_OCTETS).all(written));
    }

    #[test]
    fn pieces_make_no_difference(log in some_batches(), piece in 1_usize..3000, lost in any::<Index>()) {
        let mut segment = log.segment(2);
        let sector = lost.index(segment.len() / SECTOR_OCTETS) * SECTOR_OCTETS;
        segment[sector..sector + SECTOR_OCTETS].fill(0);
        let (whole, pieces) = (read(&segment), read_in(&segment, piece));
        prop_assert_eq!(format!("{whole:?}"), format!("{pieces:?}"));
    }

    #[test]
    fn any_octet_changed_to_any_other_is_damage(log in some_batches(), place in any::<Index>(), value: u8) {
        let mut segment = log.segment(2);
        let place = place.index(segment.len());
        prop_assume!(segment[place] != value);
        segment[place] = value;
        let damage = read(&segment).unwrap_err();
        prop_assert_eq!(damage.entry, log.concerned(place));
    }

    #[test]
    fn arbitrary_octets_never_panic(octets in vec(any::<u8>(), 0..2000)) {
        let header_forged = [&encode_header(&octets), octets.as_slice()].concat();
        for octets in [octets, header_forged] {
            let frames = read(&octets).map(|(frames, _)| frames.len()).unwrap_or(0);
            prop_assert_eq!(frames, 0);
        }
    }
}

/// A header whose checksum holds, so that arbitrary octets get to the readers behind it.
fn encode_header(octets: &[u8]) -> [u8; header::HEADER_OCTETS] {
    let octets = sector::whole_sectors(octets.len() + header::HEADER_OCTETS);
    header::Header { octets, entries: 2, size_before: 0, batch: batch(0) }.encode().unwrap()
}

//! A sector, and whether it was ever written. Knows the bound on zeros in a frame; knows nothing else of frames.

use super::ZERO_RUN;

/// The smallest unit that a disk writes as a whole; what a crash loses or keeps is made of these.
pub const SECTOR_OCTETS: usize = 512;

/// What one sector looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sector {
    /// All zeros: never written since the segment was preallocated.
    Unwritten,
    /// As a sector of a frame looks.
    Written,
    /// Neither: what was written has changed, or what was unwritten.
    Stray,
}

impl Sector {
    /// Judges one sector, or the part of the last one that a file holds.
    pub(super) fn of(octets: &[u8]) -> Self {
        let mut run = 0;
        let mut longest = 0;
        for octet in octets {
            run = if *octet == 0 { run + 1 } else { 0 };
            longest = longest.max(run);
        }
        if longest == octets.len() {
            Self::Unwritten
        } else if longest >= ZERO_RUN {
            Self::Stray
        } else {
            Self::Written
        }
    }
}

/// Whether a sector of this whole frame was never written; its place within the frame.
pub(super) fn first_unwritten(frame: &[u8]) -> Option<usize> {
    // Stops at the first octet that is not zero, so a whole frame costs one look per sector.
    let sectors = frame.chunks(SECTOR_OCTETS).zip((0..).step_by(SECTOR_OCTETS));
    sectors.filter(|(sector, _)| sector.iter().all(|octet| *octet == 0)).map(|(_, place)| place).next()
}

/// `octets` rounded up to whole sectors.
pub(super) const fn whole_sectors(octets: usize) -> usize {
    octets.div_ceil(SECTOR_OCTETS).saturating_mul(SECTOR_OCTETS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(octets: &[u8], expected: Sector) {
        assert_eq!(Sector::of(octets), expected);
    }

    #[test]
    fn a_sector_is_judged_by_its_longest_run_of_zeros() {
        let mut sector = [0; SECTOR_OCTETS];
        check(&sector, Sector::Unwritten);
        check(&[], Sector::Unwritten);
        sector[511] = 1;
        check(&sector, Sector::Stray);
        for place in (ZERO_RUN - 1..SECTOR_OCTETS).step_by(ZERO_RUN) {
            sector[place] = 1;
        }
        check(&sector, Sector::Written);
        sector[ZERO_RUN - 1] = 0;
        check(&sector, Sector::Stray);
    }
}

//! The contents of an entry bundle. Knows its form and that entries hash to their tile; knows no kinds of entries.

use thiserror::Error;

use super::{HashTile, TILE_WIDTH};
use crate::{
    entry::{EntryBytes, EntryError, MAX_ENTRY_OCTETS},
    hash::leaf_hash,
};

/// 1 to 256 entries, each with its length before it: 16 bits, big-endian (C2SP tlog-tiles, section Log entries).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryBundle {
    entries: Vec<EntryBytes>,
}

impl EntryBundle {
    /// The bundle of these entries.
    ///
    /// # Errors
    /// When there are none or more than 256.
    pub fn new(entries: Vec<EntryBytes>) -> Result<Self, BundleError> {
        if entries.is_empty() || entries.len() > usize::from(TILE_WIDTH) {
            return Err(BundleError::Width { found: entries.len() });
        }
        Ok(Self { entries })
    }

    /// Reads the bundle of this width.
    ///
    /// # Errors
    /// When it holds more or fewer entries, ends inside one, or an entry passes its limit.
    pub fn from_octets(octets: &[u8], width: u16) -> Result<Self, BundleError> {
        let mut rest = octets;
        let mut entries = Vec::new();
        for place in 0..usize::from(width) {
            let (length, behind) = rest.split_first_chunk().ok_or(BundleError::Ends { place })?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (entry, behind) = behind.split_at_checked(length).ok_or(BundleError::Ends { place })?;
            // Before anything is copied: a bundle from outside may state lengths up to 65,535.
            let entry = if length > MAX_ENTRY_OCTETS {
                Err(EntryError::TooLong { octets: length, limit: MAX_ENTRY_OCTETS })
            } else {
                EntryBytes::new(entry.to_vec())
            };
            entries.push(entry.map_err(|source| BundleError::Entry { place, source })?);
            rest = behind;
        }
        if !rest.is_empty() {
            return Err(BundleError::LeftOver { octets: rest.len() });
        }
        Self::new(entries)
    }

    /// The octets as they are served.
    pub fn to_octets(&self) -> Vec<u8> {
        let mut octets = Vec::new();
        for entry in &self.entries {
            // An entry is at most 16 KiB long, so its length always fits.
            let length = u16::try_from(entry.len()).unwrap_or(u16::MAX);
            octets.extend_from_slice(&length.to_be_bytes());
            octets.extend_from_slice(entry);
        }
        octets
    }

    /// The entries.
    pub fn entries(&self) -> &[EntryBytes] {
        &self.entries
    }

    /// Checks that each entry hashes to its place in the tile of level 0 (C2SP tlog-tiles, section Log entries).
    ///
    /// # Errors
    /// Names the place of the first that does not.
    pub fn check(&self, tile: &HashTile) -> Result<(), BundleError> {
        if tile.hashes().len() != self.entries.len() {
            return Err(BundleError::OtherWidth { entries: self.entries.len(), hashes: tile.hashes().len() });
        }
        match self.entries.iter().zip(tile.hashes()).position(|(entry, hash)| leaf_hash(entry) != *hash) {
            Some(place) => Err(BundleError::Hash { place }),
            None => Ok(()),
        }
    }
}

/// Why octets are no bundle, or not that of a tile. Places count within the bundle, from 0.
#[derive(Debug, Error)]
pub enum BundleError {
    /// Empty, or too wide.
    #[error("a bundle has 1 to 256 entries, not {found}")]
    Width {
        /// Entries given.
        found: usize,
    },
    /// Not all entries are there.
    #[error("the bundle ends in entry {place}")]
    Ends {
        /// The entry that is not whole.
        place: usize,
    },
    /// Something lies behind the entries.
    #[error("{octets} octets are left over behind the entries")]
    LeftOver {
        /// How many.
        octets: usize,
    },
    /// Not the octets of an entry.
    #[error("entry {place} of the bundle is none")]
    Entry {
        /// Which.
        place: usize,
        /// Why.
        source: EntryError,
    },
    /// Bundle and tile do not belong together.
    #[error("the bundle has {entries} entries, the tile {hashes} hashes")]
    OtherWidth {
        /// Entries of the bundle.
        entries: usize,
        /// Hashes of the tile.
        hashes: usize,
    },
    /// The entry is not the one that was hashed.
    #[error("entry {place} of the bundle does not have its leaf hash")]
    Hash {
        /// Which.
        place: usize,
    },
}

/// Octets of a bundle: 256 entries of the largest size with their lengths. Ask for no more.
pub const MAX_BUNDLE_OCTETS: usize = 256 * (2 + MAX_ENTRY_OCTETS);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{entry, leaves};

    fn bundle(width: u64) -> EntryBundle {
        EntryBundle::new((0..width).map(|index| EntryBytes::new(entry(index)).unwrap()).collect()).unwrap()
    }

    #[test]
    fn octets_come_back_and_hash_to_their_tile() {
        for width in [1, 2, 255, 256] {
            let (bundle, tile) = (bundle(width.into()), HashTile::new(leaves(width.into()).collect()).unwrap());
            let read = EntryBundle::from_octets(&bundle.to_octets(), width).unwrap();
            assert_eq!(read, bundle);
            read.check(&tile).unwrap();
        }
        assert_eq!(bundle(1).to_octets(), b"\x00\x0b{\"entry\":0}");
    }

    #[track_caller]
    fn check_refused(octets: &[u8], width: u16, message: &str) {
        assert_eq!(EntryBundle::from_octets(octets, width).unwrap_err().to_string(), message);
    }

    #[test]
    fn other_octets_are_refused() {
        check_refused(b"", 0, "a bundle has 1 to 256 entries, not 0");
        check_refused(b"", 1, "the bundle ends in entry 0");
        check_refused(b"\x00\x01x\x00", 2, "the bundle ends in entry 1");
        check_refused(b"\x00\x02x", 1, "the bundle ends in entry 0");
        check_refused(b"\x00\x01x\x00\x01y", 1, "3 octets are left over behind the entries");
        check_refused(b"\x00\x01\n", 1, "entry 0 of the bundle is none");
        let long = [&[0xff, 0xff], vec![b'x'; 0xffff].as_slice()].concat();
        check_refused(&long, 1, "entry 0 of the bundle is none");
        check_refused(&b"\x00\x01x".repeat(257), 257, "a bundle has 1 to 256 entries, not 257");
        assert!(matches!(EntryBundle::new(vec![]), Err(BundleError::Width { found: 0 })));
    }

    #[test]
    fn an_entry_that_is_not_the_one_hashed_is_named() {
        let tile = HashTile::new(leaves(5).collect()).unwrap();
        let mut entries = bundle(5).entries().to_vec();
        entries.swap(2, 3);
        assert!(matches!(EntryBundle::new(entries).unwrap().check(&tile), Err(BundleError::Hash { place: 2 })));
        let narrow = bundle(4).check(&tile);
        assert!(matches!(narrow, Err(BundleError::OtherWidth { entries: 4, hashes: 5 })));
    }

    #[test]
    fn every_octet_value_in_every_position() {
        let (octets, tile) = (bundle(3).to_octets(), HashTile::new(leaves(3).collect()).unwrap());
        for (position, octet) in
            (0..octets.len()).flat_map(|position| (0..=u8::MAX).map(move |octet| (position, octet)))
        {
            let mut changed = octets.clone();
            changed[position] = octet;
            let holds = EntryBundle::from_octets(&changed, 3).is_ok_and(|bundle| bundle.check(&tile).is_ok());
            assert_eq!(holds, changed == octets, "{octet:#04x} at {position}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_octets_have_one_form(
            octets in proptest::collection::vec(prop_oneof![Just(0_u8), 0_u8..4, any::<u8>()], 0..60),
            width in 0_u16..8,
        ) {
            if let Ok(bundle) = EntryBundle::from_octets(&octets, width) {
                prop_assert_eq!(bundle.to_octets(), octets);
            }
        }
    }
}

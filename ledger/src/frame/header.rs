//! The header of a frame. Knows its fields and their limits; knows no entries.

use identity::BatchId;
use sha2::{Digest, Sha256};

use super::{CHECKSUM_OCTETS, Flaw, MAX_FRAME_ENTRIES, MAX_FRAME_OCTETS, SECTOR_OCTETS};
use crate::hash::MAX_TREE_SIZE;

/// What the first octets of a frame say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Octets of the frame: whole sectors.
    pub(super) octets: usize,
    /// Number of entries, at least one.
    pub(super) entries: usize,
    /// Size of the ledger before.
    pub(super) size_before: u64,
    /// Id of the batch.
    pub(super) batch: BatchId,
}

impl Header {
    /// The octets of this header. Nothing if a number does not fit its field.
    pub(super) fn encode(&self) -> Option<[u8; HEADER_OCTETS]> {
        let mut fields = Vec::with_capacity(HEADER_OCTETS);
        fields.extend_from_slice(&MAGIC);
        fields.push(VERSION);
        fields.extend_from_slice(&u32::try_from(self.octets).ok()?.to_be_bytes());
        fields.extend_from_slice(&u32::try_from(self.entries).ok()?.to_be_bytes());
        fields.extend_from_slice(&self.size_before.to_be_bytes());
        fields.extend_from_slice(self.batch.as_bytes());
        let checksum = checksum(&fields);
        fields.extend_from_slice(&checksum);
        fields.try_into().ok()
    }

    /// Reads a header and holds it against the limits.
    pub(super) fn decode(octets: &[u8; HEADER_OCTETS]) -> Result<Self, Flaw> {
        let (fields, stated) = octets.split_at(HEADER_OCTETS - CHECKSUM_OCTETS);
        let mut rest = fields.strip_prefix(&MAGIC).ok_or(Flaw::Magic)?;
        let [version] = take(&mut rest)?;
        if version != VERSION {
            return Err(Flaw::Version { found: version, known: VERSION });
        }
        if stated != checksum(fields) {
            return Err(Flaw::HeaderChecksum);
        }
        let octets = u32::from_be_bytes(take(&mut rest)?);
        let entries = u32::from_be_bytes(take(&mut rest)?);
        let size_before = u64::from_be_bytes(take(&mut rest)?);
        let batch = BatchId::from_bytes(take(&mut rest)?);
        let octets = within("the frame's length", octets.into(), SECTOR_OCTETS, MAX_FRAME_OCTETS)?;
        if octets % SECTOR_OCTETS != 0 {
            return Err(Flaw::Padding);
        }
        let entries = within("the number of entries", entries.into(), 1, MAX_FRAME_ENTRIES)?;
        let most = MAX_TREE_SIZE.saturating_sub(u64::try_from(entries).unwrap_or(u64::MAX));
        if size_before > most {
            return Err(Flaw::HeaderField { what: "the size before", found: size_before, least: 0, most });
        }
        Ok(Self { octets, entries, size_before, batch })
    }

    /// Reads the header at the start of `octets`.
    pub(super) fn at_start_of(octets: &[u8]) -> Result<Self, Flaw> {
        octets.first_chunk().ok_or(Flaw::CutInsideSector { found: octets.len() }).and_then(Self::decode)
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Flaw> {
    let (field, behind) = rest.split_first_chunk().ok_or(Flaw::Magic)?;
    *rest = behind;
    Ok(*field)
}

fn within(what: &'static str, found: u64, least: usize, most: usize) -> Result<usize, Flaw> {
    let bound = |bound: usize| u64::try_from(bound).unwrap_or(u64::MAX);
    usize::try_from(found).ok().filter(|found| (least..=most).contains(found)).ok_or_else(|| Flaw::HeaderField {
        what,
        found,
        least: bound(least),
        most: bound(most),
    })
}

fn checksum(fields: &[u8]) -> [u8; CHECKSUM_OCTETS] {
    let mut checksum = [0; CHECKSUM_OCTETS];
    checksum.iter_mut().zip(Sha256::digest(fields)).for_each(|(to, from)| *to = from);
    checksum
}

/// Octets of the header: well within the first sector, so it is written as a whole or not at all.
pub(super) const HEADER_OCTETS: usize = 40 + CHECKSUM_OCTETS;

const MAGIC: [u8; 7] = *b"\x8eBREVET";
const VERSION: u8 = 1;

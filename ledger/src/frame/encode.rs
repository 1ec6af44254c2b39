//! Writes a frame. Knows the form; refuses what its reader could not tell from damage.

use identity::BatchId;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{
    CHECKSUM_OCTETS, FRAME_CHECKSUM_OCTETS, MAX_CHECKPOINT_OCTETS, MAX_FRAME_ENTRIES, MAX_FRAME_OCTETS, PADDING,
    header::{HEADER_OCTETS, Header},
    sector::whole_sectors,
};
use crate::{
    checkpoint::SignedCheckpoint,
    entry::EntryBytes,
    hash::{Hash, leaf_hash},
};

/// The octets of the frame of one batch: write them at the next sector behind the frame before, then sync.
///
/// `leaves` are the leaf hashes that went into the tree of `checkpoint`. They are computed again here, so that a fault
/// in memory is found before anything is written and not by the next start (T-80).
///
/// # Errors
/// When a limit is passed, a leaf is not that of its entry, or an entry is empty or contains a zero octet.
pub fn encode(
    batch: BatchId,
    size_before: u64,
    entries: &[EntryBytes],
    leaves: &[Hash],
    checkpoint: &SignedCheckpoint,
) -> Result<Vec<u8>, EncodeError> {
    if entries.len() != leaves.len() {
        return Err(EncodeError::Leaves { entries: entries.len(), leaves: leaves.len() });
    }
    if entries.is_empty() || entries.len() > MAX_FRAME_ENTRIES {
        return Err(EncodeError::Entries { found: entries.len(), limit: MAX_FRAME_ENTRIES });
    }
    let note = checkpoint.as_bytes();
    if note.len() > MAX_CHECKPOINT_OCTETS {
        return Err(EncodeError::Checkpoint { found: note.len(), limit: MAX_CHECKPOINT_OCTETS });
    }
    let octets = frame_octets(entries.iter().map(|entry| entry.len()), note.len());
    if octets > MAX_FRAME_OCTETS {
        return Err(EncodeError::TooLong { found: octets, limit: MAX_FRAME_OCTETS });
    }
    let header = Header { octets, entries: entries.len(), size_before, batch };
    let header = header.encode().ok_or(EncodeError::TooLong { found: octets, limit: MAX_FRAME_OCTETS })?;
    let mut frame = Vec::with_capacity(octets);
    frame.extend_from_slice(&header);
    for ((entry, leaf), index) in entries.iter().zip(leaves).zip(size_before..) {
        if entry.is_empty() || entry.contains(&0) {
            return Err(EncodeError::ZeroOctet { index });
        }
        if leaf_hash(entry) != *leaf {
            return Err(EncodeError::Leaf { index });
        }
        frame.extend_from_slice(&length(entry)?.to_be_bytes());
        frame.extend(leaf.as_bytes().iter().take(CHECKSUM_OCTETS));
        frame.extend_from_slice(entry);
    }
    frame.extend_from_slice(&length(note)?.to_be_bytes());
    frame.extend_from_slice(note);
    frame.extend_from_slice(&frame_checksum(&header, leaves, note));
    frame.resize(octets, PADDING);
    Ok(frame)
}

/// Octets of the frame for entries and a checkpoint of these lengths, padding included: lets the committer stop in
/// time.
pub fn frame_octets(entries: impl IntoIterator<Item = usize>, checkpoint: usize) -> usize {
    let of_entry = |entry: usize| LENGTH_OCTETS.saturating_add(CHECKSUM_OCTETS).saturating_add(entry);
    let entries = entries.into_iter().map(of_entry).fold(0_usize, usize::saturating_add);
    let around = HEADER_OCTETS + LENGTH_OCTETS + FRAME_CHECKSUM_OCTETS;
    whole_sectors(entries.saturating_add(checkpoint).saturating_add(around))
}

/// The checksum of the whole frame. The leaf hashes stand for the entries, so that no entry is hashed twice.
pub(super) fn frame_checksum(header: &[u8], leaves: &[Hash], note: &[u8]) -> [u8; FRAME_CHECKSUM_OCTETS] {
    let mut hash = Sha256::new_with_prefix(header);
    leaves.iter().for_each(|leaf| hash.update(leaf.as_bytes()));
    hash.chain_update(note).finalize().into()
}

/// Why a batch cannot be written as a frame. The fault is ours: the committer is to keep the limits.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// No entries, or too many.
    #[error("a frame has 1 to {limit} entries, not {found}")]
    Entries {
        /// Entries given.
        found: usize,
        /// Entries possible.
        limit: usize,
    },
    /// Entries and leaf hashes do not pair up.
    #[error("there are {entries} entries and {leaves} leaf hashes")]
    Leaves {
        /// Entries given.
        entries: usize,
        /// Hashes given.
        leaves: usize,
    },
    /// The checkpoint is too long.
    #[error("the checkpoint has {found} octets, more than {limit}")]
    Checkpoint {
        /// Octets given.
        found: usize,
        /// Octets possible.
        limit: usize,
    },
    /// Everything together is too long.
    #[error("the frame would have {found} octets, more than {limit}")]
    TooLong {
        /// Octets of the frame.
        found: usize,
        /// Octets possible.
        limit: usize,
    },
    /// JSON has no zero octets, and a frame may have none in its entries.
    #[error("entry {index} is empty or contains a zero octet")]
    ZeroOctet {
        /// Index of the entry.
        index: u64,
    },
    /// The tree was made of something else than these entries.
    #[error("the leaf hash of entry {index} is not that of its octets")]
    Leaf {
        /// Index of the entry.
        index: u64,
    },
}

fn length(octets: &[u8]) -> Result<u16, EncodeError> {
    let limit = usize::from(u16::MAX);
    u16::try_from(octets.len()).map_err(|_| EncodeError::TooLong { found: octets.len(), limit })
}

/// Octets of the lengths before entries and checkpoint.
pub(super) const LENGTH_OCTETS: usize = 2;

//! A batch as it lies on disk, and how a write that never finished is told from damage. Knows octets and hashes; knows
//! no file.
//!
//! # Form
//!
//! Numbers are big-endian; a frame starts on a sector of 512 octets and fills whole sectors.
//!
//! | octets | what |
//! |---|---|
//! | 8 | magic `8e 42 52 45 56 45 54 01`: not UTF-8, so in no entry and no note; the last octet is the version |
//! | 4 | octets of the whole frame, a multiple of 512 |
//! | 4 | number of entries, at least 1 |
//! | 8 | size of the ledger before this batch, and so the index of the first entry |
//! | 16 | batch id |
//! | 16 | checksum of the header: first octets of the SHA-256 of the 40 above |
//! | *n* times | 2 octets length, 16 octets checksum (the start of the leaf hash), the entry |
//! | 2 + *m* | length of the signed checkpoint of the ledger after this batch, and the checkpoint |
//! | 32 | checksum: SHA-256 of header, all leaf hashes and the checkpoint |
//! | 0 to 511 | padding of octets `2e` up to the next sector |
//!
//! Every octet is covered by a checksum or has only one value it may have, and each entry by a checksum of its own, so
//! a flipped bit is found and the entry can be named. Damage to the header, the checkpoint or the padding names the
//! first entry of the frame.
//!
//! # Torn or damaged
//!
//! A segment is preallocated with written zeros, and the next frame is written only when the one before it is known to
//! be durable. So a crash can leave sectors of the **last** frame unwritten, and such a sector reads as zeros or lies
//! past the end of the file; nobody has been told that its batch landed, and it may be dropped. To tell this from
//! damage for certain, no sector of a whole frame is all zeros: in a whole frame never [`ZERO_RUN`] octets in a row are
//! zero. (Entries and checkpoints contain no zero octet, each entry has at least one octet, padding is not zero; what
//! can be zero between two octets that cannot is at most the header behind its length and the length of the first
//! entry: fewer than 64.) It follows that a sector is either all zeros, and then was never written, or has no such run,
//! and then was; one that is neither was damaged. And since only the last frame can be torn, an unwritten sector with
//! anything behind its frame is damage too.
//!
//! What cannot be told from the frame alone: whether a last frame with an unwritten sector had been acknowledged. The
//! caller compares the size found with that of its newest snapshot and published checkpoint. And before it writes again
//! where a torn frame lies, it must overwrite that with zeros and sync: otherwise the next crash could mix sectors of
//! two frames.

mod decode;
mod encode;
mod header;
mod sector;
mod verify;

use std::fmt;

use identity::BatchId;
use thiserror::Error;

pub use decode::{Decoder, End};
pub use encode::{EncodeError, encode, frame_octets};
pub use sector::SECTOR_OCTETS;
pub use verify::verify_frame;

use crate::{
    checkpoint::{CheckpointError, SignedCheckpoint},
    entry::{EntryBytes, EntryError},
    hash::Hash,
};

/// A frame that was whole: its checksums hold. Whether its checkpoint is that of its entries, and signed, says
/// [`verify_frame`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where it starts, in octets fed to the decoder.
    pub offset: u64,
    /// How many octets it fills, padding included.
    pub octets: usize,
    /// Size of the ledger before it: the index of its first entry.
    pub size_before: u64,
    /// The batch it was committed as.
    pub batch: BatchId,
    /// Its entries, at least one.
    pub entries: Vec<EntryBytes>,
    /// The leaf hash of each entry, computed from its octets.
    pub leaves: Vec<Hash>,
    /// The checkpoint of the ledger with it.
    pub checkpoint: SignedCheckpoint,
}

/// What was written is not what is there. Refuse to serve.
#[derive(Debug, Error)]
#[error("entry {entry} is damaged (frame at octet {offset})")]
pub struct Damage {
    /// Index of the entry concerned. Equal to the size of the ledger where octets behind the last frame are damaged.
    pub entry: u64,
    /// Where the frame starts, in octets fed to the decoder.
    pub offset: u64,
    /// What is wrong with it.
    #[source]
    pub flaw: Flaw,
}

/// What is wrong with a damaged frame.
#[derive(Debug, Error)]
pub enum Flaw {
    /// The first octets are not the magic.
    #[error("no frame starts here")]
    Magic,
    /// Written by a newer program, or the octet that says so is damaged.
    #[error("the frame has version {found}; this program reads {known}")]
    Version {
        /// Version octet found.
        found: u8,
        /// The only one known.
        known: u8,
    },
    /// The header's checksum does not hold.
    #[error("the header of the frame does not have its checksum")]
    HeaderChecksum,
    /// A number in the header is impossible although its checksum holds.
    #[error("{what} is {found}, not {least} to {most}")]
    HeaderField {
        /// Which number.
        what: &'static str,
        /// The number found.
        found: u64,
        /// The least it can be.
        least: u64,
        /// The most it can be.
        most: u64,
    },
    /// A frame is missing, repeated or out of order.
    #[error("the frame follows {found} entries, but {expected} were read")]
    SizeBefore {
        /// Entries read so far.
        expected: u64,
        /// Entries that the header says come before.
        found: u64,
    },
    /// An entry's length leads outside the frame or the limits.
    #[error("the entry has {found} octets, at most {limit} are possible here")]
    EntryLength {
        /// Length found.
        found: usize,
        /// Octets that are left, or the limit for entries.
        limit: usize,
    },
    /// An entry's checksum does not hold.
    #[error("the entry does not have its checksum")]
    EntryChecksum,
    /// The octets have their checksum, and yet are no entry.
    #[error("the entry is none")]
    Entry(#[source] EntryError),
    /// The checkpoint's length leads outside the frame or the limits.
    #[error("the checkpoint has {found} octets, at most {limit} are possible here")]
    CheckpointLength {
        /// Length found.
        found: usize,
        /// Octets that are left, or the limit for checkpoints.
        limit: usize,
    },
    /// The frame's checksum does not hold.
    #[error("the frame does not have its checksum")]
    FrameChecksum,
    /// Behind the frame's checksum lies something else than the right padding.
    #[error("the padding of the frame is not what was written")]
    Padding,
    /// The checkpoint is malformed, of another log, or not signed by the ledger's key.
    #[error("the checkpoint of the frame does not hold")]
    Checkpoint(#[source] CheckpointError),
    /// The checkpoint is of another tree.
    #[error("the entries give size {size} and root {root}, but the checkpoint states {stated_size} and {stated_root}")]
    Root {
        /// Size with this frame.
        size: u64,
        /// Root with this frame.
        root: Hash,
        /// Size in the checkpoint.
        stated_size: u64,
        /// Root in the checkpoint.
        stated_root: Hash,
    },
    /// A sector reads as zeros that must have been written: something lies behind it.
    #[error("the sector at octet {sector} reads as zeros, but octet {behind} behind its frame does not")]
    Unwritten {
        /// Where the unwritten sector starts.
        sector: u64,
        /// Where something starts that was written later.
        behind: u64,
    },
    /// A sector is neither unwritten nor part of a frame.
    #[error("the sector at octet {sector} is neither unwritten nor part of a frame")]
    StraySector {
        /// Where the sector starts.
        sector: u64,
    },
    /// The file ends inside the last sector of the frame.
    #[error("the file ends inside a sector, after {found} octets of a frame")]
    CutInsideSector {
        /// Octets of the frame that are there.
        found: usize,
    },
    /// Not damage but a fault of the caller: it asked for the end before it had taken all frames.
    #[error("there are frames at octet {offset} that were not taken")]
    FramesLeft {
        /// Where the first of them starts.
        offset: u64,
    },
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clean { offset } => write!(f, "whole up to octet {offset}"),
            Self::Torn { offset, octets } => {
                write!(f, "torn: {octets} octets from octet {offset} were never acknowledged")
            }
        }
    }
}

/// Octets of a frame. A batch of 4 MiB takes tens of milliseconds to write and sync on a slow disk, so larger ones gain
/// nothing; the bound also says how much a reader must hold.
pub const MAX_FRAME_OCTETS: usize = 4 * 1024 * 1024;

/// Entries of a frame: 4,096 entries of 1 KiB fill a frame of the largest size.
pub const MAX_FRAME_ENTRIES: usize = 4096;

/// Octets of the checkpoint in a frame: it has one signature, ours, and names of at most 512 octets occur twice in it;
/// the rest is under 200.
pub const MAX_CHECKPOINT_OCTETS: usize = 2 * crate::origin::MAX_NAME_OCTETS + 256;

/// In a whole frame fewer than this many octets in a row are zero; see the module's text for the argument.
pub const ZERO_RUN: usize = 64;

/// Octets of the checksums of header and entries. They guard against faults, not against forgers (those the checkpoint
/// stops): 128 bits never miss one.
const CHECKSUM_OCTETS: usize = 16;

/// Octets of the checksum of the whole frame.
const FRAME_CHECKSUM_OCTETS: usize = crate::hash::HASH_OCTETS;

/// What padding consists of: not zero, so that the last sector is never all zeros.
const PADDING: u8 = b'.';

#[cfg(test)]
mod tests;

//! The text of a C2SP tlog-proof. Knows its lines; checks no hash and no signature.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use thiserror::Error;

use crate::{
    checkpoint::{CheckpointError, SignedCheckpoint, parse_decimal},
    hash::{HASH_OCTETS, Hash, HashError, MAX_LEVELS},
    note::MAX_NOTE_OCTETS,
};

/// What the text says (C2SP tlog-proof, section Format).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofText {
    /// Opaque data that nothing authenticates. Written only if there are octets in it.
    pub extra: Option<Vec<u8>>,
    /// Index of the entry.
    pub index: u64,
    /// The inclusion path, from the leaf's sibling up.
    pub path: Vec<Hash>,
    /// The checkpoint of the tree that the path leads to.
    pub checkpoint: SignedCheckpoint,
}

impl ProofText {
    /// Reads a proof; the inverse of [`fmt::Display`], and of nothing else.
    ///
    /// # Errors
    /// When the text has another form or passes a limit.
    pub fn parse(text: &str) -> Result<Self, ProofTextError> {
        if text.len() > MAX_PROOF_OCTETS {
            return Err(ProofTextError::TooLong { found: text.len(), limit: MAX_PROOF_OCTETS });
        }
        // The checkpoint begins behind the first empty line; no line before it is empty.
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ProofTextError::NoCheckpoint)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(FIRST_LINE) {
            return Err(ProofTextError::FirstLine);
        }
        let mut line = lines.next().ok_or(ProofTextError::NoIndex)?;
        let mut extra = None;
        if let Some(encoded) = line.strip_prefix("extra ") {
            if encoded.is_empty() || encoded.len() > MAX_EXTRA_CHARACTERS {
                return Err(ProofTextError::Extra);
            }
            extra = Some(STANDARD.decode(encoded).map_err(|_| ProofTextError::Extra)?);
            line = lines.next().ok_or(ProofTextError::NoIndex)?;
        }
        let index = line.strip_prefix("index ").ok_or(ProofTextError::NoIndex)?;
        let index = parse_decimal(index).map_err(|_| ProofTextError::Index)?;
        let mut path = Vec::new();
        for line in lines {
            if path.len() == MAX_PATH {
                return Err(ProofTextError::TooManyHashes { limit: MAX_PATH });
            }
            path.push(Hash::from_base64(line)?);
        }
        let checkpoint = SignedCheckpoint::parse(checkpoint.as_bytes())
            .map_err(|error| ProofTextError::Checkpoint(Box::new(error)))?;
        Ok(Self { extra, index, path, checkpoint })
    }
}

impl fmt::Display for ProofText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        if let Some(extra) = self.extra.as_ref().filter(|extra| !extra.is_empty()) {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{}", hash.to_base64()))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Why a text is no proof.
#[derive(Debug, Error)]
pub enum ProofTextError {
    /// Longer than any proof.
    #[error("the proof has {found} octets, more than {limit}")]
    TooLong {
        /// Octets given.
        found: usize,
        /// Octets allowed.
        limit: usize,
    },
    /// Another format, or another version of it.
    #[error("the proof does not begin with {FIRST_LINE}")]
    FirstLine,
    /// Extra data that is not canonical base64, empty or too long.
    #[error("the extra data of the proof is malformed")]
    Extra,
    /// No line with the index where it must be.
    #[error("the proof has no index")]
    NoIndex,
    /// Not a number as it must be written, or beyond the largest ledger.
    #[error("the index of the proof is malformed")]
    Index,
    /// A line of the path is no hash.
    #[error("a hash of the proof is malformed")]
    Hash(#[from] HashError),
    /// More hashes than any tree is high.
    #[error("the proof has more than {limit} hashes")]
    TooManyHashes {
        /// Hashes allowed.
        limit: usize,
    },
    /// No empty line with a checkpoint behind it.
    #[error("the proof has no checkpoint")]
    NoCheckpoint,
    /// The rest is no note.
    #[error("the checkpoint of the proof is malformed")]
    Checkpoint(#[source] Box<CheckpointError>),
}

/// The line that names format and version (C2SP tlog-proof, section Format).
const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// Hashes of a path: no ledger is higher.
#[expect(clippy::as_conversions, reason = "usize::try_from is not const; 53 fits")]
const MAX_PATH: usize = MAX_LEVELS as usize;

/// Base64 characters of extra data. We write none; what others write is not more than an entry.
const MAX_EXTRA_CHARACTERS: usize = 32 * 1024;

/// Octets of a proof: the head with every part at its limit, and a note at its.
pub const MAX_PROOF_OCTETS: usize = MAX_NOTE_OCTETS + MAX_EXTRA_CHARACTERS + MAX_PATH * 2 * HASH_OCTETS + 128;

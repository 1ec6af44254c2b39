//! All that the feed has led to, at one moment, signed. Knows its JSON and the note over it; compares with nothing.

use identity::{Serial, Sha256Hash, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{MAX_SERIALS, RunningHash};
use crate::{
    entry::RevocationReason,
    hash::{Hash, HashError, MAX_TREE_SIZE},
    note::{Note, NoteError, NoteSigner, SignError, VerifierKey, sign_note},
    origin::Origin,
};

/// What a follower starts from who is too far behind for events.
///
/// It is one JSON document; its SHA-256 is signed with the ledger's key in a note of three lines: `brevet-snapshot/v1`,
/// origin, hash in base64. The document is hashed as it is written, so it needs no canonical form; ours has no white
/// space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// When the server said so.
    pub time: Timestamp,
    /// Index of the newest entry that it speaks for: follow events with larger ids.
    pub as_of: u64,
    /// Number of events up to there, and their running hash.
    pub events: RunningHash,
    /// Certificates that are revoked and not long expired, sorted by serial.
    pub revoked: Vec<RevokedSerial>,
    /// Certificates with a cutoff that are not long expired, sorted by serial.
    pub cutoffs: Vec<CutoffSerial>,
}

/// A certificate that is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedSerial {
    /// Which.
    #[serde(with = "identity::text")]
    pub serial: Serial,
    /// When it expires, or later: until then it must be known as revoked.
    #[serde(with = "identity::text")]
    pub not_after: Timestamp,
    /// Why.
    pub reason: RevocationReason,
}

/// A certificate that was superseded and is refused from a cutoff on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CutoffSerial {
    /// Which.
    #[serde(with = "identity::text")]
    pub serial: Serial,
    /// From when on it is refused.
    #[serde(with = "identity::text")]
    pub cutoff: Timestamp,
    /// When it expires.
    #[serde(with = "identity::text")]
    pub not_after: Timestamp,
}

/// A snapshot as it is sent: the document, and the note over its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedSnapshot {
    /// The JSON document.
    pub document: String,
    /// The signed note.
    pub note: String,
}

impl Snapshot {
    /// Writes and signs it.
    ///
    /// # Errors
    /// When a limit is passed, serials are not sorted, or the signer fails.
    pub fn sign(&self, origin: &Origin, signer: &dyn NoteSigner) -> Result<SignedSnapshot, SnapshotError> {
        self.check()?;
        let document = Document {
            v: FORMAT,
            time: self.time,
            as_of: self.as_of,
            events: self.events.count(),
            running: Hash::from_bytes(*self.events.hash()).to_base64(),
            revoked: self.revoked.clone(),
            cutoffs: self.cutoffs.clone(),
        };
        let document = serde_json::to_string(&document).map_err(SnapshotError::Malformed)?;
        let note = sign_note(&note_text(origin, &document), signer).map_err(SnapshotError::Sign)?;
        let note = String::from_utf8(note).map_err(|_| SnapshotError::Note(NoteError::NotUtf8))?;
        Ok(SignedSnapshot { document, note })
    }

    fn check(&self) -> Result<(), SnapshotError> {
        let most = self.revoked.len().max(self.cutoffs.len());
        if most > MAX_SERIALS {
            return Err(SnapshotError::TooMany { found: most, limit: MAX_SERIALS });
        }
        if self.as_of >= MAX_TREE_SIZE || self.events.count() > self.as_of + 1 {
            return Err(SnapshotError::Numbers { events: self.events.count(), as_of: self.as_of });
        }
        let sorted = self.revoked.is_sorted_by(|one, next| one.serial < next.serial)
            && self.cutoffs.is_sorted_by(|one, next| one.serial < next.serial);
        if sorted { Ok(()) } else { Err(SnapshotError::NotSorted) }
    }
}

impl SignedSnapshot {
    /// Checks that the document is the one whose hash the log `origin` has signed with `key`, and only then reads it.
    ///
    /// # Errors
    /// When signature or hash do not hold, or the document is malformed.
    pub fn open(&self, origin: &Origin, key: &VerifierKey) -> Result<Snapshot, SnapshotError> {
        let verified = Note::parse(self.note.as_bytes())?.verify(&[key])?;
        if verified.text() != note_text(origin, &self.document) {
            return Err(SnapshotError::OtherDocument { origin: origin.clone() });
        }
        let document: Document = serde_json::from_str(&self.document).map_err(SnapshotError::Malformed)?;
        if document.v != FORMAT {
            return Err(SnapshotError::Version { found: document.v, known: FORMAT });
        }
        let running = Hash::from_base64(&document.running)?;
        let snapshot = Snapshot {
            time: document.time,
            as_of: document.as_of,
            events: RunningHash::new(document.events, *running.as_bytes()),
            revoked: document.revoked,
            cutoffs: document.cutoffs,
        };
        snapshot.check()?;
        Ok(snapshot)
    }
}

fn note_text(origin: &Origin, document: &str) -> String {
    let hash = Hash::from_bytes(*Sha256Hash::of(document.as_bytes()).as_bytes());
    format!("{FIRST_LINE}\n{origin}\n{}\n", hash.to_base64())
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    v: u64,
    #[serde(with = "identity::text")]
    time: Timestamp,
    as_of: u64,
    events: u64,
    running: String,
    revoked: Vec<RevokedSerial>,
    cutoffs: Vec<CutoffSerial>,
}

/// Why a snapshot is refused or cannot be made.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// Not a note, or not signed by the ledger's key.
    #[error("the snapshot's note is none that the ledger's key has signed")]
    Note(#[from] NoteError),
    /// The key has signed something else than this document of this log.
    #[error("the note is not over this snapshot of the log {origin}")]
    OtherDocument {
        /// The log that is followed.
        origin: Origin,
    },
    /// Not the JSON of a snapshot.
    #[error("the snapshot is not well-formed")]
    Malformed(#[source] serde_json::Error),
    /// Of a newer server.
    #[error("the snapshot has format version {found}, this program knows {known}")]
    Version {
        /// In the document.
        found: u64,
        /// Here.
        known: u64,
    },
    /// The hash is malformed.
    #[error("the running hash of the snapshot is malformed")]
    Hash(#[from] HashError),
    /// More events than entries, or more entries than a ledger can have.
    #[error("{events} events cannot come from the entries up to {as_of}")]
    Numbers {
        /// Number of events stated.
        events: u64,
        /// Index stated.
        as_of: u64,
    },
    /// More serials than a follower holds.
    #[error("the snapshot has {found} serials, more than {limit}")]
    TooMany {
        /// Serials given.
        found: usize,
        /// Serials allowed.
        limit: usize,
    },
    /// Serials out of order or twice.
    #[error("the serials of the snapshot are not sorted")]
    NotSorted,
    /// Our key failed.
    #[error("the snapshot could not be signed")]
    Sign(#[source] SignError),
}

/// The version of the document.
const FORMAT: u64 = 1;

/// Names what is signed, and its version.
const FIRST_LINE: &str = "brevet-snapshot/v1";

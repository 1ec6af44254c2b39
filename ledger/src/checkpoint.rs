//! A C2SP checkpoint: origin, size and root of a tree, signed. Knows the text and the note around it; knows no entries
//! and no proofs.

use std::{fmt, str::FromStr, sync::Arc};

use thiserror::Error;

use crate::{
    hash::{Hash, HashError, MAX_TREE_SIZE, empty_root},
    note::{Note, NoteError, NoteSigner, SignError, VerifierKey, sign_note},
    origin::{NameError, Origin},
};

/// What a log says about its tree (C2SP tlog-checkpoint, section Note text).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: Origin,
    size: u64,
    root: Hash,
    extensions: String,
}

impl Checkpoint {
    /// The checkpoint of a tree, without extension lines.
    ///
    /// # Errors
    /// When the tree is larger than a ledger can be, or the tree without leaves is given a root that is not its own.
    pub fn new(origin: Origin, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        if size > MAX_TREE_SIZE {
            return Err(CheckpointError::TooLarge { size });
        }
        if size == 0 && root != empty_root() {
            return Err(CheckpointError::EmptyRoot { root });
        }
        Ok(Self { origin, size, root, extensions: String::new() })
    }

    /// The log that speaks.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree of that size.
    pub const fn root(&self) -> &Hash {
        &self.root
    }

    /// The text that is signed: three lines, then extension lines if the log wrote any. Each ends with a newline.
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n{}", self.origin, self.size, self.root.to_base64(), self.extensions)
    }

    /// Reads the text of a checkpoint; the inverse of [`Checkpoint::to_text`].
    ///
    /// Extension lines are kept, since the signature covers them, and mean nothing to us.
    ///
    /// # Errors
    /// When the text has any other form: a size with leading zeroes, an empty line, base64 that is not canonical.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let lines = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        let mut lines = lines.splitn(4, '\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::Lines);
        };
        let mut checkpoint = Self::new(Origin::parse(origin)?, parse_decimal(size)?, Hash::from_base64(root)?)?;
        if let Some(extensions) = lines.next() {
            if extensions.split('\n').any(str::is_empty) {
                return Err(CheckpointError::Lines);
            }
            checkpoint.extensions = format!("{extensions}\n");
        }
        Ok(checkpoint)
    }

    /// Signs it. The caller answers for never signing two checkpoints of one log of which neither is a prefix of the
    /// other (C2SP tlog-checkpoint, section Signatures).
    ///
    /// # Errors
    /// When the signer fails.
    pub fn sign(&self, signer: &dyn NoteSigner) -> Result<SignedCheckpoint, CheckpointError> {
        let note = sign_note(&self.to_text(), signer).map_err(CheckpointError::Sign)?;
        Ok(SignedCheckpoint(String::from_utf8(note).map_err(|_| CheckpointError::Note(NoteError::NotUtf8))?.into()))
    }
}

/// Checks that `note` is a checkpoint of the log `origin`, signed with `key`, and gives what it says.
///
/// # Errors
/// When the note is malformed, `key` has not signed it, or it is a checkpoint of another log (T-82).
pub fn open(note: &[u8], origin: &Origin, key: &VerifierKey) -> Result<Checkpoint, CheckpointError> {
    let verified = Note::parse(note)?.verify(&[key])?;
    let checkpoint = Checkpoint::parse(verified.text())?;
    if checkpoint.origin != *origin {
        return Err(CheckpointError::Origin { expected: origin.clone(), found: checkpoint.origin });
    }
    Ok(checkpoint)
}

/// A checkpoint as it is kept and sent: the octets of a signed note. It has the right form; the signatures are
/// unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint(Arc<str>);

impl SignedCheckpoint {
    /// Takes a note whose text is a checkpoint. Trust comes only from [`SignedCheckpoint::open`].
    ///
    /// # Errors
    /// When it is no note, or its text no checkpoint.
    pub fn parse(note: &[u8]) -> Result<Self, CheckpointError> {
        Checkpoint::parse(Note::parse(note)?.unverified_text())?;
        let text = std::str::from_utf8(note).map_err(|_| CheckpointError::Note(NoteError::NotUtf8))?;
        Ok(Self(text.into()))
    }

    /// Same as the function [`open`].
    pub fn open(&self, origin: &Origin, key: &VerifierKey) -> Result<Checkpoint, CheckpointError> {
        open(self.as_bytes(), origin, key)
    }

    /// The note.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The note as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SignedCheckpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        Self::parse(text.as_bytes())
    }
}

/// Reads a size or an index: ASCII decimal without sign or leading zeroes, at most [`MAX_TREE_SIZE`].
pub(crate) fn parse_decimal(text: &str) -> Result<u64, CheckpointError> {
    let canonical = text == "0" || (!text.starts_with('0') && text.bytes().all(|octet| octet.is_ascii_digit()));
    if !canonical || text.len() > MAX_DECIMAL_DIGITS {
        return Err(CheckpointError::Decimal);
    }
    let size = text.parse().map_err(|_| CheckpointError::Decimal)?;
    if size > MAX_TREE_SIZE { Err(CheckpointError::TooLarge { size }) } else { Ok(size) }
}

/// Why a checkpoint is refused or cannot be made.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The note around it is malformed or not signed by the expected key.
    #[error("the checkpoint is not a note that the log has signed")]
    Note(#[from] NoteError),
    /// Fewer than three lines, an empty one, or no newline at the end.
    #[error("a checkpoint has three or more lines, none empty")]
    Lines,
    /// The first line names no log.
    #[error("the origin of the checkpoint is malformed")]
    OriginForm(#[from] NameError),
    /// The number is not written the one way it can be.
    #[error("a size or index is not a decimal number without leading zeroes")]
    Decimal,
    /// The third line is no hash.
    #[error("the root of the checkpoint is malformed")]
    RootForm(#[from] HashError),
    /// More leaves than a ledger can have.
    #[error("a tree of {size} leaves is larger than {MAX_TREE_SIZE}")]
    TooLarge {
        /// The size stated.
        size: u64,
    },
    /// There is only one tree without leaves.
    #[error("the tree without leaves has the root {}, not {root}", empty_root())]
    EmptyRoot {
        /// The root stated.
        root: Hash,
    },
    /// A checkpoint of another log.
    #[error("the checkpoint is of the log {found}, not {expected}")]
    Origin {
        /// The log that was asked for.
        expected: Origin,
        /// The log that the checkpoint names.
        found: Origin,
    },
    /// Our key failed.
    #[error("the checkpoint could not be signed")]
    Sign(#[source] SignError),
}

/// Digits of [`MAX_TREE_SIZE`].
const MAX_DECIMAL_DIGITS: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{hash::leaf_hash, testing::TestSigner};

    const ORIGIN: &str = "example.org/brevet";
    const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

    #[track_caller]
    fn check_text(text: &str, size: u64) {
        let checkpoint = Checkpoint::parse(text).unwrap();
        assert_eq!((checkpoint.size(), checkpoint.to_text().as_str()), (size, text));
    }

    #[test]
    fn a_text_is_read_and_written_alike() {
        // The numbers of the example in C2SP tlog-checkpoint.
        check_text(&format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n"), 20_852_163);
        check_text(&format!("{ORIGIN}\n0\n{}\n", empty_root().to_base64()), 0);
        check_text(&format!("{ORIGIN}\n{MAX_TREE_SIZE}\n{ROOT}\n"), MAX_TREE_SIZE);
        check_text(&format!("{ORIGIN}\n1\n{ROOT}\nan extension\nanother\n"), 1);
    }

    #[track_caller]
    fn check_refused(text: &str) {
        assert!(Checkpoint::parse(text).is_err(), "{text:?}");
    }

    #[test]
    fn any_other_text_is_refused() {
        check_refused("");
        check_refused("\n");
        check_refused(&format!("{ORIGIN}\n1\n"));
        check_refused(&format!("{ORIGIN}\n1\n{ROOT}"));
        check_refused(&format!("\n1\n{ROOT}\n"));
        check_refused(&format!("example.org brevet\n1\n{ROOT}\n"));
        check_refused(&format!("{ORIGIN}\n\n{ROOT}\n"));
        check_refused(&format!("{ORIGIN}\n01\n{ROOT}\n"));
        check_refused(&format!("{ORIGIN}\n00\n{ROOT}\n"));
        check_refused(&format!("{ORIGIN}\n+1\n{ROOT}\n"));
        check_refused(&format!("{ORIGIN}\n-1\n{ROOT}\n"));
        check_refused(&format!("{ORIGIN}\n1 \n{ROOT}\n"));
        check_refused(&format!("{ORIGIN}\n0x1\n{ROOT}\n"));
        check_refused(&format!("{ORIGIN}\n{}\n{ROOT}\n", MAX_TREE_SIZE + 1));
        check_refused(&format!("{ORIGIN}\n99999999999999999999999\n{ROOT}\n"));
        check_refused(&format!("{ORIGIN}\n0\n{ROOT}\n"));
        check_refused(&format!("{ORIGIN}\n1\n{}\n", ROOT.trim_end_matches('=')));
        check_refused(&format!("{ORIGIN}\n1\n{ROOT}\n\n"));
        check_refused(&format!("{ORIGIN}\n1\n{ROOT}\nextension\n\nanother\n"));
    }

    fn origin() -> Origin {
        Origin::parse(ORIGIN).unwrap()
    }

    fn checkpoint(size: u64) -> Checkpoint {
        Checkpoint::new(origin(), size, leaf_hash(b"root")).unwrap()
    }

    #[test]
    fn what_is_signed_opens() {
        let signer = TestSigner::new(ORIGIN, 1);
        let signed = checkpoint(7).sign(&signer).unwrap();
        assert_eq!(signed.open(&origin(), signer.verifier()).unwrap(), checkpoint(7));
        assert_eq!(SignedCheckpoint::parse(signed.as_bytes()).unwrap(), signed);
    }

    // T-82: bound to origin and key.
    #[test]
    fn a_checkpoint_of_another_log_or_key_is_refused() {
        let signer = TestSigner::new(ORIGIN, 1);
        let signed = checkpoint(7).sign(&signer).unwrap();
        let elsewhere = Origin::parse("example.net/brevet").unwrap();
        assert!(matches!(signed.open(&elsewhere, signer.verifier()), Err(CheckpointError::Origin { .. })));
        let stranger = TestSigner::new(ORIGIN, 2);
        let opened = signed.open(&origin(), stranger.verifier());
        assert!(matches!(opened, Err(CheckpointError::Note(NoteError::NoKnownSigner))));
    }

    #[test]
    fn a_signed_text_that_is_no_checkpoint_is_refused() {
        let signer = TestSigner::new(ORIGIN, 1);
        let note = sign_note(&format!("{ORIGIN}\nseven\n{ROOT}\n"), &signer).unwrap();
        assert!(matches!(open(&note, &origin(), signer.verifier()), Err(CheckpointError::Decimal)));
    }

    #[test]
    fn every_octet_value_in_every_position() {
        let text = format!("{ORIGIN}\n120\n{ROOT}\n");
        for position in 0..text.len() {
            for octet in 0..0x80 {
                let mut changed = text.clone().into_bytes();
                changed[position] = octet;
                let changed = String::from_utf8(changed).unwrap();
                if let Ok(checkpoint) = Checkpoint::parse(&changed) {
                    assert_eq!(checkpoint.to_text(), changed);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_has_one_form(text in "([a-z/. ]{0,4}\n|[0-9]{0,20}\n|[A-Za-z0-9+/=]{0,48}\n){0,5}") {
            if let Ok(checkpoint) = Checkpoint::parse(&text) {
                prop_assert_eq!(checkpoint.to_text(), text);
            }
        }
    }
}

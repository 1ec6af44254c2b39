//! C2SP signed notes: text, and lines that say who signed it. Knows the format and Ed25519; knows not what the text
//! means.

mod key;
mod sign;

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use thiserror::Error;

pub use crate::origin::NameError;
use crate::origin::check_name;
pub use key::{VerifierKey, VerifierKeyError, ed25519_key_id};
pub use sign::{NoteSigner, SignError, SigningError, sign_note};

/// A note that has the right form, and whose signatures nobody has checked yet.
///
/// The only way out for the text is [`Note::verify`]: unsigned text is to be ignored (C2SP signed-note, introduction).
#[derive(Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NoteSignature {
    name: String,
    key_id: u32,
    signature: Vec<u8>,
}

/// Text of a note that at least one of the expected keys has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedNote {
    text: String,
}

impl VerifiedNote {
    /// The text, with the newline that ends it.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Note {
    /// Reads a note (C2SP signed-note, section Format).
    ///
    /// Stricter than the text asks for in one point: two signatures of the same key are refused, so that a note cannot
    /// be made to look different without a new signer.
    ///
    /// # Errors
    /// When the form is not exactly that, or a limit is passed.
    pub fn parse(note: &[u8]) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE_OCTETS {
            return Err(NoteError::TooLong { found: note.len(), limit: MAX_NOTE_OCTETS });
        }
        let note = std::str::from_utf8(note).map_err(|_| NoteError::NotUtf8)?;
        // Carriage returns and tabs are among these, so a note has one form only.
        if let Some(octet) = note.bytes().find(|&octet| octet < b' ' && octet != b'\n') {
            return Err(NoteError::ControlCharacter { octet });
        }
        // The last empty line separates; the text keeps the newline before it.
        let blank = note.rfind("\n\n").ok_or(NoteError::NoSignatures)?;
        let (text, lines) = note.split_at_checked(blank + 1).ok_or(NoteError::NoSignatures)?;
        let lines = lines.strip_prefix('\n').filter(|lines| !lines.is_empty()).ok_or(NoteError::NoSignatures)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoNewlineAtEnd)?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == MAX_SIGNATURES {
                return Err(NoteError::TooManySignatures { limit: MAX_SIGNATURES });
            }
            let signature = NoteSignature::parse(line)?;
            if signatures.iter().any(|other: &NoteSignature| other.same_key(&signature)) {
                return Err(NoteError::SignedTwice { name: signature.name, key_id: signature.key_id });
            }
            signatures.push(signature);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The text that somebody may have signed: to be looked at for its form, never for what it says.
    pub(crate) fn unverified_text(&self) -> &str {
        &self.text
    }

    /// Checks the signatures of `keys` and gives the text (C2SP signed-note, section Signatures).
    ///
    /// A signature belongs to a key when name **and** key id are the same. Signatures of other keys are ignored, even
    /// if they share one of the two.
    ///
    /// # Errors
    /// When a signature of one of `keys` does not verify, whatever others do; or when none of `keys` has signed.
    pub fn verify(self, keys: &[&VerifierKey]) -> Result<VerifiedNote, NoteError> {
        let mut signed = false;
        for line in &self.signatures {
            for key in keys.iter().filter(|key| key.name() == line.name && key.key_id() == line.key_id) {
                if !key.verifies(self.text.as_bytes(), &line.signature) {
                    return Err(NoteError::BadSignature { name: line.name.clone(), key_id: line.key_id });
                }
                signed = true;
            }
        }
        if signed { Ok(VerifiedNote { text: self.text }) } else { Err(NoteError::NoKnownSigner) }
    }
}

impl NoteSignature {
    fn parse(line: &str) -> Result<Self, NoteError> {
        let (name, encoded) =
            line.strip_prefix(LINE_START).and_then(|rest| rest.split_once(' ')).ok_or(NoteError::SignatureLine)?;
        check_name(name)?;
        // The strict engine: canonical padding, no stray bits, no white space.
        let octets = STANDARD.decode(encoded).map_err(|_| NoteError::SignatureBase64 { name: name.to_owned() })?;
        let (key_id, signature) = octets
            .split_first_chunk()
            .filter(|(_, signature)| !signature.is_empty())
            .ok_or_else(|| NoteError::SignatureTooShort { name: name.to_owned(), found: octets.len() })?;
        Ok(Self { name: name.to_owned(), key_id: u32::from_be_bytes(*key_id), signature: signature.to_vec() })
    }

    fn same_key(&self, other: &Self) -> bool {
        self.key_id == other.key_id && self.name == other.name
    }
}

impl fmt::Debug for Note {
    /// Without the text, which nobody has vouched for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Note").field("text_octets", &self.text.len()).field("signatures", &self.signatures).finish()
    }
}

/// Why a note is refused. The fault is with whoever made or carried it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoteError {
    /// Longer than any note we take.
    #[error("the note has {found} octets, more than {limit}")]
    TooLong {
        /// Octets given.
        found: usize,
        /// Octets allowed.
        limit: usize,
    },
    /// Not text.
    #[error("the note is not UTF-8")]
    NotUtf8,
    /// A control character other than newline.
    #[error("the note contains the control character {octet:#04x}")]
    ControlCharacter {
        /// The first one.
        octet: u8,
    },
    /// No empty line with signatures behind it.
    #[error("the note has no signatures")]
    NoSignatures,
    /// The last signature line is not ended.
    #[error("the note does not end with a newline")]
    NoNewlineAtEnd,
    /// Not an em dash, a name and a signature.
    #[error("a line after the text is no signature line")]
    SignatureLine,
    /// The signer's name is none.
    #[error("a signature line has a bad key name")]
    Name(#[from] NameError),
    /// Not canonical base64.
    #[error("the signature of {name} is not canonical base64")]
    SignatureBase64 {
        /// Signer's name.
        name: String,
    },
    /// Too short for a key id and a signature.
    #[error("the signature of {name} has {found} octets; a key id and a signature have at least 5")]
    SignatureTooShort {
        /// Signer's name.
        name: String,
        /// Octets given.
        found: usize,
    },
    /// More lines than we look at.
    #[error("the note has more than {limit} signatures")]
    TooManySignatures {
        /// Lines allowed.
        limit: usize,
    },
    /// One key, two lines.
    #[error("the key {key_id:08x} of {name} has signed twice")]
    SignedTwice {
        /// Signer's name.
        name: String,
        /// Signer's key id.
        key_id: u32,
    },
    /// A key that we know, and a signature that it did not make.
    #[error("the signature of {name} with key {key_id:08x} does not verify")]
    BadSignature {
        /// Signer's name.
        name: String,
        /// Signer's key id.
        key_id: u32,
    },
    /// Nobody we know has signed.
    #[error("none of the expected keys has signed the note")]
    NoKnownSigner,
}

/// Octets of a note. C2SP signed-note asks verifiers to take at least 16 signatures and reminds that post-quantum ones
/// have nearly 5 kB: 16 of those are 107 kB in base64.
pub const MAX_NOTE_OCTETS: usize = 128 * 1024;

/// Signature lines of a note. C2SP signed-note asks for at least 16; twice that leaves room for rotations of witnesses.
pub const MAX_SIGNATURES: usize = 32;

/// What a signature line starts with: em dash, space (C2SP signed-note, section Format).
const LINE_START: &str = "\u{2014} ";

#[cfg(test)]
mod tests;

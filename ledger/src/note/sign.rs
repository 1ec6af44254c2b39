//! Makes signed notes. Knows the format; the private key is behind a trait.

use std::error::Error;

use base64::{Engine, engine::general_purpose::STANDARD};
use thiserror::Error;

use super::{LINE_START, MAX_NOTE_OCTETS};
use crate::origin::{NameError, check_name};

/// Signs with an Ed25519 key that this crate never sees.
pub trait NoteSigner {
    /// The key's name, as in its [`super::VerifierKey`].
    fn name(&self) -> &str;

    /// The key's id, as in its [`super::VerifierKey`].
    fn key_id(&self) -> u32;

    /// An Ed25519 signature (RFC 8032) over exactly these octets.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningError>;
}

/// What a signer fails with; only its text is of interest here.
pub type SigningError = Box<dyn Error + Send + Sync>;

/// The note with this text and one signature.
///
/// # Errors
/// When the text cannot be in a note, or the signer fails.
pub fn sign_note(text: &str, signer: &dyn NoteSigner) -> Result<Vec<u8>, SignError> {
    check_name(signer.name())?;
    if !text.ends_with('\n') {
        return Err(SignError::NoNewlineAtEnd);
    }
    if let Some(octet) = text.bytes().find(|&octet| octet < b' ' && octet != b'\n') {
        return Err(SignError::ControlCharacter { octet });
    }
    let signature = signer.sign(text.as_bytes()).map_err(SignError::Signer)?;
    let octets = [signer.key_id().to_be_bytes().as_slice(), &signature].concat();
    let note = format!("{text}\n{LINE_START}{} {}\n", signer.name(), STANDARD.encode(octets));
    if note.len() > MAX_NOTE_OCTETS {
        return Err(SignError::TooLong { found: note.len(), limit: MAX_NOTE_OCTETS });
    }
    Ok(note.into_bytes())
}

/// Why a note could not be signed. The fault is ours.
#[derive(Debug, Error)]
pub enum SignError {
    /// The signer's name is none.
    #[error("the signer has a bad name")]
    Name(#[from] NameError),
    /// The text is not a sequence of lines.
    #[error("the text does not end with a newline")]
    NoNewlineAtEnd,
    /// A control character other than newline.
    #[error("the text contains the control character {octet:#04x}")]
    ControlCharacter {
        /// The first one.
        octet: u8,
    },
    /// Nobody would read it.
    #[error("the note would have {found} octets, more than {limit}")]
    TooLong {
        /// Octets of the note.
        found: usize,
        /// Octets allowed.
        limit: usize,
    },
    /// The key could not be used.
    #[error("the signer failed")]
    Signer(#[source] SigningError),
}

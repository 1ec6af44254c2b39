//! The public half of a key that signs notes. Knows the vkey text and Ed25519; knows no note.

use std::{fmt, str::FromStr, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::origin::{NameError, check_name};

/// A key that is trusted to sign notes under a name (C2SP signed-note, section Verifier keys).
///
/// Text is `<name>+<key id, 8 hex digits>+<base64 of type and key>`. Only type 0x01, Ed25519, is taken; 0x04 and 0x06
/// (cosignatures of witnesses) sign another message than the note's text and so are another type of key.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: Arc<str>,
    key_id: u32,
    key: VerifyingKey,
}

impl VerifierKey {
    /// The key with this name and these 32 octets of public key (RFC 8032 section 5.1.5).
    ///
    /// # Errors
    /// When the name is none, or the octets are no point or one of small order, for which anybody can make signatures.
    pub fn ed25519(name: &str, public_key: &[u8; 32]) -> Result<Self, VerifierKeyError> {
        check_name(name)?;
        let key = VerifyingKey::from_bytes(public_key).map_err(|_| VerifierKeyError::NotAPoint)?;
        if key.is_weak() {
            return Err(VerifierKeyError::WeakKey);
        }
        Ok(Self { name: name.into(), key_id: ed25519_key_id(name, public_key), key })
    }

    /// Reads a vkey.
    ///
    /// # Errors
    /// When it has another form, another signature type, or a key id that does not belong to name and key.
    pub fn parse(text: &str) -> Result<Self, VerifierKeyError> {
        // Base64 has plus signs too, so split from the left; a name has none.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(key_id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VerifierKeyError::Form);
        };
        let is_hex = |octet: u8| octet.is_ascii_digit() || (b'a'..=b'f').contains(&octet);
        if key_id.len() != 8 || !key_id.bytes().all(is_hex) {
            return Err(VerifierKeyError::KeyIdForm);
        }
        let stated = u32::from_str_radix(key_id, 16).map_err(|_| VerifierKeyError::KeyIdForm)?;
        if key.len() > MAX_KEY_CHARACTERS {
            return Err(VerifierKeyError::KeyForm);
        }
        let octets = STANDARD.decode(key).map_err(|_| VerifierKeyError::KeyForm)?;
        let (kind, public_key) = octets.split_first().ok_or(VerifierKeyError::KeyForm)?;
        if *kind != ED25519 {
            return Err(VerifierKeyError::SignatureType { found: *kind });
        }
        let public_key = public_key.try_into().map_err(|_| VerifierKeyError::KeyForm)?;
        let key = Self::ed25519(name, public_key)?;
        if key.key_id != stated {
            return Err(VerifierKeyError::KeyId { stated, computed: key.key_id });
        }
        Ok(key)
    }

    /// The name under which it signs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four octets of a hash over name, type and key: tells apart the keys of one name.
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    /// The 32 octets of the public key.
    pub fn public_key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether this key has signed exactly this message.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        // Strict: no second encoding of a signature verifies, and no key of small order.
        Signature::from_slice(signature).is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

/// The id of an Ed25519 key under a name: `SHA-256(name || 0x0A || 0x01 || key)`, first four octets, big-endian (C2SP
/// signed-note).
pub fn ed25519_key_id(name: &str, public_key: &[u8; 32]) -> u32 {
    let hash = Sha256::new().chain_update(name).chain_update([b'\n', ED25519]).chain_update(public_key).finalize();
    hash.iter().take(4).fold(0, |id, octet| id << 8 | u32::from(*octet))
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = [&[ED25519], self.public_key().as_slice()].concat();
        write!(f, "{}+{:08x}+{}", self.name, self.key_id, STANDARD.encode(octets))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<Self, VerifierKeyError> {
        Self::parse(text)
    }
}

/// Why a text or key is no verifier key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VerifierKeyError {
    /// Not three parts.
    #[error("a verifier key is a name, a key id and a key, joined by plus signs")]
    Form,
    /// The name is none.
    #[error("the verifier key has a bad name")]
    Name(#[from] NameError),
    /// The id is not written as 8 hex digits.
    #[error("the key id is not 8 lower-case hex digits")]
    KeyIdForm,
    /// The key is not canonical base64 of a type and a key.
    #[error("the key is not canonical base64 of a signature type and a key of that type")]
    KeyForm,
    /// A type that does not sign plain notes.
    #[error("keys of signature type {found:#04x} are not supported; Ed25519 has 0x01")]
    SignatureType {
        /// The type octet.
        found: u8,
    },
    /// The id is that of another key.
    #[error("the key id is {stated:08x}, but name and key give {computed:08x}")]
    KeyId {
        /// Id in the text.
        stated: u32,
        /// Id of this name and key.
        computed: u32,
    },
    /// No curve point has this encoding.
    #[error("the public key is no point of the curve")]
    NotAPoint,
    /// Everybody can sign for it.
    #[error("the public key has small order")]
    WeakKey,
}

/// Signature type of Ed25519 (C2SP signed-note, section Signature types).
const ED25519: u8 = 0x01;

/// Base64 of type and key: 33 octets for Ed25519. The largest type assigned, ML-DSA-44, has 1,313 octets; they are
/// decoded so that the error can say which type was found.
const MAX_KEY_CHARACTERS: usize = 1_756;

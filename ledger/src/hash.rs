//! The hashes of the Merkle tree. Knows SHA-256 and the two prefixes of RFC 6962; knows nothing of entries, sizes or
//! trees.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// A node of the Merkle tree: 32 octets of SHA-256 (RFC 6962 section 2.1).
///
/// Text is lower-case hex ([`fmt::Display`], [`FromStr`]); the C2SP formats write base64 instead ([`Hash::to_base64`]).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, std::hash::Hash)]
pub struct Hash([u8; HASH_OCTETS]);

impl Hash {
    /// The hash with these octets. Any 32 octets are a hash; only a comparison says whether it is the right one.
    pub const fn from_bytes(octets: [u8; HASH_OCTETS]) -> Self {
        Self(octets)
    }

    /// The 32 octets.
    pub const fn as_bytes(&self) -> &[u8; HASH_OCTETS] {
        &self.0
    }

    /// Standard base64 with padding (RFC 4648 section 4), as checkpoints and proofs write it: 44 characters.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Reads what [`Hash::to_base64`] writes, and only that: another alphabet, missing padding or bits set behind the
    /// last octet are errors.
    pub fn from_base64(text: &str) -> Result<Self, HashError> {
        // The length is checked first so that no decoder sees a long text.
        if text.len() != BASE64_CHARACTERS {
            return Err(HashError::Length { found: text.len(), needed: BASE64_CHARACTERS });
        }
        let octets = STANDARD.decode(text).map_err(|_| HashError::Base64)?;
        Ok(Self(octets.try_into().map_err(|_| HashError::Base64)?))
    }
}

/// The hash of an entry: `SHA-256(0x00 || entry)`.
///
/// The prefix keeps leaves and inner nodes apart, so that nobody can pass off an inner node as an entry (RFC 6962
/// section 2.1).
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([LEAF_PREFIX]).chain_update(entry).finalize().into())
}

/// The hash of an inner node: `SHA-256(0x01 || left || right)` (RFC 6962 section 2.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash(Sha256::new().chain_update([NODE_PREFIX]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// The root of the tree without entries: the SHA-256 of nothing (RFC 6962 section 2.1).
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        if text.len() != HEX_CHARACTERS {
            return Err(HashError::Length { found: text.len(), needed: HEX_CHARACTERS });
        }
        if text.bytes().any(|octet| octet.is_ascii_uppercase()) {
            return Err(HashError::Hex);
        }
        let mut octets = [0; HASH_OCTETS];
        hex::decode_to_slice(text, &mut octets).map_err(|_| HashError::Hex)?;
        Ok(Self(octets))
    }
}

/// Why a text is not a hash.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HashError {
    /// The text is too long or too short.
    #[error("a hash is written with {needed} characters, not {found}")]
    Length {
        /// Octets of the text.
        found: usize,
        /// Octets that this form has.
        needed: usize,
    },
    /// Not lower-case hex.
    #[error("the hash is not lower-case hex")]
    Hex,
    /// Not canonical, padded, standard base64.
    #[error("the hash is not canonical base64")]
    Base64,
}

/// Octets of a hash: SHA-256 (FIPS 180-4), the only algorithm of RFC 6962.
pub const HASH_OCTETS: usize = 32;

/// The largest tree: numbers in entries are integers below 2^53 (RFC 7493 section 2.2), and an index is such a number.
pub const MAX_TREE_SIZE: u64 = (1 << 53) - 1;

/// Levels that a tree of [`MAX_TREE_SIZE`] leaves has above its leaves, and so the longest inclusion path.
pub const MAX_LEVELS: u32 = 53;

const LEAF_PREFIX: u8 = 0x00;
const NODE_PREFIX: u8 = 0x01;
const HEX_CHARACTERS: usize = 64;
const BASE64_CHARACTERS: usize = 44;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(hash: Hash, hex: &str) {
        assert_eq!(hash.to_string(), hex);
        assert_eq!(hex.parse(), Ok(hash));
        assert_eq!(Hash::from_base64(&hash.to_base64()), Ok(hash));
    }

    // Computed with coreutils: printf '\0abc' | sha256sum, and so on.
    #[test]
    fn hashes_are_those_of_rfc_6962() {
        check(empty_root(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        check(leaf_hash(b""), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        check(leaf_hash(b"abc"), "609f6e36d2405585188d5cfd761f407c7cc46a7d3f314c88270469dde315fcd1");
    }

    #[test]
    fn a_node_is_no_leaf() {
        let (left, right) = (leaf_hash(b"l"), leaf_hash(b"r"));
        let both = [left.as_bytes().as_slice(), right.as_bytes()].concat();
        assert_ne!(node_hash(&left, &right), leaf_hash(&both));
        assert_ne!(node_hash(&left, &right), node_hash(&right, &left));
    }

    #[track_caller]
    fn check_refused(text: &str) {
        assert!(text.parse::<Hash>().is_err(), "{text} parsed as hex");
        assert!(Hash::from_base64(text).is_err(), "{text} parsed as base64");
    }

    #[test]
    fn only_the_canonical_text_is_a_hash() {
        let good = leaf_hash(b"x");
        check_refused("");
        check_refused(&good.to_string().to_uppercase());
        check_refused(&good.to_string().replacen(char::is_alphanumeric, "g", 1));
        check_refused(&format!("{good}0"));
        check_refused(good.to_base64().trim_end_matches('='));
        check_refused(&format!(" {}", good.to_base64()));
        check_refused(&format!("{}\n", good.to_base64()));
        // 32 octets leave two unused bits in the last character: 'B' and 'A' decode to the same octets.
        check_refused("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=");
        // The URL alphabet is another one.
        check_refused("-_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    }
}

//! A key set (RFC 7517) read into keys that are fit to verify with. Pure: octets in, keys out.
//!
//! A set that can be read in two ways is refused as a whole. A key that is merely unfit is kept by its id with the
//! reason, so that a token which names it is refused for that reason and not as unknown.

mod flaw;
mod key;

use std::collections::BTreeMap;

use super::token::is_key_id;
use crate::attestation::shown::Shown;
use crate::attestation::strict_json::{Json, parse_object};

pub use flaw::{JwksFlaw, KeyFlaw};
pub use key::{MAX_RSA_BITS, MIN_RSA_BITS, VerifyKey};

/// The keys of a cluster by their ids.
#[derive(Debug)]
pub struct Jwks {
    keys: BTreeMap<String, Result<VerifyKey, KeyFlaw>>,
}

impl Jwks {
    /// Reads a key set.
    ///
    /// # Errors
    /// [`JwksFlaw`] where the set as a whole is not to be trusted.
    pub fn parse(octets: &[u8]) -> Result<Self, JwksFlaw> {
        if octets.len() > MAX_JWKS_OCTETS {
            return Err(JwksFlaw::TooLong { octets: octets.len(), limit: MAX_JWKS_OCTETS });
        }
        let set = parse_object(octets)?;
        let Some(Json::List(list)) = set.get("keys") else { return Err(JwksFlaw::NoKeys) };
        if list.len() > MAX_KEYS {
            return Err(JwksFlaw::TooMany { found: list.len(), limit: MAX_KEYS });
        }
        let mut keys = BTreeMap::new();
        for jwk in list {
            let jwk = jwk.object().ok_or(JwksFlaw::NoKeys)?;
            if PRIVATE_MEMBERS.iter().any(|member| jwk.contains_key(*member)) {
                return Err(JwksFlaw::Private);
            }
            // A key without an id that a token can name is never looked for.
            let Some(kid) = jwk.get("kid").and_then(Json::text).filter(|kid| is_key_id(kid)) else { continue };
            if keys.insert(kid.to_owned(), VerifyKey::of(jwk)).is_some() {
                return Err(JwksFlaw::Twice { kid: Shown::of(kid) });
            }
        }
        Ok(Self { keys })
    }

    /// The key of exactly this id.
    #[must_use]
    pub fn key(&self, kid: &str) -> Option<Result<&VerifyKey, &KeyFlaw>> {
        self.keys.get(kid).map(Result::as_ref)
    }

    /// The ids of all keys that have one, fit or not.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }
}

/// Octets of a key set (T-25). Sixty-four RSA-4096 keys have 50 kB.
pub const MAX_JWKS_OCTETS: usize = 256 * 1024;
/// Keys of a set (T-25). A cluster has one, two while it rotates; shared issuers have some more.
pub const MAX_KEYS: usize = 64;
/// RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1.
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

#[cfg(test)]
mod tests;

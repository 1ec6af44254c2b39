//! May this CRL be signed, and with which number? The number is the index of its entry. Knows the list of serials;
//! the encoding comes from `issuance`.

use std::sync::Arc;

use identity::{KeyIdentifier, Sha256Hash, Timestamp};
use ledger::entry::{AuthorityState, Body, CrlAuthorised};

use crate::draft::Draft;
use crate::refusal::Refusal;

/// A CRL to be signed.
#[derive(Clone)]
pub struct AuthoriseCrl {
    /// Whose certificates it speaks of.
    pub issuer: KeyIdentifier,
    /// Which of them: a shard, or all.
    pub shard: Option<u32>,
    /// Its thisUpdate.
    pub this_update: Timestamp,
    /// Its nextUpdate.
    pub next_update: Timestamp,
    /// Encodes the octets to be signed once the number is known. Pure.
    pub encode: Encode,
}

/// From the state that precedes the CRL and its number to the octets that will be signed and the count of serials.
pub type Encode = Arc<dyn Fn(&Draft<'_>, u64) -> Result<(Vec<u8>, u64), String> + Send + Sync>;

impl std::fmt::Debug for AuthoriseCrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthoriseCrl").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Decides.
///
/// # Errors
/// The authority does not exist or is no longer trusted, or the CRL cannot be encoded.
pub fn decide(draft: &Draft<'_>, command: &AuthoriseCrl) -> Result<Vec<Body>, Refusal> {
    let row = draft.authority(&command.issuer).ok_or(Refusal::Missing { what: "the authority" })?;
    match row.state {
        AuthorityState::Active | AuthorityState::Retiring | AuthorityState::Published => {}
        AuthorityState::Prepared | AuthorityState::Retired | AuthorityState::Compromised => {
            return Err(Refusal::IssuerChanged);
        }
    }
    let number = draft.size();
    let (tbs, revoked) =
        (command.encode)(draft, number).map_err(|_| Refusal::Missing { what: "an encoding of the CRL" })?;
    Ok(vec![Body::from(CrlAuthorised {
        issuer: command.issuer,
        shard: command.shard,
        this_update: command.this_update,
        next_update: command.next_update,
        up_to: number,
        revoked,
        tbs: Sha256Hash::of(&tbs),
    })])
}

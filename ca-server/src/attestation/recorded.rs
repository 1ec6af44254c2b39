//! What was attested, as the ledger states it. Knows both forms of claims; decides nothing.

use std::collections::BTreeMap;

use identity::KeyHash;
use ledger::entry::{ClaimValue as EntryValue, Claims as EntryClaims, EvidenceUsed};
use policies::claims::{ClaimError, ClaimValue, Claims};

use super::Attested;
use super::nonce::CheckedNonce;

impl Attested {
    /// The evidence as it stands in a certificate's entry: with the nonce that the request carried, and the host's
    /// earlier key where it proved to hold it. The evidence itself is not in it.
    #[must_use]
    pub fn evidence_used(&self, nonce: CheckedNonce, bound_key: Option<KeyHash>) -> EvidenceUsed {
        EvidenceUsed {
            attestor: self.attestor.clone(),
            proof: self.proof,
            proof_until: self.proof_until,
            nonce: nonce.proof(),
            nonce_until: nonce.expires(),
            bound_key,
            claims: claims_to_entry(&self.claims),
        }
    }
}

/// Claims as an entry states them.
#[must_use]
pub fn claims_to_entry(claims: &Claims) -> EntryClaims {
    let values = claims.iter().map(|(name, value)| {
        let value = match value {
            ClaimValue::Text(text) => EntryValue::Text(text.clone()),
            ClaimValue::Number(number) => EntryValue::Number(*number),
            ClaimValue::Bool(flag) => EntryValue::Flag(*flag),
            ClaimValue::List(items) => EntryValue::List(items.clone()),
        };
        (name.to_owned(), value)
    });
    EntryClaims(values.collect::<BTreeMap<_, _>>())
}

/// Claims as an entry states them, for profiles and policies: those of a join token, or of a host's last enrolment.
///
/// # Errors
/// [`ClaimError`] where they were written under other limits.
pub fn claims_of_entry(claims: &EntryClaims) -> Result<Claims, ClaimError> {
    Claims::from_pairs(claims.0.iter().map(|(name, value)| {
        let value = match value {
            EntryValue::Text(text) => ClaimValue::Text(text.clone()),
            EntryValue::Number(number) => ClaimValue::Number(*number),
            EntryValue::Flag(flag) => ClaimValue::Bool(*flag),
            EntryValue::List(items) => ClaimValue::List(items.clone()),
        };
        (name, value)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_come_back_from_an_entry() {
        let claims = Claims::from_pairs([
            ("text", ClaimValue::from("web-1")),
            ("number", ClaimValue::from(7_i64)),
            ("flag", ClaimValue::from(true)),
            ("list", ClaimValue::from(vec!["a".to_owned(), "b".to_owned()])),
        ])
        .unwrap();
        assert_eq!(claims_of_entry(&claims_to_entry(&claims)).unwrap(), claims);
    }
}

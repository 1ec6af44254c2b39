//! Revoke what a predicate hits. Knows no CRL and no feed; both follow the entry.

use ledger::entry::{Body, CertificatesRevoked, Predicate, RevocationReason};
use ledger::feed::MAX_EVENT_OCTETS;

use super::{MAX_REASON_OCTETS, within};
use crate::apply::hash_of_serials;
use crate::draft::Draft;
use crate::refusal::Refusal;

/// Revoke certificates.
#[derive(Clone, Debug)]
pub struct Revoke {
    /// Which.
    pub predicate: Predicate,
    /// Why.
    pub reason: RevocationReason,
    /// Why, in words.
    pub comment: String,
}

/// Decides. Nothing to revoke is no error: the entry then says so, and a key stays refused; it is idempotent.
///
/// # Errors
/// A comment that is too long; a serial that does not exist; more certificates than one event of the feed can carry.
pub fn decide(draft: &Draft<'_>, command: &Revoke) -> Result<Vec<Body>, Refusal> {
    within("the comment", &command.comment, MAX_REASON_OCTETS)?;
    if let Predicate::Serial(serial) = &command.predicate {
        draft.certificate(serial).ok_or(Refusal::CertificateUnknown)?;
    }
    let hits = draft.hits(&command.predicate);
    if hits.len() > MAX_HITS {
        return Err(Refusal::TooManyHits { hits: hits.len(), limit: MAX_HITS });
    }
    Ok(vec![Body::from(CertificatesRevoked {
        predicate: command.predicate.clone(),
        evaluated_at: draft.size(),
        count: u64::try_from(hits.len()).unwrap_or(u64::MAX),
        serials: hash_of_serials(&hits),
        reason: command.reason,
        comment: command.comment.clone(),
    })])
}

/// Certificates that one entry revokes at most: each serial takes 35 octets of the feed's event, of which a quarter is
/// left for the entry itself.
const MAX_HITS: usize = MAX_EVENT_OCTETS / 4 * 3 / 35;

//! Revoke what a predicate hits. Knows no CRL and no feed; both follow the entry.

use ledger::entry::{Body, CertificatesRevoked, Predicate, RevocationReason};

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
/// A comment that is too long; a serial that does not exist.
pub fn decide(draft: &Draft<'_>, command: &Revoke) -> Result<Vec<Body>, Refusal> {
    within("the comment", &command.comment, MAX_REASON_OCTETS)?;
    if let Predicate::Serial(serial) = &command.predicate {
        draft.certificate(serial).ok_or(Refusal::CertificateUnknown)?;
    }
    let hits = draft.hits(&command.predicate);
    Ok(vec![Body::from(CertificatesRevoked {
        predicate: command.predicate.clone(),
        evaluated_at: draft.size(),
        count: u64::try_from(hits.len()).unwrap_or(u64::MAX),
        serials: hash_of_serials(&hits),
        reason: command.reason,
        comment: command.comment.clone(),
    })])
}

//! The last steps of every certificate: prepare, record, sign, answer. Knows what was granted; decides nothing.

use identity::{HostId, RequestId};
use ledger::entry::{Actor, Body, Subject};
use protocol::Binary;
use protocol::enroll::{Issued, ReceiptMessage};

use super::error::ApiError;
use crate::committer::{CommitError, Recorded};
use crate::csr::OpenedCsr;
use crate::decide::Command;
use crate::decision::Grant;
use crate::issuance::Signed;
use crate::issuing::Issuing;
use crate::service::Service;

/// What came of an attempt.
pub(super) enum Outcome {
    /// Recorded and signed.
    Signed(Recorded, Signed),
    /// What it was decided on holds no more; decide anew.
    Stale(ApiError),
}

/// Prepares, records and signs what was granted.
///
/// # Errors
/// A refusal that stands, or our failure.
pub(super) async fn issue(
    service: &Service,
    actor: Actor,
    request: RequestId,
    grant: Grant,
    csr: OpenedCsr,
) -> Result<Outcome, ApiError> {
    let now = service.now();
    let issuer = service.read(now, |draft| service.issuing.active(draft))?;
    let prepared = Issuing::prepare(&issuer, grant, csr, now)?;
    match service.submit(actor, request, Command::Authorise(Box::new(prepared.command()))).await {
        Ok(recorded) => {
            let signed = service.issuing.sign(&recorded)?;
            if let (true, Body::CertificateAuthorised(body)) = (recorded.is_new(), recorded.body()) {
                service.live().meters().issued(&body.subject);
            }
            Ok(Outcome::Signed(recorded, signed))
        }
        Err(CommitError::Refused(refusal)) if refusal.is_stale() => Ok(Outcome::Stale(refusal.into())),
        Err(error) => Err(error.into()),
    }
}

/// The answer to a host.
pub(super) fn answer(service: &Service, recorded: &Recorded, signed: &Signed) -> Result<Issued, ApiError> {
    let host = host_of(recorded).ok_or_else(super::asking::unauthenticated)?;
    let roots = service.read(service.now(), |draft| {
        draft.roots().into_iter().map(|(_, row)| Binary(row.certificate.clone())).collect()
    });
    let chain = chain(signed);
    Ok(Issued { chain, roots, receipt: receipt(recorded), host })
}

/// Leaf and issuer, as they travel.
pub(super) fn chain(signed: &Signed) -> Vec<Binary> {
    signed.chain().into_iter().map(|der| Binary(der.to_vec())).collect()
}

/// The proof of an entry, as it travels.
pub(super) fn receipt(recorded: &Recorded) -> ReceiptMessage {
    ReceiptMessage { entry: Binary(recorded.entry().to_vec()), proof: recorded.receipt().proof }
}

fn host_of(recorded: &Recorded) -> Option<HostId> {
    let Body::CertificateAuthorised(body) = recorded.body() else { return None };
    match &body.subject {
        Subject::Host { host } | Subject::Agent { host, .. } => Some(*host),
        Subject::Server | Subject::Person { .. } => None,
    }
}

/// Attempts at one request before its asker is told to try again: rules change rarely, twice in a row hardly ever.
pub(super) const ATTEMPTS: usize = 3;

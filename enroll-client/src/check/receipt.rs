//! The receipt of a certificate: that the ledger authorised exactly this one. Knows entries; knows no chain.

use identity::svid::Svid;
use identity::{Serial, Timestamp};
use ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use ledger::entry::{Body, CertificateAuthorised, EntryBytes, Subject};
use ledger::receipt::{ProofText, Receipt};
use protocol::enroll::Issued;

use super::{CheckError, Disagreement, Expected, Whose};
use crate::pins::Pins;

/// What the ledger says of a certificate.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) index: u64,
    pub(super) authorised_at: Timestamp,
    pub(super) supersedes: Option<Serial>,
    pub(super) cutoff: Option<Timestamp>,
    pub(super) checkpoint: Checkpoint,
    pub(super) signed_checkpoint: SignedCheckpoint,
}

/// Checks the receipt, and that its entry is about this certificate and nothing else (design, section 1, "receipts").
pub(super) fn check(
    issued: &Issued,
    svid: &Svid,
    to_be_signed: &[u8],
    expected: &Expected,
    pins: &Pins,
) -> Result<Recorded, CheckError> {
    let entry = EntryBytes::new(issued.receipt.entry.0.clone()).map_err(CheckError::Entry)?;
    let receipt = Receipt { entry, proof: issued.receipt.proof.clone() };
    let checked = receipt.check(pins.origin(), pins.ledger_key()).map_err(CheckError::Receipt)?;
    let proof = ProofText::parse(&receipt.proof).map_err(|error| CheckError::Receipt(error.into()))?;
    let Body::CertificateAuthorised(authorised) = &checked.entry().body else {
        return Err(CheckError::OtherKind { kind: checked.entry().body.kind() });
    };
    if let Some(what) = disagreement(authorised, issued, svid, to_be_signed, expected) {
        return Err(CheckError::OtherEntry { what });
    }
    match expected.renews {
        Some(asked) if authorised.supersedes != Some(asked) => {
            return Err(CheckError::OtherRenewal { asked, found: authorised.supersedes });
        }
        Some(_) | None => {}
    }
    Ok(Recorded {
        index: checked.index(),
        authorised_at: checked.entry().time,
        supersedes: authorised.supersedes,
        cutoff: authorised.cutoff,
        checkpoint: checked.checkpoint().clone(),
        signed_checkpoint: proof.checkpoint,
    })
}

fn disagreement(
    authorised: &CertificateAuthorised,
    issued: &Issued,
    svid: &Svid,
    to_be_signed: &[u8],
    expected: &Expected,
) -> Option<Disagreement> {
    // Equal octets make all else equal, if the server wrote the entry's other members from them. Who searches the ledger
    // reads those members, so they are held against the certificate, too.
    if authorised.tbs.0 != to_be_signed {
        return Some(Disagreement::ToBeSigned);
    }
    if authorised.serial != svid.serial() {
        return Some(Disagreement::Serial);
    }
    if authorised.spiffe_id != *svid.spiffe_id() {
        return Some(Disagreement::SpiffeId);
    }
    if authorised.key != svid.key() {
        return Some(Disagreement::Key);
    }
    if (authorised.not_before, authorised.not_after) != (svid.not_before(), svid.not_after()) {
        return Some(Disagreement::Validity);
    }
    let ours = match (&authorised.subject, &expected.whose) {
        (Subject::Host { host }, Whose::NewHost) => *host == issued.host,
        (Subject::Host { host }, Whose::Host { host: ours, .. }) => host == ours && *host == issued.host,
        (Subject::Agent { host, agent }, Whose::Agent { host: ours, name, .. }) => {
            host == ours && *host == issued.host && agent == name.as_str()
        }
        (Subject::Server | Subject::Person { .. } | Subject::Host { .. } | Subject::Agent { .. }, _) => false,
    };
    (!ours).then_some(Disagreement::Subject)
}

#[cfg(test)]
impl Recorded {
    pub(super) fn sample(authorised_at: Timestamp, supersedes: Option<Serial>, cutoff: Option<Timestamp>) -> Self {
        let checkpoint = "example.org/brevet\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
        let note = format!("{checkpoint}\n\u{2014} example.org/brevet AAAAAAA=\n");
        Self {
            index: 0,
            authorised_at,
            supersedes,
            cutoff,
            checkpoint: Checkpoint::parse(checkpoint).unwrap(),
            signed_checkpoint: SignedCheckpoint::parse(note.as_bytes()).unwrap(),
        }
    }
}

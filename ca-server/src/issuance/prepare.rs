//! From a grant and an opened request to octets that may be recorded. Knows what is granted and what a leaf says; touches
//! no key but the public ones.

use identity::{KeyKind, Lifetime, Serial, Timestamp};
use ledger::entry::{CertificateAuthorised, Octets};

use super::issuer::Issuer;
use super::leaf::Leaf;
use super::lint::{LintError, lint};
use super::profile::{BACKDATE_SHARE, MAX_BACKDATE, MAX_LEAF_LIFE};
use crate::csr::OpenedCsr;
use crate::decide::authorise::Authorise;
use crate::decision::Grant;

/// A certificate that is ready to be recorded: written, read back, judged. Nothing is signed yet, and nothing counts.
#[derive(Debug)]
pub struct Prepared {
    grant: Grant,
    csr: OpenedCsr,
    body: CertificateAuthorised,
}

/// Why a grant and a request do not make a certificate.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The grant is for another kind of key: the asker's fault, where nothing told it earlier.
    #[error("a {granted} key was granted, the request has a {found} key")]
    KeyKind {
        /// What was granted.
        granted: KeyKind,
        /// What the request has.
        found: KeyKind,
    },
    /// The issuer's life is over, or has not begun: ours.
    #[error("the issuer is valid from {not_before} to {not_after}, now is {now}")]
    IssuerEnded {
        /// First moment of the issuer.
        not_before: Timestamp,
        /// Last second of the issuer.
        not_after: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// What was written is not what was granted: ours, and a bug. Nothing was recorded or signed.
    #[error("what was prepared is not what was granted")]
    Lint(#[from] LintError),
}

/// Writes the to-be-signed octets of what was granted, for the request's key, and judges them.
///
/// `serial` is new ([`super::new_serial`]). Where the committer finds that the grant no longer fits what is in
/// force, or the issuer has changed, [`Prepared::again`] starts over with the same grant and request.
///
/// # Errors
/// [`PrepareError`].
pub fn prepare(
    grant: Grant,
    csr: OpenedCsr,
    issuer: &Issuer,
    now: Timestamp,
    serial: Serial,
) -> Result<Prepared, PrepareError> {
    let body = certificate(&grant, &csr, issuer, now, serial)?;
    Ok(Prepared { grant, csr, body })
}

impl Prepared {
    /// The entry's body, with the to-be-signed octets in it.
    #[must_use]
    pub const fn certificate(&self) -> &CertificateAuthorised {
        &self.body
    }

    /// The to-be-signed octets.
    #[must_use]
    pub fn to_be_signed(&self) -> &[u8] {
        &self.body.tbs.0
    }

    /// The command that asks the committer to record it.
    #[must_use]
    pub fn command(&self) -> Authorise {
        Authorise {
            certificate: self.body.clone(),
            token: self.grant.token(),
            proof_use: self.grant.proof_use(),
            reenrol_within: self.grant.reenrol_within(),
        }
    }

    /// The same grant and request, prepared anew.
    ///
    /// # Errors
    /// As [`prepare`].
    pub fn again(self, issuer: &Issuer, now: Timestamp, serial: Serial) -> Result<Self, PrepareError> {
        prepare(self.grant, self.csr, issuer, now, serial)
    }
}

fn certificate(
    grant: &Grant,
    csr: &OpenedCsr,
    issuer: &Issuer,
    now: Timestamp,
    serial: Serial,
) -> Result<CertificateAuthorised, PrepareError> {
    if let Some(granted) = grant.key_kind()
        && granted != csr.key_kind()
    {
        return Err(PrepareError::KeyKind { granted, found: csr.key_kind() });
    }
    let (not_before, not_after) = validity(now, grant.lifetime(), issuer)?;
    let shard = issuer.publication().shard_of(&serial);
    let crl_url = issuer.crl_url(shard);
    let leaf = Leaf {
        issuer,
        serial,
        not_before,
        not_after,
        key: csr.public_key(),
        spiffe_id: grant.spiffe_id(),
        dns_names: grant.dns_names(),
        crl_url: &crl_url,
    };
    let tbs = leaf.to_be_signed();
    lint(&tbs, &leaf, csr.foreign())?;
    Ok(CertificateAuthorised {
        subject: grant.subject().clone(),
        spiffe_id: grant.spiffe_id().clone(),
        serial,
        issuer: issuer.key_identifier(),
        key: csr.key(),
        not_before,
        not_after,
        profile: grant.profile().map(str::to_owned),
        policy: grant.policy(),
        rules: grant.rules().to_vec(),
        evidence: grant.evidence().cloned(),
        supersedes: grant.supersedes(),
        cutoff: grant.cutoff().map(|cutoff| cutoff.at),
        revoke_at_cutoff: grant.cutoff().is_some_and(|cutoff| cutoff.revoke),
        shard: u32::from(shard.number()),
        tbs: Octets(tbs),
    })
}

/// First moment and last second: back-dated a little, never longer than any leaf may live, never outside the issuer's
/// own life (RFC 5280, section 6.1, would refuse neither; a leaf must still not outlive who vouches for it).
pub(super) fn validity(
    now: Timestamp,
    lifetime: Lifetime,
    issuer: &Issuer,
) -> Result<(Timestamp, Timestamp), PrepareError> {
    let (first, last) = (issuer.authority().not_before(), issuer.not_after());
    let start = now.floor_second();
    if start < first || start >= last {
        return Err(PrepareError::IssuerEnded { not_before: first, not_after: last, now });
    }
    let lifetime = lifetime.as_duration().min(MAX_LEAF_LIFE);
    let backdate = (lifetime / BACKDATE_SHARE).min(MAX_BACKDATE);
    let not_before = start.minus(backdate).floor_second().max(first);
    Ok((not_before, start.plus(lifetime).min(last)))
}

//! May this prepared certificate be signed? Checks all that State knows about key, proof, host and predecessor; policy
//! and evidence were checked before, and their results are compared with what is in force now. Knows no X.509.

use std::time::Duration;

use identity::{HostId, Lifetime, PersonId, Serial, TokenId};
use ledger::entry::{Body, CertificateAuthorised, EvidenceUsed, Subject};

use super::proof::{self, ProofUse};
use super::{Decided, LOST_ANSWER_WITHIN};
use crate::draft::Draft;
use crate::refusal::Refusal;
use crate::state::rows::{HostRow, Party, Standing, seconds};

/// A prepared certificate and what it was granted on.
#[derive(Clone, Debug)]
pub struct Authorise {
    /// What would be written.
    pub certificate: CertificateAuthorised,
    /// The join token that was the evidence, if it was one.
    pub token: Option<TokenId>,
    /// How often the evidence may be shown.
    pub proof_use: ProofUse,
    /// How long after its last certificate a host may come back (from its profile); `None`: not at all.
    pub reenrol_within: Option<Lifetime>,
}

/// Decides.
#[must_use]
pub fn decide(draft: &Draft<'_>, command: &Authorise) -> Decided {
    let certificate = &command.certificate;
    match answered_before(draft, certificate, command.proof_use) {
        Some(Ok(index)) => return Decided::Already(index),
        Some(Err(refusal)) => return Decided::Refused(refusal),
        None => {}
    }
    let checked = timely(draft, certificate)
        .and_then(|()| in_force(draft, certificate))
        .and_then(|()| key_is_free(draft, certificate))
        .and_then(|()| match &certificate.subject {
            Subject::Server => Ok(()),
            Subject::Person { person } => person_holds(draft, *person, certificate),
            Subject::Host { host } => match &certificate.evidence {
                Some(evidence) => may_enrol(draft, *host, evidence, command),
                None => may_renew(draft, *host, certificate),
            },
            Subject::Agent { host, agent } => may_have_agent(draft, *host, agent, certificate),
        });
    match checked {
        Ok(()) => Decided::New(vec![Body::from(certificate.clone())]),
        Err(refusal) => Decided::Refused(refusal),
    }
}

/// The entry that granted this very request before, if its answer may be given again: same proof and same key, or same
/// predecessor and same key. A proof that is shown once, or a nonce, that was spent in any other way refuses.
fn answered_before(
    draft: &Draft<'_>,
    certificate: &CertificateAuthorised,
    proof_use: ProofUse,
) -> Option<Result<u64, Refusal>> {
    if let Some(evidence) = &certificate.evidence {
        let used = draft.proof(&evidence.proof);
        if let Some(used) = used {
            let again = used.key == certificate.key && draft.time().since(used.at) <= LOST_ANSWER_WITHIN;
            match proof_use {
                _ if again => return Some(Ok(used.index)),
                ProofUse::Once => return Some(Err(Refusal::ProofUsed { at: used.at })),
                ProofUse::Binds { .. } => {}
            }
        }
        return draft.proof(&evidence.nonce).map(|used| Err(Refusal::NonceUsed { at: used.at }));
    }
    if let Subject::Person { .. } | Subject::Server = certificate.subject {
        return None;
    }
    let key = draft.key(&certificate.key)?;
    let recent = draft.time().since(seconds(key.at)) <= LOST_ANSWER_WITHIN;
    let same_holder = holder_number(draft, certificate) == Some(key.holder);
    if !(recent && same_holder) {
        return None;
    }
    match certificate.supersedes {
        Some(serial) => {
            let predecessor = draft.certificate(&serial)?;
            (predecessor.superseded_by == key.index).then_some(Ok(key.index))
        }
        None => Some(Ok(key.index)),
    }
}

fn timely(draft: &Draft<'_>, certificate: &CertificateAuthorised) -> Result<(), Refusal> {
    let (now, not_before) = (draft.time(), certificate.not_before);
    let starts = not_before <= now && now.since(not_before) <= DECIDED_WITHIN;
    if !starts || certificate.not_after <= now {
        return Err(Refusal::NotTimely { not_before, now });
    }
    let seconds = certificate.not_after.since(not_before).as_secs();
    let limit = Lifetime::from_seconds(MAX_LEAF_SECONDS).map_err(|_| Refusal::NotTimely { not_before, now })?;
    let lifetime = Lifetime::from_seconds(seconds).map_err(|_| Refusal::NotTimely { not_before, now })?;
    if lifetime > limit { Err(Refusal::TooLong { lifetime, limit }) } else { Ok(()) }
}

fn in_force(draft: &Draft<'_>, certificate: &CertificateAuthorised) -> Result<(), Refusal> {
    let in_force = draft.policy().map_or(0, |policy| policy.index);
    if certificate.policy != in_force {
        return Err(Refusal::PolicyChanged { found: certificate.policy, in_force });
    }
    match draft.active_issuer() {
        Some((id, row)) if id == certificate.issuer && certificate.not_after <= row.not_after => {}
        _ => return Err(Refusal::IssuerChanged),
    }
    if draft.certificate(&certificate.serial).is_some() {
        return Err(Refusal::SerialExists { serial: certificate.serial });
    }
    Ok(())
}

/// Under which number the subject already holds this identity.
fn holder_number(draft: &Draft<'_>, certificate: &CertificateAuthorised) -> Option<u32> {
    draft.holder_number(&certificate.spiffe_id, Party::of(&certificate.subject))
}

/// T-39: no key of an authority, no revoked key, no key of another identity, and never the same key again.
fn key_is_free(draft: &Draft<'_>, certificate: &CertificateAuthorised) -> Result<(), Refusal> {
    let key = &certificate.key;
    if draft.is_authority_key(key) {
        return Err(Refusal::KeyOfAuthority);
    }
    if let Some(&index) = draft.key_revocation(key) {
        return Err(Refusal::KeyRevoked { index });
    }
    let is_person = matches!(certificate.subject, Subject::Person { .. });
    if !is_person && draft.persons().any(|(_, row)| row.key == *key) {
        return Err(Refusal::KeyOfPerson);
    }
    match draft.key(key) {
        None => Ok(()),
        Some(row) if holder_number(draft, certificate) != Some(row.holder) => Err(Refusal::KeyOfAnother),
        // A person proves possession of one credential key again and again; its leaves are short.
        Some(_) if is_person => Ok(()),
        Some(_) => Err(Refusal::KeyReused),
    }
}

fn person_holds(draft: &Draft<'_>, person: PersonId, certificate: &CertificateAuthorised) -> Result<(), Refusal> {
    match draft.person(&person) {
        Some(row) if !row.removed && row.key == certificate.key => Ok(()),
        _ => Err(Refusal::PersonUnknown),
    }
}

fn may_enrol(draft: &Draft<'_>, host: HostId, evidence: &EvidenceUsed, command: &Authorise) -> Result<(), Refusal> {
    let now = draft.time();
    if let Some(until) = [evidence.proof_until, evidence.nonce_until].into_iter().find(|until| *until < now) {
        return Err(Refusal::ProofExpired { until, now });
    }
    if let Some(token) = command.token {
        draft.token(&token).filter(|row| !row.revoked && row.expires >= now).ok_or(Refusal::TokenNotInForce)?;
    }
    if let ProofUse::Binds { first_until } = command.proof_use {
        proof::binds(draft, host, evidence, first_until)?;
    }
    let Some((known, row)) = draft.host_named(&command.certificate.spiffe_id) else {
        // A new host must not take the id of one that exists.
        return if draft.host(&host).is_some() { Err(Refusal::HostBound) } else { Ok(()) };
    };
    if known != host {
        return Err(Refusal::HostBound);
    }
    match row.standing {
        Standing::Banned => Err(Refusal::HostNotGood { standing: row.standing }),
        Standing::Evicted => Ok(()),
        Standing::Good => may_come_back(draft, row, evidence, command.reenrol_within),
    }
}

/// A host that is known comes back only with the key it is bound to, within its time, and not once it was revoked.
fn may_come_back(
    draft: &Draft<'_>,
    row: &HostRow,
    evidence: &EvidenceUsed,
    within: Option<Lifetime>,
) -> Result<(), Refusal> {
    if evidence.bound_key != Some(row.bound_key) {
        return Err(Refusal::HostBound);
    }
    if let Ok(newest) = Serial::from_bytes(row.newest)
        && let Some(revoked) = draft.revocation(&newest)
    {
        return Err(Refusal::CertificateRevoked { index: revoked.index });
    }
    let until = within.map_or(row.not_after, |within| row.not_after.plus(within.as_duration()));
    if draft.time() > until {
        return Err(Refusal::HostAwayTooLong { not_after: row.not_after, until });
    }
    Ok(())
}

fn good_host<'a>(draft: &'a Draft<'_>, host: HostId) -> Result<&'a HostRow, Refusal> {
    let row = draft.host(&host).ok_or(Refusal::HostUnknown)?;
    match row.standing {
        Standing::Good => Ok(row),
        standing @ (Standing::Evicted | Standing::Banned) => Err(Refusal::HostNotGood { standing }),
    }
}

fn may_renew(draft: &Draft<'_>, host: HostId, certificate: &CertificateAuthorised) -> Result<(), Refusal> {
    let row = good_host(draft, host)?;
    if row.spiffe_id != certificate.spiffe_id {
        return Err(Refusal::CertificateOfAnother);
    }
    // Only a live certificate or evidence leads to a host's certificate.
    let serial = certificate.supersedes.ok_or(Refusal::CertificateUnknown)?;
    supersedable(draft, &serial, certificate)
}

fn may_have_agent(
    draft: &Draft<'_>,
    host: HostId,
    agent: &str,
    certificate: &CertificateAuthorised,
) -> Result<(), Refusal> {
    let row = good_host(draft, host)?;
    if let Ok(newest) = Serial::from_bytes(row.newest)
        && let Some(revoked) = draft.revocation(&newest)
    {
        return Err(Refusal::CertificateRevoked { index: revoked.index });
    }
    // A template may say what it likes; nobody but the host itself is given a host's id.
    if draft.host_named(&certificate.spiffe_id).is_some() {
        return Err(Refusal::IdOfHost { agent: agent.to_owned() });
    }
    if draft.agent(&row.profile, agent).is_none() {
        return Err(Refusal::AgentUnknown { profile: row.profile.clone(), agent: agent.to_owned() });
    }
    match &certificate.supersedes {
        Some(serial) => supersedable(draft, serial, certificate),
        None => Ok(()),
    }
}

/// T-43: only a live, unrevoked, unsuperseded certificate of the same identity is renewed.
fn supersedable(draft: &Draft<'_>, serial: &Serial, certificate: &CertificateAuthorised) -> Result<(), Refusal> {
    let row = draft.certificate(serial).ok_or(Refusal::CertificateUnknown)?;
    if holder_number(draft, certificate) != Some(row.holder) {
        return Err(Refusal::CertificateOfAnother);
    }
    if let Some(revoked) = draft.revocation(serial) {
        return Err(Refusal::CertificateRevoked { index: revoked.index });
    }
    match row.superseded_by {
        0 => Ok(()),
        by => Err(Refusal::Superseded { by }),
    }
}

/// Time between the start of a certificate's validity, which is set (and back-dated by up to a minute) when the request
/// is worked on, and the decision: a queue that is slower than this has a problem that must show.
const DECIDED_WITHIN: Duration = Duration::from_secs(150);

/// Seconds that a leaf may live, back-dating included (design, section 4: at most 24 hours).
const MAX_LEAF_SECONDS: u64 = 24 * 3600 + 60;

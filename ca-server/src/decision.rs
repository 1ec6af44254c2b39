//! From what was attested and what policy permits to a grant: the only maker of [`Grant`]. Knows no X.509 and no socket.
//!
//! A grant states one identity, exactly as the policies permitted it, and what it rests on. Nothing of it comes from a
//! certification request, and none can be made without a [`Permit`], save for the server itself.

use identity::{HostId, KeyKind, Lifetime, PersonId, Serial, SpiffeId, Timestamp, TokenId};
use ledger::entry::{EvidenceUsed, Subject};
use policies::{Action, Permit, Profile};

use crate::decide::proof::ProofUse;
use crate::state::PolicyInForce;

/// Leave to issue one certificate.
#[derive(Clone, Debug)]
pub struct Grant {
    subject: Subject,
    spiffe_id: SpiffeId,
    dns_names: Vec<String>,
    key_kind: Option<KeyKind>,
    lifetime: Lifetime,
    profile: Option<String>,
    policy: u64,
    rules: Vec<String>,
    evidence: Option<EvidenceUsed>,
    token: Option<TokenId>,
    proof_use: ProofUse,
    reenrol_within: Option<Lifetime>,
    supersedes: Option<Serial>,
    cutoff: Option<CutoffAt>,
}

/// Why a permit does not lead to a grant. Ours, not the asker's: the permit was asked for something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError {
    /// It permits another action.
    #[error("the permit is for {found}, not for {wanted}")]
    OtherAction {
        /// What it permits.
        found: Action,
        /// What was to be granted.
        wanted: Action,
    },
    /// It permits no identity.
    #[error("the permit is for no identity")]
    NoIdentity,
    /// It was given under a policy that is not in force.
    #[error("the permit was given under a policy that is not in force")]
    OtherPolicy,
}

/// What a renewal does to the certificate that it renews.
#[derive(Clone, Copy, Debug)]
pub struct Supersession {
    /// The certificate that is renewed.
    pub serial: Serial,
    /// When it ends; `None`: it simply expires.
    pub cutoff: Option<CutoffAt>,
}

/// The end of a superseded certificate.
#[derive(Clone, Copy, Debug)]
pub struct CutoffAt {
    /// From then on verifiers that follow us refuse it.
    pub at: Timestamp,
    /// Whether it is revoked then, so that it stands on CRLs too.
    pub revoke: bool,
}

/// What a host showed, checked.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The evidence, as the ledger will state it.
    pub evidence: EvidenceUsed,
    /// The join token that it was, if it was one.
    pub token: Option<TokenId>,
    /// How often it may be shown.
    pub proof_use: ProofUse,
}

impl Grant {
    /// A host's certificate, for evidence.
    ///
    /// # Errors
    /// [`DecisionError`] when the permit is for something else.
    pub fn enrolment(
        host: HostId,
        shown: Shown,
        profile: &Profile,
        permit: Permit,
        policy: PolicyInForce,
    ) -> Result<Self, DecisionError> {
        let action = if shown.evidence.bound_key.is_some() { Action::Reenrol } else { Action::Enrol };
        let mut grant = Self::permitted(Subject::Host { host }, action, permit, policy)?;
        grant.evidence = Some(shown.evidence);
        grant.token = shown.token;
        grant.proof_use = shown.proof_use;
        grant.reenrol_within = Some(profile.reenrol_within());
        Ok(grant)
    }

    /// A host's next certificate, for its live one.
    ///
    /// # Errors
    /// [`DecisionError`] when the permit is for something else.
    pub fn renewal(
        host: HostId,
        superseded: Supersession,
        permit: Permit,
        policy: PolicyInForce,
    ) -> Result<Self, DecisionError> {
        let mut grant = Self::permitted(Subject::Host { host }, Action::Renew, permit, policy)?;
        grant.supersede(superseded);
        Ok(grant)
    }

    /// An agent's certificate: its first, or the next one.
    ///
    /// # Errors
    /// [`DecisionError`] when the permit is for something else.
    pub fn agent(
        host: HostId,
        agent: &str,
        superseded: Option<Supersession>,
        permit: Permit,
        policy: PolicyInForce,
    ) -> Result<Self, DecisionError> {
        let action = if superseded.is_some() { Action::RenewAgent } else { Action::IssueAgent };
        let subject = Subject::Agent { host, agent: agent.to_owned() };
        let mut grant = Self::permitted(subject, action, permit, policy)?;
        if let Some(superseded) = superseded {
            grant.supersede(superseded);
        }
        Ok(grant)
    }

    /// The server's own certificate. It needs no permit: it is the one who would ask for it.
    #[must_use]
    pub fn server(spiffe_id: SpiffeId, dns_names: Vec<String>, policy: PolicyInForce) -> Self {
        let mut grant = Self::bare(Subject::Server, spiffe_id, SERVER_LIFETIME, policy);
        grant.dns_names = dns_names;
        grant
    }

    /// A person's certificate, for the possession of the credential key that the ledger names.
    #[must_use]
    pub fn person(person: PersonId, spiffe_id: SpiffeId, policy: PolicyInForce) -> Self {
        Self::bare(Subject::Person { person }, spiffe_id, PERSON_LIFETIME, policy)
    }

    #[expect(clippy::needless_pass_by_value, reason = "a permit is spent here, once")]
    fn permitted(
        subject: Subject,
        wanted: Action,
        permit: Permit,
        policy: PolicyInForce,
    ) -> Result<Self, DecisionError> {
        if permit.action() != wanted {
            return Err(DecisionError::OtherAction { found: permit.action(), wanted });
        }
        if permit.bundle() != policy.bundle {
            return Err(DecisionError::OtherPolicy);
        }
        let identity = permit.identity().ok_or(DecisionError::NoIdentity)?;
        let mut grant = Self::bare(subject, identity.id().clone(), identity.lifetime(), policy);
        grant.dns_names = identity.dns_names().to_vec();
        grant.key_kind = Some(identity.key_kind());
        grant.profile = Some(identity.profile().as_str().to_owned());
        grant.rules = permit.rules().to_vec();
        Ok(grant)
    }

    fn bare(subject: Subject, spiffe_id: SpiffeId, lifetime: Lifetime, policy: PolicyInForce) -> Self {
        Self {
            subject,
            spiffe_id,
            dns_names: Vec::new(),
            key_kind: None,
            lifetime,
            profile: None,
            policy: policy.index,
            rules: Vec::new(),
            evidence: None,
            token: None,
            proof_use: ProofUse::Once,
            reenrol_within: None,
            supersedes: None,
            cutoff: None,
        }
    }

    fn supersede(&mut self, superseded: Supersession) {
        self.supersedes = Some(superseded.serial);
        self.cutoff = superseded.cutoff;
    }

    /// Whom the certificate is for.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The one identity that it will state.
    #[must_use]
    pub fn spiffe_id(&self) -> &SpiffeId {
        &self.spiffe_id
    }

    /// DNS names that it will state beside it.
    #[must_use]
    pub fn dns_names(&self) -> &[String] {
        &self.dns_names
    }

    /// The kind of key that it was permitted for; `None` where any kind that we issue for will do.
    #[must_use]
    pub fn key_kind(&self) -> Option<KeyKind> {
        self.key_kind
    }

    /// How long it will live.
    #[must_use]
    pub fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    /// The profile, for hosts and agents.
    #[must_use]
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// Index of the policy under which it was decided.
    #[must_use]
    pub fn policy(&self) -> u64 {
        self.policy
    }

    /// Ids of the policies that permitted it.
    #[must_use]
    pub fn rules(&self) -> &[String] {
        &self.rules
    }

    /// What the host showed.
    #[must_use]
    pub fn evidence(&self) -> Option<&EvidenceUsed> {
        self.evidence.as_ref()
    }

    /// The join token that was shown.
    #[must_use]
    pub fn token(&self) -> Option<TokenId> {
        self.token
    }

    /// How often what was shown may be shown.
    #[must_use]
    pub fn proof_use(&self) -> ProofUse {
        self.proof_use
    }

    /// How long after its last certificate the host may come back.
    #[must_use]
    pub fn reenrol_within(&self) -> Option<Lifetime> {
        self.reenrol_within
    }

    /// The certificate that it renews.
    #[must_use]
    pub fn supersedes(&self) -> Option<Serial> {
        self.supersedes
    }

    /// When that one ends.
    #[must_use]
    pub fn cutoff(&self) -> Option<CutoffAt> {
        self.cutoff
    }
}

/// Life of the server's own certificate: the cap of every leaf (design, section 4); it renews itself at half of it.
const SERVER_LIFETIME: Lifetime = Lifetime::LONGEST_LEAF;

/// Life of a person's certificate (design, section 4: at most 24 hours).
const PERSON_LIFETIME: Lifetime = Lifetime::LONGEST_LEAF;

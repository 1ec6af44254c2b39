//! A question that somebody wants answered without asking it in earnest: `policy test`, `policy explain`. Knows what belongs to
//! each action; decides nothing.

use std::collections::BTreeMap;

use identity::{KeyKind, Lifetime, PersonId};

use crate::action::{Action, Group};
use crate::claims::{ClaimError, Claims};
use crate::name::{Name, NameError};
use crate::request::{Operator, Read, Role};

pub mod file;

use file::{ClaimValueFile, HostFile, OperatorFile, QuestionFile, RoleFile, RuleFile};

/// A checked question.
#[derive(Clone, Debug)]
pub struct Question {
    pub(crate) action: Action,
    pub(crate) asked: Asked,
}

/// What is asked, with all that the action needs.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Enrol(Enrolment),
    Reenrol(Enrolment),
    Renew { host: Known, evidence: Option<Shown>, key: KeyKind },
    IssueAgent(AgentAsked),
    RenewAgent(AgentAsked),
    ReadOwnAgents(Known),
    FollowFeed(Known),
    AcknowledgeFeed(Known),
    AgentFollows { path: String },
    Operate { operator: Operator, act: OwnedAct },
}

/// A host's first certificate, or its first after all have run out.
#[derive(Clone, Debug)]
pub(crate) struct Enrolment {
    pub(crate) evidence: Shown,
    pub(crate) asked_profile: Option<String>,
    pub(crate) key: KeyKind,
}

/// An agent's certificate.
#[derive(Clone, Debug)]
pub(crate) struct AgentAsked {
    pub(crate) host: Known,
    pub(crate) path: String,
    pub(crate) key: Option<KeyKind>,
}

/// Evidence that was checked.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) attestor: Name,
    pub(crate) fixed_profile: Option<Name>,
    pub(crate) claims: Claims,
}

/// A host that enrolled.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) path: String,
    pub(crate) profile: Name,
    pub(crate) claims: Claims,
}

/// [`crate::request::Act`], owned.
#[derive(Clone, Debug)]
pub(crate) enum OwnedAct {
    Read(Read),
    CreateToken { profile: Name, lifetime: Lifetime, claims: Claims },
    RevokeToken { profile: Name },
    AddAgent { profile: Name, name: Name },
    RemoveAgent { profile: Name, name: Name },
    EvictHost(Known),
    BanHost(Known),
    UnbanHost(Known),
    Revoke { by: String, reason: String, count: u64 },
    LoadPolicy,
    ChangeAuthority { to: String },
    AdmitPerson(Role),
    RemovePerson(Role),
    Approve(Action),
    PlaceHold,
    LiftHold,
    Destroy,
}

/// A question that makes no sense: the fault of who asks it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// A field is missing.
    #[error("action `{action}` needs `{field}`")]
    Missing {
        /// The action.
        action: Action,
        /// The field.
        field: &'static str,
    },
    /// A field has no use.
    #[error("action `{action}` has no use for `{field}`")]
    Useless {
        /// The action.
        action: Action,
        /// The field.
        field: &'static str,
    },
    /// A name is none.
    #[error("{field}: {why}")]
    Name {
        /// The field.
        field: &'static str,
        /// Why not.
        why: NameError,
    },
    /// A claim is none.
    #[error(transparent)]
    Claim(#[from] ClaimError),
}

impl Question {
    /// Checks a question.
    ///
    /// # Errors
    /// [`QuestionError`] says what is missing, wrong or has no use.
    pub fn check(file: QuestionFile) -> Result<Self, QuestionError> {
        let action = file.action;
        let mut fields = Fields { action, file };
        let asked = match (action, action.group()) {
            (Action::Enrol, _) => Asked::Enrol(fields.enrolment()?),
            (Action::Reenrol, _) => Asked::Reenrol(fields.enrolment()?),
            (Action::Renew, _) => Asked::Renew {
                host: fields.host()?,
                evidence: if fields.file.attestor.is_some() { Some(fields.evidence()?) } else { None },
                key: fields.file.key.take().unwrap_or(KeyKind::P256),
            },
            (Action::IssueAgent, _) => Asked::IssueAgent(fields.agent()?),
            (Action::RenewAgent, _) => Asked::RenewAgent(fields.agent()?),
            (Action::ReadOwnAgents, _) => Asked::ReadOwnAgents(fields.host()?),
            (Action::AcknowledgeFeed, _) => Asked::AcknowledgeFeed(fields.host()?),
            (Action::FollowFeed, _) if fields.file.host.is_some() => Asked::FollowFeed(fields.host()?),
            (Action::FollowFeed, _) => {
                let path = fields.file.agent.take();
                Asked::AgentFollows { path: fields.needed(path, "host` or `agent")? }
            }
            (_, Group::Own | Group::Read | Group::Change | Group::PersonsOnly) => {
                Asked::Operate { operator: fields.operator()?, act: fields.act()? }
            }
        };
        match fields.left() {
            Some(field) => Err(QuestionError::Useless { action, field }),
            None => Ok(Self { action, asked }),
        }
    }
}

/// The fields of a question that have not found their use.
struct Fields {
    action: Action,
    file: QuestionFile,
}

impl Fields {
    fn needed<T>(&self, value: Option<T>, field: &'static str) -> Result<T, QuestionError> {
        value.ok_or(QuestionError::Missing { action: self.action, field })
    }

    fn enrolment(&mut self) -> Result<Enrolment, QuestionError> {
        Ok(Enrolment {
            evidence: self.evidence()?,
            asked_profile: self.file.asked_profile.take(),
            key: self.file.key.take().unwrap_or(KeyKind::P256),
        })
    }

    fn agent(&mut self) -> Result<AgentAsked, QuestionError> {
        let path = self.file.agent.take();
        Ok(AgentAsked { host: self.host()?, path: self.needed(path, "agent")?, key: self.file.key.take() })
    }

    fn evidence(&mut self) -> Result<Shown, QuestionError> {
        let attestor = self.file.attestor.take();
        let fixed = self.file.fixed_profile.take();
        Ok(Shown {
            attestor: name("attestor", &self.needed(attestor, "attestor")?)?,
            fixed_profile: fixed.map(|fixed| name("fixed_profile", &fixed)).transpose()?,
            claims: claims(self.file.claims.take().unwrap_or_default())?,
        })
    }

    fn host(&mut self) -> Result<Known, QuestionError> {
        let host = self.file.host.take();
        let HostFile { path, profile, claims: said } = self.needed(host, "host")?;
        Ok(Known { path, profile: name("host.profile", &profile)?, claims: claims(said)? })
    }

    fn operator(&mut self) -> Result<Operator, QuestionError> {
        let operator = self.file.operator.take();
        let role = match self.needed(operator, "as")? {
            OperatorFile::Local => return Ok(Operator::Local),
            OperatorFile::Admin => Role::Admin,
            OperatorFile::Auditor => Role::Auditor,
        };
        Ok(Operator::Person { id: self.file.person.take().unwrap_or(PersonId::from_bytes([0; 16])), role })
    }

    fn profile(&mut self) -> Result<Name, QuestionError> {
        let profile = self.file.profile.take();
        name("profile", &self.needed(profile, "profile")?)
    }

    fn rule(&mut self) -> Result<[Name; 2], QuestionError> {
        let rule = self.file.rule.take();
        let RuleFile { profile, name: agent } = self.needed(rule, "rule")?;
        Ok([name("rule.profile", &profile)?, name("rule.name", &agent)?])
    }

    fn role(&mut self) -> Result<Role, QuestionError> {
        let role = self.file.role.take();
        Ok(match self.needed(role, "role")? {
            RoleFile::Admin => Role::Admin,
            RoleFile::Auditor => Role::Auditor,
        })
    }

    fn act(&mut self) -> Result<OwnedAct, QuestionError> {
        Ok(match self.action {
            Action::ReadStatus => OwnedAct::Read(Read::Status),
            Action::ReadLedger => OwnedAct::Read(Read::Ledger),
            Action::ReadPolicy => OwnedAct::Read(Read::Policy),
            Action::ListHosts => OwnedAct::Read(Read::Hosts),
            Action::ListAgents => OwnedAct::Read(Read::Agents),
            Action::ListCertificates => OwnedAct::Read(Read::Certificates),
            Action::ListTokens => OwnedAct::Read(Read::Tokens),
            Action::ListPersons => OwnedAct::Read(Read::Persons),
            Action::CreateToken => {
                let lifetime = self.file.lifetime.take();
                OwnedAct::CreateToken {
                    profile: self.profile()?,
                    lifetime: self.needed(lifetime, "lifetime")?,
                    claims: claims(self.file.claims.take().unwrap_or_default())?,
                }
            }
            Action::RevokeToken => OwnedAct::RevokeToken { profile: self.profile()? },
            Action::AddAgent => {
                let [profile, name] = self.rule()?;
                OwnedAct::AddAgent { profile, name }
            }
            Action::RemoveAgent => {
                let [profile, name] = self.rule()?;
                OwnedAct::RemoveAgent { profile, name }
            }
            Action::EvictHost => OwnedAct::EvictHost(self.host()?),
            Action::BanHost => OwnedAct::BanHost(self.host()?),
            Action::UnbanHost => OwnedAct::UnbanHost(self.host()?),
            Action::Revoke => {
                let (by, reason, count) = (self.file.by.take(), self.file.reason.take(), self.file.count.take());
                OwnedAct::Revoke {
                    by: self.needed(by, "by")?,
                    reason: self.needed(reason, "reason")?,
                    count: self.needed(count, "count")?,
                }
            }
            Action::LoadPolicy => OwnedAct::LoadPolicy,
            Action::ChangeAuthority => {
                let to = self.file.to.take();
                OwnedAct::ChangeAuthority { to: self.needed(to, "to")? }
            }
            Action::RemovePerson => OwnedAct::RemovePerson(self.role()?),
            Action::AdmitPerson => OwnedAct::AdmitPerson(self.role()?),
            Action::Approve => {
                let approves = self.file.approves.take();
                OwnedAct::Approve(self.needed(approves, "approves")?)
            }
            Action::PlaceHold => OwnedAct::PlaceHold,
            Action::LiftHold => OwnedAct::LiftHold,
            Action::Destroy => OwnedAct::Destroy,
            Action::Enrol
            | Action::Reenrol
            | Action::Renew
            | Action::IssueAgent
            | Action::RenewAgent
            | Action::ReadOwnAgents
            | Action::FollowFeed
            | Action::AcknowledgeFeed => return Err(QuestionError::Useless { action: self.action, field: "as" }),
        })
    }

    /// The first field that is still there.
    fn left(&self) -> Option<&'static str> {
        let file = &self.file;
        [
            ("as", file.operator.is_some()),
            ("person", file.person.is_some()),
            ("host", file.host.is_some()),
            ("agent", file.agent.is_some()),
            ("attestor", file.attestor.is_some()),
            ("fixed_profile", file.fixed_profile.is_some()),
            ("asked_profile", file.asked_profile.is_some()),
            ("claims", file.claims.is_some()),
            ("key", file.key.is_some()),
            ("profile", file.profile.is_some()),
            ("lifetime", file.lifetime.is_some()),
            ("rule", file.rule.is_some()),
            ("by", file.by.is_some()),
            ("reason", file.reason.is_some()),
            ("count", file.count.is_some()),
            ("to", file.to.is_some()),
            ("role", file.role.is_some()),
            ("approves", file.approves.is_some()),
        ]
        .into_iter()
        .find_map(|(field, there)| there.then_some(field))
    }
}

fn name(field: &'static str, text: &str) -> Result<Name, QuestionError> {
    Name::parse(text).map_err(|why| QuestionError::Name { field, why })
}

fn claims(said: BTreeMap<String, ClaimValueFile>) -> Result<Claims, QuestionError> {
    Ok(Claims::from_pairs(said)?)
}

//! What persons, and root on the admin socket, ask for. Knows acts and the facts that policies may ask about.

use identity::{Lifetime, PersonId};

use super::{Context, Host, Resource};
use crate::action::Action;
use crate::agent::AgentRule;
use crate::claims::Claims;
use crate::name::Name;

/// Who asks for something that concerns the server rather than an own identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// An admin or auditor, by certificate.
    Person {
        /// Who.
        id: PersonId,
        /// As what the person was admitted.
        role: Role,
    },
    /// Root on the admin socket.
    Local,
}

/// As what a person was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Changes things.
    Admin,
    /// Reads everything, changes nothing.
    Auditor,
}

/// What an operator asks for, with the facts that a policy may ask about.
#[derive(Clone, Copy, Debug)]
pub enum Act<'a> {
    /// Something that shows and does not change; an action of the group `read`.
    Read(Read),
    /// A join token for this profile.
    CreateToken {
        /// The profile.
        profile: &'a Name,
        /// How long it may be used.
        lifetime: Lifetime,
        /// The claims that it stands for.
        claims: &'a Claims,
    },
    /// An unused join token is taken back.
    RevokeToken {
        /// The profile it was made for, which may have gone.
        profile: &'a Name,
    },
    /// This agent is listed.
    AddAgent(&'a AgentRule),
    /// This agent is listed no longer.
    RemoveAgent {
        /// The profile it was listed for, which may have gone.
        profile: &'a Name,
        /// Its name.
        agent: &'a Name,
    },
    /// This host must prove anew what it is.
    EvictHost(Host<'a>),
    /// This host is kept out.
    BanHost(Host<'a>),
    /// This host's ban ends.
    UnbanHost(Host<'a>),
    /// Certificates are revoked.
    Revoke {
        /// How they are picked: `serial`, `agent`, `host`, `key`.
        by: &'a str,
        /// Why: a reason's name of RFC 5280, as in entries.
        reason: &'a str,
        /// How many the predicate hits now.
        count: u64,
    },
    /// Profiles and policies come into force.
    LoadPolicy,
    /// An authority is made or goes on in its life.
    ChangeAuthority {
        /// To what: `prepared`, `published`, `active`, `retiring`, `retired`, `compromised`.
        to: &'a str,
    },
    /// A person is admitted as this.
    AdmitPerson(Role),
    /// A person, admitted as this, is no longer one.
    RemovePerson(Role),
    /// Somebody else's act of this kind is approved.
    Approve(Action),
    /// A legal hold is placed.
    PlaceHold,
    /// A legal hold is lifted.
    LiftHold,
    /// A key version, or a blob's erase key, is destroyed.
    Destroy,
}

/// What can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Health, sizes, views, counters.
    Status,
    /// Entries, whole.
    Ledger,
    /// Profiles and policies in force, and what they would say.
    Policy,
    /// Hosts.
    Hosts,
    /// Agents listed for profiles.
    Agents,
    /// Certificates.
    Certificates,
    /// Join tokens.
    Tokens,
    /// Persons.
    Persons,
}

impl<'a> Act<'a> {
    /// The action that it is.
    #[must_use]
    pub fn action(&self) -> Action {
        self.parts().0
    }

    pub(super) fn parts(self) -> (Action, Resource<'a>, Context<'a>) {
        use Resource::Server;
        match self {
            Self::Read(read) => (read.action(), Server, Context::None),
            Self::CreateToken { profile, lifetime, claims } => {
                (Action::CreateToken, Resource::Profile(profile), Context::Token { lifetime, claims })
            }
            Self::RevokeToken { profile } => (Action::RevokeToken, Server, Context::EndedToken { profile }),
            Self::AddAgent(rule) => (Action::AddAgent, Resource::Profile(rule.profile()), Context::Agent(rule)),
            Self::RemoveAgent { profile, agent } => {
                (Action::RemoveAgent, Server, Context::EndedAgent { profile, agent })
            }
            Self::EvictHost(host) => (Action::EvictHost, Resource::Host(host), Context::None),
            Self::BanHost(host) => (Action::BanHost, Resource::Host(host), Context::None),
            Self::UnbanHost(host) => (Action::UnbanHost, Resource::Host(host), Context::None),
            Self::Revoke { by, reason, count } => (Action::Revoke, Server, Context::Revocation { by, reason, count }),
            Self::LoadPolicy => (Action::LoadPolicy, Server, Context::None),
            Self::ChangeAuthority { to } => (Action::ChangeAuthority, Server, Context::Authority { to }),
            Self::AdmitPerson(role) => (Action::AdmitPerson, Server, Context::Person(role)),
            Self::RemovePerson(role) => (Action::RemovePerson, Server, Context::Person(role)),
            Self::Approve(action) => (Action::Approve, Server, Context::Approval(action)),
            Self::PlaceHold => (Action::PlaceHold, Server, Context::None),
            Self::LiftHold => (Action::LiftHold, Server, Context::None),
            Self::Destroy => (Action::Destroy, Server, Context::None),
        }
    }
}

impl Read {
    /// The action that it is.
    #[must_use]
    pub fn action(self) -> Action {
        match self {
            Self::Status => Action::ReadStatus,
            Self::Ledger => Action::ReadLedger,
            Self::Policy => Action::ReadPolicy,
            Self::Hosts => Action::ListHosts,
            Self::Agents => Action::ListAgents,
            Self::Certificates => Action::ListCertificates,
            Self::Tokens => Action::ListTokens,
            Self::Persons => Action::ListPersons,
        }
    }
}

impl Role {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Admin, Self::Auditor];

    /// Its name in policies: `Brevet::Role::"admin"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Auditor => "auditor",
        }
    }
}

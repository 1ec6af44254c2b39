//! What the policies are asked. Knows who, what and on which grounds, as checked types; the policy language is elsewhere.
//!
//! A request is made by one constructor for each kind, so that none can lack a fact that a policy may ask for, and none carries
//! a fact that nobody proved.

use identity::{Lifetime, PersonId, SpiffeId};

use crate::action::{Action, Asker};
use crate::agent::AgentRule;
use crate::claims::Claims;
use crate::name::Name;
use crate::wanted::Wanted;

mod operator;

pub use operator::{Act, Operator, Read, Role};

/// One request: may this one do this to that?
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub(crate) action: Action,
    pub(crate) principal: Principal<'a>,
    pub(crate) resource: Resource<'a>,
    pub(crate) context: Context<'a>,
}

/// A host as the server knows it, from its certificate and State.
///
/// Its profile may have gone since: it can then still be evicted or banned, and no policy that names a profile is about it.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// Its SPIFFE id.
    pub id: &'a SpiffeId,
    /// The profile it enrolled under.
    pub profile: &'a Name,
}

/// Evidence that was checked.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The attestor that checked it, by its name in the server's configuration.
    pub attestor: &'a Name,
    /// The profile that it fixes: that of a join token.
    pub fixed_profile: Option<&'a Name>,
    /// What it says.
    pub claims: &'a Claims,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Principal<'a> {
    Host(Host<'a>),
    Agent(&'a SpiffeId),
    Person { id: PersonId, role: Role },
    Local,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Resource<'a> {
    Identity(&'a Wanted),
    Host(Host<'a>),
    Profile(&'a Name),
    Server,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Context<'a> {
    None,
    Evidence(Evidence<'a>),
    RenewalEvidence(Option<Evidence<'a>>),
    Token { lifetime: Lifetime, claims: &'a Claims },
    Agent(&'a AgentRule),
    EndedToken { profile: &'a Name },
    EndedAgent { profile: &'a Name, agent: &'a Name },
    Revocation { by: &'a str, reason: &'a str, count: u64 },
    Authority { to: &'a str },
    Person(Role),
    Approval(Action),
}

impl<'a> Request<'a> {
    /// A host's first certificate: the identity that its evidence makes under a profile.
    #[must_use]
    pub fn enrol(evidence: Evidence<'a>, wanted: &'a Wanted) -> Self {
        Self::on_evidence(Action::Enrol, evidence, wanted)
    }

    /// A host comes back with fresh evidence and its bound key.
    #[must_use]
    pub fn reenrol(evidence: Evidence<'a>, wanted: &'a Wanted) -> Self {
        Self::on_evidence(Action::Reenrol, evidence, wanted)
    }

    /// A host renews its own certificate, with new evidence where the profile asks for it.
    #[must_use]
    pub fn renew(host: Host<'a>, wanted: &'a Wanted, evidence: Option<Evidence<'a>>) -> Self {
        Self {
            action: Action::Renew,
            principal: Principal::Host(host),
            resource: Resource::Identity(wanted),
            context: Context::RenewalEvidence(evidence),
        }
    }

    /// A host asks for the first certificate of one of its agents.
    #[must_use]
    pub fn issue_agent(host: Host<'a>, wanted: &'a Wanted) -> Self {
        let resource = Resource::Identity(wanted);
        Self { action: Action::IssueAgent, principal: Principal::Host(host), resource, context: Context::None }
    }

    /// A host renews the certificate of one of its agents.
    #[must_use]
    pub fn renew_agent(host: Host<'a>, wanted: &'a Wanted) -> Self {
        let resource = Resource::Identity(wanted);
        Self { action: Action::RenewAgent, principal: Principal::Host(host), resource, context: Context::None }
    }

    /// A host reads the list of agents it may ask for.
    #[must_use]
    pub fn read_own_agents(host: Host<'a>) -> Self {
        Self::of_server(Action::ReadOwnAgents, Principal::Host(host))
    }

    /// A host follows the feed.
    #[must_use]
    pub fn follow_feed_as_host(host: Host<'a>) -> Self {
        Self::of_server(Action::FollowFeed, Principal::Host(host))
    }

    /// An agent follows the feed.
    #[must_use]
    pub fn follow_feed_as_agent(agent: &'a SpiffeId) -> Self {
        Self::of_server(Action::FollowFeed, Principal::Agent(agent))
    }

    /// A host says what of the feed it has applied.
    #[must_use]
    pub fn acknowledge_feed(host: Host<'a>) -> Self {
        Self::of_server(Action::AcknowledgeFeed, Principal::Host(host))
    }

    /// A person, or root on the socket, asks for something.
    #[must_use]
    pub fn operate(operator: Operator, act: Act<'a>) -> Self {
        let principal = match operator {
            Operator::Person { id, role } => Principal::Person { id, role },
            Operator::Local => Principal::Local,
        };
        let (action, resource, context) = act.parts();
        Self { action, principal, resource, context }
    }

    /// The action.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// What kind of asker stands behind it.
    #[must_use]
    pub fn asker(&self) -> Asker {
        match self.principal {
            Principal::Host(_) => Asker::Host,
            Principal::Agent(_) => Asker::Agent,
            Principal::Person { .. } => Asker::Person,
            Principal::Local => Asker::Local,
        }
    }

    /// The identity that is asked for, where one is.
    pub(crate) fn identity(&self) -> Option<&'a Wanted> {
        match self.resource {
            Resource::Identity(wanted) => Some(wanted),
            Resource::Host(_) | Resource::Profile(_) | Resource::Server => None,
        }
    }

    fn on_evidence(action: Action, evidence: Evidence<'a>, wanted: &'a Wanted) -> Self {
        let host = Host { id: wanted.id(), profile: wanted.profile() };
        Self {
            action,
            principal: Principal::Host(host),
            resource: Resource::Identity(wanted),
            context: Context::Evidence(evidence),
        }
    }

    fn of_server(action: Action, principal: Principal<'a>) -> Self {
        Self { action, principal, resource: Resource::Server, context: Context::None }
    }
}

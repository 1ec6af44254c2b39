//! The answer to a question, step by step: which profile, which identity, what each policy says, and the verdict. Knows all
//! steps; takes none in earnest.

use std::fmt;

use identity::{KeyKind, SpiffeId, TrustDomain};

use crate::action::Action;
use crate::agent::{self, AgentRule};
use crate::engine::PolicySet;
use crate::engine::effects::{Outcome, PolicyEffect};
use crate::name::Name;
use crate::profile::Profile;
use crate::profile::pick::{PickRefusal, Wish};
use crate::question::{AgentAsked, Asked, Enrolment, Known, OwnedAct, Question, Shown};
use crate::request::{Act, Evidence, Host, Operator, Request};
use crate::verdict::Verdict;
use crate::wanted::{Wanted, WantedError};

/// What stands beside the policies when a question is asked.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The trust domain.
    pub domain: TrustDomain,
    /// The agents that are listed.
    pub agents: Vec<AgentRule>,
}

/// The answer. Its `Display` is made for people: one line per step.
#[derive(Debug, PartialEq, Eq)]
pub struct Trace {
    /// The question's action.
    pub action: Action,
    /// The identity that it comes to, where it is about one.
    pub identity: Option<Wanted>,
    /// What each policy says; empty where the policies are not asked.
    pub effects: Vec<PolicyEffect>,
    /// What comes of it.
    pub answer: Answer,
}

/// What comes of a question.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is refused before the policies are asked.
    Refused(Refused),
    /// What the policies say.
    Decided(Verdict),
}

/// A refusal by a rule of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The rule.
    pub rule: &'static str,
    /// Why, and what to do.
    pub message: String,
}

impl PolicySet {
    /// Answers a question, with all steps.
    #[must_use]
    pub fn explain(&self, question: &Question, setting: &Setting) -> Trace {
        let steps = Steps { set: self, setting, action: question.action };
        let trace = match &question.asked {
            Asked::Enrol(asked) => {
                let shown = asked.evidence.evidence();
                steps.host_of(asked).map(|wanted| steps.ask(&Request::enrol(shown, &wanted)))
            }
            Asked::Reenrol(asked) => {
                let shown = asked.evidence.evidence();
                steps.host_of(asked).map(|wanted| steps.ask(&Request::reenrol(shown, &wanted)))
            }
            Asked::Renew { host, evidence, key } => steps.renew(host, evidence.as_ref(), *key),
            Asked::IssueAgent(asked) => steps
                .agent_of(asked)
                .map(|(id, wanted)| steps.ask(&Request::issue_agent(asked.host.host(&id), &wanted))),
            Asked::RenewAgent(asked) => steps
                .agent_of(asked)
                .map(|(id, wanted)| steps.ask(&Request::renew_agent(asked.host.host(&id), &wanted))),
            Asked::ReadOwnAgents(host) => {
                steps.host(host).map(|(id, _)| steps.ask(&Request::read_own_agents(host.host(&id))))
            }
            Asked::FollowFeed(host) => {
                steps.host(host).map(|(id, _)| steps.ask(&Request::follow_feed_as_host(host.host(&id))))
            }
            Asked::AcknowledgeFeed(host) => {
                steps.host(host).map(|(id, _)| steps.ask(&Request::acknowledge_feed(host.host(&id))))
            }
            Asked::AgentFollows { path } => steps.id(path).map(|id| steps.ask(&Request::follow_feed_as_agent(&id))),
            Asked::Operate { operator, act } => steps.operate(*operator, act),
        };
        let stopped = |refused| Trace {
            action: question.action,
            identity: None,
            effects: Vec::new(),
            answer: Answer::Refused(refused),
        };
        trace.unwrap_or_else(stopped)
    }
}

/// The steps to an answer. What stops before the policies are asked comes back as the error.
struct Steps<'a> {
    set: &'a PolicySet,
    setting: &'a Setting,
    action: Action,
}

impl Steps<'_> {
    fn host_of(&self, asked: &Enrolment) -> Result<Wanted, Refused> {
        let Enrolment { evidence, asked_profile, key } = asked;
        let wish = Wish {
            attestor: evidence.attestor.as_str(),
            fixed: evidence.fixed_profile.as_ref().map(Name::as_str),
            asked: asked_profile.as_deref(),
        };
        let refuse = |why: PickRefusal| Refused { rule: why.rule(), message: why.to_string() };
        let profile = self.set.profiles().pick(wish).map_err(refuse)?;
        Wanted::host(profile, &self.setting.domain, &evidence.claims, *key).map_err(|why| unwanted(&why))
    }

    fn renew(&self, known: &Known, shown: Option<&Shown>, key: KeyKind) -> Result<Trace, Refused> {
        let (id, profile) = self.host(known)?;
        let dns_names = profile
            .render_dns_names(&known.claims)
            .map_err(|why| unwanted(&WantedError::Render { profile: profile.name().clone(), why }))?;
        let wanted = Wanted::host_again(profile, id.clone(), dns_names, key).map_err(|why| unwanted(&why))?;
        Ok(self.ask(&Request::renew(known.host(&id), &wanted, shown.map(Shown::evidence))))
    }

    fn agent_of(&self, asked: &AgentAsked) -> Result<(SpiffeId, Wanted), Refused> {
        let AgentAsked { host: known, path, key } = asked;
        let (id, profile) = self.host(known)?;
        let asked = self.id(path)?;
        let rule = agent::find(&self.setting.agents, profile.name(), &id, &known.claims, &asked)
            .map_err(|why| Refused { rule: why.rule(), message: why.to_string() })?;
        let key = key.unwrap_or(rule.key_kind());
        let wanted = Wanted::agent(rule, profile, &id, &known.claims, key).map_err(|why| unwanted(&why))?;
        Ok((id, wanted))
    }

    fn operate(&self, operator: Operator, act: &OwnedAct) -> Result<Trace, Refused> {
        let ask = |act: Act<'_>| Ok(self.ask(&Request::operate(operator, act)));
        match act {
            OwnedAct::Read(read) => ask(Act::Read(*read)),
            OwnedAct::CreateToken { profile, lifetime, claims } => {
                ask(Act::CreateToken { profile, lifetime: *lifetime, claims })
            }
            OwnedAct::RevokeToken { profile } => ask(Act::RevokeToken { profile }),
            OwnedAct::AddAgent { profile, name } => ask(Act::AddAgent(self.rule(profile, name)?)),
            OwnedAct::RemoveAgent { profile, name } => ask(Act::RemoveAgent { profile, agent: name }),
            OwnedAct::EvictHost(known) => ask(Act::EvictHost(known.host(&self.id(&known.path)?))),
            OwnedAct::BanHost(known) => ask(Act::BanHost(known.host(&self.id(&known.path)?))),
            OwnedAct::UnbanHost(known) => ask(Act::UnbanHost(known.host(&self.id(&known.path)?))),
            OwnedAct::Revoke { by, reason, count } => ask(Act::Revoke { by, reason, count: *count }),
            OwnedAct::LoadPolicy => ask(Act::LoadPolicy),
            OwnedAct::ChangeAuthority { to } => ask(Act::ChangeAuthority { to }),
            OwnedAct::AdmitPerson(role) => ask(Act::AdmitPerson(*role)),
            OwnedAct::RemovePerson(role) => ask(Act::RemovePerson(*role)),
            OwnedAct::Approve(action) => ask(Act::Approve(*action)),
            OwnedAct::PlaceHold => ask(Act::PlaceHold),
            OwnedAct::LiftHold => ask(Act::LiftHold),
            OwnedAct::Destroy => ask(Act::Destroy),
        }
    }

    fn ask(&self, request: &Request<'_>) -> Trace {
        Trace {
            action: self.action,
            identity: request.identity().cloned(),
            // What keeps them from being asked stands in the verdict.
            effects: self.set.effects(request).unwrap_or_default(),
            answer: Answer::Decided(self.set.decide(request)),
        }
    }

    fn host(&self, known: &Known) -> Result<(SpiffeId, &Profile), Refused> {
        let missing = || Refused {
            rule: "profile-is-there",
            message: format!("there is no profile `{}`; its hosts renew no more", known.profile),
        };
        let profile = self.set.profiles().profile(known.profile.as_str()).ok_or_else(missing)?;
        Ok((self.id(&known.path)?, profile))
    }

    fn rule(&self, profile: &Name, name: &Name) -> Result<&AgentRule, Refused> {
        let missing = || Refused {
            rule: "agent-not-listed",
            message: format!("no [[agent]] beside the question has the name `{name}` and the profile `{profile}`"),
        };
        self.setting.agents.iter().find(|rule| rule.profile() == profile && rule.name() == name).ok_or_else(missing)
    }

    fn id(&self, path: &str) -> Result<SpiffeId, Refused> {
        SpiffeId::from_path(&self.setting.domain, path)
            .map_err(|why| Refused { rule: "id-is-a-spiffe-id", message: format!("`{path}`: {why}") })
    }
}

impl Known {
    fn host<'a>(&'a self, id: &'a SpiffeId) -> Host<'a> {
        Host { id, profile: &self.profile }
    }
}

impl Shown {
    fn evidence(&self) -> Evidence<'_> {
        Evidence { attestor: &self.attestor, fixed_profile: self.fixed_profile.as_ref(), claims: &self.claims }
    }
}

fn unwanted(why: &WantedError) -> Refused {
    let cause = std::error::Error::source(why).map(|cause| format!(": {cause}")).unwrap_or_default();
    Refused { rule: why.rule(), message: format!("{why}{cause}") }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "action    {}", self.action)?;
        if let Some(wanted) = &self.identity {
            writeln!(f, "profile   {}", wanted.profile())?;
            writeln!(f, "identity  {}", wanted.id())?;
            writeln!(f, "key       {}, for {}", wanted.key_kind(), wanted.lifetime())?;
            if !wanted.dns_names().is_empty() {
                writeln!(f, "names     {}", wanted.dns_names().join(", "))?;
            }
        }
        for effect in &self.effects {
            let verb = if effect.forbids { "forbids" } else { "permits" };
            let says = match &effect.outcome {
                Outcome::OtherAction => continue,
                Outcome::Passes => "does not apply".to_owned(),
                Outcome::Applies => verb.to_owned(),
                Outcome::Fails(message) => format!("fails, which denies: {message}"),
            };
            writeln!(f, "policy    {} ({}): {says}", effect.rule, effect.text)?;
        }
        writeln!(f, "answer    {}", self.answer)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(Refused { rule, message }) => write!(f, "refused by {rule}: {message}"),
            Self::Decided(verdict) => verdict.fmt(f),
        }
    }
}

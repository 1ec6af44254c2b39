//! A request in Cedar's terms: entities and context, by typed constructors, no text to parse. Knows the schema's attributes.

use cedar_policy::{Context as CedarContext, Entities, Entity, EntityUid, RestrictedExpression as Expression};
use identity::{Lifetime, SpiffeId};

use super::vocabulary::{Vocabulary, uid};
use crate::action::Action;
use crate::agent::AgentRule;
use crate::claims::{ClaimValue, Claims, catalogue};
use crate::name::Name;
use crate::request::{Context, Evidence, Host, Principal, Request, Resource, Role};
use crate::wanted::Wanted;

/// What Cedar is asked.
pub(super) struct Encoded {
    pub(super) request: cedar_policy::Request,
    pub(super) entities: Entities,
}

type Attributes = Vec<(String, Expression)>;

/// Whether claims are wanted as tags too. Tags are sets, which cost more than all the rest of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tags {
    /// A policy reads tags.
    Read,
    /// None does.
    Unread,
}

impl Vocabulary {
    /// Puts a request into Cedar's terms, and checks it against the schema: it is the last that looks at it as a whole.
    pub(super) fn encode(&self, request: &Request<'_>, tags: Tags) -> Result<Encoded, String> {
        let asker = request.asker();
        if !request.action.can_be_asked_by(asker) {
            return Err(format!("{} cannot be asked for by Brevet::{}", request.action, asker.as_str()));
        }
        consistent(request)?;
        let mut beside = Vec::with_capacity(3);
        let principal = self.principal(request.principal, &mut beside)?;
        let resource = self.resource(request.resource, &mut beside)?;
        let context = self.context(request.context, tags, &mut beside)?;
        let standing = self.action(request.action)?;
        let context = CedarContext::from_pairs(context).map_err(|error| error.to_string())?;
        let request =
            cedar_policy::Request::new(principal, standing.uid.clone(), resource, context, Some(&self.schema))
                .map_err(|error| error.to_string())?;
        let entities = standing.entities.clone().add_entities(beside, None).map_err(|error| error.to_string())?;
        Ok(Encoded { request, entities })
    }

    fn principal(&self, principal: Principal<'_>, beside: &mut Vec<Entity>) -> Result<EntityUid, String> {
        match principal {
            Principal::Host(host) => self.host(host, beside),
            Principal::Agent(id) => {
                let agent = uid(&self.agent, id.as_str());
                put(beside, agent, names(id).to_vec(), [])
            }
            Principal::Person { id, role } => {
                let role = self.role(role);
                let person = uid(&self.person, &id.to_string());
                put(beside, person, vec![("role".to_owned(), Expression::new_entity_uid(role.clone()))], [role])
            }
            Principal::Local => Ok(self.local.clone()),
        }
    }

    fn resource(&self, resource: Resource<'_>, beside: &mut Vec<Entity>) -> Result<EntityUid, String> {
        match resource {
            Resource::Identity(wanted) => self.identity(wanted, beside),
            Resource::Host(host) => self.host(host, beside),
            Resource::Profile(name) => Ok(self.profile(name)),
            Resource::Server => Ok(self.server.clone()),
        }
    }

    fn host(&self, host: Host<'_>, beside: &mut Vec<Entity>) -> Result<EntityUid, String> {
        let profile = self.profile(host.profile);
        let mut attributes = names(host.id).to_vec();
        attributes.push(("profile".to_owned(), Expression::new_entity_uid(profile.clone())));
        put(beside, uid(&self.host, host.id.as_str()), attributes, [profile])
    }

    fn identity(&self, wanted: &Wanted, beside: &mut Vec<Entity>) -> Result<EntityUid, String> {
        let profile = self.profile(wanted.profile());
        let mut attributes = names(wanted.id()).to_vec();
        attributes.push(("profile".to_owned(), Expression::new_entity_uid(profile.clone())));
        attributes.push(("key_kind".to_owned(), text(wanted.key_kind().as_str())));
        attributes.push(("lifetime_seconds".to_owned(), seconds(wanted.lifetime())?));
        attributes.push(("dns_names".to_owned(), texts(wanted.dns_names())));
        attributes.extend(wanted.agent_name().map(|name| ("agent".to_owned(), text(name.as_str()))));
        put(beside, uid(&self.identity, wanted.id().as_str()), attributes, [profile])
    }

    fn context(&self, context: Context<'_>, tags: Tags, beside: &mut Vec<Entity>) -> Result<Attributes, String> {
        Ok(match context {
            Context::None | Context::RenewalEvidence(None) => Vec::new(),
            Context::Evidence(evidence) | Context::RenewalEvidence(Some(evidence)) => {
                self.evidence(evidence, tags, beside)?
            }
            Context::Token { lifetime, claims } => vec![
                ("lifetime_seconds".to_owned(), seconds(lifetime)?),
                ("claims".to_owned(), self.claims(claims, tags, beside)?),
            ],
            Context::Agent(rule) => agent(rule)?,
            Context::EndedToken { profile } => vec![("profile".to_owned(), text(profile.as_str()))],
            Context::EndedAgent { profile, agent } => {
                vec![("profile".to_owned(), text(profile.as_str())), ("agent".to_owned(), text(agent.as_str()))]
            }
            Context::Revocation { by, reason, count } => {
                let count = i64::try_from(count).map_err(|error| error.to_string())?;
                vec![
                    ("by".to_owned(), text(by)),
                    ("reason".to_owned(), text(reason)),
                    ("count".to_owned(), Expression::new_long(count)),
                ]
            }
            Context::Authority { to } => vec![("to".to_owned(), text(to))],
            Context::Person(role) => vec![("role".to_owned(), Expression::new_entity_uid(self.role(role)))],
            Context::Approval(action) => vec![("action".to_owned(), text(action.as_str()))],
        })
    }

    fn evidence(&self, evidence: Evidence<'_>, tags: Tags, beside: &mut Vec<Entity>) -> Result<Attributes, String> {
        let mut attributes = vec![
            ("attestor".to_owned(), text(evidence.attestor.as_str())),
            ("claims".to_owned(), self.claims(evidence.claims, tags, beside)?),
        ];
        attributes.extend(
            evidence
                .fixed_profile
                .map(|name| ("fixed_profile".to_owned(), Expression::new_entity_uid(self.profile(name)))),
        );
        Ok(attributes)
    }

    fn claims(&self, claims: &Claims, wanted: Tags, beside: &mut Vec<Entity>) -> Result<Expression, String> {
        let mut attributes = Vec::with_capacity(claims.len());
        let mut tags = Vec::new();
        for (name, value) in claims.iter() {
            if let Some(known) = catalogue::known(name) {
                if !known.kind.holds(value) {
                    return Err(format!("claim `{name}` is a {}; {}", value.kind(), known.meaning));
                }
                attributes.push((name.to_owned(), expression(value)));
            }
            if wanted == Tags::Read {
                tags.push((name.to_owned(), tag(value)));
            }
        }
        let entity = Entity::new_with_tags(self.claims.clone(), attributes, [], tags);
        beside.push(entity.map_err(|error| error.to_string())?);
        Ok(Expression::new_entity_uid(self.claims.clone()))
    }

    fn profile(&self, name: &Name) -> EntityUid {
        uid(&self.profile, name.as_str())
    }

    fn role(&self, role: Role) -> EntityUid {
        uid(&self.role, role.as_str())
    }
}

/// What must agree whatever the policies say: nobody gets somebody else's identity (T-04), nor one of another profile.
fn consistent(request: &Request<'_>) -> Result<(), String> {
    let (Principal::Host(host), Resource::Identity(wanted)) = (request.principal, request.resource) else {
        return Ok(());
    };
    if wanted.profile() != host.profile {
        return Err(format!("the host is of profile `{}`, the identity of `{}`", host.profile, wanted.profile()));
    }
    match (request.action, wanted.agent_name()) {
        (Action::IssueAgent | Action::RenewAgent, Some(_)) => Ok(()),
        (Action::IssueAgent | Action::RenewAgent, None) => Err(format!("{} is the identity of a host", wanted.id())),
        (_, Some(agent)) => Err(format!("{} is the identity of agent `{agent}`", wanted.id())),
        (_, None) if wanted.id() == host.id => Ok(()),
        (_, None) => Err(format!("host {} asks for the identity {}", host.id, wanted.id())),
    }
}

fn put<const N: usize>(
    beside: &mut Vec<Entity>,
    uid: EntityUid,
    attributes: Attributes,
    parents: [EntityUid; N],
) -> Result<EntityUid, String> {
    let entity = Entity::new_with_tags(uid.clone(), attributes, parents, []).map_err(|error| error.to_string())?;
    beside.push(entity);
    Ok(uid)
}

fn names(id: &SpiffeId) -> [(String, Expression); 2] {
    [("id".to_owned(), text(id.as_str())), ("path".to_owned(), text(id.path()))]
}

fn agent(rule: &AgentRule) -> Result<Attributes, String> {
    let selectors = rule.selectors();
    let mut attributes = vec![
        ("agent".to_owned(), text(rule.name().as_str())),
        ("id".to_owned(), text(rule.id().as_str())),
        ("lifetime_seconds".to_owned(), seconds(rule.lifetime())?),
    ];
    attributes.extend(selectors.uid().map(|uid| ("uid".to_owned(), Expression::new_long(i64::from(uid)))));
    attributes.extend(selectors.gid().map(|gid| ("gid".to_owned(), Expression::new_long(i64::from(gid)))));
    attributes.extend(selectors.executable().map(|path| ("executable".to_owned(), text(path))));
    Ok(attributes)
}

fn expression(value: &ClaimValue) -> Expression {
    match value {
        ClaimValue::Text(value) => text(value),
        ClaimValue::Number(number) => Expression::new_long(*number),
        ClaimValue::Bool(flag) => Expression::new_bool(*flag),
        ClaimValue::List(items) => texts(items),
    }
}

/// Every tag is a set of texts: one text, the digits of a number, `true` or `false`, or the list.
fn tag(value: &ClaimValue) -> Expression {
    match value {
        ClaimValue::Text(value) => Expression::new_set([text(value)]),
        ClaimValue::Number(number) => Expression::new_set([Expression::new_string(number.to_string())]),
        ClaimValue::Bool(flag) => Expression::new_set([Expression::new_string(flag.to_string())]),
        ClaimValue::List(items) => texts(items),
    }
}

fn text(value: &str) -> Expression {
    Expression::new_string(value.to_owned())
}

fn texts(values: &[String]) -> Expression {
    Expression::new_set(values.iter().map(|value| text(value)))
}

fn seconds(lifetime: Lifetime) -> Result<Expression, String> {
    i64::try_from(lifetime.seconds()).map(Expression::new_long).map_err(|error| error.to_string())
}

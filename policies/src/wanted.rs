//! The identity that is asked for, whole: exactly this is permitted or denied, and exactly this is issued. Knows profiles and
//! agent rules; reads no CSR.

use identity::{KeyKind, Lifetime, SpiffeId, TrustDomain};

use crate::agent::AgentRule;
use crate::claims::Claims;
use crate::name::Name;
use crate::profile::Profile;
use crate::template::RenderError;

/// An identity made from a template on the server, never from what a requester names (T-04).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    id: SpiffeId,
    profile: Name,
    agent: Option<Name>,
    key_kind: KeyKind,
    lifetime: Lifetime,
    dns_names: Vec<String>,
}

/// Why there is no such identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WantedError {
    /// The claims do not fit the profile's templates.
    #[error("profile `{profile}` makes no identity of these claims")]
    Render {
        /// The profile.
        profile: Name,
        /// Why not.
        #[source]
        why: RenderError,
    },
    /// The profile does not allow this kind of key.
    #[error("profile `{profile}` allows no {key} keys; make one of {}", list(allowed))]
    KeyKind {
        /// The profile.
        profile: Name,
        /// The kind of the key in the request.
        key: KeyKind,
        /// What is allowed.
        allowed: Vec<KeyKind>,
    },
    /// The agent has keys of another kind.
    #[error("agent `{agent}` has {wanted} keys, this one is {key}")]
    AgentKeyKind {
        /// The agent.
        agent: Name,
        /// The kind of the key in the request.
        key: KeyKind,
        /// The kind that the rule says.
        wanted: KeyKind,
    },
    /// The rule lists the agent for other hosts.
    #[error("agent `{agent}` is listed for hosts of profile `{listed}`, this host is of `{profile}`")]
    OtherProfile {
        /// The agent.
        agent: Name,
        /// The profile of the rule.
        listed: Name,
        /// The profile of the host.
        profile: Name,
    },
}

impl WantedError {
    /// The name of the rule that a refusal shows.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Render { .. } => "claims-fit-the-profile",
            Self::KeyKind { .. } | Self::AgentKeyKind { .. } => "key-kind-is-allowed",
            Self::OtherProfile { .. } => "agent-not-listed",
        }
    }
}

impl Wanted {
    /// The identity of a host with these claims: at enrolment, and at each renewal where its claims are known.
    ///
    /// # Errors
    /// [`WantedError`] where the claims do not fit or the key's kind is not allowed.
    pub fn host(
        profile: &Profile,
        domain: &TrustDomain,
        claims: &Claims,
        key_kind: KeyKind,
    ) -> Result<Self, WantedError> {
        let render = |why| WantedError::Render { profile: profile.name().clone(), why };
        let id = profile.render_host(domain, claims).map_err(render)?;
        let dns_names = profile.render_dns_names(claims).map_err(render)?;
        Self::host_again(profile, id, dns_names, key_kind)
    }

    /// The identity that a live certificate states, once more: at a renewal, where the profile may have changed its lifetime or
    /// key kinds, and the names stay.
    ///
    /// # Errors
    /// [`WantedError::KeyKind`] where the profile no longer allows the key's kind.
    pub fn host_again(
        profile: &Profile,
        id: SpiffeId,
        dns_names: Vec<String>,
        key_kind: KeyKind,
    ) -> Result<Self, WantedError> {
        allowed(profile, key_kind)?;
        Ok(Self {
            id,
            profile: profile.name().clone(),
            agent: None,
            key_kind,
            lifetime: profile.host_lifetime(),
            dns_names,
        })
    }

    /// The identity of an agent on this host.
    ///
    /// # Errors
    /// [`WantedError`] where the claims do not fit, the key's kind is not the agent's, or the rule is for other hosts.
    pub fn agent(
        rule: &AgentRule,
        profile: &Profile,
        host: &SpiffeId,
        claims: &Claims,
        key_kind: KeyKind,
    ) -> Result<Self, WantedError> {
        if rule.profile() != profile.name() {
            return Err(WantedError::OtherProfile {
                agent: rule.name().clone(),
                listed: rule.profile().clone(),
                profile: profile.name().clone(),
            });
        }
        if rule.key_kind() != key_kind {
            return Err(WantedError::AgentKeyKind {
                agent: rule.name().clone(),
                key: key_kind,
                wanted: rule.key_kind(),
            });
        }
        allowed(profile, key_kind)?;
        let id =
            rule.render(host, claims).map_err(|why| WantedError::Render { profile: profile.name().clone(), why })?;
        Ok(Self {
            id,
            profile: profile.name().clone(),
            agent: Some(rule.name().clone()),
            key_kind,
            lifetime: rule.lifetime(),
            dns_names: Vec::new(),
        })
    }

    /// Its SPIFFE id.
    #[must_use]
    pub fn id(&self) -> &SpiffeId {
        &self.id
    }

    /// The profile it is made under.
    #[must_use]
    pub fn profile(&self) -> &Name {
        &self.profile
    }

    /// The agent's name; absent for a host.
    #[must_use]
    pub fn agent_name(&self) -> Option<&Name> {
        self.agent.as_ref()
    }

    /// The kind of its key.
    #[must_use]
    pub fn key_kind(&self) -> KeyKind {
        self.key_kind
    }

    /// Life of the certificate.
    #[must_use]
    pub fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    /// DNS names of the certificate.
    #[must_use]
    pub fn dns_names(&self) -> &[String] {
        &self.dns_names
    }
}

fn allowed(profile: &Profile, key: KeyKind) -> Result<(), WantedError> {
    if profile.allows_key(key) {
        return Ok(());
    }
    Err(WantedError::KeyKind { profile: profile.name().clone(), key, allowed: profile.key_kinds().collect() })
}

fn list(kinds: &[KeyKind]) -> String {
    kinds.iter().map(KeyKind::to_string).collect::<Vec<_>>().join(", ")
}

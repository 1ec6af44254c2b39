//! The agents that this host may ask for: the server's signed list, narrowed by local configuration. Knows the list's form; asks for nothing.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use identity::{HostId, KeyKind, SpiffeId};
use protocol::agents::{AgentList, AgentOffer, SignedAgentList, signed_octets};

use crate::identities::{AgentName, AgentNameError, Selectors};
use crate::pins::Pins;

/// The agents of this host as of one ledger size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offers {
    /// Ledger size that the list speaks of.
    pub size: u64,
    /// By name.
    pub agents: BTreeMap<AgentName, Offer>,
}

/// What one agent may get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The identity.
    pub spiffe_id: SpiffeId,
    /// Kind of key to make.
    pub key: KeyKind,
    /// Which processes it is for.
    pub selectors: Selectors,
}

/// Why a list is not used. The one in use stays in use.
#[derive(Debug, thiserror::Error)]
pub enum OffersError {
    /// The ledger's key has not signed it.
    #[error("the list of agents is not signed by the ledger's key")]
    Signature,
    /// It is not JSON of that form.
    #[error("the list of agents cannot be read")]
    Malformed(#[source] serde_json::Error),
    /// It is for another host.
    #[error("the list of agents is for host {found}, and this is host {ours}")]
    OtherHost {
        /// Us.
        ours: HostId,
        /// In the list.
        found: HostId,
    },
    /// It is older than the one in use.
    #[error("the list of agents is of ledger size {found}, and the one in use is of {in_use}")]
    Older {
        /// In use.
        in_use: u64,
        /// In the list.
        found: u64,
    },
    /// Too many agents.
    #[error("the list has {found} agents, and {limit} are allowed")]
    TooMany {
        /// In the list.
        found: usize,
        /// At most.
        limit: usize,
    },
    /// An agent's name is none.
    #[error("an agent's name in the list")]
    Name(#[from] AgentNameError),
    /// Two agents of one name.
    #[error("the list names {name} twice")]
    Twice {
        /// Which.
        name: AgentName,
    },
    /// An agent of another trust domain.
    #[error("{name} would be {spiffe_id}, which is not of our trust domain")]
    OtherDomain {
        /// Which.
        name: AgentName,
        /// Its identity.
        spiffe_id: SpiffeId,
    },
    /// A selector that no process can satisfy as it is meant.
    #[error("the executable of {name} is not an absolute path")]
    Executable {
        /// Which.
        name: AgentName,
    },
}

impl Offer {
    /// Whether only selectors differ, if anything.
    #[must_use]
    pub fn is_same_identity(&self, other: &Self) -> bool {
        self.spiffe_id == other.spiffe_id && self.key == other.key
    }
}

impl Offers {
    /// Reads a signed list. `narrowed` is what local configuration wants of it, if it says so: it can leave out, not add.
    ///
    /// # Errors
    /// See [`OffersError`]; nothing of the list is used then.
    pub fn read(
        signed: &SignedAgentList,
        host: HostId,
        narrowed: Option<&BTreeSet<AgentName>>,
        in_use: u64,
        pins: &Pins,
    ) -> Result<Self, OffersError> {
        // The signature first: nothing is parsed that nobody vouches for.
        UnparsedPublicKey::new(&ED25519, pins.ledger_key().public_key())
            .verify(&signed_octets(&signed.list), &signed.signature.0)
            .map_err(|_| OffersError::Signature)?;
        let list: AgentList = serde_json::from_str(&signed.list).map_err(OffersError::Malformed)?;
        if list.host != host {
            return Err(OffersError::OtherHost { ours: host, found: list.host });
        }
        if list.size < in_use {
            return Err(OffersError::Older { in_use, found: list.size });
        }
        if list.agents.len() > MAX_AGENTS {
            return Err(OffersError::TooMany { found: list.agents.len(), limit: MAX_AGENTS });
        }
        let mut agents = BTreeMap::new();
        for offer in list.agents {
            let (name, offer) = check_offer(offer, pins)?;
            if agents.insert(name.clone(), offer).is_some() {
                return Err(OffersError::Twice { name });
            }
        }
        if let Some(narrowed) = narrowed {
            agents.retain(|name, _| narrowed.contains(name));
        }
        Ok(Self { size: list.size, agents })
    }
}

fn check_offer(offer: AgentOffer, pins: &Pins) -> Result<(AgentName, Offer), OffersError> {
    let name = AgentName::parse(&offer.name)?;
    if offer.spiffe_id.trust_domain() != pins.trust_domain() {
        return Err(OffersError::OtherDomain { name, spiffe_id: offer.spiffe_id });
    }
    if offer.executable.as_ref().is_some_and(|path| !path.starts_with('/')) {
        return Err(OffersError::Executable { name });
    }
    let selectors = Selectors { uid: offer.uid, gid: offer.gid, executable: offer.executable.map(Into::into) };
    Ok((name, Offer { spiffe_id: offer.spiffe_id, key: offer.key, selectors }))
}

/// Agents on one host. Ours: each costs some kilobytes here and a renewal per half life there; a machine with more processes that
/// need an identity of their own is several hosts.
pub const MAX_AGENTS: usize = 1000;

#[cfg(test)]
mod tests {
    use identity::Lifetime;

    use super::*;
    use crate::testing::{Ca, moment};

    fn offer(name: &str) -> AgentOffer {
        AgentOffer {
            name: name.into(),
            spiffe_id: SpiffeId::parse(&format!("spiffe://example.org/host/one/{name}")).unwrap(),
            key: KeyKind::P256,
            lifetime: Lifetime::from_seconds(3600).unwrap(),
            uid: Some(7),
            gid: None,
            executable: Some("/usr/bin/web".into()),
        }
    }

    fn list(agents: Vec<AgentOffer>) -> AgentList {
        AgentList { host: HostId::from_bytes([0xaa; 16]), size: 20, time: moment(), agents }
    }

    fn read(ca: &Ca, signed: &SignedAgentList, narrowed: Option<&[&str]>) -> Result<Offers, OffersError> {
        let narrowed = narrowed.map(|names| names.iter().map(|name| AgentName::parse(name).unwrap()).collect());
        Offers::read(signed, ca.host, narrowed.as_ref(), 10, &ca.pins())
    }

    #[test]
    fn a_list_is_read_and_narrowed_but_never_widened() {
        let ca = Ca::new("example.org", moment());
        let signed = ca.sign_list(&list(vec![offer("web"), offer("db")]));
        let offers = read(&ca, &signed, None).unwrap();
        assert_eq!((offers.size, offers.agents.len()), (20, 2));
        let web = &offers.agents[&AgentName::parse("web").unwrap()];
        assert_eq!((web.selectors.uid, web.spiffe_id.path()), (Some(7), "/host/one/web"));
        let narrowed = read(&ca, &signed, Some(&["db", "not-offered"])).unwrap();
        assert_eq!(narrowed.agents.keys().map(AgentName::as_str).collect::<Vec<_>>(), ["db"]);
    }

    #[track_caller]
    fn check_refused(change: impl FnOnce(&mut AgentList), expected: &str) {
        let ca = Ca::new("example.org", moment());
        let mut changed = list(vec![offer("web"), offer("db")]);
        change(&mut changed);
        let text = read(&ca, &ca.sign_list(&changed), None).unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn lists_that_are_not_used() {
        check_refused(|list| list.host = HostId::from_bytes([1; 16]), "is for host 0101");
        check_refused(|list| list.size = 9, "of ledger size 9, and the one in use is of 10");
        check_refused(|list| list.agents[1].name = "web".into(), "names web twice");
        check_refused(|list| list.agents[1].name = "../web".into(), "an agent's name in the list");
        check_refused(|list| list.agents[1].executable = Some("bin/web".into()), "not an absolute path");
        check_refused(
            |list| list.agents[1].spiffe_id = SpiffeId::parse("spiffe://example.net/db").unwrap(),
            "not of our trust domain",
        );
        check_refused(
            |list| list.agents = (0..=MAX_AGENTS).map(|n| offer(&n.to_string())).collect(),
            "1001 agents, and 1000 are allowed",
        );
    }

    #[test]
    fn what_the_ledgers_key_has_not_signed() {
        let ca = Ca::new("example.org", moment());
        let mut signed = ca.sign_list(&list(vec![offer("web")]));
        signed.list = signed.list.replace("/host/one/web", "/host/two/web");
        assert!(matches!(read(&ca, &signed, None), Err(OffersError::Signature)));
        let mut signed = ca.sign_list(&list(Vec::new()));
        signed.signature.0.pop();
        assert!(matches!(read(&ca, &signed, None), Err(OffersError::Signature)));
    }
}

//! Which identities an agent talks to. Knows SPIFFE ids; knows no certificate.

use std::collections::BTreeSet;
use std::fmt;

use identity::{SpiffeId, TrustDomain};

/// Whom to accept as the peer of a connection. Chain, validity and revocation are checked whatever the rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerRule {
    /// Exactly these. An empty set accepts nobody.
    Ids(BTreeSet<SpiffeId>),
    /// This id, and every id below it: `spiffe://d/web` accepts `/web` and `/web/a`, and not `/website`. An id without a path accepts its
    /// whole trust domain.
    Below(SpiffeId),
    /// Every id of this trust domain, hosts and the server among them.
    TrustDomain(TrustDomain),
}

impl PeerRule {
    /// Exactly this one.
    #[must_use]
    pub fn id(id: SpiffeId) -> Self {
        Self::Ids(BTreeSet::from([id]))
    }

    /// Whether the rule accepts `id`.
    #[must_use]
    pub fn accepts(&self, id: &SpiffeId) -> bool {
        match self {
            Self::Ids(ids) => ids.contains(id),
            Self::Below(above) => {
                let rest = id.path().strip_prefix(above.path());
                id.trust_domain() == above.trust_domain()
                    && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Self::TrustDomain(domain) => id.trust_domain() == domain,
        }
    }
}

impl fmt::Display for PeerRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ids(ids) => {
                f.write_str("one of [")?;
                for (position, id) in ids.iter().enumerate() {
                    write!(f, "{}{id}", if position == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Below(id) => write!(f, "{id} or below it"),
            Self::TrustDomain(domain) => write!(f, "anybody of {domain}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> SpiffeId {
        SpiffeId::parse(text).unwrap()
    }

    #[track_caller]
    fn check(rule: &PeerRule, peer: &str, expected: bool) {
        assert_eq!(rule.accepts(&id(peer)), expected, "{rule}: {peer}");
    }

    #[test]
    fn exact_ids() {
        let rule = PeerRule::Ids([id("spiffe://d/web"), id("spiffe://d/db")].into());
        check(&rule, "spiffe://d/web", true);
        check(&rule, "spiffe://d/db", true);
        check(&rule, "spiffe://d/Web", false);
        check(&rule, "spiffe://d/web/a", false);
        check(&rule, "spiffe://e/web", false);
        check(&PeerRule::Ids(BTreeSet::new()), "spiffe://d/web", false);
    }

    #[test]
    fn below_an_id_goes_by_segments() {
        let rule = PeerRule::Below(id("spiffe://d/web"));
        check(&rule, "spiffe://d/web", true);
        check(&rule, "spiffe://d/web/a/b", true);
        check(&rule, "spiffe://d/website", false);
        check(&rule, "spiffe://d/we", false);
        check(&rule, "spiffe://e/web", false);
        check(&rule, "spiffe://d/a/web", false);
        check(&PeerRule::Below(id("spiffe://d")), "spiffe://d/any", true);
        check(&PeerRule::Below(id("spiffe://d")), "spiffe://dd/any", false);
    }

    #[test]
    fn a_trust_domain_is_all_of_it_and_no_other() {
        let rule = PeerRule::TrustDomain(TrustDomain::parse("d").unwrap());
        check(&rule, "spiffe://d/any", true);
        check(&rule, "spiffe://d.e/any", false);
    }

    #[test]
    fn rules_read_well_in_a_refusal() {
        assert_eq!(
            PeerRule::Ids([id("spiffe://d/b"), id("spiffe://d/a")].into()).to_string(),
            "one of [spiffe://d/a, spiffe://d/b]"
        );
        assert_eq!(PeerRule::Below(id("spiffe://d/a")).to_string(), "spiffe://d/a or below it");
    }
}

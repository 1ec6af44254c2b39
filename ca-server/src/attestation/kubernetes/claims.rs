//! The claims of a service-account token, checked one by one. Knows what Kubernetes writes (KEP-1205, KEP-4193) and the
//! clock it is given; knows no key. Signature and claims are two checks, and neither replaces the other: libraries that
//! check both have taken an `exp` of the wrong type for none (CVE-2026-25537, T-20).

use std::time::Duration;

use identity::Timestamp;
use policies::claims::{ClaimError, Claims};

use super::config::KubernetesConfig;
use super::names::{is_label, is_subdomain, is_uid};
use super::refusal::TokenError;
use crate::attestation::shown::Shown;
use crate::attestation::strict_json::{Json, Members};

/// Who a token speaks of, all of it checked against the configuration and the clock. Still to be verified: that the
/// cluster signed it.
pub(super) struct PodClaims<'a> {
    pub(super) namespace: &'a str,
    pub(super) service_account: Bound<'a>,
    pub(super) pod: Bound<'a>,
    pub(super) node: Option<Bound<'a>>,
    /// The token's own id, since Kubernetes 1.30.
    pub(super) id: Option<&'a str>,
    /// Its end.
    pub(super) expires: Timestamp,
}

/// A name with the UID that tells it from an earlier holder of the name.
pub(super) struct Bound<'a> {
    pub(super) name: &'a str,
    pub(super) uid: &'a str,
}

impl<'a> PodClaims<'a> {
    /// Checks every claim. Issuer and audience come first: they say whether the token is meant for us at all.
    pub(super) fn of(claims: &'a Members, config: &KubernetesConfig, now: Timestamp) -> Result<Self, TokenError> {
        check_issuer(claims, config)?;
        if claims.keys().any(|claim| claim.starts_with(SECRET_CLAIM_PREFIX)) {
            return Err(TokenError::FromSecret);
        }
        check_audience(claims, config)?;
        let expires = check_times(claims, config, now)?;
        let bound = object(claims, "kubernetes.io", "kubernetes.io")?;
        let namespace = text(bound, "namespace", "kubernetes.io.namespace")?;
        if !is_label(namespace) {
            return Err(TokenError::Name { claim: "kubernetes.io.namespace", found: Shown::of(namespace) });
        }
        let service_account = Bound::of(bound, &SERVICE_ACCOUNT)?;
        check_subject(claims, namespace, service_account.name)?;
        let pod = Bound::of(bound, &POD)?;
        // Since Kubernetes 1.30; informational, so it may be absent, but not half there.
        let node = bound.contains_key(NODE.member).then(|| Bound::of(bound, &NODE)).transpose()?;
        let id = claims.contains_key("jti").then(|| text(claims, "jti", "jti")).transpose()?;
        Ok(Self { namespace, service_account, pod, node, id, expires })
    }

    /// As claims of the host.
    pub(super) fn claims(&self, cluster: &str) -> Result<Claims, ClaimError> {
        let mut claims = Claims::from_pairs([
            ("cluster", cluster),
            ("namespace", self.namespace),
            ("service_account", self.service_account.name),
            ("service_account_uid", self.service_account.uid),
            ("pod", self.pod.name),
            ("pod_uid", self.pod.uid),
        ])?;
        if let Some(node) = &self.node {
            claims.insert("node", node.name)?;
            claims.insert("node_uid", node.uid)?;
        }
        Ok(claims)
    }
}

/// The names of one bound object, whole, for messages.
struct BoundNames {
    member: &'static str,
    whole: &'static str,
    name: &'static str,
    uid: &'static str,
}

impl<'a> Bound<'a> {
    /// Name and UID, both required (T-27): without the UID, an account made again would be the old one.
    fn of(parent: &'a Members, names: &BoundNames) -> Result<Self, TokenError> {
        let bound = object(parent, names.member, names.whole)?;
        let name = text(bound, "name", names.name)?;
        if !is_subdomain(name) {
            return Err(TokenError::Name { claim: names.name, found: Shown::of(name) });
        }
        let uid = text(bound, "uid", names.uid)?;
        if !is_uid(uid) {
            return Err(TokenError::Uid { claim: names.uid, found: Shown::of(uid) });
        }
        Ok(Self { name, uid })
    }
}

/// Octet for octet: no pattern, no normalising, no case (T-25; CVE-2026-22772).
fn check_issuer(claims: &Members, config: &KubernetesConfig) -> Result<(), TokenError> {
    let found = text(claims, "iss", "iss")?;
    if found != config.issuer() {
        return Err(TokenError::Issuer { found: Shown::of(found), wanted: Shown::of(config.issuer()) });
    }
    Ok(())
}

/// Ours, and ours alone: a token that another service takes as well can be replayed by that service (T-21; RFC 7519,
/// section 4.1.3).
fn check_audience(claims: &Members, config: &KubernetesConfig) -> Result<(), TokenError> {
    let wrong_type = TokenError::ClaimType { claim: "aud", wanted: "text or list of texts" };
    let found = match claims.get("aud") {
        None => return Err(TokenError::ClaimMissing { claim: "aud" }),
        Some(Json::Text(one)) => Some(vec![one.as_str()]),
        Some(Json::List(several)) => several.iter().map(Json::text).collect(),
        Some(Json::Null | Json::Bool(_) | Json::Integer(_) | Json::OtherNumber | Json::Object(_)) => None,
    };
    let found = found.ok_or(wrong_type)?;
    if found != [config.audience()] {
        let shown = found.iter().take(MAX_AUDIENCES_SHOWN).map(|one| Shown::of(one)).collect();
        return Err(TokenError::Audience { found: shown, wanted: Shown::of(config.audience()) });
    }
    Ok(())
}

/// Begin, end, whole life and what remains of it (T-20, T-27, T-28).
fn check_times(claims: &Members, config: &KubernetesConfig, now: Timestamp) -> Result<Timestamp, TokenError> {
    let expires = time(claims, "exp")?;
    let issued = time(claims, "iat")?;
    let begins = time(claims, "nbf")?;
    if expires <= issued {
        return Err(TokenError::EndsBeforeIssue { issued, expires });
    }
    if now >= expires {
        return Err(TokenError::Expired { now, expires });
    }
    for (claim, begins) in [("nbf", begins), ("iat", issued)] {
        if begins > now.plus(config.clock_skew()) {
            return Err(TokenError::NotYet { claim, now, begins });
        }
    }
    let life = expires.since(issued);
    if life > config.max_life() {
        return Err(TokenError::Lifetime { seconds: life.as_secs(), limit: config.max_life().as_secs() });
    }
    let remaining = expires.since(now);
    let limit = MAX_REMAINING.saturating_add(config.clock_skew());
    if remaining > limit {
        return Err(TokenError::Remaining { milliseconds: remaining.as_millis(), limit: limit.as_millis() });
    }
    Ok(expires)
}

/// `sub` says the same as the claims; a cluster in which the two differ is not one to believe.
fn check_subject(claims: &Members, namespace: &str, service_account: &str) -> Result<(), TokenError> {
    let found = text(claims, "sub", "sub")?;
    let wanted = format!("system:serviceaccount:{namespace}:{service_account}");
    if found != wanted {
        return Err(TokenError::Subject { found: Shown::of(found), wanted: Shown::of(&wanted) });
    }
    Ok(())
}

/// Seconds since 1970, written as an integer. RFC 7519, section 2, allows fractions; clusters write none.
fn time(claims: &Members, claim: &'static str) -> Result<Timestamp, TokenError> {
    let value = claims.get(claim).ok_or(TokenError::ClaimMissing { claim })?;
    let seconds = value.integer().and_then(|seconds| Timestamp::from_seconds(seconds).ok());
    seconds.ok_or(TokenError::ClaimType { claim, wanted: "integer of seconds between 1970 and 9999" })
}

fn text<'a>(members: &'a Members, member: &str, claim: &'static str) -> Result<&'a str, TokenError> {
    let value = members.get(member).ok_or(TokenError::ClaimMissing { claim })?;
    value.text().ok_or(TokenError::ClaimType { claim, wanted: "text" })
}

fn object<'a>(members: &'a Members, member: &str, claim: &'static str) -> Result<&'a Members, TokenError> {
    let value = members.get(member).ok_or(TokenError::ClaimMissing { claim })?;
    value.object().ok_or(TokenError::ClaimType { claim, wanted: "object" })
}

/// What may remain of a token's life. The key set cannot tell that a pod was deleted, so a token must die soon by
/// itself (T-27; the API grants no shorter life than 600 s).
pub const MAX_REMAINING: Duration = Duration::from_secs(600);
/// Audiences repeated in a refusal.
const MAX_AUDIENCES_SHOWN: usize = 4;
/// Claims of tokens from Secrets begin so (`kubernetes.io/serviceaccount/secret.name`); bound ones have one member
/// `kubernetes.io`.
const SECRET_CLAIM_PREFIX: &str = "kubernetes.io/serviceaccount/";
const SERVICE_ACCOUNT: BoundNames = BoundNames {
    member: "serviceaccount",
    whole: "kubernetes.io.serviceaccount",
    name: "kubernetes.io.serviceaccount.name",
    uid: "kubernetes.io.serviceaccount.uid",
};
const POD: BoundNames = BoundNames {
    member: "pod",
    whole: "kubernetes.io.pod",
    name: "kubernetes.io.pod.name",
    uid: "kubernetes.io.pod.uid",
};
const NODE: BoundNames = BoundNames {
    member: "node",
    whole: "kubernetes.io.node",
    name: "kubernetes.io.node.name",
    uid: "kubernetes.io.node.uid",
};

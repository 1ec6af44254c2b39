//! Profiles: how the signed claims of one attestor become a host's identity. Knows limits and defaults; knows no evidence,
//! no policy and no clock.

use std::collections::BTreeSet;

use identity::{KeyKind, Lifetime, SpiffeId, TrustDomain};

use crate::claims::Claims;
use crate::cutoff::Cutoff;
use crate::name::Name;
use crate::template::{DnsTemplate, HostTemplate, RenderError};

mod fault;
pub mod file;
pub mod pick;
pub mod set;

use fault::Faults;
pub use fault::{ProfileError, ProfileFault};
use file::ProfileFile;

/// A checked profile. [`ProfileFile`] says what each value means.
#[derive(Clone, Debug)]
pub struct Profile {
    name: Name,
    attestor: Name,
    host_id: HostTemplate,
    host_lifetime: Lifetime,
    key_kinds: BTreeSet<KeyKind>,
    reenrol_within: Lifetime,
    reattest_after: Option<Lifetime>,
    grace: Lifetime,
    cutoff: Cutoff,
    max_staleness: Lifetime,
    dns_names: Vec<DnsTemplate>,
    keep_evidence: bool,
}

impl Profile {
    /// Checks one profile of a file. What concerns several profiles is checked with the bundle.
    ///
    /// # Errors
    /// Every field that is wrong, in the order of the file's documentation.
    pub fn check(file: &ProfileFile) -> Result<Self, Vec<ProfileError>> {
        let mut faults = Faults::default();
        let name = faults.take("name", Name::parse(&file.name));
        let attestor = faults.take("attestor", Name::parse(&file.attestor));
        let host_id = faults.take("host_id", HostTemplate::parse(&file.host_id));
        let host_lifetime =
            faults.take("host_lifetime", within(file.host_lifetime, DEFAULT_LIFETIME_SECONDS, LEAF_LIFETIME_SECONDS));
        let key_kinds = faults.take("key_kinds", key_set(file.key_kinds.as_deref()));
        let reenrol_within = faults
            .take("reenrol_within", within(file.reenrol_within, DEFAULT_REENROL_SECONDS, [1, MAX_REENROL_SECONDS]));
        let reattest_after = match (file.reattest_after, host_lifetime) {
            (Some(value), Some(lifetime)) if value < lifetime => {
                faults.take("reattest_after", Err(ProfileFault::TooShort { value, limit: lifetime }))
            }
            (reattest_after, _) => Some(reattest_after),
        };
        let grace = faults.take("grace", within(file.grace, DEFAULT_GRACE_SECONDS, [1, MAX_GRACE_SECONDS]));
        let max_staleness =
            faults.take("max_staleness", within(file.max_staleness, DEFAULT_STALENESS_SECONDS, STALENESS_SECONDS));
        let dns_names = faults.take("dns_names", dns_templates(&file.dns_names));
        match (
            name,
            attestor,
            host_id,
            host_lifetime,
            key_kinds,
            reenrol_within,
            reattest_after,
            grace,
            max_staleness,
            dns_names,
        ) {
            (
                Some(name),
                Some(attestor),
                Some(host_id),
                Some(host_lifetime),
                Some(key_kinds),
                Some(reenrol_within),
                Some(reattest_after),
                Some(grace),
                Some(max_staleness),
                Some(dns_names),
            ) => Ok(Self {
                name,
                attestor,
                host_id,
                host_lifetime,
                key_kinds,
                reenrol_within,
                reattest_after,
                grace,
                cutoff: file.cutoff.unwrap_or_default(),
                max_staleness,
                dns_names,
                keep_evidence: file.keep_evidence,
            }),
            _ => Err(faults.into_errors()),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The attestor whose evidence it takes.
    #[must_use]
    pub fn attestor(&self) -> &Name {
        &self.attestor
    }

    /// The template of its hosts' ids.
    #[must_use]
    pub fn host_id(&self) -> &HostTemplate {
        &self.host_id
    }

    /// The id of the host with these claims.
    ///
    /// # Errors
    /// [`RenderError`] names the claim that is missing or does not fit.
    pub fn render_host(&self, domain: &TrustDomain, claims: &Claims) -> Result<SpiffeId, RenderError> {
        self.host_id.render(domain, claims)
    }

    /// The DNS names of the host with these claims, in the order of the file.
    ///
    /// # Errors
    /// [`RenderError`] names the claim that is missing or does not fit.
    pub fn render_dns_names(&self, claims: &Claims) -> Result<Vec<String>, RenderError> {
        self.dns_names.iter().map(|template| template.render(claims)).collect()
    }

    /// The templates of its hosts' DNS names.
    #[must_use]
    pub fn dns_names(&self) -> &[DnsTemplate] {
        &self.dns_names
    }

    /// Life of a host's certificate.
    #[must_use]
    pub fn host_lifetime(&self) -> Lifetime {
        self.host_lifetime
    }

    /// Whether hosts and agents of this profile may use keys of this kind.
    #[must_use]
    pub fn allows_key(&self, kind: KeyKind) -> bool {
        self.key_kinds.contains(&kind)
    }

    /// The key kinds that it allows.
    pub fn key_kinds(&self) -> impl Iterator<Item = KeyKind> {
        self.key_kinds.iter().copied()
    }

    /// How long after its last certificate expired a host may come back with fresh evidence and its bound key.
    #[must_use]
    pub fn reenrol_within(&self) -> Lifetime {
        self.reenrol_within
    }

    /// A renewal later than this after the last evidence asks for new evidence.
    #[must_use]
    pub fn reattest_after(&self) -> Option<Lifetime> {
        self.reattest_after
    }

    /// How long a renewed certificate may still be used, where the cutoff is not `expire`.
    #[must_use]
    pub fn grace(&self) -> Lifetime {
        self.grace
    }

    /// What becomes of a renewed certificate after the grace.
    #[must_use]
    pub fn cutoff(&self) -> Cutoff {
        self.cutoff
    }

    /// How old a verifier's news of revocations may be.
    #[must_use]
    pub fn max_staleness(&self) -> Lifetime {
        self.max_staleness
    }

    /// Whether evidence is kept once it has been granted.
    #[must_use]
    pub fn keep_evidence(&self) -> bool {
        self.keep_evidence
    }
}

/// The value, or the default where none is written, if it lies within the limits.
pub(crate) fn within(value: Option<Lifetime>, default: u64, [least, most]: [u64; 2]) -> Result<Lifetime, ProfileFault> {
    let [default, least, most] =
        [Lifetime::from_seconds(default)?, Lifetime::from_seconds(least)?, Lifetime::from_seconds(most)?];
    match value.unwrap_or(default) {
        value if value < least => Err(ProfileFault::TooShort { value, limit: least }),
        value if value > most => Err(ProfileFault::TooLong { value, limit: most }),
        value => Ok(value),
    }
}

fn key_set(kinds: Option<&[KeyKind]>) -> Result<BTreeSet<KeyKind>, ProfileFault> {
    let kinds = kinds.unwrap_or(&KeyKind::ALL);
    if kinds.is_empty() {
        return Err(ProfileFault::NoKeyKind);
    }
    let mut set = BTreeSet::new();
    for kind in kinds {
        if !set.insert(*kind) {
            return Err(ProfileFault::Twice { value: kind.to_string() });
        }
    }
    Ok(set)
}

fn dns_templates(names: &[String]) -> Result<Vec<DnsTemplate>, ProfileFault> {
    if names.len() > MAX_DNS_NAMES {
        return Err(ProfileFault::TooMany { count: names.len(), limit: MAX_DNS_NAMES });
    }
    let mut templates: Vec<DnsTemplate> = Vec::new();
    for name in names {
        let template = DnsTemplate::parse(name)?;
        if templates.contains(&template) {
            return Err(ProfileFault::Twice { value: name.clone() });
        }
        templates.push(template);
    }
    Ok(templates)
}

/// Life of a leaf where nothing else is written: 1 h (design, section 4).
pub(crate) const DEFAULT_LIFETIME_SECONDS: u64 = 3600;
/// Shortest and longest life of a leaf. 24 h: design, section 4. 5 s: half of it is then shorter than the feed's heartbeat
/// (design, section 6), and a renewal has no second try.
pub(crate) const LEAF_LIFETIME_SECONDS: [u64; 2] = [5, 24 * 3600];
/// 7 d: design, section 5.
const DEFAULT_REENROL_SECONDS: u64 = 7 * 24 * 3600;
/// A quarter: what has been away for longer is looked at by a person.
const MAX_REENROL_SECONDS: u64 = 90 * 24 * 3600;
/// Time for agents to reload: twice the 2 minutes of the slowest reload we deliver to (a systemd unit that restarts), and one.
const DEFAULT_GRACE_SECONDS: u64 = 300;
/// The longest life of a leaf: no grace outlives it.
const MAX_GRACE_SECONDS: u64 = 24 * 3600;
/// Six heartbeats of the feed, which come every 5 s (design, section 6).
const DEFAULT_STALENESS_SECONDS: u64 = 30;
/// Two heartbeats, so that one lost packet refuses nobody; and the default life of a leaf, after which expiry decides.
const STALENESS_SECONDS: [u64; 2] = [10, 3600];
/// DNS names of one host. Each costs up to 255 octets of a to-be-signed certificate that has to fit an entry of 16 KiB.
const MAX_DNS_NAMES: usize = 16;

#[cfg(test)]
mod tests;

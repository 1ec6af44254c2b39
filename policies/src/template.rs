//! Paths with claims in them: how signed claims become a SPIFFE id or a DNS name. Knows the SPIFFE alphabet; knows no
//! evidence and no policy.
//!
//! A template is read once, when the policy is loaded, and cannot render anything but an id below the trust domain whose
//! segments are what they look like. Nothing is ever normalised, decoded, trimmed or lower-cased: a value that does not fit
//! as it stands is refused, with the claim's name (T-03).
//!
//! Two rules keep different claims from rendering the same id. A placeholder's value cannot hold the separator, and a
//! segment holds at most one placeholder: `{a}-{b}` would make `x-y`, `z` and `x`, `y-z` one identity.

use std::fmt;
use std::sync::Arc;

use identity::{SpiffeId, TrustDomain};

use crate::claims::{Claims, RESERVED_NAME};

mod dns;
mod error;
mod segment;

pub use dns::DnsTemplate;
pub use error::{RenderError, TemplateError};
use segment::{Alphabet, Segment};

/// The id of a host: segments below the trust domain, with at least one claim, as in `/k8s/{namespace}/{pod_uid}`.
///
/// The first segment is literal and not `brevet`, which is where the server and persons have their ids.
#[derive(Clone, PartialEq, Eq)]
pub struct HostTemplate {
    text: Arc<str>,
    segments: Vec<Segment>,
}

/// The id of an agent: below its host's id, as in `{host}/agent/web`, or from the host's claims, as in
/// `/service/{namespace}/web`.
#[derive(Clone, PartialEq, Eq)]
pub struct AgentTemplate {
    text: Arc<str>,
    below_host: bool,
    segments: Vec<Segment>,
}

impl HostTemplate {
    /// Reads a host's template.
    ///
    /// # Errors
    /// [`TemplateError`] says what to write instead.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        check_length(text)?;
        let segments = rooted(text)?;
        if segments.iter().all(|segment| segment.claim().is_none()) {
            return Err(TemplateError::NoClaim);
        }
        Ok(Self { text: text.into(), segments })
    }

    /// The id of the host with these claims.
    ///
    /// # Errors
    /// [`RenderError`] names the claim that is missing or does not fit.
    pub fn render(&self, domain: &TrustDomain, claims: &Claims) -> Result<SpiffeId, RenderError> {
        render(domain, String::new(), &self.segments, claims)
    }

    /// The claims that it needs.
    pub fn claims(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(Segment::claim)
    }

    /// Whether some claims of one host and some of another could render one id. Errs on the side of yes.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        segment::overlap(&self.segments, &other.segments)
    }
}

impl AgentTemplate {
    /// Reads an agent's template.
    ///
    /// # Errors
    /// [`TemplateError`] says what to write instead.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        check_length(text)?;
        match text.strip_prefix(HOST_PLACEHOLDER) {
            Some("") => Err(TemplateError::HostItself),
            Some(rest) => Ok(Self { text: text.into(), below_host: true, segments: segments(rest)? }),
            None => Ok(Self { text: text.into(), below_host: false, segments: rooted(text)? }),
        }
    }

    /// The id of this agent on the host with this id and these claims.
    ///
    /// # Errors
    /// [`RenderError`] names the claim that is missing or does not fit.
    pub fn render(&self, host: &SpiffeId, claims: &Claims) -> Result<SpiffeId, RenderError> {
        let start = if self.below_host { host.path().to_owned() } else { String::new() };
        render(host.trust_domain(), start, &self.segments, claims)
    }

    /// The claims that it needs, besides the host's id.
    pub fn claims(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(Segment::claim)
    }

    /// Whether this id on hosts of the class `own` could be the id of a host of the class `host`. Errs on the side of yes.
    #[must_use]
    pub fn overlaps_host(&self, own: &HostTemplate, host: &HostTemplate) -> bool {
        segment::overlap(&self.whole(own), &host.segments)
    }

    /// Whether this id on hosts of the class `own` could be that of `other` on hosts of the class `theirs`. Errs on the side
    /// of yes.
    #[must_use]
    pub fn overlaps(&self, own: &HostTemplate, other: &Self, theirs: &HostTemplate) -> bool {
        segment::overlap(&self.whole(own), &other.whole(theirs))
    }

    /// Whether the id is the same on every host, whatever its claims.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        !self.below_host && self.claims().next().is_none()
    }

    fn whole(&self, host: &HostTemplate) -> Vec<Segment> {
        let start = if self.below_host { host.segments.as_slice() } else { &[] };
        start.iter().chain(&self.segments).cloned().collect()
    }
}

macro_rules! text_form {
    ($type:ident) => {
        impl $type {
            /// The template as it was written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.text
            }
        }

        impl std::str::FromStr for $type {
            type Err = TemplateError;

            fn from_str(text: &str) -> Result<Self, TemplateError> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.text)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

text_form!(HostTemplate);
text_form!(AgentTemplate);

fn check_length(text: &str) -> Result<(), TemplateError> {
    if text.len() > MAX_TEMPLATE_OCTETS {
        return Err(TemplateError::TooLong { length: text.len(), limit: MAX_TEMPLATE_OCTETS });
    }
    Ok(())
}

/// Segments of a template that begins at the trust domain.
fn rooted(text: &str) -> Result<Vec<Segment>, TemplateError> {
    let segments = segments(text)?;
    match segments.first() {
        Some(Segment::Literal(first)) if first == RESERVED_SEGMENT => {
            Err(TemplateError::ReservedSegment { segment: first.clone() })
        }
        Some(Segment::Literal(_)) => Ok(segments),
        Some(Segment::Claim { .. }) | None => Err(TemplateError::FirstSegment),
    }
}

fn segments(text: &str) -> Result<Vec<Segment>, TemplateError> {
    let segments = text.strip_prefix('/').ok_or(TemplateError::NotAbsolute)?;
    segments
        .split('/')
        .map(|segment| {
            let segment = Segment::parse(segment, Alphabet::SpiffePath)?;
            match segment.claim() {
                Some(RESERVED_NAME) => Err(TemplateError::HostNotInFront),
                _ => Ok(segment),
            }
        })
        .collect()
}

fn render(
    domain: &TrustDomain,
    mut path: String,
    segments: &[Segment],
    claims: &Claims,
) -> Result<SpiffeId, RenderError> {
    for segment in segments {
        path.push('/');
        segment.render(Alphabet::SpiffePath, claims, &mut path)?;
    }
    // The parser of identity judges the whole once more, its length above all.
    SpiffeId::from_path(domain, &path).map_err(RenderError::Id)
}

/// Octets of a template: a SPIFFE id has at most 2048 (SPIFFE-ID, section 2.3), and names are short.
pub const MAX_TEMPLATE_OCTETS: usize = 1024;
/// The first path segment of ids that only the server makes: its own, and those of persons.
pub const RESERVED_SEGMENT: &str = "brevet";
const HOST_PLACEHOLDER: &str = "{host}";

#[cfg(test)]
mod tests;

//! DNS names with claims in them. Knows labels (RFC 1034, RFC 1123); asks no resolver.

use std::fmt;
use std::sync::Arc;

use super::segment::{Alphabet, Segment};
use super::{MAX_TEMPLATE_OCTETS, RenderError, TemplateError};
use crate::claims::Claims;

/// A DNS name for a host's certificate, as in `{name}.hosts.example.org`.
///
/// Lower case only, one placeholder per label, no wildcard, and the last two labels literal: a claim can pick a host, never
/// a domain (T-36).
#[derive(Clone, PartialEq, Eq)]
pub struct DnsTemplate {
    text: Arc<str>,
    labels: Vec<Segment>,
}

impl DnsTemplate {
    /// Reads a DNS name's template.
    ///
    /// # Errors
    /// [`TemplateError`] says what to write instead.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.len() > MAX_TEMPLATE_OCTETS {
            return Err(TemplateError::TooLong { length: text.len(), limit: MAX_TEMPLATE_OCTETS });
        }
        let mut labels = Vec::new();
        for part in text_labels(text) {
            let label = Segment::parse(part, Alphabet::DnsLabel)?;
            if let Segment::Literal(literal) = &label
                && !is_label(literal)
            {
                return Err(TemplateError::DnsLabel { label: literal.clone() });
            }
            labels.push(label);
        }
        let literal_end = labels.iter().rev().take_while(|label| label.claim().is_none()).count();
        if literal_end < LITERAL_LABELS {
            return Err(TemplateError::DnsDomain);
        }
        Ok(Self { text: text.into(), labels })
    }

    /// The name for a host with these claims.
    ///
    /// # Errors
    /// [`RenderError`] names the claim that is missing or does not fit.
    pub fn render(&self, claims: &Claims) -> Result<String, RenderError> {
        let mut name = String::new();
        for label in &self.labels {
            if !name.is_empty() {
                name.push('.');
            }
            let mut rendered = String::new();
            label.render(Alphabet::DnsLabel, claims, &mut rendered)?;
            if let (Some(claim), false) = (label.claim(), is_label(&rendered)) {
                return Err(RenderError::DnsLabel { claim: claim.to_owned(), label: rendered });
            }
            name.push_str(&rendered);
        }
        if name.len() > MAX_DNS_NAME_OCTETS {
            return Err(RenderError::DnsName { length: name.len(), limit: MAX_DNS_NAME_OCTETS });
        }
        Ok(name)
    }

    /// The claims that it needs.
    pub fn claims(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().filter_map(Segment::claim)
    }

    /// The template as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Splits at the dots outside braces: a claim's name may have dots.
fn text_labels(text: &str) -> Vec<&str> {
    let mut inside = false;
    text.split(|character| {
        match character {
            '{' => inside = true,
            '}' => inside = false,
            _ => {}
        }
        character == '.' && !inside
    })
    .collect()
}

/// RFC 1034, section 3.5, with the digit in front that RFC 1123, section 2.1, allows.
fn is_label(text: &str) -> bool {
    (1..=MAX_LABEL_OCTETS).contains(&text.len())
        && text.chars().all(|character| Alphabet::DnsLabel.has(character))
        && !text.starts_with('-')
        && !text.ends_with('-')
        // Labels like xn--… stand for other characters (RFC 5890, section 2.3.1), so for names that look like another's.
        && text.get(2..4) != Some("--")
}

impl std::str::FromStr for DnsTemplate {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        Self::parse(text)
    }
}

impl fmt::Display for DnsTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for DnsTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// RFC 1035, section 2.3.4.
const MAX_LABEL_OCTETS: usize = 63;
/// RFC 1035, section 2.3.4: 255 octets on the wire are 253 in text.
const MAX_DNS_NAME_OCTETS: usize = 253;
/// Labels at the end that no claim may choose.
const LITERAL_LABELS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(template: &str, value: &str, wanted: &str) {
        let claims = Claims::from_pairs([("name", value)]).unwrap();
        assert_eq!(DnsTemplate::parse(template).unwrap().render(&claims).as_deref(), Ok(wanted));
    }

    #[track_caller]
    fn check_refused(template: &str, wanted: TemplateError) {
        assert_eq!(DnsTemplate::parse(template), Err(wanted));
    }

    #[track_caller]
    fn check_value_refused(value: &str) {
        let claims = Claims::from_pairs([("name", value)]).unwrap();
        let template = DnsTemplate::parse("{name}.hosts.example.org").unwrap();
        let error = template.render(&claims).unwrap_err();
        assert!(error.to_string().contains("`name`"), "names the claim: {error}");
    }

    #[test]
    fn names_that_stand() {
        check("{name}.hosts.example.org", "web-1", "web-1.hosts.example.org");
        check("h-{name}.example.org", "0", "h-0.example.org");
        check("fixed.example.org", "unused", "fixed.example.org");
    }

    #[test]
    fn templates_that_do_not() {
        let allowed = "a-z, 0-9 and `-`";
        let character =
            |segment: &str, character| TemplateError::Character { segment: segment.to_owned(), character, allowed };
        check_refused("", TemplateError::EmptySegment);
        check_refused("a..example.org", TemplateError::EmptySegment);
        check_refused("example.org.", TemplateError::EmptySegment);
        check_refused("org", TemplateError::DnsDomain);
        check_refused("a.{name}.org", TemplateError::DnsDomain);
        check_refused("{name}.org", TemplateError::DnsDomain);
        check_refused("*.example.org", character("*", '*'));
        check_refused("A.example.org", character("A", 'A'));
        check_refused("a_b.example.org", character("a_b", '_'));
        check_refused("-a.example.org", TemplateError::DnsLabel { label: "-a".to_owned() });
    }

    /// T-36: names that look like another name, span labels or hold a wildcard.
    #[test]
    fn values_that_do_not() {
        for value in
            ["", ".", "..", "a.b", "*", "A", "a_b", "a\0", "a\n", "-a", "a-", "\u{430}", "xn--e1a", "a b", "%61"]
        {
            check_value_refused(value);
        }
        check_value_refused(&"a".repeat(64));
    }
}

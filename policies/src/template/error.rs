//! What is wrong with a template, or with the claims it meets. Knows whose fault it is.

use identity::SpiffeIdError;

/// A template that is refused when it is loaded: the fault of who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Too long.
    #[error("a template has at most {limit} octets, this one has {length}")]
    TooLong {
        /// Octets given.
        length: usize,
        /// Octets allowed.
        limit: usize,
    },
    /// Does not begin at the trust domain or the host.
    #[error("a template begins with `/`; one of an agent may begin with `{{host}}/`")]
    NotAbsolute,
    /// `//`, or `/` at the end.
    #[error("a segment is empty")]
    EmptySegment,
    /// `.` or `..`.
    #[error("a segment is `{segment}`, which some readers would resolve")]
    DotSegment {
        /// The segment.
        segment: String,
    },
    /// A literal character that SPIFFE ids do not have.
    #[error("U+{:04X} in segment `{}` is not allowed; allowed are {allowed}", u32::from(*character), segment.escape_debug())]
    Character {
        /// The segment.
        segment: String,
        /// The first character that is not allowed.
        character: char,
        /// What is.
        allowed: &'static str,
    },
    /// Two placeholders in one segment.
    #[error("segment `{segment}` has two placeholders; with one per segment no two hosts can render one id")]
    TwoPlaceholders {
        /// The segment.
        segment: String,
    },
    /// `{` without `}`, or the other way round.
    #[error("segment `{segment}` has a brace without its partner")]
    Brace {
        /// The segment.
        segment: String,
    },
    /// What stands between the braces names no claim.
    #[error("`{{{}}}` names no claim: a-z, 0-9, `_` and `.`", name.escape_debug())]
    ClaimName {
        /// What stands there.
        name: String,
    },
    /// A placeholder in the first segment.
    #[error("the first segment is literal, so that ids of different kinds stay apart")]
    FirstSegment,
    /// The first segment belongs to the server.
    #[error("ids below /{segment} belong to the server")]
    ReservedSegment {
        /// The segment.
        segment: String,
    },
    /// No placeholder in a host's template.
    #[error("a host's id needs a claim, such as `/host/{{name}}`, or all hosts would be one")]
    NoClaim,
    /// `{host}` somewhere else than in front of an agent's template.
    #[error("`{{host}}` stands only in front of an agent's id, as in `{{host}}/agent/web`")]
    HostNotInFront,
    /// `{host}` alone.
    #[error("an agent's id is not its host's; write `{{host}}/agent/` and a name")]
    HostItself,
    /// A DNS name whose end depends on a claim.
    #[error("the last two labels of a DNS name are literal, so that a claim does not choose the domain")]
    DnsDomain,
    /// A DNS name that is too long by itself, or a label that begins or ends with `-`.
    #[error("`{label}` is no DNS label: 1 to 63 of a-z, 0-9 and `-`, no `-` at its ends, no `--` after two")]
    DnsLabel {
        /// The label.
        label: String,
    },
}

/// Claims that do not fit a template: the fault of what the evidence says, or of a template for another attestor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The evidence does not say it.
    #[error("the evidence has no claim `{claim}`, which the template needs")]
    NoSuchClaim {
        /// The claim.
        claim: String,
    },
    /// It is no text.
    #[error("claim `{claim}` is a {kind}; only a text can stand in a name")]
    NotText {
        /// The claim.
        claim: String,
        /// What it is instead.
        kind: &'static str,
    },
    /// Nothing at all.
    #[error("claim `{claim}` is empty")]
    Empty {
        /// The claim.
        claim: String,
    },
    /// `.` or `..`.
    #[error("claim `{claim}` is `{value}`, which some readers would resolve")]
    Dots {
        /// The claim.
        claim: String,
        /// Its value.
        value: String,
    },
    /// A character that the name cannot hold.
    #[error("claim `{claim}` has U+{:04X} at octet {at}; allowed are {allowed}", u32::from(*character))]
    Character {
        /// The claim.
        claim: String,
        /// The first that is not allowed.
        character: char,
        /// Where it stands, in octets from 0.
        at: usize,
        /// What is allowed.
        allowed: &'static str,
    },
    /// Too long.
    #[error("claim `{claim}` has {length} octets, at most {limit} can stand in a name")]
    TooLong {
        /// The claim.
        claim: String,
        /// Octets given.
        length: usize,
        /// Octets allowed.
        limit: usize,
    },
    /// With the claim in it, the label is no DNS label.
    #[error(
        "claim `{claim}` makes `{label}`, which is no DNS label: 1 to 63 of a-z, 0-9 and `-`, no `-` at its ends, no `--` after two"
    )]
    DnsLabel {
        /// The claim.
        claim: String,
        /// What it makes.
        label: String,
    },
    /// The whole DNS name is too long.
    #[error("the DNS name has {length} octets, at most {limit} are allowed")]
    DnsName {
        /// Octets it would have.
        length: usize,
        /// Octets allowed.
        limit: usize,
    },
    /// The whole is no SPIFFE id.
    #[error("the claims make no SPIFFE id")]
    Id(#[source] SpiffeIdError),
}

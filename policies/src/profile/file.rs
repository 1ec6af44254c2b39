//! Profiles as they are written in TOML. Knows names, units and defaults; [`super::Profile`] knows what is allowed.

use identity::{KeyKind, Lifetime};
use serde::Deserialize;
use toml::Spanned;

use crate::cutoff::Cutoff;

/// A file of profiles: any number of `[[profile]]` tables, nothing else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfilesFile {
    /// The profiles, with the octets of the file where each stands.
    #[serde(default, rename = "profile")]
    pub profiles: Vec<Spanned<ProfileFile>>,
}

/// One `[[profile]]`: how the signed claims of one attestor become a host's identity, and how long that lives.
///
/// ```toml
/// [[profile]]
/// name = "build"
/// attestor = "join-token"
/// host_id = "/host/{name}"
/// ```
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileFile {
    /// Its name, `a-z`, `0-9` and `-`. Agents are listed under it, and policies, tokens and entries name it.
    pub name: String,
    /// The attestor whose evidence it takes, by its name in the server's configuration, such as `"join-token"`.
    pub attestor: String,
    /// The path of the host's SPIFFE id below the trust domain, with claims in braces, such as
    /// `"/k8s/{namespace}/{service_account}/{pod_uid}"`. At most one claim per segment; the first segment is literal.
    pub host_id: String,
    /// Life of a host's certificate; a number and s, m, h or d. Default `"1h"`, 5 s to 24 h. It is renewed at half of it.
    #[serde(default, with = "identity::text::option")]
    pub host_lifetime: Option<Lifetime>,
    /// Key kinds that hosts and agents of this profile may use, of `"p256"` and `"ed25519"`. Default: both.
    #[serde(default, deserialize_with = "some_list")]
    pub key_kinds: Option<Vec<KeyKind>>,
    /// How long after its last certificate expired a host may come back with fresh evidence and its bound key; a number and
    /// s, m, h or d. Default `"7d"`, at most 90 d. After that an admin evicts it first.
    #[serde(default, with = "identity::text::option")]
    pub reenrol_within: Option<Lifetime>,
    /// A renewal later than this after the last evidence asks for new evidence; a number and s, m, h or d, not shorter than
    /// `host_lifetime`. Default: none, the live certificate is proof enough.
    #[serde(default, with = "identity::text::option")]
    pub reattest_after: Option<Lifetime>,
    /// How long a renewed certificate may still be used; a number and s, m, h or d. Default `"5m"`, at most 24 h. It has an
    /// effect with `cutoff` refuse or revoke, and never beyond the certificate's own expiry.
    #[serde(default, with = "identity::text::option")]
    pub grace: Option<Lifetime>,
    /// What becomes of a renewed certificate after `grace`: `"expire"` (it runs out by itself), `"refuse"` (verifiers that
    /// follow us refuse it) or `"revoke"` (as refuse, and it goes on CRLs). Default `"expire"`. An agent may have its own.
    #[serde(default, with = "identity::text::option")]
    pub cutoff: Option<Cutoff>,
    /// How old a verifier's news of revocations may be before it refuses every peer; a number and s, m, h or d. Default
    /// `"30s"`, 10 s to 1 h. Shorter ends a revoked agent sooner where the feed is cut; longer survives a longer outage.
    #[serde(default, with = "identity::text::option")]
    pub max_staleness: Option<Lifetime>,
    /// DNS names of the host's certificate, with claims in braces, such as `["{name}.hosts.example.org"]`; the last two
    /// labels are literal. Default: none. At most 16.
    #[serde(default)]
    pub dns_names: Vec<String>,
    /// Whether evidence is kept, encrypted and erasable, once it has been granted. Default `false`: only its hash stands in
    /// the ledger.
    #[serde(default)]
    pub keep_evidence: bool,
}

/// An absent list is the default; an empty one is a list that allows nothing, and is refused as such.
fn some_list<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<KeyKind>>, D::Error> {
    identity::text::list::deserialize(deserializer).map(Some)
}

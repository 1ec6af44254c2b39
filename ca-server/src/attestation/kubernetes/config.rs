//! The configuration of one cluster: as it stands in the file, and checked. Knows limits and addresses; fetches
//! nothing.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use policies::Name;
use policies::name::NameError;
use reqwest::Url;
use serde::Deserialize;

use super::address::Reach;
use super::source::Location;

mod api_server;

pub use api_server::ApiServer;

/// One cluster, as it stands in the configuration file. Unknown keys are refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesFile {
    /// Name of the cluster: the attestor's name, and the claim `cluster`. 1 to 64 of a-z, 0-9 and `-`.
    pub name: String,
    /// The exact `iss` of its tokens: the API server's `--service-account-issuer`. Two clusters with the default issuer
    /// need two audiences.
    pub issuer: String,
    /// The exact and only `aud` of the tokens that pods show. Not the API server's own audience, which every pod has.
    pub audience: String,
    /// How a token is checked: `jwks` (default), by the cluster's key set, or `token-review`, by asking its API server
    /// each time.
    pub mode: Option<Mode>,
    /// Address of the key set (`https://.../openid/v1/jwks`); this or `jwks_file`. This and the next three are for
    /// mode `jwks` alone.
    pub jwks_url: Option<String>,
    /// File with the key set (`kubectl get --raw /openid/v1/jwks`); read again as if it were fetched.
    pub jwks_file: Option<PathBuf>,
    /// PEM file of the authorities that the server of `jwks_url` must chain to. Default: those of the system.
    pub jwks_ca_file: Option<PathBuf>,
    /// Where `jwks_url` may lead: `public` (default), `private` (RFC 1918, RFC 4193, RFC 6598) or `loopback`. Plain
    /// `http` is for `loopback` alone. Link-local addresses are never asked.
    pub jwks_reach: Option<Reach>,
    /// Address of the API server (`https://10.0.0.1:6443`). This and the next three are for mode `token-review` alone.
    pub api_url: Option<String>,
    /// PEM file of the authorities that the API server must chain to; needed.
    pub api_ca_file: Option<PathBuf>,
    /// Where `api_url` may lead: `public` (default), `private` or `loopback`.
    pub api_reach: Option<Reach>,
    /// File with our own credential for the API server, a bearer token; read before each use.
    pub api_token_file: Option<PathBuf>,
    /// Longest life of a token from `iat` to `exp`, in seconds. Default 3600, at most 86400.
    pub max_life_seconds: Option<u64>,
    /// By how much the cluster's clock may be ahead of ours, in seconds. Default 0, at most 60. A fresh token of a
    /// cluster that is ahead is refused until our clock has caught up.
    pub clock_skew_seconds: Option<u64>,
}

/// How a cluster's tokens are checked, as it stands in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// By the key set.
    #[default]
    Jwks,
    /// By asking the API server.
    TokenReview,
}

/// Who says that a cluster signed a token.
#[derive(Clone, Debug)]
pub enum Proof {
    /// Its key set.
    Keys(Location),
    /// Its API server.
    Review(ApiServer),
}

/// One cluster, checked.
#[derive(Clone, Debug)]
pub struct KubernetesConfig {
    name: Name,
    issuer: String,
    audience: String,
    proof: Proof,
    max_life: Duration,
    clock_skew: Duration,
}

/// A configuration that is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A name that is none.
    #[error("the name {found:?} of a cluster is not taken")]
    Name {
        /// What stands there.
        found: String,
        /// Why.
        #[source]
        source: NameError,
    },
    /// Two clusters of one name.
    #[error("two clusters are named {cluster}")]
    NameTwice {
        /// The name.
        cluster: Name,
    },
    /// Two clusters between which a token does not tell.
    #[error("clusters {one} and {other} have the same issuer and audience: give one of them another audience")]
    Alike {
        /// The first.
        one: Name,
        /// The second.
        other: Name,
    },
    /// A text that must say something.
    #[error("{key} of cluster {cluster} has {octets} octets, 1 to {limit} are needed")]
    TextLength {
        /// Of which cluster.
        cluster: String,
        /// Which key.
        key: &'static str,
        /// How long it is.
        octets: usize,
        /// How long it may be.
        limit: usize,
    },
    /// Issuer and audience are one: the audience is that of the API server.
    #[error("audience of cluster {cluster} is its issuer: every pod's default token would do")]
    AudienceIsIssuer {
        /// Of which cluster.
        cluster: String,
    },
    /// Neither address nor file, or both.
    #[error("cluster {cluster} needs exactly one of jwks_url and jwks_file")]
    Source {
        /// Of which cluster.
        cluster: String,
    },
    /// A key that the mode needs.
    #[error("cluster {cluster} needs {key}: its mode is token-review")]
    Needed {
        /// Of which cluster.
        cluster: String,
        /// Which key.
        key: &'static str,
    },
    /// A key of the other mode.
    #[error("{key} of cluster {cluster} has no effect: it is for mode {mode:?}")]
    OtherMode {
        /// Of which cluster.
        cluster: String,
        /// Which key.
        key: &'static str,
        /// The mode that it is for.
        mode: Mode,
    },
    /// An address that is not taken.
    #[error("{key} of cluster {cluster}: {problem}")]
    Url {
        /// Of which cluster.
        cluster: String,
        /// Which key.
        key: &'static str,
        /// Why.
        problem: &'static str,
    },
    /// A key that means nothing without `jwks_url`, or over plain HTTP.
    #[error("{key} of cluster {cluster} has no effect: it is for an https jwks_url")]
    NoEffect {
        /// Of which cluster.
        cluster: String,
        /// Which key.
        key: &'static str,
    },
    /// A number beyond its limits.
    #[error("{key} of cluster {cluster} is {found}, {least} to {limit} are allowed")]
    Seconds {
        /// Of which cluster.
        cluster: String,
        /// Which key.
        key: &'static str,
        /// What stands there.
        found: u64,
        /// The least.
        least: u64,
        /// The most.
        limit: u64,
    },
    /// The CA file cannot be read, or holds no certificate.
    #[error("{key} {path:?} cannot be used")]
    CaFile {
        /// Which key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The HTTP client cannot be built.
    #[error("no HTTP client for the cluster can be made")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl KubernetesFile {
    /// Checks everything that can be checked without a fetch.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn check(self) -> Result<KubernetesConfig, ConfigError> {
        let name = Name::parse(&self.name).map_err(|source| ConfigError::Name { found: self.name.clone(), source })?;
        for (key, text) in [("issuer", &self.issuer), ("audience", &self.audience)] {
            if !(1..=MAX_NAME_OCTETS).contains(&text.len()) {
                let (cluster, octets) = (self.name, text.len());
                return Err(ConfigError::TextLength { cluster, key, octets, limit: MAX_NAME_OCTETS });
            }
        }
        if self.issuer == self.audience {
            return Err(ConfigError::AudienceIsIssuer { cluster: self.name });
        }
        let proof = self.proof()?;
        let max_life = self.seconds("max_life_seconds", self.max_life_seconds, 600, DEFAULT_MAX_LIFE, MAX_MAX_LIFE)?;
        let clock_skew =
            self.seconds("clock_skew_seconds", self.clock_skew_seconds, 0, Duration::ZERO, MAX_CLOCK_SKEW)?;
        let Self { issuer, audience, .. } = self;
        Ok(KubernetesConfig { name, issuer, audience, proof, max_life, clock_skew })
    }

    fn proof(&self) -> Result<Proof, ConfigError> {
        let mode = self.mode.unwrap_or_default();
        let others: &[(&'static str, bool, Mode)] = &[
            ("jwks_url", self.jwks_url.is_some(), Mode::Jwks),
            ("jwks_file", self.jwks_file.is_some(), Mode::Jwks),
            ("jwks_ca_file", self.jwks_ca_file.is_some(), Mode::Jwks),
            ("jwks_reach", self.jwks_reach.is_some(), Mode::Jwks),
            ("api_url", self.api_url.is_some(), Mode::TokenReview),
            ("api_ca_file", self.api_ca_file.is_some(), Mode::TokenReview),
            ("api_reach", self.api_reach.is_some(), Mode::TokenReview),
            ("api_token_file", self.api_token_file.is_some(), Mode::TokenReview),
        ];
        if let Some((key, _, of)) = others.iter().find(|(_, given, of)| *given && *of != mode) {
            return Err(ConfigError::OtherMode { cluster: self.name.clone(), key, mode: *of });
        }
        match mode {
            Mode::Jwks => self.location().map(Proof::Keys),
            Mode::TokenReview => self.api_server().map(Proof::Review),
        }
    }

    fn location(&self) -> Result<Location, ConfigError> {
        let no_effect = |key| Err(ConfigError::NoEffect { cluster: self.name.clone(), key });
        match (&self.jwks_url, &self.jwks_file) {
            (Some(url), None) => self.url(url),
            (None, Some(_)) if self.jwks_ca_file.is_some() => no_effect("jwks_ca_file"),
            (None, Some(_)) if self.jwks_reach.is_some() => no_effect("jwks_reach"),
            (None, Some(path)) => Ok(Location::File { path: path.clone() }),
            (Some(_), Some(_)) | (None, None) => Err(ConfigError::Source { cluster: self.name.clone() }),
        }
    }

    fn url(&self, text: &str) -> Result<Location, ConfigError> {
        let problem = |problem| Err(self.problem("jwks_url", problem));
        let reach = self.jwks_reach.unwrap_or(Reach::Public);
        let url = self.address("jwks_url", text, reach)?;
        match (url.scheme(), reach) {
            ("https", _) => {}
            ("http", Reach::Loopback) if self.jwks_ca_file.is_some() => {
                return Err(ConfigError::NoEffect { cluster: self.name.clone(), key: "jwks_ca_file" });
            }
            ("http", Reach::Loopback) => {}
            ("http", Reach::Public | Reach::Private) => return problem("http is for jwks_reach = \"loopback\" alone"),
            _ => return problem("https is needed"),
        }
        Ok(Location::Url { url, reach, ca_file: self.jwks_ca_file.clone() })
    }

    /// A URL of a host that may be asked.
    fn address(&self, key: &'static str, text: &str, reach: Reach) -> Result<Url, ConfigError> {
        let problem = |problem| Err(self.problem(key, problem));
        let Ok(url) = Url::parse(text) else { return problem("it is no URL") };
        if !url.username().is_empty() || url.password().is_some() {
            return problem("no name or password may stand in it: it would be logged");
        }
        if !matches!(url.scheme(), "http" | "https") {
            return problem("https is needed");
        }
        // An address in the place of a name is looked up by nobody, so it is checked here.
        let Some(host) = url.host_str() else { return problem("it has no host") };
        match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(address) if !reach.allows(address) => problem("its address is not of the kind that its reach allows"),
            Ok(_) | Err(_) => Ok(url),
        }
    }

    fn problem(&self, key: &'static str, problem: &'static str) -> ConfigError {
        ConfigError::Url { cluster: self.name.clone(), key, problem }
    }

    fn seconds(
        &self,
        key: &'static str,
        found: Option<u64>,
        least: u64,
        default: Duration,
        limit: Duration,
    ) -> Result<Duration, ConfigError> {
        match found {
            None => Ok(default),
            Some(found) if (least..=limit.as_secs()).contains(&found) => Ok(Duration::from_secs(found)),
            Some(found) => {
                let cluster = self.name.clone();
                Err(ConfigError::Seconds { cluster, key, found, least, limit: limit.as_secs() })
            }
        }
    }
}

impl KubernetesConfig {
    /// Checks all clusters of a configuration, each by itself and beside the others.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn all(files: Vec<KubernetesFile>) -> Result<Vec<Self>, ConfigError> {
        let mut all: Vec<Self> = Vec::new();
        for file in files {
            let other = file.check()?;
            for one in &all {
                if one.name == other.name {
                    return Err(ConfigError::NameTwice { cluster: other.name });
                }
                if (&one.issuer, &one.audience) == (&other.issuer, &other.audience) {
                    return Err(ConfigError::Alike { one: one.name.clone(), other: other.name });
                }
            }
            all.push(other);
        }
        Ok(all)
    }

    /// Name of the cluster.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The exact issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The exact audience.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Who says that the cluster signed a token.
    #[must_use]
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// Longest life of a token.
    #[must_use]
    pub fn max_life(&self) -> Duration {
        self.max_life
    }

    /// By how much the cluster's clock may be ahead.
    #[must_use]
    pub fn clock_skew(&self) -> Duration {
        self.clock_skew
    }
}

/// Octets of an issuer or an audience. URLs of issuers have up to 100.
const MAX_NAME_OCTETS: usize = 512;
/// T-28: projected tokens live an hour unless the pod asks for another time.
pub const DEFAULT_MAX_LIFE: Duration = Duration::from_secs(3600);
/// T-28: the API server caps what pods may ask for at 2^32 seconds; nothing that lives longer than a day is
/// short-lived.
pub const MAX_MAX_LIFE: Duration = Duration::from_secs(86_400);
/// Clocks that are kept by NTP differ by less than a second; a minute is a cluster that nobody looks after.
pub const MAX_CLOCK_SKEW: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;

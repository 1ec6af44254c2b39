//! The configuration of `ca-server`: the file as it stands, and what it means once checked. Reads the file it is given
//! and the directory of systemd credentials it is told of; knows no environment.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use identity::TrustDomain;
use serde::Deserialize;

use crate::attestation::aws_iid::{AwsConfig, AwsFile, ConfigError as AwsError};
use crate::attestation::kubernetes::{ConfigError as ClusterError, KubernetesConfig, KubernetesFile};
use crate::issuance::{Publication, PublicationError};

/// `ca-server.toml`. Unknown keys are refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// Where ledger, keys and snapshots lie. Made with mode 0700 if it is missing. Relative paths in this file are taken
    /// from the file's own directory.
    pub data_dir: PathBuf,
    /// The SPIFFE trust domain; fixed by `init`.
    pub trust_domain: String,
    /// The listener for hosts, agents and admins.
    pub api: ApiFile,
    /// The plain HTTP listener for CRLs, authorities' certificates and the ledger's public form.
    pub public: PublicFile,
    /// The admin socket.
    pub admin: AdminFile,
    /// How keys are sealed.
    pub keys: KeysFile,
    /// Where two persons must agree. Default: nowhere but where the design says so (admitting a person).
    #[serde(default)]
    pub two_persons: TwoPersonsFile,
    /// The ledger's files.
    #[serde(default)]
    pub ledger: LedgerFile,
    /// Where metrics are served beside the admin socket.
    #[serde(default)]
    pub metrics: MetricsFile,
    /// What is logged, and how.
    #[serde(default)]
    pub log: LogFile,
    /// Kubernetes clusters whose service-account tokens are taken as evidence. Join tokens are always taken.
    #[serde(default)]
    pub kubernetes: Vec<KubernetesFile>,
    /// AWS accounts whose instance identity documents are taken as evidence.
    #[serde(default)]
    pub aws: Vec<AwsFile>,
}

/// `[api]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiFile {
    /// Address and port; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// How clients reach it, `https://name:port`; goes into `trust.json` at `init`.
    pub url: String,
    /// DNS names that the server's certificate states beside its SPIFFE id, for clients other than ours. Default: none.
    #[serde(default)]
    pub dns_names: Vec<String>,
}

/// `[public]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicFile {
    /// Address and port.
    pub listen: SocketAddr,
    /// How verifiers reach it, `http://name[:port][/path]`; goes into every certificate.
    pub url: String,
    /// CRL shards that new certificates are spread over: a power of two up to 256.
    #[serde(default = "default_shards")]
    pub crl_shards: u16,
}

/// Each shard is an entry of the ledger every six hours, and 1,000 revocations give it 2 kB.
const fn default_shards() -> u16 {
    16
}

/// `[admin]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminFile {
    /// Path of the Unix socket. Only root and the server's own user may connect.
    pub socket: PathBuf,
}

/// `[keys]`: exactly one of the two.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysFile {
    /// File with the passphrase that seals the keys; nobody but its owner may read it.
    pub passphrase_file: Option<PathBuf>,
    /// Name of the systemd credential that holds it (`LoadCredential=` or `LoadCredentialEncrypted=` in the unit).
    pub passphrase_credential: Option<String>,
}

/// `[two_persons]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwoPersonsFile {
    /// Whether loading a policy needs the approval of two admins. Default: false.
    #[serde(default)]
    pub policy: bool,
}

/// `[ledger]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerFile {
    /// Size of a segment file in MiB, written with zeros in advance. Default 64; 1 to 1024.
    #[serde(default = "LedgerFile::default_segment")]
    pub segment_mib: u64,
}

impl LedgerFile {
    fn default_segment() -> u64 {
        64
    }
}

impl Default for LedgerFile {
    fn default() -> Self {
        Self { segment_mib: Self::default_segment() }
    }
}

/// `[metrics]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsFile {
    /// Loopback address and port on which anybody of this machine may read `GET /metrics`. Default: none.
    pub listen: Option<SocketAddr>,
}

/// `[log]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogFile {
    /// Form of the log on standard error: `text` (default) or `json`.
    #[serde(default)]
    pub format: LogFormat,
    /// What is logged, like `warn,ca_server=debug`. Default: `info`. The variable BREVET_LOG goes before it.
    pub filter: Option<String>,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object for each line.
    Json,
}

/// The configuration, checked.
#[derive(Debug)]
pub struct Config {
    /// Where ledger, keys and snapshots lie.
    pub data_dir: PathBuf,
    /// The trust domain.
    pub trust_domain: TrustDomain,
    /// Address of the API.
    pub api_listen: SocketAddr,
    /// How clients reach the API.
    pub api_url: String,
    /// DNS names of the server's certificate.
    pub dns_names: Vec<String>,
    /// Address of the public listener.
    pub public_listen: SocketAddr,
    /// The base of the addresses in certificates.
    pub publication: Publication,
    /// The admin socket.
    pub admin_socket: PathBuf,
    /// Where the passphrase comes from.
    pub passphrase: PassphraseSource,
    /// Whether loading a policy needs two admins.
    pub policy_needs_two: bool,
    /// Octets of a segment.
    pub segment_octets: u64,
    /// Where metrics are served beside the admin socket.
    pub metrics_listen: Option<SocketAddr>,
    /// Form of the log.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_filter: String,
    /// The clusters.
    pub clusters: Vec<KubernetesConfig>,
    /// The AWS attestors.
    pub aws: Vec<AwsConfig>,
}

/// Where the passphrase that seals the keys comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassphraseSource {
    /// A file.
    File(PathBuf),
    /// A systemd credential.
    Credential(String),
}

/// Why a configuration is not taken. `ca-server` ends with code 64 then.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Not TOML of this form. The message names line and column.
    #[error("{}: {message}", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// What TOML says.
        message: String,
    },
    /// A value that is none.
    #[error("{key}: {why}")]
    Value {
        /// Its key.
        key: &'static str,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The public URL is none.
    #[error("public.url")]
    Publication(#[from] PublicationError),
    /// A cluster is not described rightly.
    #[error("kubernetes")]
    Cluster(#[from] ClusterError),
    /// An AWS attestor is not described rightly.
    #[error("aws")]
    Aws(#[from] AwsError),
}

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let directory = path.parent().unwrap_or_else(|| Path::new(""));
        Self::parse(&text, directory).map_err(|error| {
            let ConfigError::Malformed { message, .. } = error else { return error };
            ConfigError::Malformed { path: path.to_owned(), message }
        })
    }

    /// Checks a configuration's text; relative paths in it are taken from `directory`.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn parse(text: &str, directory: &Path) -> Result<Self, ConfigError> {
        let file: ConfigFile = toml::from_str(text).map_err(|error| ConfigError::Malformed {
            path: PathBuf::from("configuration"),
            message: error.to_string(),
        })?;
        file.check(directory)
    }
}

impl ConfigFile {
    fn check(self, directory: &Path) -> Result<Config, ConfigError> {
        let value = |key, why: &str| ConfigError::Value { key, why: why.to_owned() };
        let trust_domain = TrustDomain::parse(&self.trust_domain)
            .map_err(|error| ConfigError::Value { key: "trust_domain", why: error.to_string() })?;
        if !self.api.url.starts_with("https://") || self.api.url.len() > MAX_URL_OCTETS {
            return Err(value("api.url", "must be https://name:port, as clients reach the server"));
        }
        if self.api.url.ends_with('/') {
            return Err(value("api.url", "must not end in /"));
        }
        let passphrase = match (self.keys.passphrase_file, self.keys.passphrase_credential) {
            (Some(file), None) => PassphraseSource::File(directory.join(file)),
            (None, Some(name)) => PassphraseSource::Credential(name),
            _ => return Err(value("keys", "set passphrase_file or passphrase_credential, and not both")),
        };
        if !(1..=1024).contains(&self.ledger.segment_mib) {
            return Err(value("ledger.segment_mib", "1 to 1024"));
        }
        if self.metrics.listen.is_some_and(|address| !address.ip().is_loopback()) {
            return Err(value(
                "metrics.listen",
                "must be a loopback address: metrics are for whoever is on this machine",
            ));
        }
        let log_filter = self.log.filter.unwrap_or_else(|| "info".to_owned());
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&log_filter) {
            return Err(ConfigError::Value { key: "log.filter", why: error.to_string() });
        }
        let clusters = KubernetesConfig::all(self.kubernetes)?;
        let aws = AwsConfig::all(self.aws, directory)?;
        Ok(Config {
            data_dir: directory.join(self.data_dir),
            trust_domain,
            api_listen: self.api.listen,
            api_url: self.api.url,
            dns_names: self.api.dns_names,
            public_listen: self.public.listen,
            publication: Publication::parse(&self.public.url, self.public.crl_shards)?,
            admin_socket: directory.join(self.admin.socket),
            passphrase,
            policy_needs_two: self.two_persons.policy,
            segment_octets: self.ledger.segment_mib.saturating_mul(1024 * 1024),
            metrics_listen: self.metrics.listen,
            log_format: self.log.format,
            log_filter,
            clusters,
            aws,
        })
    }
}

/// Octets of a URL in the configuration: no host name is longer than 253.
const MAX_URL_OCTETS: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
data_dir = "data"
trust_domain = "example.org"
[api]
listen = "127.0.0.1:8443"
url = "https://localhost:8443"
[public]
listen = "127.0.0.1:8080"
url = "http://localhost:8080"
[admin]
socket = "admin.sock"
[keys]
passphrase_file = "passphrase"
"#;

    #[test]
    fn a_good_file_is_taken_and_its_paths_are_its_own() {
        let config = Config::parse(GOOD, Path::new("/etc/brevet")).unwrap();
        assert_eq!(config.data_dir, Path::new("/etc/brevet/data"));
        assert_eq!(config.passphrase, PassphraseSource::File(PathBuf::from("/etc/brevet/passphrase")));
    }

    #[track_caller]
    fn check_refused(from: &str, to: &str, says: &str) {
        let text = GOOD.replace(from, to);
        assert_ne!(text, GOOD, "nothing was changed");
        let error = Config::parse(&text, Path::new("")).unwrap_err();
        let said = crate::api::chain(&error);
        assert!(said.contains(says), "{said}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        check_refused("trust_domain", "trust_domian", "unknown field `trust_domian`");
        check_refused("\"example.org\"", "\"Example.org\"", "trust_domain");
        check_refused("https://localhost:8443", "http://localhost:8443", "api.url");
        check_refused("localhost:8443\"", "localhost:8443/\"", "must not end in /");
        check_refused("http://localhost:8080", "https://localhost:8080", "public.url");
        check_refused("passphrase_file = \"passphrase\"", "", "keys");
        check_refused("passphrase_file", "passphrase_credential = \"x\"\npassphrase_file", "not both");
        check_refused("[keys]", "[metrics]\nlisten = \"0.0.0.0:9464\"\n[keys]", "metrics.listen");
        check_refused("[keys]", "[log]\nfilter = \"ca_server=loud\"\n[keys]", "log.filter");
        check_refused("[keys]", "[log]\nformat = \"xml\"\n[keys]", "unknown variant");
        check_refused("[keys]", "[ledger]\nsegment_mib = 0\n[keys]", "segment_mib");
    }
}

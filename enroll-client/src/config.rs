//! What an operator decides: the configuration file and the options beside it, checked before anything starts. Knows paths and names; opens no socket.
//!
//! The file is TOML; `config/sample.toml` shows every member with its meaning and default, and is a test.

mod file;
mod files;
mod passphrase;

use std::collections::BTreeSet;
use std::path::PathBuf;

use identity::KeyKind;
use reqwest::Url;

use crate::delivery::Order;
use crate::evidence::{EvidenceSource, ImdsEndpoint};
use crate::identities::{AgentName, AgentNameError};
use crate::keep::Seal;
use crate::socket::Access;

pub use file::{ConfigFile, EvidenceFile, HostKeyFile, LogFile, SAMPLE};
pub use files::{FilesError, FilesFile, NamesFile, ReloadFile};
pub use passphrase::PassphraseError;

/// A checked configuration.
#[derive(Debug)]
pub struct Config {
    /// Where the server is, for the first start.
    pub server: Option<Url>,
    /// The trust file that the operator brought.
    pub trust_file: Option<PathBuf>,
    /// The state directory.
    pub state_dir: PathBuf,
    /// The agents' socket.
    pub socket: PathBuf,
    /// Who may connect to it.
    pub access: Access,
    /// The profile to enrol under.
    pub profile: Option<String>,
    /// Which agents are wanted, if not all.
    pub agents: Option<BTreeSet<AgentName>>,
    /// What the host shows.
    pub evidence: EvidenceSource,
    /// Kind of the host's key.
    pub host_key: KeyKind,
    /// How the host's key rests.
    pub seal: Seal,
    /// What is delivered as files.
    pub files: Vec<Order>,
}

/// How the program logs. Apart from the rest, since it is needed before the rest can be complained about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// Directives of `tracing_subscriber::EnvFilter`.
    pub filter: String,
    /// One JSON object per line instead of text.
    pub format: LogFormat,
}

/// Form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What the process was given by its environment; only `main` looks there.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// `$CREDENTIALS_DIRECTORY`, where systemd puts credentials.
    pub credentials: Option<PathBuf>,
}

/// What is wrong with a configuration. Exit code 64.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {} cannot be read", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML of that form; the message names line and key.
    #[error("the configuration file {}", .path.display())]
    Toml {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: Box<toml::de::Error>,
    },
    /// Something that must be said is not.
    #[error("{what} is missing: give {how}")]
    Missing {
        /// What.
        what: &'static str,
        /// How to say it.
        how: &'static str,
    },
    /// A value that is none.
    #[error("{what} {value:?} is not {expected}")]
    Value {
        /// Of what.
        what: &'static str,
        /// As given.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The server's URL.
    #[error("the server's URL {value:?} is not https://host[:port]")]
    Server {
        /// As given.
        value: String,
    },
    /// A path that depends on where the program was started.
    #[error("{what} {} is not an absolute path", .path.display())]
    Relative {
        /// Of what.
        what: &'static str,
        /// As given.
        path: PathBuf,
    },
    /// An agent's name.
    #[error("the agent name {value:?}")]
    Agent {
        /// As given.
        value: String,
        /// What is wrong with it.
        source: AgentNameError,
    },
    /// A key that is for another kind of evidence.
    #[error("{key} has no effect for evidence of kind {kind}: leave it out")]
    NoEffect {
        /// Which.
        key: &'static str,
        /// The kind.
        kind: String,
    },
    /// Two answers to who may connect.
    #[error("there are both socket_access and socket_group; one of them says who may connect")]
    TwoAccesses,
    /// Two seals.
    #[error("host_key has both passphrase_file and credential; one of them seals the key")]
    TwoSeals,
    /// The passphrase.
    #[error("the passphrase of the host's key")]
    Passphrase(#[from] PassphraseError),
    /// Files.
    #[error("[[files]] number {number}")]
    Files {
        /// Which, counted from 1.
        number: usize,
        /// What is wrong with it.
        source: FilesError,
    },
}

impl ConfigFile {
    /// Checks the file's values and reads the passphrase.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(self, surroundings: &Surroundings) -> Result<Config, ConfigError> {
        let server = self.server.map(|text| server_url(&text)).transpose()?;
        let state_dir = absolute("state_dir", self.state_dir, "state_dir in the file, or --state-dir")?;
        let socket = absolute("socket", self.socket, "socket in the file, or --socket")?;
        let trust_file = self.trust_file.map(|path| absolute("trust_file", Some(path), "")).transpose()?;
        let missing = || ConfigError::Missing { what: "evidence", how: "[evidence] in the file, or --token-file" };
        let evidence = evidence(self.evidence.ok_or_else(missing)?)?;
        let agents = self.agents.map(|names| names.iter().map(|name| agent(name)).collect()).transpose()?;
        let host_key = self.host_key.unwrap_or_default();
        let files = files::check(self.files.unwrap_or_default(), agents.as_ref())?;
        Ok(Config {
            server,
            trust_file,
            state_dir,
            socket,
            access: access(self.socket_access.as_deref(), self.socket_group)?,
            profile: self.profile,
            agents,
            evidence,
            host_key: key_kind(host_key.kind.as_deref())?,
            seal: passphrase::seal(host_key, surroundings)?,
            files,
        })
    }
}

impl LogFile {
    /// Checks how to log.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn check(&self) -> Result<Logging, ConfigError> {
        let filter = self.filter.clone().unwrap_or_else(|| DEFAULT_FILTER.to_owned());
        if tracing_subscriber::EnvFilter::builder().parse(&filter).is_err() {
            return Err(ConfigError::Value { what: "log.filter", value: filter, expected: "a filter like \"info\"" });
        }
        let format = match self.format.as_deref() {
            None | Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(other) => {
                let expected = "\"text\" or \"json\"";
                return Err(ConfigError::Value { what: "log.format", value: other.to_owned(), expected });
            }
        };
        Ok(Logging { filter, format })
    }
}

fn server_url(text: &str) -> Result<Url, ConfigError> {
    let refused = || ConfigError::Server { value: text.to_owned() };
    let url = Url::parse(text).map_err(|_| refused())?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if url.scheme() == "https" && url.has_host() && bare && url.password().is_none() { Ok(url) } else { Err(refused()) }
}

fn absolute(what: &'static str, path: Option<PathBuf>, how: &'static str) -> Result<PathBuf, ConfigError> {
    let path = path.ok_or(ConfigError::Missing { what, how })?;
    if path.is_absolute() { Ok(path) } else { Err(ConfigError::Relative { what, path }) }
}

fn evidence(given: EvidenceFile) -> Result<EvidenceSource, ConfigError> {
    let EvidenceFile { kind, file, endpoint } = given;
    let no_effect = |key, kind| ConfigError::NoEffect { key, kind };
    match (kind.as_str(), endpoint) {
        ("join-token", None) => Ok(EvidenceSource::JoinToken { file: token_file(file)? }),
        ("kubernetes", None) => Ok(EvidenceSource::Kubernetes { file: token_file(file)? }),
        ("aws-iid", _) if file.is_some() => Err(no_effect("evidence.file", kind)),
        ("aws-iid", None) => Ok(EvidenceSource::AwsIid { endpoint: ImdsEndpoint::AWS }),
        ("aws-iid", Some(text)) => {
            let expected = "http:// and an address of this machine (loopback or link-local), without a path";
            let endpoint = ImdsEndpoint::parse(&text);
            let endpoint = endpoint.ok_or(ConfigError::Value { what: "evidence.endpoint", value: text, expected })?;
            Ok(EvidenceSource::AwsIid { endpoint })
        }
        ("join-token" | "kubernetes", Some(_)) => Err(no_effect("evidence.endpoint", kind)),
        _ => {
            let expected = "\"join-token\", \"kubernetes\" or \"aws-iid\"";
            Err(ConfigError::Value { what: "evidence.kind", value: kind, expected })
        }
    }
}

fn token_file(file: Option<PathBuf>) -> Result<PathBuf, ConfigError> {
    absolute("evidence.file", file, "evidence.file in the file")
}

fn agent(name: &str) -> Result<AgentName, ConfigError> {
    AgentName::parse(name).map_err(|source| ConfigError::Agent { value: name.to_owned(), source })
}

fn access(text: Option<&str>, group: Option<u32>) -> Result<Access, ConfigError> {
    match (text, group) {
        (None, Some(group)) => Ok(Access::Group(group)),
        (None | Some("everyone"), None) => Ok(Access::Everyone),
        (Some("owner"), None) => Ok(Access::Owner),
        (Some(_), Some(_)) => Err(ConfigError::TwoAccesses),
        (Some(other), None) => {
            let expected = "\"owner\" or \"everyone\"";
            Err(ConfigError::Value { what: "socket_access", value: other.to_owned(), expected })
        }
    }
}

fn key_kind(text: Option<&str>) -> Result<KeyKind, ConfigError> {
    let Some(text) = text else { return Ok(KeyKind::P256) };
    let expected = "\"p256\" or \"ed25519\"";
    text.parse().map_err(|_| ConfigError::Value { what: "host_key.kind", value: text.to_owned(), expected })
}

/// What is logged unless the operator says otherwise.
const DEFAULT_FILTER: &str = "info";

#[cfg(test)]
mod tests;

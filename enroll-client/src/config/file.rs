//! The configuration file's form. Knows names and defaults of its members; checks no value.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{ConfigError, FilesFile};

/// The file as it is written. Members that are not known are refused, with line and column.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// The server's URL, `https://host[:port]`. Needed when neither trust file nor state directory says it.
    pub server: Option<String>,
    /// Path of the trust file. Default: the one in the state directory, or the one that the join token names.
    pub trust_file: Option<PathBuf>,
    /// Path of the state directory. No default.
    pub state_dir: Option<PathBuf>,
    /// Path of the agents' socket. No default.
    pub socket: Option<PathBuf>,
    /// Who may connect: `owner` or `everyone`. Default: `everyone`; selectors decide what a caller gets.
    pub socket_access: Option<String>,
    /// Numeric id of the group whose members may connect, in place of `socket_access`.
    pub socket_group: Option<u32>,
    /// The profile to enrol under. Default: the one that the evidence decides.
    pub profile: Option<String>,
    /// Names of the agents wanted. Default: all that the server offers.
    pub agents: Option<Vec<String>>,
    /// What the host shows.
    pub evidence: Option<EvidenceFile>,
    /// The host's key.
    pub host_key: Option<HostKeyFile>,
    /// What is delivered as files.
    pub files: Option<Vec<FilesFile>>,
    /// Logging.
    pub log: Option<LogFile>,
}

/// `[evidence]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceFile {
    /// `join-token`, `kubernetes` or `aws-iid`.
    pub kind: String,
    /// Where a token lies. Read anew for each enrolment. Not for `aws-iid`.
    pub file: Option<PathBuf>,
    /// Where the metadata service is, `http://address[:port]`; only for `aws-iid`. Default: `http://169.254.169.254`.
    pub endpoint: Option<String>,
}

/// `[host_key]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostKeyFile {
    /// `p256` or `ed25519`. Default: `p256`.
    pub kind: Option<String>,
    /// File with the passphrase that seals the key. Default: not sealed.
    pub passphrase_file: Option<PathBuf>,
    /// Name of the systemd credential with the passphrase. Default: not sealed.
    pub credential: Option<String>,
}

/// `[log]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogFile {
    /// Filter directives. Default: `info`.
    pub filter: Option<String>,
    /// `text` or `json`. Default: `text`.
    pub format: Option<String>,
}

impl ConfigFile {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ConfigError::Read`], [`ConfigError::Toml`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        toml::from_str(&text).map_err(|source| ConfigError::Toml { path: path.to_owned(), source: Box::new(source) })
    }
}

/// A file with every member, commented: what `enroll-client sample-config` prints.
pub const SAMPLE: &str = include_str!("sample.toml");

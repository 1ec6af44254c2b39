//! `[[files]]`: whose identity is delivered where, and how. Knows members and their values; opens no directory.

mod reload;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::ConfigError;
use crate::delivery::{Account, AccountError, Accounts, Agent, Layout, LayoutError, Order, Permissions, WhenEnded};
use crate::identities::{AgentName, AgentNameError};
pub use reload::ReloadFile;

/// One `[[files]]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilesFile {
    /// The agent's name on this host, or its SPIFFE id.
    pub agent: String,
    /// Where the files go.
    pub directory: PathBuf,
    /// `separate`, `nginx` or `postgresql`. Default: `separate`.
    pub layout: Option<String>,
    /// Other names than those of the layout.
    pub names: Option<NamesFile>,
    /// User who owns the files, by name or number. Default: who we run as.
    pub owner: Option<String>,
    /// Group of the files, by name or number. Default: ours.
    pub group: Option<String>,
    /// Mode of the key, octal. Default: `0600`.
    pub mode: Option<String>,
    /// Whether the directory may be on a disk. Default: no.
    pub allow_disk: Option<bool>,
    /// Whether others than root and we may write to the directory. Default: no.
    pub others_may_write: Option<bool>,
    /// `remove` or `keep`. Default: `remove`.
    pub when_ended: Option<String>,
    /// Seconds that a set stays after another has taken its place. Default: 30.
    pub grace_seconds: Option<u64>,
    /// How the program is told. Default: it is not.
    pub reload: Option<ReloadFile>,
}

/// `names` of `[[files]]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamesFile {
    /// The key.
    pub key: Option<String>,
    /// The chain.
    pub certificate: Option<String>,
    /// The roots.
    pub authorities: Option<String>,
}

/// What is wrong with one.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// Neither a name nor a SPIFFE id.
    #[error("the agent {value:?} is neither a name nor a SPIFFE id")]
    Agent {
        /// As given.
        value: String,
        /// Why it is no name.
        source: AgentNameError,
    },
    /// A path that depends on where the program was started.
    #[error("the directory {} is not an absolute path", .path.display())]
    Relative {
        /// As given.
        path: PathBuf,
    },
    /// Two orders for one place.
    #[error("the directory {} is another one's already", .path.display())]
    SameDirectory {
        /// Which.
        path: PathBuf,
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
    /// Names or permissions.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A signal and a command, or neither.
    #[error("reload has {found}: give signal and executable, or command")]
    Reload {
        /// What it has.
        found: &'static str,
    },
    /// Owner or group.
    #[error("owner or group")]
    Account(#[from] AccountError),
    /// The agents that are wanted do not include it.
    #[error("the agent {name} is not one of agents, which narrows what is wanted here")]
    NotWanted {
        /// Which.
        name: AgentName,
    },
    /// Too many.
    #[error("there are {found}, and at most {MAX_FILES} are allowed")]
    TooMany {
        /// In the file.
        found: usize,
    },
}

/// Checks all of them.
pub(super) fn check(files: Vec<FilesFile>, wanted: Option<&BTreeSet<AgentName>>) -> Result<Vec<Order>, ConfigError> {
    let refused = |number, source| ConfigError::Files { number, source };
    let found = files.len();
    if found > MAX_FILES {
        return Err(refused(found, FilesError::TooMany { found }));
    }
    let mut directories = BTreeSet::new();
    let mut orders = Vec::with_capacity(found);
    for (number, file) in (1..).zip(files) {
        let order = file.check(&Accounts::of_this_machine()).map_err(|source| refused(number, source))?;
        if let (Agent::Name(name), Some(wanted)) = (&order.agent, wanted)
            && !wanted.contains(name)
        {
            return Err(refused(number, FilesError::NotWanted { name: name.clone() }));
        }
        if !directories.insert(order.directory.clone()) {
            return Err(refused(number, FilesError::SameDirectory { path: order.directory }));
        }
        orders.push(order);
    }
    Ok(orders)
}

impl FilesFile {
    fn check(self, accounts: &Accounts) -> Result<Order, FilesError> {
        let agent = agent(&self.agent)?;
        if !self.directory.is_absolute() {
            return Err(FilesError::Relative { path: self.directory });
        }
        let layout = match self.layout.as_deref() {
            None | Some("separate") => Layout::Separate,
            Some("nginx") => Layout::Nginx,
            Some("postgresql") => Layout::Postgresql,
            Some(other) => return Err(value("layout", other, "\"separate\", \"nginx\" or \"postgresql\"")),
        };
        let names = self.names.unwrap_or_default();
        let names = layout.names().renamed(names.key, names.certificate, names.authorities)?;
        let find = |account, text: Option<String>| text.map(|text| accounts.find(account, &text)).transpose();
        let permissions = Permissions {
            owner: find(Account::User, self.owner)?,
            group: find(Account::Group, self.group)?,
            key_mode: self.mode.as_deref().map_or(Ok(DEFAULT_MODE), mode)?,
        };
        layout.check(permissions, rustix::process::geteuid().as_raw())?;
        let when_ended = match self.when_ended.as_deref() {
            None | Some("remove") => WhenEnded::Remove,
            Some("keep") => WhenEnded::Keep,
            Some(other) => return Err(value("when_ended", other, "\"remove\" or \"keep\"")),
        };
        let grace = self.grace_seconds.unwrap_or(DEFAULT_GRACE_SECONDS);
        if grace > MAX_GRACE_SECONDS {
            return Err(value("grace_seconds", &grace.to_string(), "a number of seconds from 0 to 3600"));
        }
        Ok(Order {
            agent,
            // Without `//` and a `/` at the end, so that one place has one name.
            directory: self.directory.components().collect(),
            names,
            permissions,
            allow_disk: self.allow_disk.unwrap_or(false),
            others_may_write: self.others_may_write.unwrap_or(false),
            when_ended,
            grace: Duration::from_secs(grace),
            reload: self.reload.map(|file| file.check(accounts)).transpose()?,
        })
    }
}

fn agent(text: &str) -> Result<Agent, FilesError> {
    if let Ok(spiffe_id) = text.parse() {
        return Ok(Agent::SpiffeId(spiffe_id));
    }
    let name = AgentName::parse(text).map_err(|source| FilesError::Agent { value: text.to_owned(), source })?;
    Ok(Agent::Name(name))
}

fn mode(text: &str) -> Result<u32, FilesError> {
    let octal = !text.is_empty() && text.len() <= 4 && text.bytes().all(|octet| (b'0'..=b'7').contains(&octet));
    let parsed = if octal { u32::from_str_radix(text, 8).ok() } else { None };
    parsed.ok_or_else(|| value("mode", text, "octal, like \"0640\""))
}

fn value(what: &'static str, value: &str, expected: &'static str) -> FilesError {
    FilesError::Value { what, value: value.to_owned(), expected }
}

/// Mode of a key unless configured: its owner alone.
const DEFAULT_MODE: u32 = 0o600;
/// How long a set stays after another has taken its place. Ours: longer than any program needs to open three files.
const DEFAULT_GRACE_SECONDS: u64 = 30;
/// Longest such time. Ours: a key that nobody is told of any more should not lie about for longer than the shortest common lifetime.
const MAX_GRACE_SECONDS: u64 = 3600;
/// Orders of one host. Ours: each is a task and a directory; a host with more wants the socket.
const MAX_FILES: usize = 256;

#[cfg(test)]
mod tests;

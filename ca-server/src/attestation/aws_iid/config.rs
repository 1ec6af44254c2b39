//! The configuration of one AWS attestor: as it stands in the file, and checked. Knows limits; reads the operator's table
//! of keys and nothing else.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use policies::Name;
use policies::name::NameError;
use serde::Deserialize;

use super::document::is_account;
use super::regions::{Regions, RegionsError};

/// `[[aws]]`, as it stands in the configuration file. Unknown keys are refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsFile {
    /// The attestor's name, by which profiles ask for it. 1 to 64 of a-z, 0-9 and `-`.
    pub name: String,
    /// The accounts whose instances are taken, 12 digits each. An empty list refuses all.
    pub accounts: Vec<String>,
    /// The regions whose instances are taken. Default: all whose keys are known.
    pub regions: Option<Vec<String>>,
    /// How long after its start an instance may enrol for the first time, in seconds. Default 600; 60 to 315360000 (ten
    /// years, for machines that run already).
    pub first_use_within_seconds: Option<u64>,
    /// By how much AWS's clock may be ahead of ours, in seconds. Default 5, at most 60.
    pub clock_skew_seconds: Option<u64>,
    /// File with keys of more regions, in the form of the table that is built in. Default: none.
    pub region_keys_file: Option<PathBuf>,
}

/// An AWS attestor's configuration, checked.
#[derive(Clone, Debug)]
pub struct AwsConfig {
    name: Name,
    accounts: BTreeSet<String>,
    /// None: all that have a key.
    listed: Option<BTreeSet<String>>,
    keys: Regions,
    first_use_within: Duration,
    clock_skew: Duration,
}

/// A configuration that is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A name that is none.
    #[error("the name {found:?} of an AWS attestor is not taken")]
    Name {
        /// What stands there.
        found: String,
        /// Why.
        #[source]
        source: NameError,
    },
    /// An account that is none.
    #[error("accounts of {attestor}: {found:?} is not 12 digits")]
    Account {
        /// Of which attestor.
        attestor: Name,
        /// What stands there.
        found: String,
    },
    /// A region without a key.
    #[error("regions of {attestor}: no key of {found:?} is known")]
    Region {
        /// Of which attestor.
        attestor: Name,
        /// What stands there.
        found: String,
    },
    /// A number beyond its limits.
    #[error("{key} of {attestor} is {found}, {least} to {limit} are allowed")]
    Seconds {
        /// Of which attestor.
        attestor: Name,
        /// Which key.
        key: &'static str,
        /// What stands there.
        found: u64,
        /// The least.
        least: u64,
        /// The most.
        limit: u64,
    },
    /// The table of keys cannot be read.
    #[error("region_keys_file {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A table of keys that is not taken: the operator's, or ours.
    #[error("the table of keys {}", path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: RegionsError,
    },
    /// One instance would be two hosts' evidence.
    #[error("{one} and {other} both take instances of account {account} in the same region")]
    Alike {
        /// The first.
        one: Name,
        /// The second.
        other: Name,
        /// The account.
        account: String,
    },
}

impl AwsFile {
    /// Checks everything, and reads the table of keys; its path is taken from `directory` where it is relative.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn check(self, directory: &Path) -> Result<AwsConfig, ConfigError> {
        let attestor =
            Name::parse(&self.name).map_err(|source| ConfigError::Name { found: self.name.clone(), source })?;
        if let Some(found) = self.accounts.iter().find(|account| !is_account(account)) {
            return Err(ConfigError::Account { attestor, found: found.clone() });
        }
        let keys = keys(self.region_keys_file.map(|file| directory.join(file)))?;
        let unknown = |region: &&String| keys.key(region).is_none();
        if let Some(found) = self.regions.iter().flatten().find(unknown) {
            return Err(ConfigError::Region { attestor, found: found.clone() });
        }
        let seconds = |key, found: Option<u64>, least, default: Duration, most: Duration| match found {
            None => Ok(default),
            Some(found) if (least..=most.as_secs()).contains(&found) => Ok(Duration::from_secs(found)),
            Some(found) => {
                Err(ConfigError::Seconds { attestor: attestor.clone(), key, found, least, limit: most.as_secs() })
            }
        };
        let first_use_within = seconds(
            "first_use_within_seconds",
            self.first_use_within_seconds,
            60,
            DEFAULT_FIRST_USE_WITHIN,
            MAX_FIRST_USE_WITHIN,
        )?;
        let clock_skew = seconds("clock_skew_seconds", self.clock_skew_seconds, 0, DEFAULT_CLOCK_SKEW, MAX_CLOCK_SKEW)?;
        Ok(AwsConfig {
            name: attestor,
            accounts: self.accounts.into_iter().collect(),
            listed: self.regions.map(|regions| regions.into_iter().collect()),
            keys,
            first_use_within,
            clock_skew,
        })
    }
}

fn keys(file: Option<PathBuf>) -> Result<Regions, ConfigError> {
    let published =
        Regions::published().map_err(|source| ConfigError::Keys { path: PathBuf::from("built in"), source })?;
    let Some(path) = file else { return Ok(published) };
    let mut table = String::new();
    let read = std::fs::File::open(&path).and_then(|file| file.take(MAX_TABLE_OCTETS).read_to_string(&mut table));
    match read {
        Err(source) => Err(ConfigError::Unreadable { path, source }),
        // A table that is cut off here is no table, or one without its last regions: then these are unknown.
        Ok(_) => published.with(&table).map_err(|source| ConfigError::Keys { path, source }),
    }
}

impl AwsConfig {
    /// Checks all AWS attestors of a configuration, each by itself and beside the others.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn all(files: Vec<AwsFile>, directory: &Path) -> Result<Vec<Self>, ConfigError> {
        let mut all: Vec<Self> = Vec::new();
        for file in files {
            let other = file.check(directory)?;
            for one in &all {
                if let Some(account) = one.shares(&other) {
                    return Err(ConfigError::Alike { one: one.name.clone(), other: other.name, account });
                }
            }
            all.push(other);
        }
        Ok(all)
    }

    /// An account of which both take instances.
    fn shares(&self, other: &Self) -> Option<String> {
        let in_common = self.keys.names().any(|region| self.takes_region(region) && other.takes_region(region));
        self.accounts.intersection(&other.accounts).next().filter(|_| in_common).cloned()
    }

    /// Name of the attestor.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The same under another name.
    #[cfg(test)]
    pub(super) fn named(mut self, name: &str) -> Self {
        self.name = Name::parse(name).unwrap();
        self
    }

    /// How many accounts are listed.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// Whether the account is listed (T-16).
    #[must_use]
    pub fn takes_account(&self, account: &str) -> bool {
        self.accounts.contains(account)
    }

    /// Whether the region is listed.
    #[must_use]
    pub fn takes_region(&self, region: &str) -> bool {
        self.listed.as_ref().is_none_or(|listed| listed.contains(region))
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &Regions {
        &self.keys
    }

    /// How long after its start an instance may enrol for the first time.
    #[must_use]
    pub fn first_use_within(&self) -> Duration {
        self.first_use_within
    }

    /// By how much AWS's clock may be ahead.
    #[must_use]
    pub fn clock_skew(&self) -> Duration {
        self.clock_skew
    }
}

/// T-15: a document is a bearer secret until its first use. Machines that install what they need at their first start
/// take minutes.
pub const DEFAULT_FIRST_USE_WITHIN: Duration = Duration::from_secs(600);
/// For machines that ran before Brevet came.
pub const MAX_FIRST_USE_WITHIN: Duration = Duration::from_secs(315_360_000);
/// `pendingTime` is written some seconds before the machine can ask; this is for our own clock.
pub const DEFAULT_CLOCK_SKEW: Duration = Duration::from_secs(5);
/// Clocks that are kept by NTP differ by less than a second; a minute is a server that nobody looks after.
pub const MAX_CLOCK_SKEW: Duration = Duration::from_secs(60);
/// The table of all 39 regions has 24 KiB.
const MAX_TABLE_OCTETS: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "name = \"aws\"\naccounts = [\"883474662888\"]\n";

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let file: Result<AwsFile, _> = toml::from_str(text);
        let found = match file {
            Err(error) => error.to_string(),
            Ok(file) => match file.check(Path::new("/nonexistent")) {
                Ok(config) => format!("{config:?}").replace(&format!("{:?}", config.keys), ""),
                Err(error) => crate::api::chain(&error),
            },
        };
        assert!(found.contains(expected), "{found}");
    }

    #[test]
    fn what_is_taken_and_what_is_wrong() {
        check(SOUND, "first_use_within: 600s, clock_skew: 5s");
        check("name = \"aws\"\naccounts = []", "accounts: {}");
        check("name = \"aws\"", "missing field `accounts`");
        check(&format!("{SOUND}regions = [\"us-west-1\"]"), "listed: Some({\"us-west-1\"})");
        check(&format!("{SOUND}regions = [\"us-west-9\"]"), "no key of \"us-west-9\" is known");
        check(&SOUND.replace("883474662888", "88347466288"), "\"88347466288\" is not 12 digits");
        check(&SOUND.replace("\"aws\"", "\"AWS\""), "the name \"AWS\" of an AWS attestor is not taken");
        check(&format!("{SOUND}first_use_within_seconds = 59"), "is 59, 60 to 315360000 are allowed");
        check(&format!("{SOUND}first_use_within_seconds = 315360001"), "60 to 315360000 are allowed");
        check(&format!("{SOUND}first_use_within_seconds = 60"), "first_use_within: 60s");
        check(&format!("{SOUND}clock_skew_seconds = 61"), "is 61, 0 to 60 are allowed");
        check(&format!("{SOUND}clock_skew_seconds = 0"), "clock_skew: 0ns");
        check(&format!("{SOUND}region_keys_file = \"x\""), "region_keys_file /nonexistent/x cannot be read");
        check(&format!("{SOUND}acounts = []"), "unknown field `acounts`");
    }

    fn file(name: &str, account: &str, regions: Option<&[&str]>) -> AwsFile {
        let regions = regions.map(|regions| regions.iter().map(|region| (*region).to_owned()).collect());
        AwsFile {
            name: name.to_owned(),
            accounts: vec![account.to_owned()],
            regions,
            first_use_within_seconds: None,
            clock_skew_seconds: None,
            region_keys_file: None,
        }
    }

    #[test]
    fn an_instance_has_one_attestor() {
        #[track_caller]
        fn check(other: AwsFile, taken: bool) {
            let one = file("one", "111111111111", Some(&["us-west-1"]));
            assert_eq!(AwsConfig::all(vec![one, other], Path::new("")).is_ok(), taken);
        }
        check(file("other", "111111111111", None), false);
        check(file("other", "111111111111", Some(&["us-west-1", "us-west-2"])), false);
        check(file("other", "111111111111", Some(&["us-west-2"])), true);
        check(file("other", "222222222222", None), true);
    }
}

//! `ca-server init`: keys, ledger, trust.json.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use identity::{KeyHash, KeyKind, PersonId, Sha256Hash};
use policies::bundle::Bundle;
use policies::starter;
use serde::Serialize;

use super::CliError;
use super::output::Output;
use super::serve::{clock, passphrase};
use crate::config::Config;
use crate::disk::{Disk, RealDisk};
use crate::genesis::{Founding, found};

/// Make keys, ledger and trust.json in the data directory.
///
/// The first two admins make their credentials first, each on a machine of their own: `ca-server admin new-key`. Run
/// again, it finishes what a crash left half done and changes nothing else.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The server's configuration.
    #[arg(long, short, value_name = "FILE", default_value = "/etc/brevet/ca-server.toml")]
    config: PathBuf,
    /// Credential key of one of the first two admins, as `ca-server admin new-key` printed it; say it twice.
    #[arg(long = "admin", value_name = "SHA256", required = true, num_args = 1)]
    admins: Vec<KeyHash>,
    /// Kind of the authorities' keys: p256 or ed25519.
    #[arg(long, default_value = "p256")]
    key: KeyKind,
    /// Directory with profiles.toml and *.cedar. Default: the starter set for hosts that enrol with join tokens.
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,
    /// One of the starter sets: default, kubernetes or aws.
    #[arg(long, value_name = "NAME", conflicts_with = "policy")]
    starter: Option<String>,
}

#[derive(Serialize)]
struct Initialised {
    trust_file: PathBuf,
    #[serde(with = "identity::text")]
    trust_sha256: Sha256Hash,
    #[serde(with = "identity::text::list")]
    admins: Vec<PersonId>,
    was_there: bool,
}

pub(super) fn run(command: Init, output: &Output) -> Result<(), CliError> {
    let config = Config::load(&command.config)?;
    let admins: [KeyHash; 2] = command.admins.try_into().map_err(|_| {
        CliError::Usage("say --admin twice, with two credential keys: approvals need two persons".to_owned())
    })?;
    let policy = match (&command.policy, &command.starter) {
        (Some(directory), _) => read_bundle(directory)?,
        (None, name) => starter_bundle(name.as_deref().unwrap_or("default"))?,
    };
    let passphrase = passphrase(&config)?;
    let disk = RealDisk::take(&config.data_dir).map_err(CliError::failed("the data directory cannot be taken"))?;
    let disk: Arc<dyn Disk> = Arc::new(disk);
    let founding = Founding { key_kind: command.key, admins, policy };
    let founded = found(&disk, &config, &passphrase, &founding, clock()())
        .map_err(CliError::failed("the ledger cannot be made"))?;
    let initialised = Initialised {
        trust_file: config.data_dir.join("trust.json"),
        trust_sha256: protocol::trust::hash(&founded.trust),
        admins: founded.admins,
        was_there: founded.was_there,
    };
    output.answer(&initialised, |done| {
        let state = if done.was_there { "was there already, nothing changed" } else { "is made" };
        let admins: Vec<String> = done.admins.iter().map(ToString::to_string).collect();
        format!(
            "the ledger {state}; admins {}\nclients start from {} (SHA-256 {})\nnext: ca-server serve",
            admins.join(" and "),
            done.trust_file.display(),
            done.trust_sha256
        )
    })
}

fn starter_bundle(name: &str) -> Result<Bundle, CliError> {
    let starter = starter::ALL.iter().find(|starter| starter.name == name);
    let starter =
        starter.ok_or_else(|| CliError::Usage(format!("there is no starter set {name}: default, kubernetes, aws")))?;
    starter.bundle().map_err(CliError::failed("the starter set"))
}

/// Reads `profiles.toml` and every `*.cedar` of a directory.
pub(super) fn read_bundle(directory: &Path) -> Result<Bundle, CliError> {
    let read =
        |path: &Path| std::fs::read_to_string(path).map_err(|source| CliError::File { path: path.to_owned(), source });
    let profiles = read(&directory.join("profiles.toml"))?;
    let mut policies = BTreeMap::new();
    let entries =
        std::fs::read_dir(directory).map_err(|source| CliError::File { path: directory.to_owned(), source })?;
    for entry in entries {
        let path = entry.map_err(|source| CliError::File { path: directory.to_owned(), source })?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if path.extension().is_some_and(|extension| extension == "cedar") {
            policies.insert(name, read(&path)?);
        }
    }
    Bundle::new(&profiles, policies).map_err(CliError::failed(format!("the policy in {}", directory.display())))
}

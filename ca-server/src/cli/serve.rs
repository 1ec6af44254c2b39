//! `ca-server serve` and `check-config`. The only place that reads the clock and the environment.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use clap::Args;
use identity::Timestamp;
use serde::Serialize;
use tracing_subscriber::EnvFilter;

use super::CliError;
use super::output::Output;
use crate::config::{Config, LogFormat, PassphraseSource};
use crate::custody::Passphrase;
use crate::disk::{Disk, RealDisk};
use crate::service::Clock;
use crate::serving;

/// Run the server. Ends cleanly on SIGTERM and SIGINT.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The server's configuration.
    #[arg(long, short, value_name = "FILE", default_value = "/etc/brevet/ca-server.toml")]
    config: PathBuf,
    /// Form of the log on standard error, in the place of the configuration's log.format.
    #[arg(long, alias = "log")]
    log_format: Option<LogFormat>,
}

/// Check a configuration: all that serving does, short of listening. Needs the data directory to itself.
#[derive(Debug, Args)]
pub(super) struct CheckConfig {
    /// The server's configuration.
    #[arg(long, short, value_name = "FILE", default_value = "/etc/brevet/ca-server.toml")]
    config: PathBuf,
}

pub(super) fn run(command: &Serve) -> Result<(), CliError> {
    let config = Config::load(&command.config)?;
    start_log(command.log_format.unwrap_or(config.log_format), &config.log_filter);
    no_core_dumps();
    let passphrase = passphrase(&config)?;
    let disk: Arc<dyn Disk> = Arc::new(take(&config)?);
    let runtime = tokio::runtime::Runtime::new().map_err(CliError::failed("no event loop can be made"))?;
    let served = runtime.block_on(serving::serve(disk, &config, &passphrase, clock()));
    runtime.shutdown_timeout(SHUTDOWN);
    served.map_err(CliError::failed("the server has ended"))
}

#[derive(Serialize)]
struct Checked {
    entries: u64,
}

pub(super) fn check(command: &CheckConfig, output: &Output) -> Result<(), CliError> {
    let config = Config::load(&command.config)?;
    let passphrase = passphrase(&config)?;
    let disk: Arc<dyn Disk> = Arc::new(take(&config)?);
    let runtime = tokio::runtime::Runtime::new().map_err(CliError::failed("no event loop can be made"))?;
    let _context = runtime.enter();
    let running = crate::server::start(disk, &config, &passphrase, clock())
        .map_err(CliError::failed("the server would not start"))?;
    let checked = Checked { entries: running.service.live().head().size };
    drop(running);
    runtime.shutdown_timeout(SHUTDOWN);
    output.answer(&checked, |checked| format!("good: configuration, keys and a ledger of {} entries", checked.entries))
}

fn take(config: &Config) -> Result<RealDisk, CliError> {
    RealDisk::take(&config.data_dir).map_err(CliError::failed("the data directory cannot be taken"))
}

/// The passphrase that seals the keys.
pub(super) fn passphrase(config: &Config) -> Result<Passphrase, CliError> {
    let passphrase = match &config.passphrase {
        PassphraseSource::File(path) => Passphrase::from_file(path),
        PassphraseSource::Credential(name) => {
            let directory = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
                CliError::Usage(
                    "keys.passphrase_credential is set, but systemd gave no $CREDENTIALS_DIRECTORY".to_owned(),
                )
            })?;
            Passphrase::from_credential(&PathBuf::from(directory), name)
        }
    };
    passphrase.map_err(CliError::failed("the passphrase of the keys cannot be had"))
}

/// The wall clock. A clock that stands before 1970 or after 9999 counts as its nearest bound: nothing is timely then.
#[expect(clippy::disallowed_methods, reason = "the composition root is where the clock is read")]
pub(super) fn clock() -> Clock {
    Arc::new(|| match Timestamp::from_system_time(SystemTime::now()) {
        Ok(now) => now,
        Err(_) => Timestamp::EPOCH,
    })
}

fn start_log(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_from_env("BREVET_LOG").unwrap_or_else(|_| EnvFilter::new(filter));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}

/// No core dump and no other process of this user may show what is in memory (security.md, T-63).
fn no_core_dumps() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "other processes of this user may read this one's memory");
    }
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        tracing::warn!(%error, "core dumps cannot be turned off");
    }
}

/// Time for what still runs at the end.
const SHUTDOWN: std::time::Duration = std::time::Duration::from_secs(5);

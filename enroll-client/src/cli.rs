//! The program `enroll-client`: arguments in, exit code out. Knows commands and exit codes; the work is elsewhere.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | it failed; the last line of standard error says why |
//! | 64 | the configuration or the command line is wrong (`EX_USAGE` of sysexits.h); nothing was started |
//! | 69 | `renew --once`: a key roller runs on this state directory already and does all of this; nothing was done (`EX_UNAVAILABLE`) |
//! | 75 | `renew --once`: not all was done in time; run it again (`EX_TEMPFAIL`) |

mod arguments;
mod fetch;
mod local;
mod renew;
mod run;
mod start;
mod status;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::config::{ConfigError, SAMPLE, Surroundings};
use crate::report::chain;
use arguments::{Act, Arguments};

/// Why the program ends without having done what was asked.
#[derive(Debug, thiserror::Error)]
enum CliError {
    /// Exit code 64.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Exit code 1.
    #[error("{what}")]
    Failed {
        /// What could not be done.
        what: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Exit code 69.
    #[error("process {pid} runs on {} and does what is due; nothing was done here", .state_dir.display())]
    Held {
        /// The state directory.
        state_dir: std::path::PathBuf,
        /// What that process wrote into the lock.
        pid: String,
    },
    /// Exit code 75.
    #[error("not all was done in time; run it again: {why}")]
    TryAgain {
        /// What is still waited for.
        why: String,
    },
    /// Exit code 1, and what there is to say was said.
    #[error("{0}")]
    Unhealthy(&'static str),
}

/// Runs a command line.
pub(crate) fn main(arguments: impl Iterator<Item = OsString>, surroundings: &Surroundings) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(told) => {
            // Standard output for --help and --version, which are no errors.
            let is_error = told.use_stderr();
            let printed = told.print().is_ok();
            return if is_error || !printed { ExitCode::from(WRONG_USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match carry_out(arguments.act, surroundings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not by tracing: the error may be about how to log.
            let _unheard = writeln!(std::io::stderr(), "enroll-client: {}", chain(&error));
            match error {
                CliError::Config(_) => ExitCode::from(WRONG_USAGE),
                CliError::Failed { .. } | CliError::Unhealthy(_) => ExitCode::FAILURE,
                CliError::Held { .. } => ExitCode::from(HELD),
                CliError::TryAgain { .. } => ExitCode::from(TRY_AGAIN),
            }
        }
    }
}

fn carry_out(act: Act, surroundings: &Surroundings) -> Result<(), CliError> {
    match act {
        Act::Run(options) => run::run(options, surroundings),
        Act::Renew(options) => renew::renew(options, surroundings),
        Act::Status(options) => status::status(&options),
        Act::Fetch(options) => fetch::fetch(&options),
        Act::SampleConfig => print(SAMPLE),
        Act::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "enroll-client", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    }
}

/// Writes to standard output.
fn print(text: &str) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| failed("standard output cannot be written", error))
}

fn failed(what: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CliError {
    CliError::Failed { what, source: source.into() }
}

/// A runtime for a command that asks one thing.
fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| failed("the runtime cannot be started", error))?.block_on(work)
}

/// Exit code for a configuration or command line that is wrong: `EX_USAGE`.
const WRONG_USAGE: u8 = 64;
/// Exit code where another process holds the state directory: `EX_UNAVAILABLE`.
const HELD: u8 = 69;
/// Exit code where another attempt may succeed: `EX_TEMPFAIL`.
const TRY_AGAIN: u8 = 75;

#[cfg(test)]
mod tests;

//! `ca-server csr`: what the server makes of a certification request. Needs no server.

use std::path::PathBuf;

use clap::Subcommand;

use super::CliError;
use super::output::Output;
use crate::csr::Verdict;

/// Certification requests.
#[derive(Debug, Subcommand)]
pub(super) enum Csr {
    /// Print the verdict on a request as JSON: accepted or refused and why, its key, and what in it is ignored.
    Check {
        /// PEM or DER.
        file: PathBuf,
    },
}

pub(super) fn run(command: Csr, output: &Output) -> Result<(), CliError> {
    let Csr::Check { file } = command;
    let request = read_limited(&file)?;
    let verdict = Verdict::of(&request);
    let text = serde_json::to_string_pretty(&verdict).map_err(CliError::failed("the verdict cannot be printed"))?;
    output.line(&text);
    if verdict.is_accepted() { Ok(()) } else { Err(CliError::No("the request is refused".to_owned())) }
}

/// Reads a file that a stranger may have written.
pub(super) fn read_limited(path: &PathBuf) -> Result<Vec<u8>, CliError> {
    use std::io::Read as _;
    let failed = |source| CliError::File { path: path.clone(), source };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut octets = Vec::new();
    file.take(MAX_FILE_OCTETS).read_to_end(&mut octets).map_err(failed)?;
    Ok(octets)
}

/// Octets that are read of a file: more than any evidence or request may have, so that the limit itself is refused by name.
const MAX_FILE_OCTETS: u64 = 256 * 1024;

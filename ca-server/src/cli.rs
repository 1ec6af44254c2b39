//! The command line of `ca-server`: what can be said, and what happens then. Knows every command; does none itself.
//!
//! Ends with 0 when done, 64 when the configuration or the command line is wrong, 1 for every other failure. What a
//! script wants is printed by `--json`; what went wrong goes to standard error, with what to do next.

mod admin;
mod agent;
mod attest;
mod connection;
mod host;
mod init;
mod inspect;
mod ledger;
mod list;
mod output;
mod policy;
mod remote;
mod revoke;
mod serve;
mod status;
mod token;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

pub use connection::ClientError;
use output::Output;

use crate::config::ConfigError;

/// Brevet's certificate authority for software agents.
///
/// A host proves what it is and gets a certificate that lives minutes to hours; every change is an entry in a ledger that
/// anybody can check. Start with `ca-server init`, then `ca-server serve`; all other commands talk to the running server
/// through its admin socket.
#[derive(Debug, Parser)]
#[command(name = "ca-server", version, max_term_width = 110)]
struct Cli {
    /// Print JSON, for scripts.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make keys, ledger and trust.json in the data directory.
    Init(init::Init),
    /// Run the server.
    Serve(serve::Serve),
    /// Check a configuration: all that serving does, short of listening.
    CheckConfig(serve::CheckConfig),
    /// Persons: credentials, login, approvals, admission.
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Join tokens, with which a host enrols once.
    #[command(subcommand)]
    Token(token::Token),
    /// Hosts: list, evict, ban.
    #[command(subcommand)]
    Host(host::Host),
    /// Agents that hosts of a class may ask for.
    #[command(subcommand)]
    Agent(agent::Agent),
    /// Revoke certificates by serial, agent, host or key.
    Revoke(revoke::Revoke),
    /// List certificates that have not expired.
    List(list::List),
    /// How the server is.
    Status(status::Status),
    /// Policies and profiles: check, test, explain, load.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Evidence: what an attestor makes of a file.
    #[command(subcommand)]
    Attest(attest::Attest),
    /// Certification requests: what the server makes of a file.
    #[command(subcommand)]
    Csr(inspect::Csr),
    /// The ledger: verify, show, follow.
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration is wrong.
    #[error("the configuration is not taken")]
    Config(#[from] ConfigError),
    /// An argument is wrong.
    #[error("{0}")]
    Usage(String),
    /// The server refused, or could not be reached.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A file cannot be read or written.
    #[error("{}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It failed in another way.
    #[error("{what}")]
    Failed {
        /// What was being done.
        what: String,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It was done, and the answer is no: a test failed, a request was refused.
    #[error("{0}")]
    No(String),
}

impl CliError {
    /// A failure with its cause.
    fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |source| Self::Failed { what, source: source.into() }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) | Self::Usage(_) => ExitCode::from(EXIT_USAGE),
            Self::Client(_) | Self::File { .. } | Self::Failed { .. } | Self::No(_) => ExitCode::FAILURE,
        }
    }
}

/// The program, from arguments to exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let wrong = error.use_stderr();
            drop(error.print());
            return if wrong { ExitCode::from(EXIT_USAGE) } else { ExitCode::SUCCESS };
        }
    };
    let output = Output::new(cli.json);
    // The one provider of cryptography for TLS in this process; a second one would be a mistake of ours.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        output.error(&CliError::No("a provider of cryptography was installed before".to_owned()));
        return ExitCode::FAILURE;
    }
    match run(cli.command, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            error.exit_code()
        }
    }
}

fn run(command: Command, output: &Output) -> Result<(), CliError> {
    match command {
        Command::Init(command) => init::run(command, output),
        Command::Serve(command) => serve::run(&command),
        Command::CheckConfig(command) => serve::check(&command, output),
        Command::Admin(command) => admin::run(command, output),
        Command::Token(command) => token::run(command, output),
        Command::Host(command) => host::run(command, output),
        Command::Agent(command) => agent::run(command, output),
        Command::Revoke(command) => revoke::run(command, output),
        Command::List(command) => list::run(command, output),
        Command::Status(command) => status::run(&command, output),
        Command::Policy(command) => policy::run(command, output),
        Command::Attest(command) => attest::run(command, output),
        Command::Csr(command) => inspect::run(command, output),
        Command::Ledger(command) => ledger::run(command, output),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "ca-server", &mut std::io::stdout());
            Ok(())
        }
    }
}

/// Exit code for a wrong configuration or command line (sysexits.h, EX_USAGE).
const EXIT_USAGE: u8 = 64;

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}

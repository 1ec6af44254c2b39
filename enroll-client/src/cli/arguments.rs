//! The command line's form. Knows names and help texts; carries nothing out.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{ConfigFile, EvidenceFile};

/// Gets this host and its agents their certificates, renews them in time, and hands them out.
#[derive(Debug, Parser)]
#[command(name = "enroll-client", version, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) act: Act,
}

#[derive(Debug, Subcommand)]
pub(super) enum Act {
    /// Runs the key roller until SIGTERM.
    Run(RunOptions),
    /// Fetches or renews what is due, delivers it to the files of the configuration, tells their programs, and ends.
    ///
    /// For systemd timers, CronJobs and init containers. What is due is read from the state directory and from the files themselves, so
    /// running it again changes nothing until something is due. No socket is served. Ends with 0 when all is done, 1 when the server refuses or
    /// something else stands against it, 64 when the configuration is wrong, 69 when a key roller (`run`) holds the state directory (it
    /// does all of this itself; nothing is done), 75 when time ran out: run it again.
    Renew(RenewOptions),
    /// Shows what a running key roller has.
    Status(StatusOptions),
    /// Shows the certificate that this process would be given as an agent.
    ///
    /// Asks the socket as an agent does, so it works for whoever the agent's selectors pick.
    Fetch(FetchOptions),
    /// Prints a configuration file with every member, its meaning and its default.
    SampleConfig,
    /// Prints a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Options win over the configuration file.
#[derive(Debug, Args)]
pub(super) struct RunOptions {
    /// Configuration file; `sample-config` prints one.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Where the server is: https://host[:port].
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The trust file, instead of the one that the join token names.
    #[arg(long, value_name = "FILE")]
    trust_file: Option<PathBuf>,
    /// A file with a join token: the evidence.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Directory for host key, certificate and newest checkpoint.
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// The socket on which agents get their identities.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// An agent that is wanted of those that the server offers; may be given more than once. Default: all.
    #[arg(long = "agent", value_name = "NAME")]
    agents: Vec<String>,
    /// Checks everything that can be checked without binding the socket or asking the server, and ends.
    #[arg(long)]
    pub(super) check_config: bool,
}

#[derive(Debug, Args)]
pub(super) struct RenewOptions {
    #[command(flatten)]
    pub(super) run: RunOptions,
    /// Once, and then ends: the only way there is, to be written out in units and manifests.
    #[arg(long, required = true)]
    once: bool,
    /// How long to try, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(super) within: u64,
}

#[derive(Debug, Args)]
pub(super) struct StatusOptions {
    /// The key roller's socket.
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET)]
    pub(super) socket: PathBuf,
    /// As JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct FetchOptions {
    /// The agent's name; without it, the first that this process may have.
    pub(super) agent: Option<String>,
    /// The key roller's socket.
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET)]
    pub(super) socket: PathBuf,
    /// As JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Also writes svid.pem, key.pem and bundle.pem into this directory, which must be in memory (tmpfs).
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Lets --out be on a disk. The key then rests there until you remove it, and perhaps after.
    #[arg(long, requires = "out")]
    pub(super) key_may_rest: bool,
}

impl RunOptions {
    /// Puts what was given here over what the file says.
    pub(super) fn over(self, mut file: ConfigFile) -> ConfigFile {
        let Self { config: _, server, trust_file, token_file, state_dir, socket, agents, check_config: _ } = self;
        file.server = server.or(file.server);
        file.trust_file = trust_file.map(from_here).or(file.trust_file);
        file.state_dir = state_dir.map(from_here).or(file.state_dir);
        file.socket = socket.map(from_here).or(file.socket);
        if let Some(token) = token_file {
            file.evidence =
                Some(EvidenceFile { kind: "join-token".to_owned(), file: Some(from_here(token)), endpoint: None });
        }
        if !agents.is_empty() {
            file.agents = Some(agents);
        }
        file
    }
}

/// A path on a command line is meant from where it is typed; one in a file must be absolute.
fn from_here(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// Where the packages put the socket (deploy/).
const DEFAULT_SOCKET: &str = "/run/brevet/agent.sock";

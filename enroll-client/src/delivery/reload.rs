//! Telling a program that its files are new: a signal to a process that was checked, or a command. Knows processes; knows no file and no key.

mod command;
mod signal;

use std::path::PathBuf;
use std::time::Duration;

pub use command::CommandError;
pub use signal::SignalError;

/// How a program is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reload {
    /// By a signal.
    Signal(SignalOrder),
    /// By a command.
    Command(CommandOrder),
}

/// A signal, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignalOrder {
    /// Which.
    pub signal: Signal,
    /// The file that says which process; without it, the one process that is of that program and user.
    pub pid_file: Option<PathBuf>,
    /// The program that the process must be running.
    pub executable: PathBuf,
    /// The user that it must be running as, if it is said.
    pub user: Option<u32>,
}

/// Signals that programs take as "read again".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// nginx, PostgreSQL, HAProxy in master mode, Envoy's hot restarter.
    Hup,
    /// Apache httpd, gracefully.
    Usr1,
    /// HAProxy's master, gunicorn.
    Usr2,
}

/// A command: a program with its arguments. No shell reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOrder {
    /// Absolute path of the program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How long it may take.
    pub limit: Duration,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The program was told.
    Done,
    /// It does not run; when it starts it reads the new files anyway.
    Nobody,
}

/// Why a program was not told.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// No signal was sent.
    #[error("no signal was sent")]
    Signal(#[from] SignalError),
    /// The command did not do it.
    #[error("the command failed")]
    Command(#[from] CommandError),
    /// A task of ours failed.
    #[error("the task that looks for the process failed")]
    Task(#[from] tokio::task::JoinError),
}

impl Reload {
    /// Tells the program.
    ///
    /// # Errors
    /// See [`ReloadError`].
    pub async fn tell(&self) -> Result<Told, ReloadError> {
        match self {
            Self::Signal(order) => {
                let order = order.clone();
                Ok(tokio::task::spawn_blocking(move || signal::tell(&order)).await??)
            }
            Self::Command(order) => {
                command::run(order).await?;
                Ok(Told::Done)
            }
        }
    }
}

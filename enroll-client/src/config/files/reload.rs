//! `reload` of `[[files]]`: how a program is told. Knows members and their values; tells nobody.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::{FilesError, value};
use crate::delivery::{Account, Accounts, CommandOrder, Reload, Signal, SignalOrder};

/// A signal or a command.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReloadFile {
    /// `HUP`, `USR1` or `USR2`.
    pub signal: Option<String>,
    /// The file that says which process. Default: the one process of that program and user.
    pub pid_file: Option<PathBuf>,
    /// The program that the process must be running.
    pub executable: Option<PathBuf>,
    /// The user that it must be running as, by name or number. Default: any.
    pub user: Option<String>,
    /// A program with its arguments. No shell reads it.
    pub command: Option<Vec<String>>,
    /// How long the command may take. Default: 30.
    pub timeout_seconds: Option<u64>,
}

impl ReloadFile {
    pub(super) fn check(self, accounts: &Accounts) -> Result<Reload, FilesError> {
        let found = |found| FilesError::Reload { found };
        match (self.signal, self.command) {
            (Some(_), Some(_)) => Err(found("both signal and command")),
            (None, None) => Err(found("neither signal nor command")),
            (Some(_), None) if self.timeout_seconds.is_some() => Err(found("a signal with timeout_seconds")),
            (Some(signal), None) => {
                let signal = match signal.as_str() {
                    "HUP" => Signal::Hup,
                    "USR1" => Signal::Usr1,
                    "USR2" => Signal::Usr2,
                    _ => return Err(value("reload.signal", &signal, "\"HUP\", \"USR1\" or \"USR2\"")),
                };
                let executable = self.executable.ok_or(found("a signal without executable"))?;
                let pid_file = self.pid_file.map(absolute).transpose()?;
                let user = self.user.map(|text| accounts.find(Account::User, &text)).transpose()?;
                Ok(Reload::Signal(SignalOrder { signal, pid_file, executable: absolute(executable)?, user }))
            }
            (None, Some(_)) if self.pid_file.is_some() || self.executable.is_some() || self.user.is_some() => {
                Err(found("a command with pid_file, executable or user"))
            }
            (None, Some(words)) => {
                let mut words = words.into_iter();
                let program = words.next().ok_or(found("a command without a program"))?;
                let arguments: Vec<String> = words.collect();
                if let Some(word) = arguments.iter().find(|word| word.contains('\0')) {
                    return Err(value("reload.command", word, "text without a zero octet"));
                }
                let limit = self.timeout_seconds.unwrap_or(DEFAULT_LIMIT_SECONDS);
                if limit == 0 || limit > MAX_LIMIT_SECONDS {
                    return Err(value("reload.timeout_seconds", &limit.to_string(), "from 1 to 300"));
                }
                let program = absolute(program.into())?;
                Ok(Reload::Command(CommandOrder { program, arguments, limit: Duration::from_secs(limit) }))
            }
        }
    }
}

fn absolute(path: PathBuf) -> Result<PathBuf, FilesError> {
    if path.is_absolute() { Ok(path) } else { Err(value("reload: the path", &path.display().to_string(), "absolute")) }
}

/// Ours: `nginx -s reload` takes a tenth of a second, a slow `systemctl reload` some seconds.
const DEFAULT_LIMIT_SECONDS: u64 = 30;
/// Ours: a certificate of an hour has been renewed ten times less one by then.
const MAX_LIMIT_SECONDS: u64 = 300;

//! A command, run once: no shell, a clean environment, a time limit, its exit status checked, a little of what it said. Knows processes; knows
//! not what the command is for.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::CommandOrder;

/// Why a command did not do what it is for.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It cannot be started.
    #[error("{} cannot be started", .program.display())]
    Start {
        /// Which.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be waited for.
    #[error("{} cannot be waited for", .program.display())]
    Wait {
        /// Which.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It did not end.
    #[error("{} did not end within {} s and was killed{said}", .program.display(), .limit.as_secs())]
    TooSlow {
        /// Which.
        program: PathBuf,
        /// The limit.
        limit: Duration,
        /// What it had said.
        said: Said,
    },
    /// It ended badly.
    #[error("{} ended with {how}{said}", .program.display())]
    Status {
        /// Which.
        program: PathBuf,
        /// Exit code or signal.
        how: String,
        /// What it had said.
        said: Said,
    },
}

/// What a command wrote, short enough for a line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said(String);

pub(super) async fn run(order: &CommandOrder) -> Result<(), CommandError> {
    let program = || order.program.clone();
    let mut command = Command::new(&order.program);
    command.args(&order.arguments).env_clear().env("PATH", PATH).env("LC_ALL", "C").current_dir("/");
    // A group of its own, so that what it starts ends with it when it takes too long.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    let mut child = command.spawn().map_err(|source| CommandError::Start { program: program(), source })?;
    let heard = [child.stdout.take().map(listen), child.stderr.take().map(listen_to_errors)];
    let ended = tokio::time::timeout(order.limit, child.wait()).await;
    if ended.is_err() {
        kill_group(&mut child).await;
    }
    let said = Said::from(heard).await;
    match ended {
        Ok(Ok(status)) if status.success() => {
            tracing::info!(program = %order.program.display(), said = said.0, "the command is done");
            Ok(())
        }
        Ok(Ok(status)) => Err(CommandError::Status { program: program(), how: shown(status), said }),
        Ok(Err(source)) => Err(CommandError::Wait { program: program(), source }),
        Err(_) => Err(CommandError::TooSlow { program: program(), limit: order.limit, said }),
    }
}

async fn kill_group(child: &mut Child) {
    // Not yet waited for, so the number is still its own.
    if let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
        let _gone = rustix::process::kill_process_group(pid, Signal::KILL);
    }
    let _gone = child.kill().await;
}

fn listen(stream: tokio::process::ChildStdout) -> JoinHandle<Vec<u8>> {
    tokio::spawn(read(stream))
}

fn listen_to_errors(stream: tokio::process::ChildStderr) -> JoinHandle<Vec<u8>> {
    tokio::spawn(read(stream))
}

/// The first octets; the rest is read and thrown away, so that the command does not stand still.
async fn read(mut stream: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut said = Vec::new();
    // What cannot be read was not said.
    let _cut = (&mut stream).take(MAX_SAID_OCTETS).read_to_end(&mut said).await;
    let _rest = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    said
}

impl Said {
    /// Waits a moment for the ends of both streams: a daemon that the command has started may hold them open for ever.
    async fn from(heard: [Option<JoinHandle<Vec<u8>>>; 2]) -> Self {
        let mut words = String::new();
        for mut listener in heard.into_iter().flatten() {
            match tokio::time::timeout(LISTEN_AFTER_END, &mut listener).await {
                Ok(octets) => words.push_str(&String::from_utf8_lossy(&octets.unwrap_or_default())),
                Err(_) => listener.abort(),
            }
        }
        let line = words.split(|character: char| character.is_control()).map(str::trim).filter(|part| !part.is_empty());
        Self(line.collect::<Vec<_>>().join("; "))
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", self.0) }
    }
}

fn shown(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no status".to_owned(),
    }
}

/// All that a command gets of an environment: where Debian and Fedora keep programs.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
/// Octets of each stream that are shown. Ours: `nginx -s reload` complains in 300.
const MAX_SAID_OCTETS: u64 = 2048;
/// How long the streams may stay open after the command has ended.
const LISTEN_AFTER_END: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    fn order(program: &str, arguments: &[&str], limit: u64) -> CommandOrder {
        let arguments = arguments.iter().map(|&text| text.to_owned()).collect();
        CommandOrder { program: program.into(), arguments, limit: Duration::from_millis(limit) }
    }

    async fn check(arguments: &[&str], expected: Result<(), &str>) {
        let outcome = run(&order("/bin/sh", arguments, 20_000)).await.map_err(|error| error.to_string());
        match expected {
            Ok(()) => assert_eq!(outcome, Ok(())),
            Err(text) => assert_eq!(outcome, Err(text.to_owned())),
        }
    }

    #[tokio::test]
    async fn statuses_and_words() {
        check(&["-c", "exit 0"], Ok(())).await;
        check(&["-c", "exit 3"], Err("/bin/sh ended with exit code 3")).await;
        check(&["-c", "echo out; echo err >&2; exit 1"], Err("/bin/sh ended with exit code 1: out; err")).await;
        check(&["-c", "kill -9 $$"], Err("/bin/sh ended with signal 9")).await;
        // Arguments are arguments: no shell has looked at them before.
        check(
            &["-c", "echo \"$1\"; exit 1", "x", "a;b $HOME `id`"],
            Err("/bin/sh ended with exit code 1: a;b $HOME `id`"),
        )
        .await;
        check(
            &["-c", "cat; pwd; env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | sort; exit 1"],
            Err("/bin/sh ended with exit code 1: /; LC_ALL=C; PATH=/usr/sbin:/usr/bin:/sbin:/bin"),
        )
        .await;
        let missing = run(&order("/nonexistent/program", &[], 1000)).await.unwrap_err();
        assert!(matches!(missing, CommandError::Start { .. }), "{missing}");
    }

    #[tokio::test]
    async fn much_is_cut_and_does_not_stop_it() {
        let script =
            "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done; exit 1";
        let told = run(&order("/bin/sh", &["-c", script], 20_000)).await.unwrap_err().to_string();
        assert!(told.len() < 3000 && told.contains("0123456789"), "{}", told.len());
    }

    #[tokio::test]
    async fn one_that_does_not_end_is_killed_with_what_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let pid = directory.path().join("pid");
        let script = format!("echo began; sleep 1000 & echo $! >{0}.new; mv {0}.new {0}; wait", pid.display());
        let told = run(&order("/bin/sh", &["-c", &script], 700)).await.unwrap_err().to_string();
        assert_eq!(told, "/bin/sh did not end within 0 s and was killed: began");
        let pid = std::fs::read_to_string(&pid).unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        // Gone, or dead and not yet waited for by init.
        assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
    }

    #[tokio::test]
    async fn a_daemon_that_holds_the_streams_open_is_not_waited_for() {
        let began = tokio::time::Instant::now();
        run(&order("/bin/sh", &["-c", "sleep 15 & exit 0"], 10_000)).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(9));
    }
}

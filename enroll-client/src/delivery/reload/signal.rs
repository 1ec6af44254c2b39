//! A signal for one process, and for no other. Knows pid files and /proc; knows not why it is sent.
//!
//! A process id may have come to mean another process at any moment (T-60; spiffe-helper #250). So the process is looked at, then a descriptor of it
//! is opened, which never comes to mean another one, then it is looked at again. Only if program, user and start are the same both times, and are
//! those that are configured, is the signal sent, through that descriptor.

use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags};

use super::{Signal, SignalOrder, Told};
use crate::socket::{Executable, ProcessDirectory, ProcessError};

/// Why no signal was sent.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// The pid file.
    #[error("the pid file {} cannot be read", .path.display())]
    PidFile {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Whoever writes the pid file chooses who gets the signal.
    #[error("the pid file {} belongs to uid {owner} and has mode {mode:04o}: it must be root's, ours or the program's user's, and nobody else's to write", .path.display())]
    Untrusted {
        /// Which.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Its mode.
        mode: u32,
    },
    /// It holds something else.
    #[error("the pid file {} does not begin with a process id", .path.display())]
    NoPid {
        /// Which.
        path: PathBuf,
    },
    /// The process is another program's or user's.
    #[error("process {pid} is {found} of user {uid}, not {expected} of user {user}")]
    Other {
        /// The process.
        pid: i32,
        /// What it runs.
        found: String,
        /// As whom.
        uid: u32,
        /// What it should run.
        expected: String,
        /// As whom it should.
        user: String,
    },
    /// It became another one while we looked.
    #[error("process {pid} became another one while it was looked at")]
    Changed {
        /// The process.
        pid: i32,
    },
    /// More than one process fits.
    #[error("there are {found} processes of {}, none of them the others' parent: give a pid_file", .executable.display())]
    Ambiguous {
        /// How many.
        found: usize,
        /// Of which program.
        executable: PathBuf,
    },
    /// /proc does not show us what we would have to know.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The system said no.
    #[error("could not {act} process {pid}")]
    Failed {
        /// What was tried.
        act: &'static str,
        /// On which.
        pid: i32,
        /// What the system said.
        source: io::Error,
    },
}

/// What tells one process from all others.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    started: u64,
    executable: Executable,
    uid: u32,
}

pub(super) fn tell(order: &SignalOrder) -> Result<Told, SignalError> {
    let pid = match &order.pid_file {
        Some(path) => pid_in(path, order.user)?,
        None => search(order)?,
    };
    let Some(pid) = pid else { return Ok(Told::Nobody) };
    tell_one(pid, order, |pid| rustix::process::pidfd_open(pid, PidfdFlags::empty()))
}

/// `open` is pidfd_open(2); tests do things between the two looks.
fn tell_one(
    pid: i32,
    order: &SignalOrder,
    open: impl FnOnce(Pid) -> rustix::io::Result<OwnedFd>,
) -> Result<Told, SignalError> {
    let failed = |act| move |error: Errno| SignalError::Failed { act, pid, source: error.into() };
    let Some(id) = Pid::from_raw(pid) else { return Ok(Told::Nobody) };
    let Some(before) = Seen::of(pid)? else { return Ok(Told::Nobody) };
    before.check(pid, order)?;
    let process = match open(id) {
        Ok(process) => process,
        Err(Errno::SRCH) => return Ok(Told::Nobody),
        Err(error) => return Err(failed("open")(error)),
    };
    // The descriptor means one process from here on. That it is the one which was looked at shows when it is looked at again.
    if Seen::of(pid)? != Some(before) {
        return Err(SignalError::Changed { pid });
    }
    let signal = match order.signal {
        Signal::Hup => rustix::process::Signal::HUP,
        Signal::Usr1 => rustix::process::Signal::USR1,
        Signal::Usr2 => rustix::process::Signal::USR2,
    };
    match rustix::process::pidfd_send_signal(process, signal) {
        Ok(()) => Ok(Told::Done),
        Err(Errno::SRCH) => Ok(Told::Nobody),
        Err(error) => Err(failed("signal")(error)),
    }
}

impl Seen {
    /// None: there is no such process.
    fn of(pid: i32) -> Result<Option<Self>, SignalError> {
        let read = || {
            let process = ProcessDirectory::open(pid)?;
            let started = process.started_ticks()?;
            Ok(Self { started, executable: process.executable()?, uid: process.effective_uid()? })
        };
        match read() {
            Ok(seen) => Ok(Some(seen)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn check(&self, pid: i32, order: &SignalOrder) -> Result<(), SignalError> {
        if self.executable.is_at(&order.executable) && order.user.is_none_or(|user| user == self.uid) {
            return Ok(());
        }
        Err(SignalError::Other {
            pid,
            found: self.executable.path.display().to_string(),
            uid: self.uid,
            expected: order.executable.display().to_string(),
            user: order.user.map_or_else(|| "any".to_owned(), |user| user.to_string()),
        })
    }
}

fn is_gone(error: &ProcessError) -> bool {
    // proc(5): ENOENT when the directory is not there, ESRCH when the process went while it was read.
    let gone = [Errno::NOENT, Errno::SRCH].map(Errno::raw_os_error);
    match error {
        ProcessError::Unreadable { source, .. } => source.raw_os_error().is_some_and(|code| gone.contains(&code)),
        ProcessError::Malformed { .. } => false,
    }
}

/// The number in the first line: nginx writes it alone, PostgreSQL with more below it.
fn pid_in(path: &Path, user: Option<u32>) -> Result<Option<i32>, SignalError> {
    let failed = |source| SignalError::PidFile { path: path.to_owned(), source };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => std::fs::File::from(fd),
        // The program does not run, or is just starting.
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(failed(error.into())),
    };
    let facts = file.metadata().map_err(failed)?;
    let (owner, mode) = (facts.uid(), facts.mode() & 0o7777);
    let trusted = owner == 0 || owner == rustix::process::geteuid().as_raw() || Some(owner) == user;
    if !facts.is_file() || !trusted || mode & GROUP_OR_OTHERS_WRITE != 0 {
        return Err(SignalError::Untrusted { path: path.to_owned(), owner, mode });
    }
    let mut text = String::new();
    file.take(MAX_PID_FILE_OCTETS).read_to_string(&mut text).map_err(failed)?;
    let line = text.lines().next().unwrap_or_default().trim();
    // kill(2): 0 and negative numbers mean groups, 1 is init.
    match line.parse::<i32>() {
        Ok(pid) if pid > 1 && line.bytes().all(|octet| octet.is_ascii_digit()) => Ok(Some(pid)),
        Ok(_) | Err(_) => Err(SignalError::NoPid { path: path.to_owned() }),
    }
}

/// The one process of that program and user; of a family, the parent.
fn search(order: &SignalOrder) -> Result<Option<i32>, SignalError> {
    let listed = std::fs::read_dir("/proc")
        .map_err(|source| SignalError::PidFile { path: "/proc".into(), source })?
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let mut fitting = Vec::new();
    let mut hidden = None;
    for pid in listed {
        match Seen::of(pid) {
            Ok(Some(seen)) if seen.check(pid, order).is_ok() => fitting.push(pid),
            Ok(_) => {}
            // Kernel threads have no program, and not everybody may look into all processes: of one that may be it, silence is no answer.
            Err(SignalError::Process(error)) if may_be(pid, order) => hidden = Some(error),
            Err(_) => {}
        }
    }
    let parent = |pid| ProcessDirectory::open(pid).and_then(|process| process.parent()).ok();
    let tops: Vec<i32> =
        fitting.iter().copied().filter(|pid| parent(*pid).is_none_or(|parent| !fitting.contains(&parent))).collect();
    match (tops.as_slice(), hidden) {
        ([pid], _) => Ok(Some(*pid)),
        ([], Some(error)) => Err(error.into()),
        ([], None) => Ok(None),
        (more, _) => Err(SignalError::Ambiguous { found: more.len(), executable: order.executable.clone() }),
    }
}

/// Whether it may be the one although its program is not shown to us: it has the name, which everybody sees (proc_pid_comm(5)).
fn may_be(pid: i32, order: &SignalOrder) -> bool {
    let Ok(process) = ProcessDirectory::open(pid) else { return false };
    let name = order.executable.file_name().map(|name| name.as_encoded_bytes()).unwrap_or_default();
    let name = name.get(..COMM_OCTETS).unwrap_or(name);
    process.name().is_ok_and(|found| found.as_bytes() == name)
        && order.user.is_none_or(|user| process.effective_uid().is_ok_and(|uid| uid == user))
}

/// Octets of a pid file that are read: postmaster.pid has a path in its second line (PATH_MAX, 4096).
const MAX_PID_FILE_OCTETS: u64 = 8192;
const GROUP_OR_OTHERS_WRITE: u32 = 0o022;
/// TASK_COMM_LEN is 16 with its final zero (proc_pid_comm(5)).
const COMM_OCTETS: usize = 15;

#[cfg(test)]
mod tests;

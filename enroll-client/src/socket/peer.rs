//! The process at the other end of a connection, as the kernel vouches for it. Knows credentials and selectors; knows no request.
//!
//! Who asks is told by the kernel, never by the asker (SPIFFE Workload Endpoint, section 5). Three things are taken when a connection comes in:
//!
//! * user and group id of the process at the moment it called connect(2): `SO_PEERCRED`;
//! * the process itself, as a descriptor: `SO_PEERPIDFD`. On kernels before 6.5 the number in `SO_PEERCRED` is opened instead, and a
//!   process that started after the connection was accepted is refused; between connect and accept a number could still have been reused
//!   there, so on such a kernel a program selector adds less than on a newer one;
//! * its program, from /proc, read between two looks at that descriptor, so that all three are facts about one process (T-60).
//!
//! They are looked at again before each answer that carries a key ([`Peer::recheck`]), and the connection ends with the process: a socket
//! that outlives it has been handed on to somebody we do not know.
//!
//! A program path alone picks nobody: whoever may run a program may also make it do what he likes. It only narrows a user or a group.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags};
use rustix::time::ClockId;
use tokio::io::unix::AsyncFd;
use tokio::net::UnixStream;

use super::pidfd::{peer_pidfd, waitable};
use super::process::{Executable, ProcessDirectory, ProcessError};
use crate::identities::Selectors;

/// When a connection was accepted, in clock ticks since boot: the unit in which /proc tells when a process started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Accepted {
    ticks: u64,
}

/// One local process that talks to us.
#[derive(Debug)]
pub struct Peer {
    uid: u32,
    gid: u32,
    pid: i32,
    process: AsyncFd<OwnedFd>,
    seen: Option<Seen>,
}

/// What /proc said when the connection came in.
#[derive(Debug)]
struct Seen {
    directory: ProcessDirectory,
    started_ticks: u64,
    /// Nothing where /proc hides it: another user's process, and we lack CAP_SYS_PTRACE. Then no selector with a program matches.
    executable: Option<Executable>,
}

impl Peer {
    /// Asks the kernel who is at the other end of `stream`. Call it right after accept, inside a tokio runtime.
    ///
    /// # Errors
    /// See [`PeerError`]; a peer that cannot be told is not served.
    pub fn of(stream: &UnixStream, accepted: Accepted) -> Result<Self, PeerError> {
        let credentials = stream.peer_cred().map_err(PeerError::Credentials)?;
        // Zero or absent: a process of a PID namespace we cannot see into.
        let pid = credentials.pid().filter(|pid| *pid > 0).ok_or(PeerError::Invisible)?;
        let process = match peer_pidfd(stream.as_fd()) {
            Ok(process) => process,
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return Err(PeerError::Ended { pid }),
            Err(error) => return Err(PeerError::Credentials(error)),
        };
        Self::from_parts((credentials.uid(), credentials.gid()), pid, process, accepted)
    }

    /// `from_kernel` is the process as SO_PEERPIDFD gave it, if this kernel can.
    fn from_parts(
        (uid, gid): (u32, u32),
        pid: i32,
        from_kernel: Option<OwnedFd>,
        accepted: Accepted,
    ) -> Result<Self, PeerError> {
        let by_number = from_kernel.is_none();
        let process = match from_kernel {
            Some(process) => process,
            None => open_by_number(pid)?,
        };
        let seen = look_at(pid);
        if by_number {
            let started = seen.as_ref().map(|seen| seen.started_ticks).ok_or(PeerError::Invisible)?;
            if started > accepted.ticks {
                return Err(PeerError::StartedLater { pid, started, accepted: accepted.ticks });
            }
        }
        // Alive after /proc was read, so the number meant this process all along.
        if has_ended(&process)? {
            return Err(PeerError::Ended { pid });
        }
        let process = waitable(process).map_err(PeerError::Credentials)?;
        Ok(Self { uid, gid, pid, process, seen })
    }

    /// Its effective user id when it connected.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// Its effective group id when it connected.
    #[must_use]
    pub fn gid(&self) -> u32 {
        self.gid
    }

    /// Its process id. For logs: it says nothing about who a later process with that number is.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Its program when it connected, if /proc shows it to us.
    #[must_use]
    pub fn executable(&self) -> Option<&Executable> {
        self.seen.as_ref()?.executable.as_ref()
    }

    /// Whether every selector that is set holds, and one of them is a user or a group.
    ///
    /// The id the kernel shows for users of a foreign user namespace stands for many, so it matches nobody.
    #[must_use]
    pub fn matches(&self, selectors: &Selectors) -> bool {
        if selectors.uid.is_none() && selectors.gid.is_none() {
            return false;
        }
        let user = selectors.uid.is_none_or(|uid| uid == self.uid && uid != OVERFLOW_ID);
        let group = selectors.gid.is_none_or(|gid| gid == self.gid && gid != OVERFLOW_ID);
        user && group
            && selectors
                .executable
                .as_deref()
                .is_none_or(|path| self.executable().is_some_and(|found| found.is_at(path)))
    }

    /// Whether it may see everything this client knows: root, or the user this client runs as.
    #[must_use]
    pub fn is_operator(&self) -> bool {
        self.uid == 0 || self.uid == rustix::process::geteuid().as_raw()
    }

    /// Looks again: still the same process, the same program, the same user.
    ///
    /// # Errors
    /// When it has ended, runs another program now (exec), or runs as somebody else now (setuid).
    pub fn recheck(&self) -> Result<(), PeerError> {
        let pid = self.pid;
        if let Some(seen) = &self.seen {
            if let Some(connected) = &seen.executable {
                let now = seen.directory.executable()?;
                // Not the path: a program that was replaced by an update while it runs is still the one that connected.
                if (now.device, now.inode) != (connected.device, connected.inode) {
                    return Err(PeerError::OtherProgram { pid, connected: connected.clone(), now });
                }
            }
            let now = seen.directory.started_ticks()?;
            if now != seen.started_ticks {
                return Err(PeerError::StartedLater { pid, started: now, accepted: seen.started_ticks });
            }
            let now = seen.directory.effective_uid()?;
            if now != self.uid {
                return Err(PeerError::OtherUser { pid, connected: self.uid, now });
            }
        }
        if has_ended(self.process.get_ref())? { Err(PeerError::Ended { pid }) } else { Ok(()) }
    }

    /// Waits until the process has ended.
    pub async fn ended(&self) {
        // A descriptor that cannot be waited for tells nothing more: treated like an end.
        let _readable = self.process.readable().await;
    }
}

impl Accepted {
    /// A connection that was accepted at this moment.
    #[must_use]
    pub fn now() -> Self {
        let since_boot = rustix::time::clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(since_boot.tv_sec).unwrap_or_default();
        let nanoseconds = u64::try_from(since_boot.tv_nsec).unwrap_or_default();
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        Self {
            ticks: seconds.saturating_mul(per_second).saturating_add(nanoseconds * per_second / NANOSECONDS_PER_SECOND),
        }
    }
}

#[cfg(test)]
impl Peer {
    /// This process under another user's id, for tests of what other users see.
    pub(crate) fn of_user(uid: u32) -> Self {
        let (one, _other) = UnixStream::pair().unwrap();
        let mut peer = Self::of(&one, Accepted::now()).unwrap();
        peer.uid = uid;
        peer
    }
}

/// For kernels without SO_PEERPIDFD.
fn open_by_number(pid: i32) -> Result<OwnedFd, PeerError> {
    let number = Pid::from_raw(pid).ok_or(PeerError::Invisible)?;
    match rustix::process::pidfd_open(number, PidfdFlags::empty()) {
        Ok(process) => Ok(process),
        Err(rustix::io::Errno::SRCH) => Err(PeerError::Ended { pid }),
        Err(error) => Err(PeerError::Credentials(error.into())),
    }
}

/// Nothing where /proc hides the whole process from us (hidepid): its user and group are known all the same.
fn look_at(pid: i32) -> Option<Seen> {
    let hidden = |error: &ProcessError| tracing::debug!(pid, %error, "a local peer is not shown to us by /proc");
    let directory = ProcessDirectory::open(pid).inspect_err(hidden).ok()?;
    let started_ticks = directory.started_ticks().inspect_err(hidden).ok()?;
    let executable = directory.executable().inspect_err(hidden).ok();
    Some(Seen { directory, started_ticks, executable })
}

/// A pidfd is readable once its process has ended: pidfd_open(2).
fn has_ended(process: &OwnedFd) -> Result<bool, PeerError> {
    let mut look = [PollFd::new(process, PollFlags::IN)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let ready = rustix::event::poll(&mut look, Some(&at_once)).map_err(|error| PeerError::Credentials(error.into()))?;
    Ok(ready > 0)
}

/// Why a connection is not served.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The kernel did not tell.
    #[error("the kernel does not tell who connected")]
    Credentials(#[source] io::Error),
    /// In a PID namespace we cannot see.
    #[error("the peer's process is not visible from our PID namespace")]
    Invisible,
    /// Its socket is used by somebody else by now.
    #[error("process {pid} connected and has ended")]
    Ended {
        /// Its number.
        pid: i32,
    },
    /// The number was given to a new process before we could look.
    #[error("process {pid} started at tick {started}, the connection is from tick {accepted} or before")]
    StartedLater {
        /// The number.
        pid: i32,
        /// When the process with that number started.
        started: u64,
        /// When the connection was accepted.
        accepted: u64,
    },
    /// It called exec since.
    #[error("process {pid} connected as {}, and is {} now", connected.path.display(), now.path.display())]
    OtherProgram {
        /// Its number.
        pid: i32,
        /// Its program then.
        connected: Executable,
        /// Its program now.
        now: Executable,
    },
    /// It changed its user since.
    #[error("process {pid} connected as user {connected}, and is user {now} now")]
    OtherUser {
        /// Its number.
        pid: i32,
        /// Its user then.
        connected: u32,
        /// Its user now.
        now: u32,
    },
    /// /proc showed the process when it connected and does not any more.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// What the kernel shows for every id that has no counterpart in our user namespace, and `nobody` besides:
/// /proc/sys/kernel/overflowuid, by default.
const OVERFLOW_ID: u32 = 65534;
const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests;

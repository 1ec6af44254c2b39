//! The process at the other end of a Unix socket, as a file descriptor. Knows one socket option and how to wait; nothing else.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The process that called connect(2), or `None` where the kernel is older than Linux 6.5 and does not know the option.
///
/// Unlike a process id, the descriptor never comes to mean another process (T-60). It is closed on exec.
///
/// # Errors
/// What getsockopt(2) says; `ESRCH` when the process is gone already.
#[expect(unsafe_code, reason = "SO_PEERPIDFD is in no safe wrapper we have: rustix 1.1 knows SO_PEERCRED only")]
pub(super) fn peer_pidfd(socket: BorrowedFd<'_>) -> io::Result<Option<OwnedFd>> {
    let mut descriptor: libc::c_int = -1;
    let mut length = DESCRIPTOR_OCTETS;
    // SAFETY: the two pointers point at a c_int and at its length, both live until the call returns.
    let outcome = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERPIDFD,
            (&raw mut descriptor).cast::<libc::c_void>(),
            &raw mut length,
        )
    };
    if outcome != 0 {
        let error = io::Error::last_os_error();
        return if error.raw_os_error() == Some(libc::ENOPROTOOPT) { Ok(None) } else { Err(error) };
    }
    if descriptor < 0 || length != DESCRIPTOR_OCTETS {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "SO_PEERPIDFD gave no descriptor"));
    }
    // SAFETY: the kernel has just made this descriptor for us; nobody else owns it.
    Ok(Some(unsafe { OwnedFd::from_raw_fd(descriptor) }))
}

/// A process descriptor that can be waited for: it is readable once the process has ended. Call it inside a tokio runtime.
///
/// # Errors
/// What epoll_ctl(2) says.
#[expect(
    unsafe_code,
    reason = "tokio's safe constructor is deprecated: it cannot know that the descriptor stays the same"
)]
pub(super) fn waitable(process: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd is open and gives the same descriptor until it is dropped, and the AsyncFd owns it.
    Ok(unsafe { AsyncFd::register_with_interest(process, Interest::READABLE) }?)
}

/// A descriptor is one c_int: 4 octets on every Linux.
const DESCRIPTOR_OCTETS: libc::socklen_t = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_pair_of_ours_leads_back_to_us() {
        let (one, _other) = UnixStream::pair().unwrap();
        let Some(pidfd) = peer_pidfd(one.as_fd()).unwrap() else { return };
        let facts = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd())).unwrap();
        let pid = facts.lines().find_map(|line| line.strip_prefix("Pid:")).unwrap().trim();
        assert_eq!(pid, std::process::id().to_string());
    }

    #[test]
    fn what_is_no_unix_socket_is_an_error_and_not_none() {
        let file = std::fs::File::open("/dev/null").unwrap();
        assert!(peer_pidfd(file.as_fd()).is_err());
    }
}

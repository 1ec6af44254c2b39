//! One process per state directory. Knows the lock file; knows nothing else in the directory.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};

use super::KeepError;

/// The lock, held until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(directory: &OwnedFd) -> Result<Self, KeepError> {
        let failed = |source| KeepError::File { file: LOCK, source };
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(directory, LOCK, flags, Mode::RUSR | Mode::WUSR);
        let mut file = File::from(fd.map_err(|error| failed(error.into()))?);
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // Between lock and write of the other process it is empty; that is as much as we know then.
                let read = file.take(MAX_PID_OCTETS).read_to_string(&mut pid);
                let pid =
                    if read.is_ok_and(|octets| octets > 0) { pid.trim().to_owned() } else { "unknown".to_owned() };
                return Err(KeepError::Locked { pid });
            }
            Err(std::fs::TryLockError::Error(source)) => return Err(failed(source)),
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write(&mut file).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

const LOCK: &str = "lock";
/// Digits of the largest pid (2^22, proc(5)), with room.
const MAX_PID_OCTETS: u64 = 16;

//! What /proc says of one process: its program, when it started, as whom it runs. Knows the layout of /proc; knows no socket.
//!
//! All is read through one open descriptor of `/proc/PID`: that descriptor belongs to the process it was opened for, and stays dead when that
//! process is gone, also when its number is given to another (T-60).

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags};

/// An open `/proc/PID`.
#[derive(Debug)]
pub(crate) struct ProcessDirectory {
    pid: i32,
    directory: OwnedFd,
}

/// A program file: its name and the file itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executable {
    /// The path the kernel tells; ` (deleted)` stands at its end when the file was replaced while the program ran.
    pub path: PathBuf,
    /// The file's device number.
    pub device: u64,
    /// The file's inode number.
    pub inode: u64,
}

impl ProcessDirectory {
    /// Opens `/proc/PID`.
    pub(crate) fn open(pid: i32) -> Result<Self, ProcessError> {
        let path = format!("/proc/{pid}");
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(path, flags, Mode::empty()).map_err(unreadable(pid, "its directory"))?;
        Ok(Self { pid, directory })
    }

    /// The program it runs now. Of another user's process the kernel tells it only to who may trace that process (CAP_SYS_PTRACE).
    pub(crate) fn executable(&self) -> Result<Executable, ProcessError> {
        let link = rustix::fs::readlinkat(&self.directory, "exe", Vec::new()).map_err(unreadable(self.pid, "exe"))?;
        // Follows the link to the file itself, whatever lies at that path by now or in our view of the file system.
        let file = rustix::fs::statat(&self.directory, "exe", AtFlags::empty()).map_err(unreadable(self.pid, "exe"))?;
        let path = PathBuf::from(OsString::from_vec(link.into_bytes()));
        Ok(Executable { path, device: file.st_dev, inode: file.st_ino })
    }

    /// When it started, in clock ticks since boot (field 22 of proc_pid_stat(5)).
    pub(crate) fn started_ticks(&self) -> Result<u64, ProcessError> {
        let text = self.read("stat")?;
        start_of(&text).ok_or(ProcessError::Malformed { pid: self.pid, file: "stat" })
    }

    /// Its effective user id now (second number of `Uid:` in proc_pid_status(5)).
    pub(crate) fn effective_uid(&self) -> Result<u32, ProcessError> {
        let text = self.read("status")?;
        effective_uid_of(&text).ok_or(ProcessError::Malformed { pid: self.pid, file: "status" })
    }

    /// Its name as it calls itself; nothing may be decided by it alone.
    pub(crate) fn name(&self) -> Result<String, ProcessError> {
        Ok(self.read("comm")?.trim_end_matches('\n').to_owned())
    }

    /// The process that started it, or that has taken it on since (`PPid:` in proc_pid_status(5)).
    pub(crate) fn parent(&self) -> Result<i32, ProcessError> {
        let text = self.read("status")?;
        let parent = text.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok());
        parent.ok_or(ProcessError::Malformed { pid: self.pid, file: "status" })
    }

    fn read(&self, file: &'static str) -> Result<String, ProcessError> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let open =
            rustix::fs::openat(&self.directory, file, flags, Mode::empty()).map_err(unreadable(self.pid, file))?;
        let mut text = Vec::new();
        let read = std::fs::File::from(open).take(MAX_PROC_FILE_OCTETS).read_to_end(&mut text);
        read.map_err(|source| ProcessError::Unreadable { pid: self.pid, file, source })?;
        // A process may put any octets into its own name; the fields read here are behind it or before it.
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

impl Executable {
    /// Whether this is the program at `path`, which must be absolute: same name after links are followed, and the same file.
    ///
    /// The name alone would do for a process in a mount namespace of its own, where it can put any file at any path.
    #[must_use]
    pub fn is_at(&self, path: &Path) -> bool {
        use std::os::unix::fs::MetadataExt;
        let Ok(canonical) = std::fs::canonicalize(path) else { return false };
        let Ok(file) = std::fs::metadata(&canonical) else { return false };
        path.is_absolute() && canonical == self.path && (file.dev(), file.ino()) == (self.device, self.inode)
    }
}

/// Field 22 of a `stat` line. The second field is the program's name in brackets and may hold spaces and brackets itself.
fn start_of(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(START_AFTER_NAME)?.parse().ok()
}

fn effective_uid_of(status: &str) -> Option<u32> {
    let numbers = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    numbers.split_ascii_whitespace().nth(1)?.parse().ok()
}

fn unreadable(pid: i32, file: &'static str) -> impl FnOnce(rustix::io::Errno) -> ProcessError {
    move |error| ProcessError::Unreadable { pid, file, source: error.into() }
}

/// Why /proc did not tell.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// Gone, hidden, or not ours to look into.
    #[error("/proc does not show us {file} of process {pid}")]
    Unreadable {
        /// The process.
        pid: i32,
        /// What was asked for.
        file: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Not the layout that proc(5) describes.
    #[error("/proc/{pid}/{file} does not have the layout we know")]
    Malformed {
        /// The process.
        pid: i32,
        /// The file.
        file: &'static str,
    },
}

/// Field 3 (state) is the first after the name, so field 22 is the twentieth.
const START_AFTER_NAME: usize = 19;
/// `stat` and `status` take 1.5 kB on Linux 6.18 (measured); the kernel bounds both to a few pages.
const MAX_PROC_FILE_OCTETS: u64 = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn ourselves() -> ProcessDirectory {
        ProcessDirectory::open(i32::try_from(std::process::id()).unwrap()).unwrap()
    }

    #[test]
    fn we_are_what_we_run() {
        let found = ourselves().executable().unwrap();
        let ours = std::env::current_exe().unwrap();
        assert_eq!(found.path, ours);
        assert!(found.is_at(&ours));
        assert!(!found.is_at(Path::new("/bin/sh")));
        assert!(!found.is_at(Path::new("relative")));
        assert!(!found.is_at(Path::new("/nowhere/at/all")));
    }

    #[test]
    fn a_program_replaced_at_its_path_is_another_program() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().canonicalize().unwrap().join("agent");
        std::fs::copy("/bin/sleep", &path).unwrap();
        let mut child = std::process::Command::new(&path).arg("60").spawn().unwrap();
        let process = ProcessDirectory::open(i32::try_from(child.id()).unwrap()).unwrap();
        let before = process.executable().unwrap();
        assert!(before.is_at(&path));
        std::fs::remove_file(&path).unwrap();
        std::fs::copy("/bin/sleep", &path).unwrap();
        assert!(!before.is_at(&path), "same name, another file");
        assert!(!process.executable().unwrap().is_at(&path));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_link_to_the_program_names_the_program() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("agent");
        std::os::unix::fs::symlink(std::env::current_exe().unwrap(), &link).unwrap();
        assert!(ourselves().executable().unwrap().is_at(&link));
    }

    #[test]
    fn a_dead_process_tells_nothing_even_through_its_descriptor() {
        let mut child = std::process::Command::new("/bin/sleep").arg("60").spawn().unwrap();
        let process = ProcessDirectory::open(i32::try_from(child.id()).unwrap()).unwrap();
        assert!(process.started_ticks().is_ok());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(process.started_ticks().is_err());
        assert!(process.effective_uid().is_err());
        assert!(process.executable().is_err());
    }

    #[test]
    fn we_run_as_we_do() {
        assert_eq!(ourselves().effective_uid().unwrap(), rustix::process::geteuid().as_raw());
    }

    #[track_caller]
    fn check_start(stat: &str, expected: Option<u64>) {
        assert_eq!(start_of(stat), expected);
    }

    #[test]
    fn the_start_is_field_22_whatever_the_program_is_called() {
        let fields: Vec<String> = (3..=30).map(|field| field.to_string()).collect();
        let fields = fields.join(" ");
        check_start(&format!("77 (agent) {fields}"), Some(22));
        check_start(&format!("77 (a) 9 9 9 (b) {fields}"), Some(22));
        check_start(&format!("77 (\u{fffd}\n) x) {fields}"), Some(22));
        check_start("77 (agent) S 1 2 3", None);
        check_start("", None);
    }

    #[test]
    fn the_effective_uid_is_the_second() {
        assert_eq!(effective_uid_of("Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n"), Some(2));
        assert_eq!(effective_uid_of("Uid:\t1\n"), None);
        assert_eq!(effective_uid_of(""), None);
    }
}

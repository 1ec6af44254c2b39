//! Whether a directory's files are in memory only. Knows file systems, mounts and swap; knows no key.

use std::os::fd::AsFd;

/// Whether pages of a directory's files may be written to a disk all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// They stay in memory: there is no swap, or not for them.
    Never,
    /// There is swap, and nothing keeps them from it.
    Possible,
}

/// Whether files there are in memory (tmpfs or ramfs).
///
/// # Errors
/// What statfs(2) says.
pub fn is_in_memory(directory: impl AsFd) -> std::io::Result<bool> {
    let found = rustix::fs::fstatfs(directory)?.f_type;
    Ok([TMPFS, RAMFS].iter().any(|magic| i128::from(found) == i128::from(*magic)))
}

impl Paging {
    /// Of a directory that is in memory. What cannot be found out counts as possible.
    ///
    /// # Errors
    /// What statfs(2) and stat(2) say.
    pub fn of(directory: impl AsFd) -> std::io::Result<Self> {
        if i128::from(rustix::fs::fstatfs(&directory)?.f_type) == i128::from(RAMFS) {
            return Ok(Self::Never);
        }
        let device = rustix::fs::fstat(&directory)?.st_dev;
        let device = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let is_kept = no_swap_at_all(&read("/proc/swaps"))
            || mounted_without_swap(&read("/proc/self/mountinfo"), &device)
            || own_group(&read("/proc/self/cgroup"))
                .is_some_and(|group| read(&format!("/sys/fs/cgroup{group}/memory.swap.max")).trim() == "0");
        Ok(if is_kept { Self::Never } else { Self::Possible })
    }
}

/// `/proc/swaps` has a heading and a line for each area (proc(5)).
fn no_swap_at_all(swaps: &str) -> bool {
    swaps.starts_with("Filename") && swaps.lines().count() == 1
}

/// The tmpfs option `noswap` (Linux 6.4, Documentation/filesystems/tmpfs.rst) among the super block's options, the last field of
/// proc_pid_mountinfo(5).
fn mounted_without_swap(mounts: &str, device: &str) -> bool {
    mounts.lines().filter(|line| line.split(' ').nth(2) == Some(device)).any(|line| {
        line.rsplit_once(" - ").is_some_and(|(_, rest)| {
            rest.rsplit(' ').next().is_some_and(|options| options.split(',').any(|option| option == "noswap"))
        })
    })
}

/// Our control group of version 2: pages of tmpfs are charged to who wrote them (Documentation/admin-guide/cgroup-v2.rst, Memory Ownership).
fn own_group(groups: &str) -> Option<&str> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    (path.starts_with('/') && !path.contains("..")).then_some(path)
}

/// `TMPFS_MAGIC` and `RAMFS_MAGIC` of statfs(2).
const TMPFS: i64 = 0x0102_1994;
const RAMFS: i64 = 0x8584_58f6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swap_areas() {
        let heading = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
        assert!(no_swap_at_all(heading));
        assert!(!no_swap_at_all(&format!("{heading}/dev/sda2 partition 8 0 -2\n")));
        assert!(!no_swap_at_all(""));
    }

    #[test]
    fn the_mount_option() {
        let mounts = "21 1 8:1 / / rw - ext4 /dev/sda rw\n\
                      36 25 0:31 / /run/keys rw,nosuid shared:9 - tmpfs tmpfs rw,size=4k,noswap\n\
                      37 25 0:32 / /noswap rw - tmpfs tmpfs rw,mode=755\n";
        assert!(mounted_without_swap(mounts, "0:31"));
        assert!(!mounted_without_swap(mounts, "0:32"));
        assert!(!mounted_without_swap(mounts, "0:3"));
        assert!(!mounted_without_swap("", "0:31"));
    }

    #[test]
    fn the_control_group() {
        assert_eq!(own_group("0::/system.slice/enroll-client.service\n"), Some("/system.slice/enroll-client.service"));
        assert_eq!(own_group("4:memory:/x\n0::/\n"), Some("/"));
        assert_eq!(own_group("0::/../x\n"), None);
        assert_eq!(own_group("4:memory:/x\n"), None);
    }

    #[test]
    fn memory_and_disk() {
        assert!(is_in_memory(std::fs::File::open("/dev/shm").unwrap()).unwrap());
        assert!(!is_in_memory(std::fs::File::open("/proc").unwrap()).unwrap());
        assert!(Paging::of(std::fs::File::open("/dev/shm").unwrap()).is_ok());
    }
}

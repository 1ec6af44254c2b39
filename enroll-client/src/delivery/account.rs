//! Owners of files, by number or by name. Knows the form of /etc/passwd and /etc/group; asks no directory service, which a static program
//! cannot, and which may be down when keys are due.

use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The two files.
#[derive(Debug, Clone)]
pub struct Accounts {
    passwd: PathBuf,
    group: PathBuf,
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// A user, in /etc/passwd.
    User,
    /// A group, in /etc/group.
    Group,
}

/// Why a name stands for nobody.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The file cannot be read.
    #[error("{} cannot be read", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no such line.
    #[error("{} has no {name:?}: give a name that is there, or a number", .path.display())]
    Unknown {
        /// As configured.
        name: String,
        /// Where it is looked for.
        path: PathBuf,
    },
}

impl Accounts {
    /// Those of this machine.
    #[must_use]
    pub fn of_this_machine() -> Self {
        Self { passwd: "/etc/passwd".into(), group: "/etc/group".into() }
    }

    /// The number of a user or group.
    ///
    /// # Errors
    /// See [`AccountError`].
    pub fn find(&self, account: Account, text: &str) -> Result<u32, AccountError> {
        // chown(2): -1 means "leave it", so it is nobody's number.
        if let Some(number) = text.parse().ok().filter(|number| *number != u32::MAX) {
            return Ok(number);
        }
        let path = match account {
            Account::User => &self.passwd,
            Account::Group => &self.group,
        };
        let lines = read(path).map_err(|source| AccountError::Read { path: path.clone(), source })?;
        let found = lines.lines().find_map(|line| number_of(line, text));
        found.ok_or_else(|| AccountError::Unknown { name: text.to_owned(), path: path.clone() })
    }
}

/// Both files have the name first and the number third (passwd(5), group(5)).
fn number_of(line: &str, name: &str) -> Option<u32> {
    let mut fields = line.split(':');
    if name.is_empty() || fields.next() != Some(name) {
        return None;
    }
    fields.nth(1)?.parse().ok().filter(|number| *number != u32::MAX)
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = Vec::new();
    std::fs::File::open(path)?.take(MAX_OCTETS).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Octets of such a file that are read. Ours: ten thousand accounts of a hundred octets.
const MAX_OCTETS: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(account: Account, text: &str, expected: Result<u32, &str>) {
        let directory = tempfile::tempdir().unwrap();
        let (passwd, group) = (directory.path().join("passwd"), directory.path().join("group"));
        std::fs::write(
            &passwd,
            "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/:/bin/sh\nbad:x:no:1\n:x:7:7\nlast:x:4294967295:1\n",
        )
        .unwrap();
        std::fs::write(&group, "root:x:0:\nweb:x:34:a,b\nshort:x\n").unwrap();
        let found = Accounts { passwd, group }.find(account, text).map_err(|error| error.to_string());
        match expected {
            Ok(number) => assert_eq!(found, Ok(number)),
            Err(text) => assert!(found.as_ref().is_err_and(|found| found.contains(text)), "{found:?}"),
        }
    }

    #[test]
    fn numbers_and_names() {
        check(Account::User, "root", Ok(0));
        check(Account::User, "web", Ok(33));
        check(Account::Group, "web", Ok(34));
        check(Account::User, "4711", Ok(4711));
        check(Account::User, "nobody-here", Err("has no \"nobody-here\""));
        check(Account::User, "we", Err("has no"));
        check(Account::User, "bad", Err("has no"));
        check(Account::User, "", Err("has no"));
        check(Account::User, "last", Err("has no"));
        check(Account::User, "4294967295", Err("has no"));
        check(Account::User, "-1", Err("has no"));
        check(Account::Group, "short", Err("has no"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let accounts = Accounts { passwd: "/nonexistent/passwd".into(), group: "/nonexistent/group".into() };
        assert_eq!(accounts.find(Account::User, "web").unwrap_err().to_string(), "/nonexistent/passwd cannot be read");
        assert_eq!(accounts.find(Account::User, "7").unwrap(), 7);
    }
}

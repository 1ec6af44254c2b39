//! What the files of a set are called, and who may read them. Knows the names that nginx and PostgreSQL are configured with; writes nothing.

use std::fmt;

/// Which program the names are meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `key.pem`, `cert.pem`, `ca.pem`.
    Separate,
    /// `tls.key`, `tls.crt`, `ca.crt`: for `ssl_certificate_key`, `ssl_certificate`, `ssl_client_certificate`. The master reads them as root.
    Nginx,
    /// `server.key`, `server.crt`, `root.crt`: what `ssl_key_file`, `ssl_cert_file` and `ssl_ca_file` are in PostgreSQL's manual.
    Postgresql,
}

/// Names of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    key: String,
    certificate: String,
    authorities: String,
}

/// Who may read them: a file's owner, group and mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions {
    /// Owner's user id; ours if it is not said.
    pub owner: Option<u32>,
    /// Group id; ours if it is not said.
    pub group: Option<u32>,
    /// Mode of the key. The certificates are 0644: they are shown in every handshake.
    pub key_mode: u32,
}

/// Why names or permissions will not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// No file name of ours.
    #[error(
        "{name:?} is no name for a file: 1 to {MAX_NAME_OCTETS} letters, digits, '.', '-' and '_', not beginning with '..'"
    )]
    Name {
        /// As configured.
        name: String,
    },
    /// One name twice.
    #[error("two files of the set are called {name:?}")]
    SameName {
        /// Which.
        name: String,
    },
    /// A mode that lets more in than a key's file may.
    #[error(
        "the mode {mode:04o} of a key is not one of 0400, 0600, 0440, 0640: nobody else may read it, and nobody but its owner write it"
    )]
    Mode {
        /// As configured.
        mode: u32,
    },
    /// PostgreSQL would not start.
    #[error(
        "PostgreSQL refuses a key of mode {mode:04o} that belongs to uid {owner}: 0600 or less for the server's own user, 0640 or less for root"
    )]
    Postgresql {
        /// As configured.
        mode: u32,
        /// As configured.
        owner: u32,
    },
}

impl Layout {
    /// The names that go with it.
    #[must_use]
    pub fn names(self) -> Names {
        let [key, certificate, authorities] = match self {
            Self::Separate => ["key.pem", "cert.pem", "ca.pem"],
            Self::Nginx => ["tls.key", "tls.crt", "ca.crt"],
            Self::Postgresql => ["server.key", "server.crt", "root.crt"],
        };
        Names { key: key.to_owned(), certificate: certificate.to_owned(), authorities: authorities.to_owned() }
    }

    /// Checks what the program itself would refuse.
    ///
    /// # Errors
    /// [`LayoutError::Mode`], [`LayoutError::Postgresql`].
    pub fn check(self, permissions: Permissions, us: u32) -> Result<(), LayoutError> {
        let mode = permissions.key_mode;
        if mode & OWNER_READS == 0 || mode & !WIDEST_KEY != 0 {
            return Err(LayoutError::Mode { mode });
        }
        let owner = permissions.owner.unwrap_or(us);
        // PostgreSQL 15, section 19.9.1 and be-secure-openssl.c: S_IRWXG and S_IRWXO must be off, or for a file of root's S_IWGRP, S_IXGRP
        // and S_IRWXO. Our mode has neither write nor execute for the group at all.
        if self == Self::Postgresql && owner != 0 && mode & GROUP_READS != 0 {
            return Err(LayoutError::Postgresql { mode, owner });
        }
        Ok(())
    }
}

impl Names {
    /// Other names for the three files; what is not named keeps its name.
    ///
    /// # Errors
    /// [`LayoutError::Name`], [`LayoutError::SameName`].
    pub fn renamed(
        self,
        key: Option<String>,
        certificate: Option<String>,
        authorities: Option<String>,
    ) -> Result<Self, LayoutError> {
        let names = Self {
            key: key.unwrap_or(self.key),
            certificate: certificate.unwrap_or(self.certificate),
            authorities: authorities.unwrap_or(self.authorities),
        };
        let all = names.all();
        for (at, name) in all.iter().enumerate() {
            if name.is_empty()
                || name.len() > MAX_NAME_OCTETS
                || !name.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"._-".contains(&octet))
                || *name == "."
                || name.starts_with("..")
            {
                return Err(LayoutError::Name { name: (*name).to_owned() });
            }
            if all.iter().take(at).any(|other| other == name) {
                return Err(LayoutError::SameName { name: (*name).to_owned() });
            }
        }
        Ok(names)
    }

    /// The key's: PKCS#8, PEM.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The chain's, leaf first: PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The roots', by which peers are verified: PEM.
    #[must_use]
    pub fn authorities(&self) -> &str {
        &self.authorities
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> [&str; 3] {
        [&self.key, &self.certificate, &self.authorities]
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.all().join(", "))
    }
}

/// Longest name. NAME_MAX of Linux (limits.h) is 255; a name that is shown in a table has less.
const MAX_NAME_OCTETS: usize = 64;
/// A key's owner reads and perhaps replaces it, its group may read it; all else is closed.
const WIDEST_KEY: u32 = 0o640;
const OWNER_READS: u32 = 0o400;
const GROUP_READS: u32 = 0o040;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_mode(layout: Layout, owner: Option<u32>, key_mode: u32, expected: bool) {
        let permissions = Permissions { owner, group: None, key_mode };
        assert_eq!(layout.check(permissions, 0).is_ok(), expected, "{key_mode:o}");
    }

    #[test]
    fn modes() {
        for mode in 0..=0o7777 {
            let sound = [0o400, 0o440, 0o600, 0o640].contains(&mode);
            check_mode(Layout::Separate, None, mode, sound);
            check_mode(Layout::Nginx, Some(33), mode, sound);
            check_mode(Layout::Postgresql, None, mode, sound);
            check_mode(Layout::Postgresql, Some(0), mode, sound);
            check_mode(Layout::Postgresql, Some(105), mode, [0o400, 0o600].contains(&mode));
        }
        let permissions = Permissions { owner: None, group: None, key_mode: 0o640 };
        assert_eq!(Layout::Postgresql.check(permissions, 7), Err(LayoutError::Postgresql { mode: 0o640, owner: 7 }));
    }

    #[track_caller]
    fn check_name(name: &str, expected: bool) {
        let renamed = Layout::Separate.names().renamed(Some(name.to_owned()), None, None);
        assert_eq!(renamed.is_ok(), expected, "{name:?}");
    }

    #[test]
    fn names() {
        check_name("k", true);
        check_name(".hidden", true);
        check_name(&"k".repeat(64), true);
        check_name(&"k".repeat(65), false);
        for name in ["", ".", "..", "..current", "..x", "a/b", "/k", "a b", "ä", "a\0", "a\n"] {
            check_name(name, false);
        }
        let same = Layout::Separate.names().renamed(None, Some("key.pem".into()), None);
        assert_eq!(same.unwrap_err(), LayoutError::SameName { name: "key.pem".into() });
        assert_eq!(Layout::Nginx.names().to_string(), "tls.key, tls.crt, ca.crt");
        assert_eq!(Layout::Postgresql.names().to_string(), "server.key, server.crt, root.crt");
    }

    #[test]
    fn every_octet_of_a_name() {
        for octet in 0..=127_u8 {
            let name = String::from_utf8(vec![b'a', octet]).unwrap();
            check_name(&name, octet.is_ascii_alphanumeric() || b"._-".contains(&octet));
        }
    }
}

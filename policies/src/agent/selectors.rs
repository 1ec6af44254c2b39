//! What a process must be to get an agent's identity. Knows ids and paths; looks at no process.

use std::fmt;

use super::AgentRuleFault;
use super::file::SelectorsFile;

/// What a process must be to get the agent's identity; all that are set must match, and a user or a group is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selectors {
    uid: Option<u32>,
    gid: Option<u32>,
    executable: Option<String>,
}

impl Selectors {
    /// Checks selectors by themselves.
    ///
    /// # Errors
    /// [`AgentRuleFault`] says which rule is broken.
    pub fn check(file: &SelectorsFile) -> Result<Self, AgentRuleFault> {
        // T-60: a process is told by who runs it; its executable can only narrow that.
        if file.uid.is_none() && file.gid.is_none() {
            return Err(AgentRuleFault::NobodySelected);
        }
        if let Some(id) = [file.uid, file.gid].into_iter().flatten().find(|id| *id == u32::MAX) {
            return Err(AgentRuleFault::ReservedId { id });
        }
        match &file.executable {
            Some(path) if !is_plain_path(path) => Err(AgentRuleFault::Path { path: path.clone() }),
            executable => Ok(Self { uid: file.uid, gid: file.gid, executable: executable.clone() }),
        }
    }

    /// The selectors as a file would say them.
    #[must_use]
    pub fn to_file(&self) -> SelectorsFile {
        SelectorsFile { uid: self.uid, gid: self.gid, executable: self.executable.clone() }
    }

    /// The numeric user id that the process must have.
    #[must_use]
    pub fn uid(&self) -> Option<u32> {
        self.uid
    }

    /// The numeric group id that the process must have.
    #[must_use]
    pub fn gid(&self) -> Option<u32> {
        self.gid
    }

    /// The absolute path of the executable that the process must run.
    #[must_use]
    pub fn executable(&self) -> Option<&str> {
        self.executable.as_deref()
    }
}

impl fmt::Display for Selectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uid = self.uid.map(|uid| format!("uid {uid}"));
        let gid = self.gid.map(|gid| format!("gid {gid}"));
        let executable = self.executable.as_ref().map(|path| format!("executable {path}"));
        let parts: Vec<String> = [uid, gid, executable].into_iter().flatten().collect();
        f.write_str(&parts.join(", "))
    }
}

/// Whether a path is one that the kernel would show for a running process: absolute, nothing to resolve in it.
fn is_plain_path(path: &str) -> bool {
    path.len() <= MAX_EXECUTABLE_OCTETS
        && !path.chars().any(char::is_control)
        && path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(|part| !matches!(part, "" | "." | "..")))
}

/// Octets of an executable's path: PATH_MAX of Linux (limits.h) is 4096 with the NUL, and a list of agents should stay small.
pub const MAX_EXECUTABLE_OCTETS: usize = 1024;

//! How an agent is set up. Knows files and limits; opens no connection.

use std::path::Path;
use std::time::Duration;

use identity::TrustDomain;
use ledger::note::{VerifierKey, VerifierKeyError};
use ledger::origin::{NameError, Origin};
use protocol::limits::MAX_TRUST_OCTETS;
use protocol::trust::{Trust as TrustFile, TrustError};

use super::clock::Clock;

/// What an agent needs to know before it connects.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whom to believe about revocations.
    pub trust: Trust,
    /// How old the newest signed heartbeat may be before every peer is refused. Unit: time, by default 30 s; the server sends one every 5 s.
    /// Shorter: a revocation that is withheld works for less long. Longer: an outage of the server is outlived for longer.
    pub max_staleness: Duration,
    /// Which identity to take when the process has several: its hint. By default the first.
    pub hint: Option<String>,
    /// How long [`Agent::connect`](super::Agent::connect) waits for an identity and a fresh feed. By default 30 s.
    pub connect_within: Duration,
    /// What time it is. By default the machine's clocks.
    pub clock: Clock,
}

impl Options {
    /// The defaults, with `trust`.
    #[must_use]
    pub fn new(trust: Trust) -> Self {
        let (max_staleness, connect_within) = (DEFAULT_MAX_STALENESS, DEFAULT_CONNECT_WITHIN);
        Self { trust, max_staleness, hint: None, connect_within, clock: Clock::system() }
    }
}

/// The ledger and trust domain an agent believes. It does not take the word of the socket for revocations, only the ledger key's signature.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The agent's own trust domain, and that of all its peers.
    pub trust_domain: TrustDomain,
    /// The ledger's name, which every signed statement carries.
    pub origin: Origin,
    /// The key that signs heartbeats and snapshots.
    pub ledger_key: VerifierKey,
}

impl Trust {
    /// Reads a `trust.json`, as `ca-server init` has written it and every enrolled host has it.
    ///
    /// # Errors
    /// See [`OptionsError`].
    pub fn from_file(path: &Path) -> Result<Self, OptionsError> {
        let unreadable = |source| OptionsError::Unreadable { path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let mut octets = Vec::new();
        // One octet more than allowed shows that there are too many.
        let most = u64::try_from(MAX_TRUST_OCTETS).unwrap_or(u64::MAX).saturating_add(1);
        std::io::Read::read_to_end(&mut std::io::Read::take(file, most), &mut octets).map_err(unreadable)?;
        Self::from_bytes(&octets)
    }

    /// The same from its octets.
    ///
    /// # Errors
    /// See [`OptionsError`].
    pub fn from_bytes(octets: &[u8]) -> Result<Self, OptionsError> {
        let file = TrustFile::from_bytes(octets)?;
        let (origin, ledger_key) = (Origin::parse(&file.ledger.origin)?, VerifierKey::parse(&file.ledger.key)?);
        Ok(Self { trust_domain: file.trust_domain, origin, ledger_key })
    }
}

/// Why there is nothing to trust.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// The file cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// Which.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not a trust file.
    #[error("the trust file is not usable")]
    File(#[from] TrustError),
    /// The ledger's name in it.
    #[error("the trust file's ledger origin is malformed")]
    Origin(#[from] NameError),
    /// The ledger's key in it.
    #[error("the trust file's ledger key is malformed")]
    Key(#[from] VerifierKeyError),
}

/// Six heartbeats: one or two may be lost, and a restart of server or client goes unnoticed.
const DEFAULT_MAX_STALENESS: Duration = Duration::from_secs(30);
/// A service manager starts agent and client together; the client's first enrolment takes a few round trips.
const DEFAULT_CONNECT_WITHIN: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_trust_file_is_refused_with_its_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trust.json");
        assert!(Trust::from_file(&path).unwrap_err().to_string().contains("trust.json cannot be read"));
        for (text, expected) in [("{}".to_owned(), "not usable"), (" ".repeat(MAX_TRUST_OCTETS + 9), "not usable")] {
            std::fs::write(&path, text).unwrap();
            assert!(Trust::from_file(&path).unwrap_err().to_string().contains(expected));
        }
    }
}

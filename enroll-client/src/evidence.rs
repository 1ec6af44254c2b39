//! What the host shows when it enrols. Knows where it lies and how long it may be; never keeps or logs it.

mod imds;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use protocol::enroll::Evidence;
use protocol::limits::MAX_EVIDENCE_OCTETS;
use protocol::token::{JoinToken, JoinTokenError};
use zeroize::{Zeroize, Zeroizing};

pub use imds::{ImdsEndpoint, ImdsError, Step};

/// Where evidence comes from. It is read anew before each use: tokens are replaced while we run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvidenceSource {
    /// A join token in a file.
    JoinToken {
        /// The file.
        file: PathBuf,
    },
    /// A Kubernetes service-account token in a file, as a projected volume has it.
    Kubernetes {
        /// The file.
        file: PathBuf,
    },
    /// The instance identity document of an EC2 instance, from its metadata service.
    AwsIid {
        /// Where the service is.
        endpoint: ImdsEndpoint,
    },
}

/// Why there is no evidence. None of these repeats any of it.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The file cannot be read.
    #[error("the evidence in {} cannot be read", .file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Longer than any evidence.
    #[error("the evidence in {} has more than {limit} octets", .file.display())]
    TooLong {
        /// Which.
        file: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// Not text, or empty.
    #[error("the evidence in {} is not one line of text", .file.display())]
    NoText {
        /// Which.
        file: PathBuf,
    },
    /// Not a join token.
    #[error("the join token in {}", .file.display())]
    JoinToken {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        source: JoinTokenError,
    },
    /// The metadata service gives no document.
    #[error("the machine has no instance identity document to show")]
    Imds(#[from] ImdsError),
}

/// Evidence for one request, zeroed when dropped.
pub struct Shown {
    evidence: Evidence,
}

impl Shown {
    /// The evidence for the message.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.evidence.token.zeroize();
    }
}

impl EvidenceSource {
    /// Reads the evidence.
    ///
    /// # Errors
    /// See [`EvidenceError`].
    pub async fn read(&self) -> Result<Shown, EvidenceError> {
        let (kind, text) = match self {
            Self::JoinToken { file } => {
                let text = one_line(file)?;
                check_join_token(&text, file)?;
                ("join-token", text)
            }
            Self::Kubernetes { file } => ("kubernetes", one_line(file)?),
            Self::AwsIid { endpoint } => ("aws-iid", endpoint.document().await?),
        };
        Ok(Shown { evidence: Evidence { kind: kind.to_owned(), token: (*text).clone() } })
    }

    /// The join token, if that is the kind: its hash of the trust file is what a first start trusts.
    ///
    /// # Errors
    /// See [`EvidenceError`].
    pub fn join_token(&self) -> Result<Option<JoinToken>, EvidenceError> {
        match self {
            Self::JoinToken { file } => check_join_token(&one_line(file)?, file).map(Some),
            Self::Kubernetes { .. } | Self::AwsIid { .. } => Ok(None),
        }
    }
}

/// The one line in a file.
fn one_line(file: &Path) -> Result<Zeroizing<String>, EvidenceError> {
    let failed = |source| EvidenceError::File { file: file.to_owned(), source };
    let limit = u64::try_from(MAX_EVIDENCE_OCTETS).unwrap_or(u64::MAX).saturating_add(2);
    // Large enough from the start: a string that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX_EVIDENCE_OCTETS + 2));
    match File::open(file).and_then(|opened| opened.take(limit).read_to_string(&mut text)) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(EvidenceError::NoText { file: file.to_owned() });
        }
        Err(error) => return Err(failed(error)),
    }
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    if text.len() > MAX_EVIDENCE_OCTETS {
        return Err(EvidenceError::TooLong { file: file.to_owned(), limit: MAX_EVIDENCE_OCTETS });
    }
    if text.is_empty() || text.contains(char::is_whitespace) || text.contains(char::is_control) {
        return Err(EvidenceError::NoText { file: file.to_owned() });
    }
    Ok(text)
}

fn check_join_token(text: &str, file: &Path) -> Result<JoinToken, EvidenceError> {
    text.parse().map_err(|source| EvidenceError::JoinToken { file: file.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use identity::{Sha256Hash, TokenId};

    use super::*;

    fn token() -> String {
        JoinToken { id: TokenId::from_bytes([1; 16]), secret: [2; 32], trust: Sha256Hash::of(b"trust") }.reveal()
    }

    fn kubernetes(file: &Path) -> EvidenceSource {
        EvidenceSource::Kubernetes { file: file.to_owned() }
    }

    fn join_token(file: &Path) -> EvidenceSource {
        EvidenceSource::JoinToken { file: file.to_owned() }
    }

    async fn check(source: fn(&Path) -> EvidenceSource, octets: &[u8], expected: &str) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("evidence");
        std::fs::write(&file, octets).unwrap();
        let found = match source(&file).read().await {
            Ok(shown) => format!("{} {}", shown.evidence().kind, shown.evidence().token.len()),
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expected), "{found}");
    }

    #[tokio::test]
    async fn evidence() {
        check(join_token, token().as_bytes(), &format!("join-token {}", token().len())).await;
        check(join_token, format!("{}\n", token()).as_bytes(), &format!("join-token {}", token().len())).await;
        check(join_token, b"something else", "is not one line of text").await;
        check(join_token, b"something-else", "the join token in ").await;
        check(kubernetes, b"a.b.c\n", "kubernetes 5").await;
        check(kubernetes, b"", "is not one line of text").await;
        check(kubernetes, b"\n", "is not one line of text").await;
        check(kubernetes, b"a\nb", "is not one line of text").await;
        check(kubernetes, b"a\0b", "is not one line of text").await;
        check(kubernetes, b"\xff", "is not one line of text").await;
        check(kubernetes, &vec![b'a'; MAX_EVIDENCE_OCTETS], "kubernetes 16384").await;
        check(kubernetes, &vec![b'a'; MAX_EVIDENCE_OCTETS + 1], "has more than 16384 octets").await;
        let missing = EvidenceSource::Kubernetes { file: "/nonexistent".into() }.read().await;
        assert!(matches!(missing, Err(EvidenceError::File { .. })));
    }

    /// The kubelet swaps a projected token by a link: `token` leads through `..data` to a directory that is replaced.
    #[tokio::test]
    async fn a_token_that_is_rotated_between_two_uses_is_read_anew() {
        let volume = tempfile::tempdir().unwrap();
        let (data, file) = (volume.path().join("..data"), volume.path().join("token"));
        std::os::unix::fs::symlink("..data/token", &file).unwrap();
        let source = kubernetes(&file);
        for token in ["a.first.b", "a.second.b"] {
            let (version, link) = (volume.path().join(format!("..{token}")), volume.path().join("..data_tmp"));
            std::fs::create_dir(&version).unwrap();
            std::fs::write(version.join("token"), token).unwrap();
            std::os::unix::fs::symlink(&version, &link).unwrap();
            std::fs::rename(&link, &data).unwrap();
            for _ in 0..2 {
                assert_eq!(source.read().await.unwrap().evidence().token, token);
            }
        }
        std::fs::remove_file(&data).unwrap();
        assert!(matches!(source.read().await, Err(EvidenceError::File { .. })), "nothing of the last use is kept");
    }

    #[test]
    fn a_join_token_names_the_trust_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        std::fs::write(&file, token()).unwrap();
        assert_eq!(join_token(&file).join_token().unwrap().unwrap().trust, Sha256Hash::of(b"trust"));
        assert!(kubernetes(&file).join_token().unwrap().is_none());
    }
}

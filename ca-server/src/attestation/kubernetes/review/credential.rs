//! Our own credential for a cluster's API server: a bearer token in a file. Knows the file; keeps nothing of it.
//!
//! The kubelet replaces a projected token while we run, so it is read before each use. It is sent to the configured
//! address alone, never logged, and no error repeats any of it (T-70).

use std::path::PathBuf;

use reqwest::header::HeaderValue;
use tokio::io::AsyncReadExt;
use zeroize::Zeroizing;

use super::ReviewError;

/// Where the credential lies.
pub(super) struct Credential {
    path: PathBuf,
}

impl Credential {
    pub(super) fn in_file(path: PathBuf) -> Self {
        Self { path }
    }

    /// The header that shows it, marked so that nothing prints it.
    pub(super) async fn read(&self) -> Result<HeaderValue, ReviewError> {
        let text = self.text().await?;
        let header = Zeroizing::new([b"Bearer ".as_slice(), text.as_slice()].concat());
        let header = HeaderValue::from_bytes(&header).map_err(|_| self.unusable(NO_TOKEN));
        header.map(|mut header| {
            header.set_sensitive(true);
            header
        })
    }

    /// One line of what RFC 6750, section 2.1, allows in a bearer token.
    async fn text(&self) -> Result<Zeroizing<Vec<u8>>, ReviewError> {
        let failed = |source| ReviewError::CredentialFile { path: self.path.clone(), source };
        let file = tokio::fs::File::open(&self.path).await.map_err(failed)?;
        // Large enough from the start: a buffer that grows leaves copies behind.
        let mut text = Zeroizing::new(Vec::with_capacity(MAX_CREDENTIAL_OCTETS.saturating_add(2)));
        let limit = u64::try_from(MAX_CREDENTIAL_OCTETS).unwrap_or(u64::MAX).saturating_add(2);
        file.take(limit).read_to_end(&mut text).await.map_err(failed)?;
        while matches!(text.last(), Some(b'\n' | b'\r')) {
            text.pop();
        }
        match text.len() {
            0 => Err(self.unusable("it is empty")),
            1..=MAX_CREDENTIAL_OCTETS if text.iter().all(|octet| is_bearer(*octet)) => Ok(text),
            1..=MAX_CREDENTIAL_OCTETS => Err(self.unusable(NO_TOKEN)),
            _ => Err(self.unusable("it has more than 16 KiB")),
        }
    }

    fn unusable(&self, why: &'static str) -> ReviewError {
        ReviewError::Credential { path: self.path.clone(), why }
    }
}

fn is_bearer(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
}

const NO_TOKEN: &str = "it is not one line with a bearer token";
/// Octets of our credential: a service-account token like those that hosts show, or an OIDC token, which may be longer.
const MAX_CREDENTIAL_OCTETS: usize = 16 * 1024;

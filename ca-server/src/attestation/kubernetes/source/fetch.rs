//! Fetches a key set: from a file, or over HTTP. Knows files and one GET; knows no key.
//!
//! One GET to the configured host, without a credential, in five seconds, of at most 256 KiB (T-25); the rest is
//! [`super::super::http`]'s.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_ENCODING};
use reqwest::{Client, StatusCode, Url};
use rustls::RootCertStore;
use tokio::io::AsyncReadExt;

use super::{KeysError, Location};
#[cfg(test)]
use crate::attestation::kubernetes::address::Reach;
use crate::attestation::kubernetes::config::ConfigError;
use crate::attestation::kubernetes::http::{ForeignAddress, Trust, client, roots};
use crate::attestation::kubernetes::jwks::MAX_JWKS_OCTETS;

/// Fetches from one place.
pub(super) enum Fetcher {
    File { path: PathBuf },
    Http { client: Client, url: Url },
}

impl Fetcher {
    pub(super) fn new(location: &Location) -> Result<Self, ConfigError> {
        match location {
            Location::File { path } => Ok(Self::File { path: path.clone() }),
            Location::Url { url, reach, ca_file } => {
                let trust = match ca_file {
                    Some(path) => Trust::Only(roots("jwks_ca_file", path)?),
                    None if url.scheme() == "https" => Trust::System,
                    None => Trust::Only(RootCertStore::empty()),
                };
                let client = client(*reach, trust, FETCH_TIMEOUT)?;
                Ok(Self::Http { client, url: url.clone() })
            }
        }
    }

    /// For tests of what takes too long.
    #[cfg(test)]
    pub(super) fn impatient(url: &str) -> Self {
        let client = client(Reach::Loopback, Trust::Only(RootCertStore::empty()), Duration::from_millis(200)).unwrap();
        Self::Http { client, url: url.parse().unwrap() }
    }

    /// The octets that stand there now, at most [`MAX_JWKS_OCTETS`].
    pub(super) async fn fetch(&self) -> Result<Vec<u8>, KeysError> {
        match self {
            Self::File { path } => read(path).await,
            Self::Http { client, url } => get(client, url).await,
        }
    }
}

impl fmt::Display for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path } => write!(f, "{}", path.display()),
            Self::Http { url, .. } => write!(f, "{url}"),
        }
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, KeysError> {
    let file = tokio::fs::File::open(path).await.map_err(KeysError::File)?;
    let mut octets = Vec::new();
    let limit = u64::try_from(MAX_JWKS_OCTETS).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut octets).await.map_err(KeysError::File)?;
    if octets.len() > MAX_JWKS_OCTETS {
        return Err(KeysError::TooLong);
    }
    Ok(octets)
}

async fn get(client: &Client, url: &Url) -> Result<Vec<u8>, KeysError> {
    let mut response = client.get(url.clone()).header(ACCEPT, ACCEPTED).send().await.map_err(failed)?;
    let status = response.status();
    if status.is_redirection() {
        return Err(KeysError::Redirected { status: status.as_u16() });
    }
    if status != StatusCode::OK {
        return Err(KeysError::Status { status: status.as_u16() });
    }
    if response.headers().contains_key(CONTENT_ENCODING) {
        return Err(KeysError::Encoded);
    }
    let mut octets = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        octets.extend_from_slice(&chunk);
        if octets.len() > MAX_JWKS_OCTETS {
            return Err(KeysError::TooLong);
        }
    }
    Ok(octets)
}

fn failed(error: reqwest::Error) -> KeysError {
    match ForeignAddress::behind(&error) {
        Some(ForeignAddress { found, wanted }) => KeysError::Address { found, wanted },
        None if error.is_timeout() => KeysError::TimedOut { limit: FETCH_TIMEOUT },
        None => KeysError::Unreachable(error.into()),
    }
}

/// From the connection to the last octet (T-25).
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// RFC 7517, section 8.5.1; servers that only know JSON are asked for that.
const ACCEPTED: &str = "application/jwk-set+json, application/json";

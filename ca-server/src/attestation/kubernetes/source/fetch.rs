//! Fetches a key set: from a file, or over HTTP with nothing left to chance. Knows reqwest and rustls; knows no key.
//!
//! One GET to the configured host, no redirect, no proxy of the environment, no credential, TLS 1.3, five seconds, 256
//! KiB, and only to addresses of the configured kind (T-25).

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, CONTENT_ENCODING};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::io::AsyncReadExt;

use super::{KeysError, Location};
use crate::attestation::kubernetes::address::Reach;
use crate::attestation::kubernetes::config::ConfigError;
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
                    Some(path) => Trust::Only(roots(path)?),
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
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(ForeignAddress { found, wanted }) = error.downcast_ref() {
            return KeysError::Address { found: *found, wanted: *wanted };
        }
        cause = error.source();
    }
    if error.is_timeout() { KeysError::TimedOut { limit: FETCH_TIMEOUT } } else { KeysError::Unreachable(error.into()) }
}

/// Whom to believe that a server is who it says.
enum Trust {
    /// The authorities of the system, by the provider that the program installed.
    System,
    /// These and no others.
    Only(RootCertStore),
}

fn client(reach: Reach, trust: Trust, timeout: Duration) -> Result<Client, ConfigError> {
    let builder = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .timeout(timeout)
        .pool_max_idle_per_host(0)
        .http1_only()
        .dns_resolver(Resolver { reach });
    let builder = match trust {
        Trust::Only(roots) => builder.tls_backend_preconfigured(tls(roots)?),
        // Without a provider the library would panic instead of saying so.
        Trust::System if CryptoProvider::get_default().is_none() => {
            return Err(ConfigError::Client("the program has installed no TLS provider".into()));
        }
        Trust::System => builder.tls_version_min(reqwest::tls::Version::TLS_1_3),
    };
    builder.build().map_err(|error| ConfigError::Client(error.into()))
}

fn roots(path: &Path) -> Result<RootCertStore, ConfigError> {
    let unusable = |source: Box<dyn Error + Send + Sync>| ConfigError::CaFile { path: path.to_owned(), source };
    let pem = std::fs::read(path).map_err(|error| unusable(error.into()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| unusable(error.to_string().into()))?;
        roots.add(certificate).map_err(|error| unusable(error.into()))?;
    }
    if roots.is_empty() { Err(unusable("it holds no certificate".into())) } else { Ok(roots) }
}

fn tls(roots: RootCertStore) -> Result<ClientConfig, ConfigError> {
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| ConfigError::Client(error.into()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The system's resolver, with every answer held against the configured kind of address.
struct Resolver {
    reach: Reach,
}

/// A name that leads to an address of another kind.
#[derive(Debug, thiserror::Error)]
#[error("{found} is not {wanted:?}")]
struct ForeignAddress {
    found: IpAddr,
    wanted: Reach,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let wanted = self.reach;
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // All of them: a name that leads inside as well is not one to ask.
            match addresses.iter().find(|address| !wanted.allows(address.ip())) {
                Some(foreign) => Err(ForeignAddress { found: foreign.ip(), wanted }.into()),
                None => Ok::<Addrs, _>(Box::new(addresses.into_iter())),
            }
        })
    }
}

/// From the connection to the last octet (T-25).
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// RFC 7517, section 8.5.1; servers that only know JSON are asked for that.
const ACCEPTED: &str = "application/jwk-set+json, application/json";

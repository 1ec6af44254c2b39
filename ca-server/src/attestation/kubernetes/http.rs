//! An HTTP client with nothing left to chance, for the few servers of a cluster that are asked. Knows reqwest and
//! rustls; knows no key set, token or credential.
//!
//! No redirect, no proxy of the environment, TLS 1.3, a time limit for the whole exchange, and only addresses of the
//! configured kind (T-06, T-25).

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::address::Reach;
use super::config::ConfigError;

/// Whom to believe that a server is who it says.
pub(super) enum Trust {
    /// The authorities of the system, by the provider that the program installed.
    System,
    /// These and no others.
    Only(RootCertStore),
}

/// A client of one server.
pub(super) fn client(reach: Reach, trust: Trust, timeout: Duration) -> Result<Client, ConfigError> {
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

/// The authorities in a PEM file, which the configuration names under `key`.
pub(super) fn roots(key: &'static str, path: &Path) -> Result<RootCertStore, ConfigError> {
    let unusable = |source: Box<dyn Error + Send + Sync>| ConfigError::CaFile { key, path: path.to_owned(), source };
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
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{found} is not {wanted:?}")]
pub(super) struct ForeignAddress {
    pub(super) found: IpAddr,
    pub(super) wanted: Reach,
}

impl ForeignAddress {
    /// The foreign address for whose sake a request failed, if that was it.
    pub(super) fn behind(error: &reqwest::Error) -> Option<Self> {
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(foreign) = error.downcast_ref() {
                return Some(*foreign);
            }
            cause = error.source();
        }
        None
    }
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

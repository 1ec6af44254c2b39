//! The API server of a cluster that is asked about tokens, as configured. Knows limits and addresses; asks nothing.

use std::path::PathBuf;

use reqwest::Url;

use super::{ConfigError, KubernetesFile};
use crate::attestation::kubernetes::address::Reach;
use crate::attestation::kubernetes::review::REVIEWS_PATH;

/// Where a cluster's API server is, whom it must be, and what we show it.
#[derive(Clone, Debug)]
pub struct ApiServer {
    /// Where it takes token reviews.
    pub reviews: Url,
    /// The addresses that it may have.
    pub reach: Reach,
    /// PEM file of the authorities to trust.
    pub ca_file: PathBuf,
    /// File with our credential.
    pub token_file: PathBuf,
}

impl KubernetesFile {
    /// The API server. Our credential goes there, so it is always https, and always under authorities that are named:
    /// those of the system would let any web server have it that is given the cluster's name.
    pub(super) fn api_server(&self) -> Result<ApiServer, ConfigError> {
        let needed = |key| ConfigError::Needed { cluster: self.name.clone(), key };
        let text = self.api_url.as_deref().ok_or_else(|| needed("api_url"))?;
        let ca_file = self.api_ca_file.clone().ok_or_else(|| needed("api_ca_file"))?;
        let token_file = self.api_token_file.clone().ok_or_else(|| needed("api_token_file"))?;
        let reach = self.api_reach.unwrap_or(Reach::Public);
        let mut reviews = self.address("api_url", text, reach)?;
        if reviews.scheme() != "https" {
            return Err(self.problem("api_url", "https is needed"));
        }
        if reviews.query().is_some() || reviews.fragment().is_some() {
            return Err(self.problem("api_url", "no query or fragment may stand in it"));
        }
        // A path stays: some API servers stand behind one.
        let path = format!("{}{REVIEWS_PATH}", reviews.path().trim_end_matches('/'));
        reviews.set_path(&path);
        Ok(ApiServer { reviews, reach, ca_file, token_file })
    }
}

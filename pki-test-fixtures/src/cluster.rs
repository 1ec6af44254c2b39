//! A Kubernetes cluster as Brevet sees one: an issuer that signs tokens for pods and serves its keys.
//! Knows the tokens' shape; runs no pod and has no API beyond the JWKS and TokenReview.

pub mod claims;
pub mod key;
mod loopback;
pub mod review;
pub mod server;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use identity::Timestamp;
use serde_json::{Map, Value, json};

use crate::{jws, uuid};
pub use key::{Algorithm, TokenKey};
pub use review::{ReviewServer, Verdict};
pub use server::{Answer, JwksServer};

/// A pod, with the service account it runs as and the node it runs on.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Namespace of both.
    pub namespace: String,
    /// Name of the service account.
    pub service_account: String,
    /// Its UID; another one after the account was deleted and made again.
    pub service_account_uid: String,
    /// Name of the pod.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// Name of the node.
    pub node: String,
    /// Its UID.
    pub node_uid: String,
}

/// A cluster. Its tokens are genuine; what is false about one is the forger's work.
pub struct Cluster {
    issuer: String,
    audience: String,
    keys: Vec<TokenKey>,
    published: Arc<Mutex<String>>,
    signed: Arc<Mutex<BTreeSet<String>>>,
}

impl Cluster {
    /// A cluster with the issuer that in-cluster defaults give, one signing key, and `brevet` as the
    /// audience that its pods ask for.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        let mut cluster = Cluster {
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            keys: Vec::new(),
            published: Arc::default(),
            signed: Arc::default(),
        };
        cluster.rotate(algorithm);
        cluster
    }

    /// A cluster between two algorithms: it signs with ES256 and still publishes an RS256 key.
    #[must_use]
    pub fn with_both_algorithms() -> Self {
        let mut cluster = Self::new(Algorithm::Rs256);
        cluster.rotate(Algorithm::Es256);
        cluster
    }

    /// The exact `iss` of its tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The exact `aud` of the tokens that its pods show to Brevet.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// The audience of the API server itself, which every pod's default token has.
    #[must_use]
    pub fn api_audience(&self) -> &str {
        ISSUER
    }

    /// A pod of `name` in `namespace` under `service_account`, with new UIDs.
    #[must_use]
    pub fn pod(&self, namespace: &str, service_account: &str, name: &str) -> Pod {
        Pod {
            namespace: namespace.to_owned(),
            service_account: service_account.to_owned(),
            service_account_uid: uuid::random(),
            name: name.to_owned(),
            uid: uuid::random(),
            node: "worker-1".to_owned(),
            node_uid: uuid::random(),
        }
    }

    /// A genuine token: fresh at `now`, ten minutes of life, bound to the pod, for Brevet alone.
    #[must_use]
    pub fn token(&self, pod: &Pod, now: Timestamp) -> String {
        self.sign(&self.claims(pod, now))
    }

    /// The claims of such a token, to be changed and signed.
    #[must_use]
    pub fn claims(&self, pod: &Pod, now: Timestamp) -> Map<String, Value> {
        claims::bound(&self.issuer, &self.audience, pod, now)
    }

    /// Signs any claims by the newest key, with the header that clusters write.
    #[must_use]
    pub fn sign(&self, claims: &Map<String, Value>) -> String {
        let payload = serde_json::to_vec(claims).expect("claims are JSON");
        self.sign_octets(&self.header(), &payload)
    }

    /// Signs any octets under any header by the newest key.
    #[must_use]
    pub fn sign_octets(&self, header: &Value, payload: &[u8]) -> String {
        let header = serde_json::to_vec(header).expect("a header is JSON");
        let token = jws::compact(&header, payload, |input| self.key().sign(input));
        self.signed.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone());
        token
    }

    /// The header that clusters write: algorithm and key id, no type.
    #[must_use]
    pub fn header(&self) -> Value {
        json!({ "alg": self.key().algorithm().name(), "kid": self.key().kid() })
    }

    /// The key that signs now.
    #[must_use]
    pub fn key(&self) -> &TokenKey {
        self.keys.last().expect("a cluster has a key from the start")
    }

    /// The newest published key of this algorithm.
    #[must_use]
    pub fn key_of(&self, algorithm: Algorithm) -> &TokenKey {
        let of_kind = self.keys.iter().rev().find(|key| key.algorithm() == algorithm);
        of_kind.expect("the cluster was made with a key of this algorithm")
    }

    /// The JWKS as served at `/openid/v1/jwks`.
    #[must_use]
    pub fn jwks(&self) -> String {
        let keys: Vec<Value> = self.keys.iter().map(TokenKey::jwk).collect();
        json!({ "keys": keys }).to_string()
    }

    /// Signs with a new key from now on; the old ones stay published, as they do while tokens under them live.
    pub fn rotate(&mut self, algorithm: Algorithm) {
        self.keys.push(TokenKey::generate(algorithm));
        self.publish();
    }

    /// Takes all keys but the newest out of the JWKS.
    pub fn retire_old_keys(&mut self) {
        self.keys.drain(..self.keys.len() - 1);
        self.publish();
    }

    /// Serves the JWKS over plain HTTP on a loopback port that the system chooses, until the server is dropped.
    /// A rotation shows at once.
    #[must_use]
    pub fn serve(&self) -> JwksServer {
        JwksServer::plain(Arc::clone(&self.published))
    }

    /// The same over TLS, with a certificate for 127.0.0.1 and `localhost` under the server's own root.
    #[must_use]
    pub fn serve_tls(&self) -> JwksServer {
        JwksServer::tls(Arc::clone(&self.published))
    }

    /// Serves its TokenReview endpoint over TLS, until the server is dropped.
    #[must_use]
    pub fn serve_reviews(&self) -> ReviewServer {
        ReviewServer::start(Arc::clone(&self.signed), self.api_audience())
    }

    fn publish(&self) {
        *self.published.lock().unwrap_or_else(PoisonError::into_inner) = self.jwks();
    }
}

/// What the API server calls itself unless somebody sets `--service-account-issuer`: as issuer, and as audience.
const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
const AUDIENCE: &str = "brevet";

#[cfg(test)]
mod tests {
    use super::{Algorithm, Cluster};
    use identity::Timestamp;

    #[test]
    fn rotation_publishes_before_it_retires() {
        let mut cluster = Cluster::new(Algorithm::Es256);
        let first = cluster.key().kid().to_owned();
        cluster.rotate(Algorithm::Es256);
        assert!(cluster.jwks().contains(&first) && cluster.jwks().contains(cluster.key().kid()));
        cluster.retire_old_keys();
        assert!(!cluster.jwks().contains(&first));
    }

    #[test]
    fn a_token_has_three_parts_and_names_its_key() {
        let cluster = Cluster::new(Algorithm::Es256);
        let pod = cluster.pod("payments", "api", "api-0");
        let token = cluster.token(&pod, Timestamp::from_seconds(1_700_000_000).expect("a time"));
        assert_eq!(token.split('.').count(), 3);
    }
}

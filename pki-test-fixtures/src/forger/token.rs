//! Service-account tokens with one thing false. Knows the genuine cluster and has keys of its own.

mod audience;
mod duplicate;
mod header;
mod identities;
mod issuer;
mod key_id;
mod shape;
mod signature;
mod times;

use identity::Timestamp;
use serde_json::{Map, Value, json};

use super::Forgery;
use crate::cluster::{Algorithm, Cluster, Pod, TokenKey};
use crate::jws;

/// Makes forgeries of the tokens of one cluster, for one pod, at one time.
pub struct TokenForger<'a> {
    cluster: &'a Cluster,
    pod: &'a Pod,
    now: Timestamp,
    /// Keys that no cluster ever published.
    own_rsa: TokenKey,
    own_ec: TokenKey,
    /// Where headers point to that want something fetched.
    bait: String,
}

impl<'a> TokenForger<'a> {
    /// A forger of `cluster`'s tokens, which must have keys of both algorithms
    /// ([`Cluster::with_both_algorithms`]). `bait` is the URL that `jku`, `x5u` and the like will name.
    #[must_use]
    pub fn new(cluster: &'a Cluster, pod: &'a Pod, now: Timestamp, bait: &str) -> Self {
        TokenForger {
            cluster,
            pod,
            now,
            own_rsa: TokenKey::generate(Algorithm::Rs256),
            own_ec: TokenKey::generate(Algorithm::Es256),
            bait: bait.to_owned(),
        }
    }

    /// Every forgery there is.
    #[must_use]
    pub fn all(&self) -> Vec<Forgery> {
        let lists = [
            self.times(),
            self.audiences(),
            self.signatures(),
            self.key_ids(),
            self.headers(),
            self.issuers(),
            self.shapes(),
            self.duplicates(),
            self.identities(),
        ];
        lists.into_iter().flatten().collect()
    }

    fn claims(&self) -> Map<String, Value> {
        self.cluster.claims(self.pod, self.now)
    }

    /// Genuine but for one claim.
    fn with(&self, name: &str, value: impl Into<Value>) -> Vec<u8> {
        let mut claims = self.claims();
        claims.insert(name.to_owned(), value.into());
        self.cluster.sign(&claims).into_bytes()
    }

    /// Genuine but for one claim that is not there.
    fn without(&self, name: &str) -> Vec<u8> {
        let mut claims = self.claims();
        claims.remove(name);
        self.cluster.sign(&claims).into_bytes()
    }

    /// Genuine but for one change inside `kubernetes.io`.
    fn inside(&self, change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let mut claims = self.claims();
        change(&mut claims["kubernetes.io"]);
        self.cluster.sign(&claims).into_bytes()
    }

    /// Genuine claims in octets that no JSON writer makes, signed as they are.
    fn spelled(&self, payload: &[u8]) -> Vec<u8> {
        self.cluster.sign_octets(&self.cluster.header(), payload).into_bytes()
    }

    /// The genuine claims as text, to be spelled otherwise.
    fn text(&self) -> String {
        Value::Object(self.claims()).to_string()
    }

    /// Genuine but for one header member; signed, so that nothing else is false.
    fn with_header(&self, name: &str, value: impl Into<Value>) -> Vec<u8> {
        let mut header = self.cluster.header();
        header[name] = value.into();
        self.under(&header)
    }

    /// Genuine claims under any header, signed by the cluster's newest key.
    fn under(&self, header: &Value) -> Vec<u8> {
        self.cluster.sign_octets(header, self.text().as_bytes()).into_bytes()
    }

    /// Genuine claims under a header of `alg` and `kid`, with a signature of any making.
    fn signed(&self, alg: &str, kid: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let header = json!({ "alg": alg, "kid": kid }).to_string();
        jws::compact(header.as_bytes(), self.text().as_bytes(), sign).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use identity::Timestamp;

    use super::TokenForger;
    use crate::cluster::Cluster;

    #[test]
    fn names_are_unique() {
        let cluster = Cluster::with_both_algorithms();
        let pod = cluster.pod("payments", "api", "api-0");
        let now = Timestamp::from_seconds(1_700_000_000).unwrap();
        let forger = TokenForger::new(&cluster, &pod, now, "http://127.0.0.1:1/");
        let all = forger.all();
        let names: BTreeSet<_> = all.iter().map(|forgery| forgery.name).collect();
        assert_eq!(names.len(), all.len());
        assert!(all.len() > 100, "{} forgeries", all.len());
    }
}

//! What this client starts from: `trust.json`, parsed once. Knows pins and keys; knows no file, and fetches nothing.

use std::collections::BTreeSet;

use identity::{KeyHash, Sha256Hash, SpiffeId, TrustDomain};
use ledger::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use ledger::note::{VerifierKey, VerifierKeyError};
use ledger::origin::{NameError, Origin};
use protocol::trust::{Trust, TrustError};
use reqwest::Url;

/// The trust file, with every member parsed and the checkpoint's signature checked.
#[derive(Debug, Clone)]
pub struct Pins {
    trust_domain: TrustDomain,
    url: Url,
    server_id: SpiffeId,
    root_keys: BTreeSet<KeyHash>,
    origin: Origin,
    ledger_key: VerifierKey,
    checkpoint: Checkpoint,
    signed_checkpoint: SignedCheckpoint,
    hash: Sha256Hash,
}

/// Why octets are no trust file that one could start from.
#[derive(Debug, thiserror::Error)]
pub enum PinsError {
    /// The file.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The URL.
    #[error("the server's URL in the trust file is not https://host[:port]")]
    Url,
    /// The origin.
    #[error("the ledger's origin in the trust file is malformed")]
    Origin(#[from] NameError),
    /// The ledger's key.
    #[error("the ledger's key in the trust file is malformed")]
    LedgerKey(#[from] VerifierKeyError),
    /// The checkpoint, or its signature.
    #[error("the checkpoint in the trust file does not hold")]
    Checkpoint(#[from] CheckpointError),
    /// Another file than the join token names.
    #[error("the trust file has the hash {found}, and the join token names {expected}")]
    OtherHash {
        /// In the token.
        expected: Sha256Hash,
        /// Of the file.
        found: Sha256Hash,
    },
}

impl Pins {
    /// Reads a trust file.
    ///
    /// # Errors
    /// See [`PinsError`].
    pub fn from_trust_file(octets: &[u8]) -> Result<Self, PinsError> {
        let trust = Trust::from_bytes(octets)?;
        let url = Url::parse(&trust.url).map_err(|_| PinsError::Url)?;
        let only_origin = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if url.scheme() != "https"
            || !url.has_host()
            || !url.username().is_empty()
            || url.password().is_some()
            || !only_origin
        {
            return Err(PinsError::Url);
        }
        let origin = Origin::parse(&trust.ledger.origin)?;
        let ledger_key = VerifierKey::parse(&trust.ledger.key)?;
        let signed_checkpoint = SignedCheckpoint::parse(trust.checkpoint.as_bytes())?;
        let checkpoint = signed_checkpoint.open(&origin, &ledger_key)?;
        Ok(Self {
            trust_domain: trust.trust_domain,
            url,
            server_id: trust.server_id,
            root_keys: trust.root_keys.into_iter().collect(),
            origin,
            ledger_key,
            checkpoint,
            signed_checkpoint,
            hash: Sha256Hash::of(octets),
        })
    }

    /// Reads a trust file that came over a connection nobody vouched for, and must be the one that a join token names.
    ///
    /// # Errors
    /// [`PinsError::OtherHash`] before anything in it is looked at; then as [`from_trust_file`](Self::from_trust_file).
    pub fn from_named_trust_file(octets: &[u8], expected: Sha256Hash) -> Result<Self, PinsError> {
        let found = Sha256Hash::of(octets);
        if found != expected {
            return Err(PinsError::OtherHash { expected, found });
        }
        Self::from_trust_file(octets)
    }

    /// The trust domain.
    #[must_use]
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// Where the server is: scheme, host and port.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The identity that the server must have.
    #[must_use]
    pub fn server_id(&self) -> &SpiffeId {
        &self.server_id
    }

    /// The root keys that chains may end in.
    #[must_use]
    pub fn root_keys(&self) -> &BTreeSet<KeyHash> {
        &self.root_keys
    }

    /// The ledger's name.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The ledger's key.
    #[must_use]
    pub fn ledger_key(&self) -> &VerifierKey {
        &self.ledger_key
    }

    /// The head of the ledger when the file was made: no older one is the whole ledger.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The same as it was signed.
    #[must_use]
    pub fn signed_checkpoint(&self) -> &SignedCheckpoint {
        &self.signed_checkpoint
    }

    /// Hash of the file.
    #[must_use]
    pub fn hash(&self) -> Sha256Hash {
        self.hash
    }

    /// The same trust in a server at another address: addresses prove nothing, and may change.
    #[must_use]
    pub fn at(mut self, url: Url) -> Self {
        self.url = url;
        self
    }

    /// Whether the other file speaks of the same CA: same trust domain, same ledger. Root keys and address may change.
    #[must_use]
    pub fn is_same_authority(&self, other: &Self) -> bool {
        self.trust_domain == other.trust_domain && self.origin == other.origin && self.ledger_key == other.ledger_key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Ca, moment};

    #[track_caller]
    fn check_refused(change: impl FnOnce(&mut Trust), expected: impl FnOnce(&PinsError) -> bool) {
        let mut trust = Ca::new("example.org", moment()).trust("https://ca.example.org:8443");
        change(&mut trust);
        let error = Pins::from_trust_file(&trust.to_bytes().unwrap()).unwrap_err();
        assert!(expected(&error), "{error:?}");
    }

    #[test]
    fn a_trust_file_that_holds() {
        let ca = Ca::new("example.org", moment());
        let octets = ca.trust("https://ca.example.org:8443").to_bytes().unwrap();
        let pins = Pins::from_named_trust_file(&octets, Sha256Hash::of(&octets)).unwrap();
        assert_eq!((pins.url().as_str(), pins.checkpoint().size()), ("https://ca.example.org:8443/", 7));
        assert!(pins.root_keys().contains(&ca.root_key()) && pins.is_same_authority(&ca.pins()));
        let other = Ca::new("example.net", moment()).pins();
        assert!(!pins.is_same_authority(&other));
    }

    #[test]
    fn members_are_parsed_once() {
        let url = |url: &'static str| move |trust: &mut Trust| url.clone_into(&mut trust.url);
        check_refused(url("https://ca.example.org/path"), |error| matches!(error, PinsError::Url));
        check_refused(url("https://ca.example.org/?x"), |error| matches!(error, PinsError::Url));
        check_refused(url("https://me:pw@ca.example.org"), |error| matches!(error, PinsError::Url));
        check_refused(url("https://"), |error| matches!(error, PinsError::Url));
        check_refused(url("http://ca.example.org"), |error| matches!(error, PinsError::Trust(TrustError::NotHttps)));
        check_refused(|trust| trust.ledger.origin = "a b".into(), |error| matches!(error, PinsError::Origin(_)));
        check_refused(|trust| trust.ledger.key.push('x'), |error| matches!(error, PinsError::LedgerKey(_)));
        check_refused(
            |trust| trust.checkpoint = trust.checkpoint.replace("\n7\n", "\n8\n"),
            |error| matches!(error, PinsError::Checkpoint(_)),
        );
        check_refused(|trust| trust.root_keys.clear(), |error| matches!(error, PinsError::Trust(TrustError::NoPins)));
    }

    /// The hash is compared before anything is read: what comes over a connection that nobody vouched for may be anything.
    #[test]
    fn another_file_than_the_token_names() {
        let expected = Sha256Hash::of(b"the right one");
        let refused = Pins::from_named_trust_file(b"not even JSON", expected).unwrap_err();
        assert!(matches!(refused, PinsError::OtherHash { .. }), "{refused}");
    }
}

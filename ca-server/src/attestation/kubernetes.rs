//! Kubernetes: a pod shows its service-account token, and the cluster's key set, or its API server, says whether the
//! cluster signed it. Knows tokens, keys and names of Kubernetes, and one question to its API.
//!
//! ```text
//! octets ── token ──▶ header and claims, read strictly, nothing believed
//!        ── claims ─▶ issuer, audience, times, pod, service account: exact, or refused by name
//!        ── jwks ───▶ the key that the token names, for the algorithm that the key is for: the signature holds
//!     or ── review ─▶ the API server, asked about this token: good for us, and for whom the claims say
//!        ───────────▶ Attested
//! ```
//!
//! What the key set cannot see: that a pod, its node or its account was deleted after the token was signed. So no more
//! than ten minutes of a token's life may remain ([`claims::MAX_REMAINING`]; T-27, residual risk R4). The API server
//! sees it; the limit holds there too.

pub mod address;
pub mod claims;
pub mod config;
mod http;
pub mod jwks;
mod names;
mod refusal;
pub mod review;
pub mod source;
mod token;

use std::fmt;

use identity::{Sha256Hash, Timestamp};

use super::shown::Shown;
use super::{Attested, Attestor, EvidenceError, Judging, Kind};
use crate::decide::proof::ProofUse;
use claims::PodClaims;
use config::Proof;
use review::{Question, Reviewer};
use token::Token;

pub use config::{ConfigError, KubernetesConfig, KubernetesFile};
pub use jwks::{Jwks, JwksFlaw, KeyFlaw};
pub use refusal::{Part, TokenError};
pub use review::ReviewError;
pub use source::{JwksSource, KeysError};

/// The algorithms that tokens may be signed by (RFC 7518, section 3.1): those that clusters use. Everything else,
/// `none` and HMAC above all, does not exist here (T-22).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

impl Algorithm {
    /// As tokens and key sets write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    /// Octet for octet: `Rs256` is none.
    fn named(name: &str) -> Option<Self> {
        [Self::Rs256, Self::Es256].into_iter().find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Checks the tokens of one cluster.
pub struct KubernetesAttestor {
    config: KubernetesConfig,
    judge: Judge,
}

/// Who says that the cluster signed a token.
enum Judge {
    Keys(JwksSource),
    Reviewer(Reviewer),
}

impl KubernetesAttestor {
    /// For the cluster of `config`. Its keys are fetched when they are first needed, or by
    /// [`super::Attestors::warm`].
    ///
    /// # Errors
    /// [`ConfigError`] where the CA file cannot be used.
    pub fn new(config: KubernetesConfig) -> Result<Self, ConfigError> {
        let judge = match config.proof() {
            Proof::Keys(location) => Judge::Keys(JwksSource::new(location)?),
            Proof::Review(server) => Judge::Reviewer(Reviewer::new(server)?),
        };
        Ok(Self { config, judge })
    }

    /// With keys at hand that were fetched from nowhere.
    #[cfg(test)]
    pub(crate) fn holding(config: KubernetesConfig, keys: Jwks) -> Self {
        let attestor = Self::new(config).unwrap();
        attestor.keys().unwrap().hold(keys, std::time::Instant::now());
        attestor
    }

    fn attested(&self, token: &Token<'_>, pod: &PodClaims<'_>) -> Result<Attested, EvidenceError> {
        Ok(Attested {
            attestor: self.name().to_owned(),
            kind: Kind::Kubernetes,
            claims: pod.claims(self.name())?,
            proof: Sha256Hash::of(&[PROOF_DOMAIN, token.signed.as_bytes()].concat()),
            proof_until: pod.expires,
            proof_use: ProofUse::Once,
            profile: None,
            token: None,
        })
    }

    fn not_reviewed(&self, source: ReviewError) -> EvidenceError {
        EvidenceError::Review { attestor: self.name().to_owned(), source }
    }

    /// Everything that [`Attestor::attest`] checks, and then the question to the API server.
    async fn ask(&self, reviewer: &Reviewer, evidence: &[u8], now: Timestamp) -> Result<Attested, EvidenceError> {
        let token = Token::of(evidence)?;
        let pod = PodClaims::of(&token.claims, &self.config, now)?;
        let question = Question { token: token.whole, audience: self.config.audience(), pod: &pod };
        reviewer.review(&question).await.map_err(|source| self.not_reviewed(source))?;
        self.attested(&token, &pod)
    }
}

impl Attestor for KubernetesAttestor {
    fn name(&self) -> &str {
        self.config.name()
    }

    fn kind(&self) -> Kind {
        Kind::Kubernetes
    }

    fn attest(&self, evidence: &[u8], now: Timestamp) -> Result<Attested, EvidenceError> {
        let token = Token::of(evidence)?;
        let pod = PodClaims::of(&token.claims, &self.config, now)?;
        let Judge::Keys(keys) = &self.judge else { return Err(self.not_reviewed(ReviewError::NotAsked)) };
        let keys = keys.current();
        let keys = keys.map_err(|source| EvidenceError::Keys { attestor: self.name().to_owned(), source })?;
        verify(&token, &keys)?;
        self.attested(&token, &pod)
    }

    fn keys(&self) -> Option<&JwksSource> {
        match &self.judge {
            Judge::Keys(keys) => Some(keys),
            Judge::Reviewer(_) => None,
        }
    }

    fn review<'a>(&'a self, evidence: &'a [u8], now: Timestamp) -> Option<Judging<'a>> {
        match &self.judge {
            Judge::Keys(_) => None,
            Judge::Reviewer(reviewer) => Some(Box::pin(self.ask(reviewer, evidence, now))),
        }
    }
}

/// The key must be there under exactly the token's id, be fit, and be for exactly the token's algorithm: the key
/// decides on the algorithm, never the token (T-22).
fn verify(token: &Token<'_>, keys: &Jwks) -> Result<(), TokenError> {
    let kid = || Shown::of(&token.kid);
    let key = match keys.key(&token.kid) {
        None => return Err(TokenError::KeyUnknown { kid: kid() }),
        Some(Err(flaw)) => return Err(TokenError::KeyRefused { kid: kid(), flaw: flaw.clone() }),
        Some(Ok(key)) => key,
    };
    if key.algorithm() != token.algorithm {
        return Err(TokenError::AlgorithmOfKey { found: token.algorithm, key: key.algorithm(), kid: kid() });
    }
    if !key.verifies(token.signed, token.signature) {
        return Err(TokenError::Signature { kid: kid() });
    }
    Ok(())
}

/// Octets of a token. A genuine one has 900 to 1,500 (T-26; the limit of all evidence).
pub const MAX_TOKEN_OCTETS: usize = protocol::limits::MAX_EVIDENCE_OCTETS;
/// Characters of a key id. Kubernetes writes 43; RFC 7517 sets no limit, so T-23 does.
pub const MAX_KEY_ID_CHARACTERS: usize = 256;
/// A proof is the hash of what is signed, so that the same token under another spelling of its signature (ECDSA has two
/// for each) is the same proof (T-05).
const PROOF_DOMAIN: &[u8] = b"brevet-kubernetes-proof/v1\0";

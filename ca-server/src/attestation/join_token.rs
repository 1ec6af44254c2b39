//! Join tokens: a secret that an admin made and handed to a host, good for one host, once. Knows the hash of a secret
//! and what the ledger says of the token; keeps no list and spends nothing.
//!
//! The secret is shown once, when the token is made. What is written is SHA-256 over a domain, the token's id and the
//! secret; with 256 random bits there is nothing to guess, so no slow hash is needed. That hash is the token's proof
//! too: the committer spends it, so of a hundred hosts with one token one gets a certificate (T-05).

mod mint;
mod refusal;

use identity::{Sha256Hash, Timestamp, TokenId};
use policies::claims::Claims;
use protocol::token::JoinToken;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

use super::{Attested, Attestor, EvidenceError, Kind, claims_of_entry};
use crate::decide::LOST_ANSWER_WITHIN;
use crate::decide::proof::ProofUse;
use crate::draft::Draft;

pub use mint::{MintError, Minted, mint};
pub use refusal::JoinTokenRefused;

/// What the ledger says of one token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFacts {
    /// Hash of its secret, as [`secret_hash`] makes it.
    pub hash: Sha256Hash,
    /// The profile under which its holder enrols.
    pub profile: String,
    /// The claims that the admin gave it.
    pub claims: Claims,
    /// Not taken at or after this.
    pub expires: Timestamp,
    /// Taken back by an admin.
    pub revoked: bool,
    /// When it was used, if it was.
    pub spent: Option<Timestamp>,
}

/// Where tokens are looked up: State, or a closure over a few.
pub trait TokenShelf: Send + Sync {
    /// What is known of the token `id`; `None` for one that never was or has run out.
    ///
    /// # Errors
    /// The claims of the token are not taken in: they were written under other limits.
    fn facts(&self, id: &TokenId, now: Timestamp) -> Result<Option<TokenFacts>, EvidenceError>;
}

impl<F> TokenShelf for F
where
    F: Fn(&TokenId, Timestamp) -> Result<Option<TokenFacts>, EvidenceError> + Send + Sync,
{
    fn facts(&self, id: &TokenId, now: Timestamp) -> Result<Option<TokenFacts>, EvidenceError> {
        self(id, now)
    }
}

impl TokenFacts {
    /// Reads a token from State.
    ///
    /// # Errors
    /// [`EvidenceError::Claims`] where its claims are not taken in.
    pub fn of(draft: &Draft<'_>, id: &TokenId) -> Result<Option<Self>, EvidenceError> {
        let Some(row) = draft.token(id) else { return Ok(None) };
        Ok(Some(Self {
            hash: row.secret,
            profile: row.profile.clone(),
            claims: claims_of_entry(&row.claims)?,
            expires: row.expires,
            revoked: row.revoked,
            spent: draft.proof(&row.secret).map(|proof| proof.at),
        }))
    }
}

/// Checks join tokens against a shelf, for the authority of one trust file.
pub struct JoinTokenAttestor<S> {
    trust: Sha256Hash,
    shelf: S,
}

impl<S: TokenShelf> JoinTokenAttestor<S> {
    /// `trust` is the SHA-256 of this server's `trust.json`.
    pub fn new(trust: Sha256Hash, shelf: S) -> Self {
        Self { trust, shelf }
    }
}

impl<S: TokenShelf> Attestor for JoinTokenAttestor<S> {
    fn name(&self) -> &str {
        NAME
    }

    fn kind(&self) -> Kind {
        Kind::JoinToken
    }

    fn attest(&self, evidence: &[u8], now: Timestamp) -> Result<Attested, EvidenceError> {
        let text = std::str::from_utf8(evidence).map_err(|_| JoinTokenRefused::NotText)?;
        let mut token: JoinToken = text.parse().map_err(JoinTokenRefused::Form)?;
        let hash = secret_hash(&token.id, &token.secret);
        token.secret.zeroize();
        // Says nothing of the token: the hash in it is that of a public file.
        if token.trust != self.trust {
            return Err(JoinTokenRefused::OtherAuthority { found: token.trust, ours: self.trust }.into());
        }
        let facts = self.shelf.facts(&token.id, now)?;
        let facts = known(facts, &hash).ok_or(JoinTokenRefused::NotKnown)?;
        // From here on the asker has the secret, and may hear what became of the token.
        check_standing(&facts, now)?;
        let mut claims = facts.claims;
        claims.insert(TOKEN_CLAIM, token.id.to_string())?;
        Ok(Attested {
            attestor: NAME.to_owned(),
            kind: Kind::JoinToken,
            claims,
            proof: facts.hash,
            proof_until: facts.expires,
            proof_use: ProofUse::Once,
            profile: Some(facts.profile),
            token: Some(token.id),
        })
    }
}

/// The facts, if the secret is the token's. An unknown id takes the same comparison and the same answer as a wrong
/// secret, so that nobody learns which ids there are.
fn known(facts: Option<TokenFacts>, hash: &Sha256Hash) -> Option<TokenFacts> {
    let wanted = facts.as_ref().map_or([0; 32], |facts| *facts.hash.as_bytes());
    let same = bool::from(wanted.ct_eq(hash.as_bytes()));
    facts.filter(|_| same)
}

/// A token that was just used is let through: the committer gives the same host its lost answer again, and nobody else
/// anything.
fn check_standing(facts: &TokenFacts, now: Timestamp) -> Result<(), JoinTokenRefused> {
    if facts.revoked {
        return Err(JoinTokenRefused::Revoked);
    }
    if let Some(at) = facts.spent.filter(|at| now.since(*at) > LOST_ANSWER_WITHIN) {
        return Err(JoinTokenRefused::Spent { at });
    }
    if now >= facts.expires {
        return Err(JoinTokenRefused::Expired { now, expires: facts.expires });
    }
    Ok(())
}

/// What is written of a secret.
#[must_use]
pub fn secret_hash(id: &TokenId, secret: &[u8; 32]) -> Sha256Hash {
    let mut octets = [SECRET_DOMAIN, id.as_bytes().as_slice(), secret.as_slice()].concat();
    let hash = Sha256Hash::of(&octets);
    octets.zeroize();
    hash
}

/// The claim that names the token; an admin cannot give it.
pub const TOKEN_CLAIM: &str = "token";
/// The attestor's name: there is one, and it needs no configuration.
pub const NAME: &str = "join-token";
const SECRET_DOMAIN: &[u8] = b"brevet-join-secret/v1\0";

#[cfg(test)]
mod tests;

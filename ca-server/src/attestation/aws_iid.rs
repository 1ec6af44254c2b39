//! AWS: a machine shows its instance identity document, which AWS has signed with the key of the region. Knows the
//! document and its signature; asks AWS nothing.
//!
//! ```text
//! octets ── ber ──────▶ elements, within limits
//!        ── signed ───▶ one signer, digests and attributes compared; nothing believed
//!        ── regions ──▶ the one key of the region that the document names
//!        ── signed ───▶ verified octets
//!        ── document ─▶ account, region, instance, start: the claims
//! ```
//!
//! What this cannot see: who shows the document. It has no nonce and no audience, every process on the machine can read it,
//! and it never ends (residual risk R3). So an instance is bound to the key of its first use
//! ([`crate::decide::proof::ProofUse::Binds`], T-15), which must come soon after its start.

mod ber;
pub mod config;
mod document;
mod refusal;
pub mod regions;
mod signed;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use identity::{Sha256Hash, Timestamp};

use super::shown::Shown;
use super::{Attested, Attestor, EvidenceError, Kind};
use crate::decide::proof::ProofUse;
use document::Document;
use signed::Unverified;

pub use ber::BerFlaw;
pub use config::{AwsConfig, AwsFile, ConfigError};
pub use refusal::{IidError, Part};

/// Checks documents of the accounts of one configuration.
#[derive(Debug)]
pub struct AwsAttestor {
    config: AwsConfig,
}

impl AwsAttestor {
    /// For these accounts and regions.
    #[must_use]
    pub fn new(config: AwsConfig) -> Self {
        Self { config }
    }
}

impl Attestor for AwsAttestor {
    fn name(&self) -> &str {
        self.config.name()
    }

    fn kind(&self) -> Kind {
        Kind::AwsIid
    }

    fn attest(&self, evidence: &[u8], now: Timestamp) -> Result<Attested, EvidenceError> {
        let message = open(evidence)?;
        let region = Document::region_of(message.claimed())?;
        let key = self.config.keys().key(&region);
        let key = key.ok_or_else(|| IidError::RegionUnknown { found: Shown::of(&region) })?;
        let verified = message.verify(key).ok_or_else(|| IidError::Signature { region: Shown::of(&region) })?;
        // From here on every value is one that the key of that very region has signed.
        let document = Document::of(&verified)?;
        self.check(&document, now)?;
        Ok(Attested {
            attestor: self.name().to_owned(),
            kind: Kind::AwsIid,
            claims: document.claims(key.partition())?,
            proof: proof(key.partition(), &document),
            // Documents do not end.
            proof_until: Timestamp::MAX,
            proof_use: ProofUse::Binds { first_until: document.pending.plus(self.config.first_use_within()) },
            profile: None,
            token: None,
        })
    }
}

impl AwsAttestor {
    /// T-16: genuine documents of other people's accounts are genuine too.
    fn check(&self, document: &Document, now: Timestamp) -> Result<(), IidError> {
        if !self.config.takes_account(&document.account) {
            let (found, listed) = (Shown::of(&document.account), self.config.accounts());
            return Err(IidError::AccountNotListed { found, listed });
        }
        if !self.config.takes_region(&document.region) {
            return Err(IidError::RegionNotListed { found: Shown::of(&document.region) });
        }
        if document.pending > now.plus(self.config.clock_skew()) {
            return Err(IidError::Future { pending: document.pending, now });
        }
        Ok(())
    }
}

/// From text to a message that is well formed. Base64 with ends of lines in it, as the metadata service has it.
fn open(evidence: &[u8]) -> Result<Unverified, IidError> {
    if evidence.len() > MAX_DOCUMENT_OCTETS {
        return Err(IidError::TooLong { octets: evidence.len(), limit: MAX_DOCUMENT_OCTETS });
    }
    let text: Vec<u8> = evidence.iter().copied().filter(|octet| !matches!(octet, b'\r' | b'\n')).collect();
    let octets = STANDARD.decode(text).map_err(|_| IidError::Base64)?;
    Unverified::open(&octets)
}

/// All that is done with a stranger's octets before a key is needed; the door for fuzzing. Gives the region that the
/// document names.
///
/// # Errors
/// The first rule that the octets break.
pub fn parse(evidence: &[u8]) -> Result<String, IidError> {
    Document::region_of(open(evidence)?.claimed())
}

/// An instance, whatever its document says besides, and however it is spelled: AWS makes a new one at each start. Instance
/// ids are unique within a partition and region; the account stands there so that nobody has to believe that (T-11).
fn proof(partition: &str, document: &Document) -> Sha256Hash {
    let parts = [partition, &document.account, &document.region, &document.instance];
    Sha256Hash::of(&[PROOF_DOMAIN, parts.join("\0").as_bytes()].concat())
}

/// Characters of a document in base64; a genuine one has 1,500. The limit of all evidence.
pub const MAX_DOCUMENT_OCTETS: usize = protocol::limits::MAX_EVIDENCE_OCTETS;
const PROOF_DOMAIN: &[u8] = b"brevet-aws-instance-proof/v1\0";

#[cfg(test)]
mod tests;

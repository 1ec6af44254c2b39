//! Reads what is about to be signed by another parser, and judges it against what it was to say. Knows what a leaf must
//! say; does not know how it was written (T-30, T-35, T-36).

use identity::svid::{CertificateError, CertificateFacts, KeyUsage, Oid, Svid, SvidError, oid};
use identity::{KeyIdentifier, KeyKind, Serial, SpiffeId, Timestamp};

use super::leaf::Leaf;
use super::profile::{
    LEAF_BASIC_CONSTRAINTS, LEAF_EXTENSIONS, LEAF_KEY_USAGE, LEAF_PURPOSES, MAX_BACKDATE, MAX_DNS_NAMES, MAX_LEAF_LIFE,
    MAX_LEAF_OCTETS,
};
use crate::csr::Foreign;

/// What is wrong with to-be-signed octets. Every one is a fault of this program: nothing was signed.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum LintError {
    /// Longer than a leaf may be.
    #[error("the leaf would have {octets} octets to be signed, {limit} are allowed")]
    TooLong {
        /// How long it is.
        octets: usize,
        /// How long it may be.
        limit: usize,
    },
    /// The second parser cannot read it.
    #[error("the leaf cannot be read back")]
    Unreadable(#[from] CertificateError),
    /// It is no X509-SVID of a leaf.
    #[error("the leaf is no X509-SVID")]
    NoSvid(#[from] SvidError),
    /// It names somebody else.
    #[error("the leaf names {found}, {granted} was granted")]
    SpiffeId {
        /// What was granted.
        granted: SpiffeId,
        /// What it says.
        found: SpiffeId,
    },
    /// It is for another trust domain than its issuer.
    #[error("the leaf names {found}, its issuer speaks for {issuer}")]
    TrustDomain {
        /// The issuer's trust domain.
        issuer: String,
        /// What it says.
        found: SpiffeId,
    },
    /// It has other DNS names.
    #[error("the leaf has the DNS names {found:?}, {granted:?} were granted")]
    DnsNames {
        /// What was granted.
        granted: Vec<String>,
        /// What it says.
        found: Vec<String>,
    },
    /// It has more DNS names than a leaf may.
    #[error("the leaf has {found} DNS names, {limit} are allowed")]
    ManyDnsNames {
        /// How many.
        found: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// It has names of other kinds.
    #[error("the leaf has {found} names that are neither URI nor DNS names")]
    OtherNames {
        /// How many.
        found: usize,
    },
    /// Its subject is not empty.
    #[error("the leaf has a subject")]
    Subject,
    /// It has another serial.
    #[error("the leaf has the serial {found}, {reserved} was reserved")]
    Serial {
        /// What was reserved.
        reserved: Serial,
        /// What it says.
        found: Serial,
    },
    /// It certifies another key, or the same in another encoding.
    #[error("the leaf is for another key than the request's")]
    Key,
    /// It names another issuer.
    #[error("the leaf does not name its issuer as the issuer's certificate does")]
    IssuerName,
    /// It names another issuer's key.
    #[error("the leaf names the issuer's key {found:?}, which is {issuer}")]
    IssuerKey {
        /// The issuer's.
        issuer: KeyIdentifier,
        /// What it says.
        found: Option<KeyIdentifier>,
    },
    /// It names its own key wrongly.
    #[error("the leaf names its key {found:?}, which is {computed}")]
    SubjectKey {
        /// By the one method.
        computed: KeyIdentifier,
        /// What it says.
        found: Option<KeyIdentifier>,
    },
    /// It is to be signed by another algorithm than its issuer's.
    #[error("the leaf is to be signed by {found}, its issuer has a {issuer} key")]
    Algorithm {
        /// The issuer's kind of key.
        issuer: KeyKind,
        /// What it says.
        found: Oid,
    },
    /// Its times are not those that were reckoned.
    #[error("the leaf is valid from {found_from} to {found_to}, not from {from} to {to}")]
    Validity {
        /// Start that was reckoned.
        from: Timestamp,
        /// End that was reckoned.
        to: Timestamp,
        /// Start that it says.
        found_from: Timestamp,
        /// End that it says.
        found_to: Timestamp,
    },
    /// It lives longer than any leaf may.
    #[error("the leaf lives {seconds} s, {limit} s are allowed")]
    Life {
        /// How long it lives.
        seconds: u64,
        /// How long it may live.
        limit: u64,
    },
    /// It is valid when its issuer is not.
    #[error("the leaf is valid from {from} to {to}, its issuer from {issuer_from} to {issuer_to}")]
    OutsideIssuer {
        /// Start of the leaf.
        from: Timestamp,
        /// End of the leaf.
        to: Timestamp,
        /// Start of the issuer.
        issuer_from: Timestamp,
        /// End of the issuer.
        issuer_to: Timestamp,
    },
    /// Its extensions are not those of every leaf, in their order.
    #[error("the leaf's extensions are {found:?}")]
    Extensions {
        /// What it has.
        found: Vec<(Oid, bool)>,
    },
    /// It may be used for other things than a leaf.
    #[error("the leaf's key usage is {usage:?}, its purposes are {purposes:?}")]
    Usage {
        /// keyUsage.
        usage: Option<KeyUsage>,
        /// extKeyUsage.
        purposes: Vec<Oid>,
    },
    /// It points elsewhere for its CRL or its issuer.
    #[error("the leaf points to {found:?}, it should to {expected:?}")]
    Addresses {
        /// CRL and issuer.
        expected: Vec<String>,
        /// What it says.
        found: Vec<String>,
    },
    /// It holds octets that came with the request.
    #[error("the leaf holds octets that came with the request: {octets}")]
    Foreign {
        /// Which, hex.
        octets: String,
    },
}

/// Judges to-be-signed octets.
pub(super) fn lint(tbs: &[u8], leaf: &Leaf<'_>, foreign: &Foreign) -> Result<(), LintError> {
    if tbs.len() > MAX_LEAF_OCTETS {
        return Err(LintError::TooLong { octets: tbs.len(), limit: MAX_LEAF_OCTETS });
    }
    let facts = CertificateFacts::from_tbs_der(tbs)?;
    let svid = Svid::leaf(&facts)?;
    names(&facts, &svid, leaf)?;
    keys(&facts, &svid, leaf)?;
    times(&facts, leaf)?;
    shape(facts, leaf)?;
    brought(tbs, leaf, foreign)
}

/// One identity, exactly as granted; nothing but it and the DNS names that were granted with it.
fn names(facts: &CertificateFacts, svid: &Svid, leaf: &Leaf<'_>) -> Result<(), LintError> {
    if svid.spiffe_id() != leaf.spiffe_id {
        return Err(LintError::SpiffeId { granted: leaf.spiffe_id.clone(), found: svid.spiffe_id().clone() });
    }
    if svid.spiffe_id().trust_domain() != leaf.issuer.trust_domain() {
        let issuer = leaf.issuer.trust_domain().as_str().to_owned();
        return Err(LintError::TrustDomain { issuer, found: svid.spiffe_id().clone() });
    }
    if facts.dns_names != leaf.dns_names {
        return Err(LintError::DnsNames { granted: leaf.dns_names.to_vec(), found: facts.dns_names.clone() });
    }
    if facts.dns_names.len() > MAX_DNS_NAMES {
        return Err(LintError::ManyDnsNames { found: facts.dns_names.len(), limit: MAX_DNS_NAMES });
    }
    if facts.other_names > 0 {
        return Err(LintError::OtherNames { found: facts.other_names });
    }
    if facts.subject_is_empty { Ok(()) } else { Err(LintError::Subject) }
}

fn keys(facts: &CertificateFacts, svid: &Svid, leaf: &Leaf<'_>) -> Result<(), LintError> {
    let issuer = leaf.issuer.authority();
    if svid.serial() != leaf.serial {
        return Err(LintError::Serial { reserved: leaf.serial, found: svid.serial() });
    }
    if facts.spki_der != leaf.key.spki_der() {
        return Err(LintError::Key);
    }
    if facts.issuer_der != issuer.name_der() {
        return Err(LintError::IssuerName);
    }
    if facts.issuer_key != Some(issuer.key_identifier()) {
        return Err(LintError::IssuerKey { issuer: issuer.key_identifier(), found: facts.issuer_key });
    }
    if facts.subject_key != Some(facts.key_identifier) {
        return Err(LintError::SubjectKey { computed: facts.key_identifier, found: facts.subject_key });
    }
    let algorithm = match issuer.public_key().kind() {
        KeyKind::P256 => oid::ECDSA_WITH_SHA256,
        KeyKind::Ed25519 => oid::ED25519,
    };
    if facts.signature_algorithm != algorithm {
        let found = facts.signature_algorithm.clone();
        return Err(LintError::Algorithm { issuer: issuer.public_key().kind(), found });
    }
    Ok(())
}

fn times(facts: &CertificateFacts, leaf: &Leaf<'_>) -> Result<(), LintError> {
    let (from, to) = (facts.not_before, facts.not_after);
    if (from, to) != (leaf.not_before, leaf.not_after) {
        return Err(LintError::Validity { from: leaf.not_before, to: leaf.not_after, found_from: from, found_to: to });
    }
    let (seconds, limit) = (to.since(from).as_secs(), (MAX_LEAF_LIFE + MAX_BACKDATE).as_secs());
    if seconds > limit {
        return Err(LintError::Life { seconds, limit });
    }
    let (issuer_from, issuer_to) = (leaf.issuer.authority().not_before(), leaf.issuer.not_after());
    if from < issuer_from || to > issuer_to {
        return Err(LintError::OutsideIssuer { from, to, issuer_from, issuer_to });
    }
    Ok(())
}

/// The extensions of every leaf, no other, in their order; and what stands in those that differ from leaf to leaf.
fn shape(facts: CertificateFacts, leaf: &Leaf<'_>) -> Result<(), LintError> {
    if facts.extensions != LEAF_EXTENSIONS {
        return Err(LintError::Extensions { found: facts.extensions });
    }
    let purposes = [oid::SERVER_AUTH, oid::CLIENT_AUTH];
    if facts.key_usage != Some(KeyUsage::DIGITAL_SIGNATURE) || facts.extended_key_usage != purposes {
        return Err(LintError::Usage { usage: facts.key_usage, purposes: facts.extended_key_usage });
    }
    let found = [facts.crl_points, facts.issuer_urls, facts.ocsp_urls].concat();
    if found != [leaf.crl_url, leaf.issuer.certificate_url()] {
        let expected = vec![leaf.crl_url.to_owned(), leaf.issuer.certificate_url().to_owned()];
        return Err(LintError::Addresses { expected, found });
    }
    Ok(())
}

/// T-35: whatever came with the request besides its key is searched for. What we would have written anyway is ours, even
/// if somebody asked for it.
fn brought(tbs: &[u8], leaf: &Leaf<'_>, foreign: &Foreign) -> Result<(), LintError> {
    if foreign.is_empty() {
        return Ok(());
    }
    let key = leaf.key.identifier();
    let mut ours = vec![
        leaf.spiffe_id.as_str().as_bytes(),
        leaf.crl_url.as_bytes(),
        leaf.issuer.authority().name_der(),
        leaf.issuer.authority_key_identifier(),
        leaf.issuer.authority_information(),
        key.as_bytes(),
        leaf.key.spki_der(),
        LEAF_KEY_USAGE,
        LEAF_BASIC_CONSTRAINTS,
        LEAF_PURPOSES,
    ];
    ours.extend(leaf.dns_names.iter().map(String::as_bytes));
    match foreign.find_in(tbs, &ours) {
        Some(piece) => Err(LintError::Foreign { octets: hex::encode(piece) }),
        None => Ok(()),
    }
}

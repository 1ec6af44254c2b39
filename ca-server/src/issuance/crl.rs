//! The list of an issuer's revoked certificates (RFC 5280, section 5). Knows its encoding and its times; decides no
//! revocation and keeps nothing.
//!
//! Two kinds per issuer: the full CRL, without an issuingDistributionPoint, which every verifier understands, and one for
//! each shard, at the address that its certificates name (decision 0004). A CRL's number is the index of its
//! `crl-authorised` entry, so it can never fall. Entries are in the order of their serials: from the same ledger anybody
//! makes the same octets, and can compare their hash with the entry's.

mod asked;
mod entries;
mod period;

use std::time::Duration;

use identity::{KeyIdentifier, Serial, Sha256Hash, Timestamp};
use ledger::entry::{Body, CrlAuthorised, Kind, RevocationReason};
use webpki::BorrowedCertRevocationList;

use super::encoding::{INTEGER, SEQUENCE, Writer, constructed};
use super::issuer::{Issuer, Issuers};
use super::leaf::{CRITICAL, NOT_CRITICAL, URI, extension};
use super::profile::id;
use super::publication::Shard;
use super::sign::{SignError, usable};
use crate::committer::Recorded;
use crate::state::rows::REVOKED_KEPT_SECONDS;

pub use asked::{AskedCrl, revoked_of};
pub use period::Period;

/// Which certificates of an issuer a CRL speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// All.
    Full,
    /// Those of one shard.
    Shard(Shard),
}

impl Scope {
    /// The number of the shard, as entries state it; `None` for the full CRL.
    #[must_use]
    pub fn shard(self) -> Option<u32> {
        match self {
            Self::Full => None,
            Self::Shard(shard) => Some(u32::from(shard.number())),
        }
    }
}

/// One certificate that is no longer to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    /// Which.
    pub serial: Serial,
    /// Since when.
    pub at: Timestamp,
    /// Last second of its validity.
    pub not_after: Timestamp,
    /// Why.
    pub reason: RevocationReason,
}

/// Octets that may be recorded, by their hash, and then signed.
#[derive(Clone, PartialEq, Eq)]
pub struct PreparedCrl {
    issuer: KeyIdentifier,
    scope: Scope,
    number: u64,
    period: Period,
    tbs: Vec<u8>,
    revoked: u64,
}

/// A CRL that was recorded and signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCrl {
    der: Vec<u8>,
    number: u64,
    issuer: KeyIdentifier,
    scope: Scope,
}

/// Why there is no CRL to be recorded. Every one is a fault of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CrlError {
    /// A period of no length, or longer than allowed.
    #[error("the CRL would be the newest for {seconds} s, 1 s to {limit} s are allowed")]
    Period {
        /// How long.
        seconds: u64,
        /// How long it may be.
        limit: u64,
    },
    /// The issuer's life is over: what it signed has expired, and nobody can verify its CRL.
    #[error("the issuer is valid until {not_after}, now is {now}")]
    IssuerEnded {
        /// Last second of the issuer.
        not_after: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// One serial twice, which is no list of revocations.
    #[error("the certificate {serial} is revoked twice")]
    Twice {
        /// Which.
        serial: Serial,
    },
}

/// Writes the to-be-signed octets of a CRL.
///
/// `number` is the index that its entry will have. `revoked` are the revoked certificates that the CRL speaks of, in any
/// order; those that ran out so long ago that they have stood on a CRL after their end are left out (RFC 5280, section 3.3; T-45).
///
/// # Errors
/// [`CrlError::Twice`].
pub fn prepare(
    issuer: &Issuer,
    scope: Scope,
    number: u64,
    period: Period,
    revoked: impl IntoIterator<Item = Revoked>,
) -> Result<PreparedCrl, CrlError> {
    let standing = standing(period.this_update(), revoked)?;
    let mut before = Writer::default();
    let authority = issuer.authority();
    before.raw(VERSION_2).raw(authority.algorithm_der()).raw(authority.name_der());
    before.time(period.this_update()).time(period.next_update());
    let entries = entries::octets(&standing);
    // RFC 5280, section 5.1.2.6: absent, not empty, where nothing is revoked.
    if entries > 0 {
        before.header(SEQUENCE, entries);
    }
    let mut after = Writer::default();
    after.nested(constructed(0), |explicit| {
        explicit.nested(SEQUENCE, |extensions| {
            extensions.raw(issuer.authority_key_identifier());
            extension(extensions, id::CRL_NUMBER, NOT_CRITICAL, |value| {
                value.element(INTEGER, &integer(&number.to_be_bytes()));
            });
            if let Scope::Shard(shard) = scope {
                issuing_distribution_point(extensions, &issuer.crl_url(shard));
            }
        });
    });
    // All lengths are known, so that megabytes are written once, and to where they stay.
    let (before, after) = (before.into_octets(), after.into_octets());
    let octets = before.len() + entries + after.len();
    let mut writer = Writer::with_capacity(octets + MAX_HEADER_OCTETS);
    writer.header(SEQUENCE, octets);
    writer.raw(&before);
    entries::write(&mut writer, &standing);
    writer.raw(&after);
    Ok(PreparedCrl {
        issuer: issuer.key_identifier(),
        scope,
        number,
        period,
        tbs: writer.into_octets(),
        revoked: u64::try_from(standing.len()).unwrap_or(u64::MAX),
    })
}

/// Signs a recorded CRL: `crl-authorised` names issuer, times and the hash of these very octets.
///
/// # Errors
/// [`SignError`]; then nothing leaves, and the CRL before it stays the newest.
pub fn sign(recorded: &Recorded, prepared: &PreparedCrl, issuers: &Issuers) -> Result<SignedCrl, SignError> {
    sign_body(recorded.body(), recorded.index(), prepared, issuers)
}

impl PreparedCrl {
    /// The to-be-signed octets.
    #[must_use]
    pub fn to_be_signed(&self) -> &[u8] {
        &self.tbs
    }

    /// How many serials stand on it.
    #[must_use]
    pub const fn revoked(&self) -> u64 {
        self.revoked
    }

    /// Takes the to-be-signed octets and the count.
    #[must_use]
    pub fn into_parts(self) -> (Vec<u8>, u64) {
        (self.tbs, self.revoked)
    }
}

impl std::fmt::Debug for PreparedCrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PreparedCrl({} revoked, {} octets)", self.revoked, self.tbs.len())
    }
}

impl SignedCrl {
    /// The CRL, DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Its number: the index of its entry.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Whose certificates it speaks of.
    #[must_use]
    pub const fn issuer(&self) -> KeyIdentifier {
        self.issuer
    }

    /// Which of them.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        self.scope
    }
}

/// RFC 5280, section 5.2.5: critical, with the very name that stands in the certificates. Without it a shard's CRL would be
/// taken for the full one, and with it that is refused: a certificate of another shard is not found in it.
fn issuing_distribution_point(extensions: &mut Writer, url: &str) {
    extension(extensions, id::ISSUING_DISTRIBUTION_POINT, CRITICAL, |value| {
        value.nested(SEQUENCE, |point| {
            point.nested(constructed(0), |name| {
                name.nested(constructed(0), |full| {
                    full.element(URI, url.as_bytes());
                });
            });
        });
    });
}

/// What [`sign`] does with what the entry says. Nothing but `sign` and the tests of this module call it.
fn sign_body(body: &Body, index: u64, prepared: &PreparedCrl, issuers: &Issuers) -> Result<SignedCrl, SignError> {
    let Body::CrlAuthorised(body) = body else {
        return Err(SignError::OtherKind { wanted: Kind::CrlAuthorised, found: body.kind() });
    };
    let issuer = usable(&body.issuer, issuers)?;
    agree(body, index, prepared)?;
    let assembled = issuer.authority().assemble(&prepared.tbs)?;
    if let Err(invalid) = issuer.authority().verify(&prepared.tbs, &assembled) {
        issuer.stop();
        return Err(invalid.into());
    }
    read_back(&assembled.der, prepared.revoked)?;
    Ok(SignedCrl { der: assembled.der, number: index, issuer: body.issuer, scope: prepared.scope })
}

/// Those that belong on a CRL of that time, in the order of their serials: until they have expired and stood on one more.
fn standing(this_update: Timestamp, revoked: impl IntoIterator<Item = Revoked>) -> Result<Vec<Revoked>, CrlError> {
    let ended = this_update.minus(KEPT);
    let mut standing: Vec<Revoked> = revoked.into_iter().filter(|revoked| revoked.not_after >= ended).collect();
    // As one number, a serial is compared in one step.
    standing.sort_unstable_by_key(|revoked| u128::from_be_bytes(*revoked.serial.as_bytes()));
    match standing.array_windows().find(|[one, next]| one.serial == next.serial) {
        Some([one, _]) => Err(CrlError::Twice { serial: one.serial }),
        None => Ok(standing),
    }
}

/// The hash is what binds; the fields are what auditors read, and must say the same as the octets.
fn agree(body: &CrlAuthorised, index: u64, prepared: &PreparedCrl) -> Result<(), SignError> {
    let fields = [
        ("tbs", Sha256Hash::of(&prepared.tbs) == body.tbs),
        ("index", prepared.number == index),
        ("issuer", prepared.issuer == body.issuer),
        ("shard", prepared.scope.shard() == body.shard),
        ("this_update", prepared.period.this_update() == body.this_update),
        ("next_update", prepared.period.next_update() == body.next_update),
        ("revoked", prepared.revoked == body.revoked),
    ];
    match fields.into_iter().find(|(_, same)| !same) {
        Some((field, _)) => Err(SignError::Differs { field }),
        None => Ok(()),
    }
}

/// Reads a CRL by the parser that our verifiers use: each entry, as many as there should be, in rising order.
fn read_back(der: &[u8], revoked: u64) -> Result<(), SignError> {
    let crl = BorrowedCertRevocationList::from_der(der).map_err(SignError::CrlUnreadable)?;
    let mut read = 0_u64;
    let mut last: &[u8] = &[];
    for entry in &crl {
        let serial = entry.map_err(SignError::CrlUnreadable)?.serial_number;
        if (serial.len(), serial) <= (last.len(), last) {
            return Err(SignError::Assembled);
        }
        (read, last) = (read.saturating_add(1), serial);
    }
    if read == revoked { Ok(()) } else { Err(SignError::Assembled) }
}

/// The content of an INTEGER that is not negative: no octet more than needed (X.690, section 8.3.2).
fn integer(big_endian: &[u8]) -> Vec<u8> {
    let zeros = big_endian.iter().take_while(|octet| **octet == 0).count();
    let digits = big_endian.get(zeros..).unwrap_or_default();
    let sign: &[u8] = if digits.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
    [sign, digits].concat()
}

/// How long after its end a certificate stays on: the same number by which State forgets it.
#[expect(clippy::as_conversions, reason = "u64::from is not const, and a u32 always fits")]
const KEPT: Duration = Duration::from_secs(REVOKED_KEPT_SECONDS as u64);

/// `INTEGER 1`: v2, RFC 5280, section 5.1.2.1.
const VERSION_2: &[u8] = &[0x02, 0x01, 0x01];

/// A tag, and a length of four octets with the octet that says so.
const MAX_HEADER_OCTETS: usize = 6;

#[cfg(test)]
mod tests;

//! What is checked before anything is delivered. Knows certificates, receipts and pins; knows no socket and no clock.
//!
//! An answer of the server is taken only if its certificate
//!
//! 1. keeps the rules of X509-SVID for a leaf (`identity::svid`),
//! 2. is for the key that was sent, and states exactly the identity that was asked for,
//! 3. is valid now, lives no longer than leaves may, and does not outlive its issuer,
//! 4. chains to a pinned root, usable on either side of TLS (rustls-webpki),
//! 5. is in the ledger: the receipt's checkpoint is signed by the pinned key, and the entry that it proves authorises these very
//!    to-be-signed octets, for us, superseding what we asked to renew.
//!
//! The first that does not hold names the refusal, and nothing of the answer is used.

mod checked;
mod error;
mod path;
mod receipt;

use identity::svid::{CertificateFacts, Svid, to_be_signed};
use identity::{HostId, KeyHash, Serial, SpiffeId, Timestamp};
use protocol::enroll::Issued;
use rustls_pki_types::CertificateDer;
use std::time::Duration;

pub use checked::Checked;
pub use error::{CheckError, Disagreement};
pub(crate) use path::leads_to;

use crate::identities::AgentName;
use crate::pins::Pins;

/// What was asked for, and so what must come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The key that was sent.
    pub key: KeyHash,
    /// Whom it is for.
    pub whose: Whose,
    /// The certificate that was to be renewed.
    pub renews: Option<Serial>,
}

/// Whom a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// A host that has had no identity: any below `/` of our trust domain, since the profile decides which.
    NewHost,
    /// This host, which keeps id and identity for life.
    Host {
        /// Its id.
        host: HostId,
        /// Its identity.
        spiffe_id: SpiffeId,
    },
    /// An agent of this host.
    Agent {
        /// Our id.
        host: HostId,
        /// The agent's name.
        name: AgentName,
        /// The identity that the signed list promises it.
        spiffe_id: SpiffeId,
    },
}

/// Checks an answer of the server, or one that was kept.
///
/// # Errors
/// The first check that does not hold.
pub fn answer(issued: &Issued, expected: &Expected, pins: &Pins, now: Timestamp) -> Result<Checked, CheckError> {
    if issued.chain.is_empty() || issued.chain.len() > MAX_CHAIN || issued.roots.len() > MAX_ROOTS {
        return Err(CheckError::Count { chain: issued.chain.len(), roots: issued.roots.len() });
    }
    let chain: Vec<_> = issued.chain.iter().map(|der| CertificateDer::from(der.0.clone())).collect();
    let roots: Vec<_> = issued.roots.iter().map(|der| CertificateDer::from(der.0.clone())).collect();
    let leaf = chain.first().ok_or(CheckError::Count { chain: 0, roots: roots.len() })?;

    let facts = CertificateFacts::from_der(leaf).map_err(CheckError::Leaf)?;
    let svid = Svid::leaf(&facts).map_err(CheckError::Svid)?;
    check_subject(&svid, expected, pins)?;
    check_validity(&svid, now)?;
    path::check(&chain, &roots, pins, &svid, now)?;
    let to_be_signed = to_be_signed(leaf).map_err(CheckError::Leaf)?;
    let recorded = receipt::check(issued, &svid, to_be_signed, expected, pins)?;
    if recorded.authorised_at.since(now) > MAX_SKEW {
        return Err(CheckError::ClockBehind { now, recorded: recorded.authorised_at });
    }
    Ok(Checked::new(&svid, chain, issued.host, recorded))
}

fn check_subject(svid: &Svid, expected: &Expected, pins: &Pins) -> Result<(), CheckError> {
    if svid.key() != expected.key {
        return Err(CheckError::OtherKey { sent: expected.key, certified: svid.key() });
    }
    let found = svid.spiffe_id();
    match &expected.whose {
        Whose::NewHost if found.trust_domain() == pins.trust_domain() => Ok(()),
        Whose::NewHost => {
            Err(CheckError::OtherDomain { ours: pins.trust_domain().clone(), found: found.trust_domain().clone() })
        }
        Whose::Host { spiffe_id, .. } | Whose::Agent { spiffe_id, .. } if spiffe_id == found => Ok(()),
        Whose::Host { spiffe_id, .. } | Whose::Agent { spiffe_id, .. } => {
            Err(CheckError::OtherIdentity { asked: spiffe_id.clone(), found: found.clone() })
        }
    }
}

fn check_validity(svid: &Svid, now: Timestamp) -> Result<(), CheckError> {
    let (not_before, not_after) = (svid.not_before(), svid.not_after());
    if now < not_before {
        return Err(CheckError::NotYetValid { now, not_before });
    }
    if now >= not_after {
        return Err(CheckError::Expired { now, not_after });
    }
    let life = not_after.since(not_before);
    if life > MAX_LIFE {
        return Err(CheckError::TooLong { seconds: life.as_secs(), limit: MAX_LIFE.as_secs() });
    }
    Ok(())
}

/// Certificates in a chain: leaf, issuer, and two more for authorities between them. The design has two (section 4).
pub const MAX_CHAIN: usize = 4;
/// Roots beside it: those of a rotation, old, new and next, with room.
pub const MAX_ROOTS: usize = 8;
/// Longest life of a leaf: 24 h (design, section 4), and five minutes that the server may set notBefore back
/// (security.md, T-50).
pub const MAX_LIFE: Duration = Duration::from_secs(24 * 3600 + 300);
/// How far our clock may be behind the server's: security.md, T-52.
pub const MAX_SKEW: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests;

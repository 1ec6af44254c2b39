//! From when to when a CRL is the newest. Knows the issuer's life; knows no list.

use std::time::Duration;

use identity::Timestamp;

use super::CrlError;
use crate::issuance::Issuer;

/// From when to when a CRL is the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    this_update: Timestamp,
    next_update: Timestamp,
}

impl Period {
    /// The period of a CRL that is signed now: thisUpdate a little before, nextUpdate `lasts` after now, and neither
    /// outside the issuer's life.
    ///
    /// # Errors
    /// [`CrlError::Period`], [`CrlError::IssuerEnded`].
    pub fn starting(now: Timestamp, lasts: Duration, issuer: &Issuer) -> Result<Self, CrlError> {
        if lasts.as_secs() == 0 || lasts > MAX_PERIOD {
            return Err(CrlError::Period { seconds: lasts.as_secs(), limit: MAX_PERIOD.as_secs() });
        }
        let (start, not_after) = (now.floor_second(), issuer.not_after());
        if start >= not_after {
            return Err(CrlError::IssuerEnded { not_after, now });
        }
        let this_update = start.minus(BACKDATE).max(issuer.authority().not_before());
        Ok(Self { this_update, next_update: start.plus(lasts).min(not_after) })
    }

    /// thisUpdate.
    #[must_use]
    pub const fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// nextUpdate.
    #[must_use]
    pub const fn next_update(&self) -> Timestamp {
        self.next_update
    }
}

/// thisUpdate lies this long before the signing, so that a verifier whose clock is behind ours does not take the CRL for
/// one from the future. Five minutes is what Kerberos grants clocks (RFC 4120, section 7.5.9), and far less than MAX_PERIOD.
const BACKDATE: Duration = Duration::from_secs(300);

/// Design, section 4: a leaf lives at most 24 hours, so a CRL that is older than that says nothing of use.
const MAX_PERIOD: Duration = Duration::from_secs(24 * 3600);

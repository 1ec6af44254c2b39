//! How long a certificate or a proof may live. Knows bounds and text; does not know what is usual for whom.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A span of whole seconds, from one second to ten years.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lifetime {
    seconds: u32,
}

/// Why a number or a text is no lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LifetimeError {
    /// Not within the bounds.
    #[error("a lifetime has 1 to {limit} seconds, not {found}")]
    OutOfBounds {
        /// [`MAX_LIFETIME_SECONDS`].
        limit: u32,
        /// Seconds asked for; the largest number where even that is too small.
        found: u64,
    },
    /// Not digits and one unit.
    #[error("a lifetime is a number without leading zeros and one of s, m, h, d, such as 90s or 1h")]
    Form,
}

impl Lifetime {
    /// The longest life of a leaf: 24 hours (design, section 4).
    pub const LONGEST_LEAF: Self = Self { seconds: 24 * 3600 };

    /// The lifetime of this many seconds.
    ///
    /// # Errors
    /// [`LifetimeError::OutOfBounds`] for 0, and for more than ten years.
    pub fn from_seconds(seconds: u64) -> Result<Self, LifetimeError> {
        match u32::try_from(seconds) {
            Ok(seconds @ 1..=MAX_LIFETIME_SECONDS) => Ok(Self { seconds }),
            _ => Err(LifetimeError::OutOfBounds { limit: MAX_LIFETIME_SECONDS, found: seconds }),
        }
    }

    /// The lifetime that a text like `90s`, `15m`, `1h` or `7d` says: one number, one unit, nothing else.
    ///
    /// # Errors
    /// [`LifetimeError`] when the form is another or the value out of bounds.
    pub fn parse(text: &str) -> Result<Self, LifetimeError> {
        let (digits, seconds_per_unit) = UNITS
            .into_iter()
            .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))
            .ok_or(LifetimeError::Form)?;
        let leading_zero = digits.starts_with('0') && digits != "0";
        if digits.is_empty() || leading_zero || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(LifetimeError::Form);
        }
        // Only a number above u64 fails here, and it is out of bounds like any other that is too large.
        Self::from_seconds(digits.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(seconds_per_unit))
    }

    /// Seconds, from 1 to [`MAX_LIFETIME_SECONDS`].
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.seconds.into()
    }

    /// The same as a duration, to add to a [`Timestamp`](crate::Timestamp).
    #[must_use]
    pub fn as_duration(self) -> Duration {
        Duration::from_secs(self.seconds())
    }
}

impl FromStr for Lifetime {
    type Err = LifetimeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// In the largest unit that divides it: `1h`, not `60m`.
impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds();
        let (unit, per_unit) =
            UNITS.into_iter().rev().find(|(_, per_unit)| seconds.is_multiple_of(*per_unit)).unwrap_or(("s", 1));
        f.pad(&format!("{}{unit}", seconds.checked_div(per_unit).unwrap_or(seconds)))
    }
}

impl fmt::Debug for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Most seconds of a lifetime: ten years of 365.25 days, the life of a root (design 4).
pub const MAX_LIFETIME_SECONDS: u32 = 315_576_000;

/// Units and their seconds, the smallest first.
const UNITS: [(&str, u64); 4] = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, seconds: u64, shown: &str) {
        let lifetime = Lifetime::parse(text).unwrap();
        assert_eq!(lifetime.seconds(), seconds);
        assert_eq!(lifetime.as_duration(), Duration::from_secs(seconds));
        assert_eq!(lifetime.to_string(), shown);
        assert_eq!(shown.parse(), Ok(lifetime));
        assert_eq!(Lifetime::from_seconds(seconds), Ok(lifetime));
    }

    #[track_caller]
    fn check_refused(text: &str, error: LifetimeError) {
        assert_eq!(Lifetime::parse(text), Err(error));
    }

    #[track_caller]
    fn out_of_bounds(found: u64) -> LifetimeError {
        LifetimeError::OutOfBounds { limit: 315_576_000, found }
    }

    #[test]
    fn reads_one_number_and_one_unit() {
        check("1s", 1, "1s");
        check("90s", 90, "90s");
        check("15m", 900, "15m");
        check("60m", 3_600, "1h");
        check("1h", 3_600, "1h");
        check("24h", 86_400, "1d");
        check("7d", 604_800, "7d");
        check("315576000s", 315_576_000, "87660h");
    }

    #[test]
    fn refuses_what_is_out_of_bounds() {
        check_refused("0s", out_of_bounds(0));
        check_refused("315576001s", out_of_bounds(315_576_001));
        check_refused("3653d", out_of_bounds(315_619_200));
        check_refused("18446744073709551615d", out_of_bounds(u64::MAX));
        check_refused("99999999999999999999s", out_of_bounds(u64::MAX));
    }

    #[test]
    fn refuses_other_forms() {
        for text in
            ["", "s", "1", "1H", "1 h", " 1h", "1h ", "+1h", "-1h", "01h", "00s", "1.5h", "1h30m", "1w", "1ms", "١h"]
        {
            check_refused(text, LifetimeError::Form);
        }
    }
}

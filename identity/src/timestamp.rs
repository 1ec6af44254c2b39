//! A moment in UTC, to the millisecond. Knows the calendar and RFC 3339; reads no clock: `now` comes as an argument.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::{Date, Month, OffsetDateTime, Time};

/// Milliseconds since 1970-01-01T00:00:00.000Z, leap seconds not counted (POSIX time), up to the end of the year 9999,
/// which is the last that RFC 3339 and RFC 5280 can write. Nothing before 1970.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    millis: u64,
}

/// Why a number or a text is no timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// After the year 9999.
    #[error("{found} ms since 1970 is after the year 9999 ({limit} ms)")]
    TooLate {
        /// Milliseconds of [`Timestamp::MAX`].
        limit: u64,
        /// Milliseconds asked for; the largest number where even that is too small.
        found: u64,
    },
    /// The clock says a time before 1970.
    #[error("the time is before 1970")]
    TooEarly,
    /// Not of the form `2026-11-23T00:17:07.123Z`, no such day or time, or before 1970. There is no second 60.
    #[error("not a time from 1970 on like 2026-11-23T00:17:07.123Z")]
    Form,
}

impl Timestamp {
    /// 1970-01-01T00:00:00.000Z.
    pub const EPOCH: Self = Self { millis: 0 };

    /// 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self { millis: 253_402_300_799_999 };

    /// The moment this many milliseconds after 1970.
    ///
    /// # Errors
    /// [`TimestampError::TooLate`] after the year 9999.
    pub const fn from_millis(millis: u64) -> Result<Self, TimestampError> {
        if millis > Self::MAX.millis {
            return Err(TimestampError::TooLate { limit: Self::MAX.millis, found: millis });
        }
        Ok(Self { millis })
    }

    /// The moment this many seconds after 1970.
    ///
    /// # Errors
    /// [`TimestampError::TooLate`] after the year 9999.
    pub const fn from_seconds(seconds: u64) -> Result<Self, TimestampError> {
        Self::from_millis(seconds.saturating_mul(1_000))
    }

    /// The moment that a clock read, cut to the millisecond. Reads no clock itself.
    ///
    /// # Errors
    /// [`TimestampError`] for a time before 1970 or after the year 9999.
    pub fn from_system_time(time: SystemTime) -> Result<Self, TimestampError> {
        let after_epoch = time.duration_since(UNIX_EPOCH).map_err(|_| TimestampError::TooEarly)?;
        Self::from_millis(whole_millis(after_epoch))
    }

    /// The same moment in the standard library's type.
    #[must_use]
    pub fn to_system_time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.millis)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.millis
    }

    /// Whole seconds since 1970; what is left of a second is cut off.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.millis / 1_000
    }

    /// The moment `duration` later, cut to the millisecond; [`Timestamp::MAX`] at most.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self { millis: self.millis.saturating_add(whole_millis(duration)).min(Self::MAX.millis) }
    }

    /// The moment `duration` earlier, cut to the millisecond; [`Timestamp::EPOCH`] at least.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self { millis: self.millis.saturating_sub(whole_millis(duration)) }
    }

    /// The time from `earlier` to this moment; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.millis.saturating_sub(earlier.millis))
    }

    /// The start of this moment's second: what a certificate, which has no milliseconds, can say of it.
    #[must_use]
    pub const fn floor_second(self) -> Self {
        Self { millis: self.millis - self.millis % 1_000 }
    }

    /// The moment of a year, month and day, and an hour, minute and second in UTC. `None` when there is no such moment,
    /// or none from 1970 to 9999. There is no second 60.
    pub(crate) fn from_calendar(
        (year, month, day): (u16, u8, u8),
        (hour, minute, second): (u8, u8, u8),
    ) -> Option<Self> {
        let date = Date::from_calendar_date(year.into(), Month::try_from(month).ok()?, day).ok()?;
        let time = Time::from_hms(hour, minute, second).ok()?;
        Self::from_seconds(u64::try_from(OffsetDateTime::new_utc(date, time).unix_timestamp()).ok()?).ok()
    }
}

/// RFC 3339 in one form only: `2026-11-23T00:17:07.123Z`.
impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        #[rustfmt::skip]
        let [y0, y1, y2, y3, b'-', o0, o1, b'-', d0, d1, b'T', h0, h1, b':', m0, m1, b':', s0, s1, b'.', f0, f1, f2, b'Z'] =
            text.as_bytes()
        else {
            return Err(TimestampError::Form);
        };
        let moment = || {
            let year = u16::from(two_digits(*y0, *y1)?) * 100 + u16::from(two_digits(*y2, *y3)?);
            let date = (year, two_digits(*o0, *o1)?, two_digits(*d0, *d1)?);
            let time = (two_digits(*h0, *h1)?, two_digits(*m0, *m1)?, two_digits(*s0, *s1)?);
            let millis = u64::from(digit(*f0)?) * 100 + u64::from(two_digits(*f1, *f2)?);
            Some(Self::from_calendar(date, time)?.plus(Duration::from_millis(millis)))
        };
        moment().ok_or(TimestampError::Form)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.seconds()).map_err(|_| fmt::Error)?;
        let moment = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| fmt::Error)?;
        let (year, month, day) = moment.to_calendar_date();
        let (hour, minute, second) = moment.to_hms();
        let (month, millis) = (u8::from(month), self.millis % 1_000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// More than fits is more than the year 9999 too, and is cut or refused there.
fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The number that two decimal digits say.
pub(crate) fn two_digits(tens: u8, ones: u8) -> Option<u8> {
    Some(digit(tens)? * 10 + digit(ones)?)
}

fn digit(octet: u8) -> Option<u8> {
    octet.is_ascii_digit().then_some(octet & 0x0f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, millis: u64) {
        let moment = Timestamp::from_millis(millis).unwrap();
        assert_eq!(text.parse(), Ok(moment));
        assert_eq!(moment.to_string(), text);
        assert_eq!(format!("{moment:?}"), text);
        assert_eq!(Timestamp::from_system_time(moment.to_system_time()), Ok(moment));
    }

    #[track_caller]
    fn check_refused(text: &str, error: TimestampError) {
        assert_eq!(text.parse::<Timestamp>(), Err(error));
    }

    #[test]
    fn text_reads_back() {
        check("1970-01-01T00:00:00.000Z", 0);
        check("2026-11-23T00:17:07.123Z", 1_795_393_027_123);
        check("9999-12-31T23:59:59.999Z", 253_402_300_799_999);
    }

    /// T-52.
    #[test]
    fn leap_days() {
        check("2000-02-29T00:00:00.000Z", 951_782_400_000);
        check("2024-02-29T23:59:59.000Z", 1_709_251_199_000);
        check("2100-02-28T23:59:59.999Z", 4_107_542_399_999);
        check("2100-03-01T00:00:00.000Z", 4_107_542_400_000);
        check_refused("2100-02-29T00:00:00.000Z", TimestampError::Form);
        check_refused("2026-02-29T00:00:00.000Z", TimestampError::Form);
    }

    #[test]
    fn refuses_other_forms() {
        for text in [
            "",
            "2026-11-23T00:17:07Z",
            "2026-11-23T00:17:07.12Z",
            "2026-11-23T00:17:07.1234Z",
            "2026-11-23t00:17:07.123Z",
            "2026-11-23T00:17:07.123z",
            "2026-11-23 00:17:07.123Z",
            "2026-11-23T00:17:07,123Z",
            "2026-11-23T00:17:07.123+00:00",
            "2026-13-01T00:00:00.000Z",
            "2026-00-01T00:00:00.000Z",
            "2026-04-31T00:00:00.000Z",
            "2026-01-00T00:00:00.000Z",
            "2026-01-01T24:00:00.000Z",
            "2026-01-01T00:60:00.000Z",
            "2016-12-31T23:59:60.000Z",
            "+026-01-01T00:00:00.000Z",
            "10000-01-01T00:00:00.00Z",
        ] {
            check_refused(text, TimestampError::Form);
        }
        check_refused("1969-12-31T23:59:59.999Z", TimestampError::Form);
        check_refused("0000-01-01T00:00:00.000Z", TimestampError::Form);
    }

    #[test]
    fn bounds() {
        let limit = Timestamp::MAX.millis();
        assert_eq!(Timestamp::from_millis(limit), Ok(Timestamp::MAX));
        assert_eq!(Timestamp::from_millis(limit + 1), Err(TimestampError::TooLate { limit, found: limit + 1 }));
        assert_eq!(Timestamp::from_seconds(u64::MAX), Err(TimestampError::TooLate { limit, found: u64::MAX }));
        let early = UNIX_EPOCH - Duration::from_nanos(1);
        assert_eq!(Timestamp::from_system_time(early), Err(TimestampError::TooEarly));
    }

    #[test]
    fn arithmetic_stays_within_bounds() {
        let now = Timestamp::from_millis(1_500).unwrap();
        assert_eq!(now.plus(Duration::from_millis(700)).millis(), 2_200);
        assert_eq!(now.minus(Duration::from_millis(700)).millis(), 800);
        assert_eq!(now.plus(Duration::MAX), Timestamp::MAX);
        assert_eq!(now.minus(Duration::MAX), Timestamp::EPOCH);
        assert_eq!(now.since(Timestamp::EPOCH), Duration::from_millis(1_500));
        assert_eq!(Timestamp::EPOCH.since(now), Duration::ZERO);
        assert_eq!((now.seconds(), now.floor_second().millis()), (1, 1_000));
    }
}

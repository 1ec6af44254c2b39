//! The two times of a certificate. Knows how RFC 5280 writes a time; compares none with a clock.

use crate::der::{DerError, GENERALIZED_TIME, Reader, SEQUENCE, UTC_TIME};
use crate::timestamp::{Timestamp, two_digits};

/// Validity: first moment and last second. RFC 5280 4.1.2.5.
pub(super) fn validity(reader: &mut Reader<'_>) -> Result<(Timestamp, Timestamp), DerError> {
    let mut times = reader.inside(SEQUENCE)?;
    let not_before = time(&mut times)?;
    let not_after = time(&mut times)?;
    times.end()?;
    Ok((not_before, not_after))
}

/// RFC 5280 4.1.2.5.1 and .2: `YYMMDDHHMMSSZ` as UTCTime through 2049, `YYYYMMDDHHMMSSZ` as GeneralizedTime from 2050 on:
/// with seconds, without fractions, in UTC. We read nothing before 1970.
fn time(reader: &mut Reader<'_>) -> Result<Timestamp, DerError> {
    let element = reader.any()?;
    let not_allowed = DerError::Value { tag: element.tag };
    let moment = match element.tag {
        UTC_TIME => utc_time(element.content),
        GENERALIZED_TIME => generalized_time(element.content),
        _ => None,
    };
    moment.ok_or(not_allowed)
}

/// A year of two digits is from 1950 to 2049.
fn utc_time(content: &[u8]) -> Option<Timestamp> {
    let [y0, y1, date_time @ ..] = content else { return None };
    let year = u16::from(two_digits(*y0, *y1)?);
    moment(if year < 50 { 2000 + year } else { 1900 + year }, date_time)
}

/// A year of four digits is one that UTCTime cannot write.
fn generalized_time(content: &[u8]) -> Option<Timestamp> {
    let [y0, y1, y2, y3, date_time @ ..] = content else { return None };
    let year = u16::from(two_digits(*y0, *y1)?) * 100 + u16::from(two_digits(*y2, *y3)?);
    if year < FIRST_GENERALIZED_YEAR { None } else { moment(year, date_time) }
}

fn moment(year: u16, date_time: &[u8]) -> Option<Timestamp> {
    let [o0, o1, d0, d1, h0, h1, m0, m1, s0, s1, b'Z'] = date_time else { return None };
    let date = (year, two_digits(*o0, *o1)?, two_digits(*d0, *d1)?);
    Timestamp::from_calendar(date, (two_digits(*h0, *h1)?, two_digits(*m0, *m1)?, two_digits(*s0, *s1)?))
}

/// RFC 5280 4.1.2.5: from this year on, times are GeneralizedTime, and none before.
const FIRST_GENERALIZED_YEAR: u16 = 2050;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(tag: u8, text: &str, expected: &str) {
        assert_eq!(read(tag, text).unwrap().to_string(), expected);
    }

    #[track_caller]
    fn check_refused(tag: u8, text: &str) {
        assert_eq!(read(tag, text), Err(DerError::Value { tag }));
    }

    fn read(tag: u8, text: &str) -> Result<Timestamp, DerError> {
        let octets = [&[tag, text.len().try_into().unwrap()], text.as_bytes()].concat();
        time(&mut Reader::new(&octets))
    }

    /// T-52: the switch, leap days and the last year.
    #[test]
    fn times() {
        check(UTC_TIME, "700101000000Z", "1970-01-01T00:00:00.000Z");
        check(UTC_TIME, "991231235959Z", "1999-12-31T23:59:59.000Z");
        check(UTC_TIME, "000229120000Z", "2000-02-29T12:00:00.000Z");
        check(UTC_TIME, "261123001707Z", "2026-11-23T00:17:07.000Z");
        check(UTC_TIME, "491231235959Z", "2049-12-31T23:59:59.000Z");
        check(GENERALIZED_TIME, "20500101000000Z", "2050-01-01T00:00:00.000Z");
        check(GENERALIZED_TIME, "99991231235959Z", "9999-12-31T23:59:59.000Z");
    }

    #[test]
    fn the_other_form() {
        check_refused(GENERALIZED_TIME, "20491231235959Z");
        check_refused(GENERALIZED_TIME, "20261123001707Z");
        check_refused(GENERALIZED_TIME, "19991231235959Z");
    }

    /// A UTCTime cannot write 2050: its `50` is 1950, which is before all that we read.
    #[test]
    fn before_1970() {
        check_refused(UTC_TIME, "500101000000Z");
        check_refused(UTC_TIME, "691231235959Z");
    }

    #[test]
    fn other_texts() {
        for text in [
            "",
            "2611230017Z",
            "261123001707",
            "261123001707+0000",
            "261123001707z",
            "2611230017 7Z",
            "261323001707Z",
            "260229000000Z",
            "261131000000Z",
            "261123240000Z",
            "261123006000Z",
            "261123001760Z",
            "2O1123001707Z",
        ] {
            check_refused(UTC_TIME, text);
        }
        for text in ["20500101000000.5Z", "205001010000Z", "20500101000000", "21000229000000Z", "100000101000000Z"] {
            check_refused(GENERALIZED_TIME, text);
        }
        check_refused(0x16, "261123001707Z");
    }
}

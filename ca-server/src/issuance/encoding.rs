//! Writes DER: elements within elements, and times. Knows X.690 and RFC 5280's forms of time; knows no certificate.
//!
//! A leaf is about thirty elements, most of them the same in every leaf. Written this way it costs about a microsecond;
//! x509-cert's builder, which makes and encodes a tree of owned values, costs eight, and a CRL of 100,000 entries 150 ms
//! instead of a few. That both write the same octets is a test.

use identity::Timestamp;
use time::OffsetDateTime;

/// DER that grows at its end.
#[derive(Debug, Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// Room for `octets` without moving.
    pub(super) fn with_capacity(octets: usize) -> Self {
        Self(Vec::with_capacity(octets))
    }

    /// What was written.
    pub(super) fn into_octets(self) -> Vec<u8> {
        self.0
    }

    /// Elements that are encoded already.
    pub(super) fn raw(&mut self, elements: &[u8]) -> &mut Self {
        self.0.extend_from_slice(elements);
        self
    }

    /// One element with this content.
    pub(super) fn element(&mut self, tag: u8, content: &[u8]) -> &mut Self {
        self.header(tag, content.len());
        self.raw(content)
    }

    /// One element whose content `write` writes.
    pub(super) fn nested(&mut self, tag: u8, write: impl FnOnce(&mut Self)) -> &mut Self {
        self.0.push(tag);
        let at = self.0.len();
        // Most elements have a length of one octet; a longer one moves what was written.
        self.0.push(0);
        write(self);
        let length = length(self.0.len() - at - 1);
        self.0.splice(at..=at, length.as_slice().iter().copied());
        self
    }

    /// Tag and length of an element whose content follows.
    pub(super) fn header(&mut self, tag: u8, octets: usize) -> &mut Self {
        self.0.push(tag);
        self.raw(length(octets).as_slice())
    }

    /// A point in time, to the second, in the form of RFC 5280, section 4.1.2.5: UTCTime until 2049, then
    /// GeneralizedTime, always with seconds and `Z`.
    pub(super) fn time(&mut self, time: Timestamp) -> &mut Self {
        let time = Time::of(time);
        self.raw(time.element())
    }
}

/// The octets of a length: X.690, section 8.1.3, and 10.1 for its one form in DER.
struct Length {
    octets: [u8; MAX_LENGTH_OCTETS],
    from: usize,
}

impl Length {
    fn as_slice(&self) -> &[u8] {
        self.octets.get(self.from..).unwrap_or_default()
    }
}

fn length(content: usize) -> Length {
    let [.., o0, o1, o2, o3] = content.to_be_bytes();
    let (octets, from) = match (o0, o1, o2, o3) {
        (0, 0, 0, 0..=0x7f) => ([0, 0, 0, 0, o3], 4),
        (0, 0, 0, _) => ([0, 0, 0, 0x81, o3], 3),
        (0, 0, _, _) => ([0, 0, 0x82, o2, o3], 2),
        (0, _, _, _) => ([0, 0x83, o1, o2, o3], 1),
        _ => ([0x84, o0, o1, o2, o3], 0),
    };
    Length { octets, from }
}

/// A Time, encoded.
#[derive(Clone, Copy)]
pub(super) struct Time {
    octets: [u8; GENERALIZED_TIME_OCTETS],
    from: usize,
    day: u64,
}

impl Time {
    /// Encodes a time.
    pub(super) fn of(time: Timestamp) -> Self {
        let day = time.seconds() / DAY_SECONDS;
        // Every `Timestamp` lies in the years 1970 to 9999, which the calendar of `time` covers.
        let date = i64::try_from(time.seconds())
            .ok()
            .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let year = u64::try_from(date.year()).unwrap_or_default();
        let [c0, c1] = digits(year / 100);
        let [y0, y1] = digits(year % 100);
        let [m0, m1] = digits(u64::from(u8::from(date.month())));
        let [d0, d1] = digits(u64::from(date.day()));
        let (head, from) =
            if year < FIRST_GENERALIZED_YEAR { ([0, 0, UTC_TIME, 13], 2) } else { ([GENERALIZED_TIME, 15, c0, c1], 0) };
        let [t0, t1, t2, t3] = head;
        let octets = [t0, t1, t2, t3, y0, y1, m0, m1, d0, d1, 0, 0, 0, 0, 0, 0, b'Z'];
        Self { octets, from, day }.at(time)
    }

    /// Another time, encoded; on the same day only the time of day is written anew. Revocations come in bursts.
    pub(super) fn then(self, time: Timestamp) -> Self {
        if time.seconds() / DAY_SECONDS == self.day { self.at(time) } else { Self::of(time) }
    }

    /// How many octets the element of a time has: 15, and 17 from 2050 on.
    pub(super) const fn octets(time: Timestamp) -> usize {
        if time.seconds() < FIRST_GENERALIZED_SECOND { GENERALIZED_TIME_OCTETS - 2 } else { GENERALIZED_TIME_OCTETS }
    }

    /// The element.
    pub(super) fn element(&self) -> &[u8] {
        self.octets.get(self.from..).unwrap_or_default()
    }

    fn at(mut self, time: Timestamp) -> Self {
        let second = time.seconds() % DAY_SECONDS;
        let [h0, h1] = digits(second / 3600);
        let [m0, m1] = digits(second / 60 % 60);
        let [s0, s1] = digits(second % 60);
        let [.., a, b, c, d, e, f, _] = &mut self.octets;
        (*a, *b, *c, *d, *e, *f) = (h0, h1, m0, m1, s0, s1);
        self
    }
}

/// Two decimal digits of a number below 100.
fn digits(number: u64) -> [u8; 2] {
    let digit = |value: u64| b'0' + u8::try_from(value % 10).unwrap_or_default();
    [digit(number / 10), digit(number)]
}

/// INTEGER: X.690, section 8.3.
pub(super) const INTEGER: u8 = 0x02;
/// BIT STRING: X.690, section 8.6.
pub(super) const BIT_STRING: u8 = 0x03;
/// OCTET STRING: X.690, section 8.7.
pub(super) const OCTET_STRING: u8 = 0x04;
/// UTF8String: X.690, section 8.23.
pub(super) const UTF8_STRING: u8 = 0x0c;
/// SEQUENCE: X.690, section 8.9.
pub(super) const SEQUENCE: u8 = 0x30;
/// SET: X.690, section 8.11.
pub(super) const SET: u8 = 0x31;

/// The context-specific tag `number` of an element that holds elements.
pub(super) const fn constructed(number: u8) -> u8 {
    0xa0 | number
}

/// The context-specific tag `number` of an element that holds none.
pub(super) const fn primitive(number: u8) -> u8 {
    0x80 | number
}

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// Tag, length, `YYYYMMDDHHMMSSZ`.
const GENERALIZED_TIME_OCTETS: usize = 17;
/// RFC 5280, section 4.1.2.5: dates in 2050 or later are GeneralizedTime.
const FIRST_GENERALIZED_YEAR: u64 = 2050;
/// 2050-01-01T00:00:00Z in seconds since 1970.
const FIRST_GENERALIZED_SECOND: u64 = 2_524_608_000;
const DAY_SECONDS: u64 = 24 * 3600;
/// A length that takes four octets, and the octet that says so: up to 4 GiB.
const MAX_LENGTH_OCTETS: usize = 5;

#[cfg(test)]
mod tests {
    use der::asn1::{GeneralizedTime, UtcTime};
    use der::{DateTime, Encode};
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check_length(content: usize, header: &[u8]) {
        let octets = vec![7; content];
        let mut written = Writer::default();
        written.element(OCTET_STRING, &octets);
        let written = written.into_octets();
        assert_eq!(&written[..header.len()], header);
        assert_eq!(written.len(), header.len() + content);
        let mut nested = Writer::default();
        nested.nested(OCTET_STRING, |writer| {
            writer.raw(&octets);
        });
        assert_eq!(nested.into_octets(), written);
    }

    #[test]
    fn a_length_takes_as_few_octets_as_it_can() {
        check_length(0, &[4, 0]);
        check_length(0x7f, &[4, 0x7f]);
        check_length(0x80, &[4, 0x81, 0x80]);
        check_length(0xff, &[4, 0x81, 0xff]);
        check_length(0x100, &[4, 0x82, 1, 0]);
        check_length(0xffff, &[4, 0x82, 0xff, 0xff]);
        check_length(0x1_0000, &[4, 0x83, 1, 0, 0]);
        check_length(0xff_ffff, &[4, 0x83, 0xff, 0xff, 0xff]);
        check_length(0x100_0000, &[4, 0x84, 1, 0, 0, 0]);
    }

    /// What the der crate writes.
    fn oracle(time: Timestamp) -> Vec<u8> {
        let time = DateTime::from_unix_duration(std::time::Duration::from_secs(time.seconds())).unwrap();
        match UtcTime::from_date_time(time) {
            Ok(time) => time.to_der().unwrap(),
            Err(_) => GeneralizedTime::from_date_time(time).to_der().unwrap(),
        }
    }

    #[track_caller]
    fn check_time(text: &str, expected: &[u8]) {
        let time: Timestamp = text.parse().unwrap();
        assert_eq!(Time::of(time).element(), expected);
        assert_eq!(oracle(time), expected);
        assert_eq!(Time::octets(time), expected.len());
    }

    #[test]
    fn times_change_their_form_in_2050() {
        check_time("1970-01-01T00:00:00.000Z", b"\x17\x0d700101000000Z");
        check_time("2026-11-23T00:17:07.999Z", b"\x17\x0d261123001707Z");
        check_time("2028-02-29T23:59:59.000Z", b"\x17\x0d280229235959Z");
        check_time("2049-12-31T23:59:59.999Z", b"\x17\x0d491231235959Z");
        check_time("2050-01-01T00:00:00.000Z", b"\x18\x0f20500101000000Z");
        check_time("9999-12-31T23:59:59.000Z", b"\x18\x0f99991231235959Z");
    }

    proptest! {
        #[test]
        fn times_are_those_of_the_der_crate(first in 0..253_402_300_800_u64, then in 0..253_402_300_800_u64, near in 0..200_000_u64) {
            let [first, then, near] = [first, then, (first + near).min(253_402_300_799)]
                .map(|seconds| Timestamp::from_seconds(seconds).unwrap());
            prop_assert_eq!(Time::of(first).element().to_vec(), oracle(first));
            prop_assert_eq!(Time::octets(first), oracle(first).len());
            prop_assert_eq!(Time::of(first).then(then).element().to_vec(), oracle(then));
            prop_assert_eq!(Time::of(first).then(near).element().to_vec(), oracle(near));
        }
    }
}

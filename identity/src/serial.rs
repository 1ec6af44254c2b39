//! A certificate's serial number. Knows its form and its limits; knows no clock and no random source.

use std::fmt;
use std::str::FromStr;

use crate::lower_hex::{self, HexError};
use crate::timestamp::Timestamp;

/// A serial number: 16 octets, positive. The first 6 are the milliseconds since 1970 at which it was made, the last 10
/// come from the CSPRNG: 80 bits where the CA/Browser Forum's baseline requirements (7.1) ask for 64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial([u8; SERIAL_OCTETS]);

/// Why octets, a text or a time make no serial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SerialError {
    /// RFC 5280 4.1.2.2: the serial number is positive, so the first bit of its 16 octets is 0.
    #[error("the serial is negative: its first octet is {first:#04x}")]
    Negative {
        /// The first octet.
        first: u8,
    },
    /// RFC 5280 4.1.2.2: the serial number is not zero.
    #[error("the serial is zero")]
    Zero,
    /// The content of an INTEGER has no octet, or more than [`SERIAL_OCTETS`].
    #[error("the serial has {found} octets, not 1 to {limit}")]
    Length {
        /// [`SERIAL_OCTETS`].
        limit: usize,
        /// Octets of the content.
        found: usize,
    },
    /// X.690 8.3.2: an INTEGER has the shortest form.
    #[error("the serial is an INTEGER with a needless zero octet in front")]
    Padded,
    /// The text is not 32 lower-case hex digits.
    #[error("the serial is not lower-case hex")]
    Hex(#[from] HexError),
    /// The time does not fit the 47 bits that a positive serial has for it (in the year 6429).
    #[error("a serial holds times up to {limit} ms, not {found} ms")]
    TimeTooLate {
        /// Most milliseconds that fit.
        limit: u64,
        /// Milliseconds asked for.
        found: u64,
    },
}

impl Serial {
    /// A new serial, of this moment and these octets from the CSPRNG.
    ///
    /// # Errors
    /// [`SerialError::TimeTooLate`] from the year 6429 on.
    pub fn new(now: Timestamp, random: [u8; RANDOM_OCTETS]) -> Result<Self, SerialError> {
        let millis = now.millis();
        if millis > MAX_SERIAL_MILLIS {
            return Err(SerialError::TimeTooLate { limit: MAX_SERIAL_MILLIS, found: millis });
        }
        let [_, _, m0, m1, m2, m3, m4, m5] = millis.to_be_bytes();
        let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9] = random;
        Self::from_bytes([m0, m1, m2, m3, m4, m5, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9])
    }

    /// The serial with these octets.
    ///
    /// # Errors
    /// [`SerialError::Negative`] or [`SerialError::Zero`].
    pub fn from_bytes(octets: [u8; SERIAL_OCTETS]) -> Result<Self, SerialError> {
        let [first, ..] = octets;
        if first >= 0x80 {
            return Err(SerialError::Negative { first });
        }
        if octets == [0; SERIAL_OCTETS] {
            return Err(SerialError::Zero);
        }
        Ok(Self(octets))
    }

    /// The serial from the content of a DER INTEGER, which has no leading zero octets that it does not need.
    ///
    /// # Errors
    /// [`SerialError`] when the number is not positive, is longer than 16 octets or is not in its shortest form.
    pub fn from_der_content(content: &[u8]) -> Result<Self, SerialError> {
        let length = SerialError::Length { limit: SERIAL_OCTETS, found: content.len() };
        match content {
            [first, ..] if *first >= 0x80 => return Err(SerialError::Negative { first: *first }),
            [0, second, ..] if *second < 0x80 => return Err(SerialError::Padded),
            _ => {}
        }
        let mut octets = [0; SERIAL_OCTETS];
        let start = SERIAL_OCTETS.checked_sub(content.len()).ok_or(length)?;
        if content.is_empty() {
            return Err(length);
        }
        octets.get_mut(start..).ok_or(length)?.copy_from_slice(content);
        Self::from_bytes(octets)
    }

    /// The content of this serial's DER INTEGER: no needless leading zero octets, and one where the next octet's first
    /// bit is set (X.690 8.3.2). At most 16 octets, where RFC 5280 4.1.2.2 allows 20.
    #[must_use]
    pub fn der_content(&self) -> &[u8] {
        let mut content: &[u8] = &self.0;
        while let [0, rest @ ..] = content
            && rest.first().is_some_and(|second| *second < 0x80)
        {
            content = rest;
        }
        content
    }

    /// The 16 octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; SERIAL_OCTETS] {
        &self.0
    }

    /// Milliseconds since 1970 at which the serial was made: what its first 6 octets say.
    #[must_use]
    pub const fn issued_millis(&self) -> u64 {
        let [m0, m1, m2, m3, m4, m5, ..] = self.0;
        u64::from_be_bytes([0, 0, m0, m1, m2, m3, m4, m5])
    }
}

impl FromStr for Serial {
    type Err = SerialError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_bytes(lower_hex::parse(text)?)
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        lower_hex::write(&self.0, f)
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Octets of a serial. RFC 5280 4.1.2.2 allows 20; design 4 sets 16.
pub const SERIAL_OCTETS: usize = 16;

/// Octets of a serial that come from the CSPRNG (design 4).
pub const RANDOM_OCTETS: usize = 10;

/// Most milliseconds that fit 6 octets whose first bit is 0.
const MAX_SERIAL_MILLIS: u64 = (1 << 47) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_der(octets: [u8; 16], content: &[u8]) {
        let serial = Serial::from_bytes(octets).unwrap();
        assert_eq!(serial.der_content(), content);
        assert_eq!(Serial::from_der_content(content), Ok(serial));
    }

    #[track_caller]
    fn check_der_refused(content: &[u8], error: SerialError) {
        assert_eq!(Serial::from_der_content(content), Err(error));
    }

    #[test]
    fn is_time_then_random() {
        let now = Timestamp::from_millis(0x01a0_1234_5678).unwrap();
        let serial = Serial::new(now, [0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
        assert_eq!(serial.to_string(), "01a012345678ff010203040506070809");
        assert_eq!(format!("{serial:?}"), serial.to_string());
        assert_eq!(serial.issued_millis(), now.millis());
        assert_eq!(serial.to_string().parse(), Ok(serial));
    }

    #[test]
    fn time_that_would_make_it_negative_is_refused() {
        let last = Timestamp::from_millis((1 << 47) - 1).unwrap();
        assert!(Serial::new(last, [0; 10]).is_ok());
        let late = Timestamp::from_millis(1 << 47).unwrap();
        let error = SerialError::TimeTooLate { limit: (1 << 47) - 1, found: 1 << 47 };
        assert_eq!(Serial::new(late, [0; 10]), Err(error));
    }

    #[test]
    fn is_positive() {
        let mut octets = [0; 16];
        assert_eq!(Serial::from_bytes(octets), Err(SerialError::Zero));
        for first in 0..=255 {
            octets[0] = first;
            octets[15] = 1;
            let expected = if first < 0x80 { Ok(Serial(octets)) } else { Err(SerialError::Negative { first }) };
            assert_eq!(Serial::from_bytes(octets), expected);
        }
    }

    #[test]
    fn der_has_the_shortest_form() {
        let mut octets = [0; 16];
        octets[15] = 1;
        check_der(octets, &[1]);
        octets[15] = 0x80;
        check_der(octets, &[0, 0x80]);
        check_der([0x7f; 16], &[0x7f; 16]);
        octets[1] = 0x80;
        check_der(octets, &octets);
    }

    #[test]
    fn refuses_other_integers() {
        check_der_refused(&[], SerialError::Length { limit: 16, found: 0 });
        check_der_refused(&[0], SerialError::Zero);
        check_der_refused(&[0x80], SerialError::Negative { first: 0x80 });
        check_der_refused(&[0, 1], SerialError::Padded);
        check_der_refused(&[1; 17], SerialError::Length { limit: 16, found: 17 });
    }

    #[test]
    fn refuses_other_texts() {
        let upper = "01A012345678ff010203040506070809".parse::<Serial>();
        assert_eq!(upper, Err(HexError::NotLowerHex { octet: b'A', position: 2 }.into()));
        let short = "01a0".parse::<Serial>();
        assert_eq!(short, Err(HexError::WrongLength { expected: 32, found: 4 }.into()));
        let negative = "80000000000000000000000000000000".parse::<Serial>();
        assert_eq!(negative, Err(SerialError::Negative { first: 0x80 }));
    }
}

//! Fixed-length octets as lower-case hex text. Knows the one text form; does not know what the octets mean.

use std::fmt;

/// Why a text is not the lower-case hex of a fixed number of octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HexError {
    /// The text has another length than twice the number of octets.
    #[error("expected {expected} hex digits, found {found} octets")]
    WrongLength {
        /// Digits that the type has.
        expected: usize,
        /// Octets of the text.
        found: usize,
    },
    /// A character is not one of `0-9a-f`. Upper case is refused: one value has one text.
    #[error("octet {octet:#04x} at position {position} is not a lower-case hex digit")]
    NotLowerHex {
        /// The first octet that is not a digit.
        octet: u8,
        /// Its position, from 0.
        position: usize,
    },
}

/// Writes `octets` as lower-case hex.
pub(crate) fn write(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.pad(&hex::encode(octets))
}

/// Reads exactly `N` octets from exactly `2 * N` lower-case digits.
pub(crate) fn parse<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    let digits = text.as_bytes();
    let wrong_length = HexError::WrongLength { expected: N.saturating_mul(2), found: digits.len() };
    if digits.len() != N.saturating_mul(2) {
        return Err(wrong_length);
    }
    let is_lower_hex = |octet: &u8| matches!(octet, b'0'..=b'9' | b'a'..=b'f');
    if let Some((position, octet)) = digits.iter().enumerate().find(|(_, octet)| !is_lower_hex(octet)) {
        return Err(HexError::NotLowerHex { octet: *octet, position });
    }
    let mut octets = [0; N];
    hex::decode_to_slice(digits, &mut octets).map_err(|_| wrong_length)?;
    Ok(octets)
}

/// `Display`, `Debug` and `FromStr` of a newtype over `[u8; N]` whose every value is allowed: lower-case hex.
macro_rules! lower_hex_text {
    ($name:ident, $octets:expr) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                crate::lower_hex::write(&self.0, f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::lower_hex::HexError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                crate::lower_hex::parse::<$octets>(text).map(Self)
            }
        }

        impl $name {
            /// The value with these octets.
            #[must_use]
            pub const fn from_bytes(octets: [u8; $octets]) -> Self {
                Self(octets)
            }

            /// The octets.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $octets] {
                &self.0
            }
        }
    };
}
pub(crate) use lower_hex_text;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lower_case_of_the_exact_length() {
        assert_eq!(parse::<3>("00ff7a"), Ok([0x00, 0xff, 0x7a]));
    }

    #[test]
    fn refuses_another_length() {
        assert_eq!(parse::<3>("00ff7"), Err(HexError::WrongLength { expected: 6, found: 5 }));
        assert_eq!(parse::<3>("00ff7a0"), Err(HexError::WrongLength { expected: 6, found: 7 }));
        assert_eq!(parse::<3>(""), Err(HexError::WrongLength { expected: 6, found: 0 }));
    }

    #[test]
    fn every_octet_in_every_position_is_a_digit_or_refused() {
        for position in 0..4 {
            for octet in 0..=127_u8 {
                let mut text = *b"5a5a";
                text[position] = octet;
                let parsed = parse::<2>(std::str::from_utf8(&text).unwrap());
                let digit = b"0123456789abcdef".contains(&octet);
                let expected = Err(HexError::NotLowerHex { octet, position });
                assert!(
                    if digit { parsed.is_ok() } else { parsed == expected },
                    "{octet:#x} at {position}: {parsed:?}"
                );
            }
        }
    }

    #[test]
    fn refuses_characters_of_more_than_one_octet() {
        assert_eq!(parse::<1>("é"), Err(HexError::NotLowerHex { octet: 0xc3, position: 0 }));
    }
}

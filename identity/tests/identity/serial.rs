//! T-37: a million serials are distinct and positive, fit RFC 5280, and hold each random octet where it belongs.

use identity::{Serial, Sha256Hash, Timestamp};
use proptest::prelude::*;

const COUNT: u32 = 1_000_000;

/// Ten octets that look random: of a hash over a counter, so that each run is the same.
fn random(counter: u32) -> [u8; 10] {
    Sha256Hash::of(&counter.to_be_bytes()).as_bytes()[..10].try_into().unwrap()
}

/// Made in batches of 1,000 in the same millisecond, as a busy server would.
#[test]
fn a_million() {
    let start = Timestamp::from_seconds(1_795_393_027).unwrap().millis();
    let mut counts = [[0_u32; 256]; 10];
    let mut serials = Vec::with_capacity(COUNT as usize);
    for counter in 0..COUNT {
        let now = Timestamp::from_millis(start + u64::from(counter / 1_000)).unwrap();
        let serial = Serial::new(now, random(counter)).unwrap();
        let octets = *serial.as_bytes();
        assert!(octets[0] < 0x80 && serial.der_content().len() <= 16 && serial.issued_millis() == now.millis());
        for (count, octet) in counts.iter_mut().zip(&octets[6..]) {
            count[usize::from(*octet)] += 1;
        }
        serials.push(octets);
    }
    serials.sort_unstable();
    serials.dedup();
    assert_eq!(serials.len(), COUNT as usize);
    for (position, count) in counts.iter().enumerate() {
        let chi_square = chi_square(count);
        assert!((LOWEST..HIGHEST).contains(&chi_square), "random octet {position}: chi-square {chi_square}");
    }
}

/// Of 256 counts, against all being equal.
fn chi_square(counts: &[u32; 256]) -> f64 {
    let expected = f64::from(COUNT) / 256.0;
    counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum()
}

/// With 255 degrees of freedom, one honest octet in a million is below or above (255 ± 4.9 × √510, skewed a little).
const LOWEST: f64 = 155.0;
const HIGHEST: f64 = 380.0;

#[test]
fn later_ones_are_larger() {
    let at = |millis, random| Serial::new(Timestamp::from_millis(millis).unwrap(), random).unwrap();
    assert!(at(1_795_393_027_001, [0; 10]) > at(1_795_393_027_000, [0xff; 10]));
}

/// The calls that a text or a certificate makes: every octet value in every position.
#[test]
fn every_octet_in_every_position() {
    let sample = [0x01, 0x80, 0, 0x7f, 0xff, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    for position in 0..16 {
        for octet in 0..=255 {
            let mut octets = sample;
            octets[position] = octet;
            let serial = Serial::from_bytes(octets);
            assert_eq!(serial.is_ok(), octets[0] < 0x80);
            let Ok(serial) = serial else { continue };
            assert_eq!(serial.to_string().parse(), Ok(serial));
            assert_eq!(Serial::from_der_content(serial.der_content()), Ok(serial));
        }
    }
}

proptest! {
    #![proptest_config(crate::cases(256))]

    /// A content is accepted exactly when it is the one that is written for some serial.
    #[test]
    fn content_is_canonical(content in prop::collection::vec(prop_oneof![Just(0_u8), Just(0x7f), Just(0x80), any::<u8>()], 0..19)) {
        match Serial::from_der_content(&content) {
            Ok(serial) => prop_assert_eq!(serial.der_content(), content),
            Err(_) => {
                let negative = content.first().is_some_and(|first| *first >= 0x80);
                let padded = matches!(content.as_slice(), [0, 0..0x80, ..]);
                prop_assert!(negative || padded || content.is_empty() || content.len() > 16 || content == [0]);
            }
        }
    }
}

//! When a certificate is renewed. Knows its life and its serial; knows no state.

use identity::{Serial, Timestamp};

/// The moment at which a certificate is due for renewal: half its life, give or take a tenth of it by its serial.
///
/// `from` is when its life really began: the time of its ledger entry, since notBefore is set back against clocks that are
/// slow. The serial's last eight octets are random (design, section 4), so certificates that were issued in one second,
/// as after an outage, are spread over a fifth of their life when they come back.
#[must_use]
pub fn renewal_time(serial: Serial, from: Timestamp, not_after: Timestamp) -> Timestamp {
    let life = u64::try_from(not_after.since(from).as_millis()).unwrap_or(u64::MAX);
    let [.., a, b, c, d] = *serial.as_bytes();
    let random = u64::from(u32::from_be_bytes([a, b, c, d]));
    // From 40 % to 60 % of its life; `life` is far below 2^43, so nothing overflows before it is divided.
    let spread = (life / 5).saturating_mul(random) >> 32;
    let after = (life / 5).saturating_mul(2).saturating_add(spread);
    from.plus(std::time::Duration::from_millis(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + seconds).unwrap()
    }

    fn serial(last: [u8; 4]) -> Serial {
        let mut octets = [1; 16];
        octets[12..].copy_from_slice(&last);
        Serial::from_bytes(octets).unwrap()
    }

    #[track_caller]
    fn check(last: [u8; 4], life: u64, expected_millis: u64) {
        let time = renewal_time(serial(last), at(0), at(life));
        assert_eq!(time.since(at(0)).as_millis(), u128::from(expected_millis));
    }

    #[test]
    fn half_the_life_give_or_take_a_tenth() {
        check([0x00, 0, 0, 0], 3600, 1_440_000);
        check([0x80, 0, 0, 0], 3600, 1_800_000);
        check([0xff, 255, 255, 255], 3600, 2_159_999);
        check([0x80, 0, 0, 0], 60, 30_000);
        check([0xff, 255, 255, 255], 0, 0);
    }

    #[test]
    fn a_life_that_ends_before_it_began_is_due_at_once() {
        assert_eq!(renewal_time(serial([9; 4]), at(10), at(0)), at(10));
    }

    proptest::proptest! {
        #[test]
        fn always_in_the_middle_fifth(last in proptest::prelude::any::<[u8; 4]>(), life in 1_u64..315_576_000) {
            let after = renewal_time(serial(last), at(0), at(life)).since(at(0)).as_millis();
            let life = u128::from(life) * 1000;
            proptest::prop_assert!(after >= life * 2 / 5 && after <= life * 3 / 5);
        }
    }
}

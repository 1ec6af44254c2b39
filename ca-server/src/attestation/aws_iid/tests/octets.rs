//! Octets that nobody chose: whatever they are, they are refused by a name and in time, and nothing panics.

use pki_test_fixtures::cloud::message::lines;
use proptest::prelude::*;

use super::*;

static FIXTURE: LazyLock<(AwsAttestor, Vec<u8>)> = LazyLock::new(|| {
    let message = REGIONS.0.message(REGIONS.0.content(&instance()).as_bytes());
    (attestor(), message.ber())
});

fn is_attested(octets: &[u8]) -> bool {
    FIXTURE.0.attest(lines(octets).as_bytes(), now()).is_ok()
}

/// What no signature covers and nothing hangs on: which certificate the signer says is its.
fn is_signer_name(at: usize) -> bool {
    let (octets, name) = (&FIXTURE.1, pki_test_fixtures::cloud::message::issuer());
    let start = octets.windows(name.len()).position(|window| window == name).unwrap();
    // The name, and the serial number with its tag and length.
    (start..start + name.len() + 6).contains(&at)
}

#[test]
fn the_fixture_is_genuine() {
    assert!(is_attested(&FIXTURE.1));
}

/// Each bit of the message, one after the other.
#[test]
fn every_bit_counts() {
    for at in (0..FIXTURE.1.len()).filter(|at| !is_signer_name(*at)) {
        for bit in 0..8 {
            let mut other = FIXTURE.1.clone();
            other[at] ^= 1 << bit;
            assert!(!is_attested(&other), "bit {bit} of octet {at}");
        }
    }
}

/// Every value in every position of what is read before the content, and of the end.
#[test]
fn every_octet_in_the_frame() {
    let length = FIXTURE.1.len();
    for at in (0..60).chain(length - 6..length) {
        for octet in 0..=255 {
            let mut other = FIXTURE.1.clone();
            other[at] = octet;
            assert_eq!(is_attested(&other), other == FIXTURE.1, "{octet:#04x} at {at}");
        }
    }
}

/// A message that is cut off anywhere, or goes on, is none; in base64 likewise.
#[test]
fn every_length() {
    let (attestor, octets) = &*FIXTURE;
    for length in 0..octets.len() {
        assert!(!is_attested(&octets[..length]), "{length} octets");
    }
    let text = lines(octets);
    for length in (0..text.len()).filter(|length| text.as_bytes()[*length] != b'\n') {
        assert!(attestor.attest(&text.as_bytes()[..length], now()).is_err(), "{length} characters");
    }
    for octet in (0..=255_u8).filter(|octet| !matches!(octet, b'\r' | b'\n')) {
        assert!(attestor.attest(&[text.as_bytes(), &[octet]].concat(), now()).is_err(), "{octet:#04x} more");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_octets_are_a_document(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(FIXTURE.0.attest(&octets, now()).is_err());
        prop_assert!(!is_attested(&octets));
        prop_assert!(parse(&octets).is_err());
    }

    /// Bits at random, several at once.
    #[test]
    fn flipped_bits_are_noticed(bits in proptest::collection::btree_set(0..FIXTURE.1.len() * 8, 1..20)) {
        let mut other = FIXTURE.1.clone();
        for bit in &bits {
            other[bit / 8] ^= 1 << (bit % 8);
        }
        let harmless = bits.iter().all(|bit| is_signer_name(bit / 8));
        prop_assert!(harmless || !is_attested(&other));
    }

    /// Octets put in, taken out and moved about.
    #[test]
    fn cut_and_pasted(from in 0..FIXTURE.1.len(), length in 1..40_usize, to in 0..FIXTURE.1.len()) {
        let mut other = FIXTURE.1.clone();
        let end = (from + length).min(other.len());
        let cut: Vec<u8> = other.drain(from..end).collect();
        prop_assert!(!is_attested(&other) || (from..end).all(is_signer_name));
        let to = to.min(other.len());
        other.splice(to..to, cut);
        prop_assert!(other == FIXTURE.1 || !is_attested(&other) || (from.min(to)..end.max(to + length)).any(is_signer_name));
    }
}

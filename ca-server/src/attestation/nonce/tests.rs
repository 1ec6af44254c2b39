//! T-40: which nonces are taken, and by which name the others are refused.

use proptest::prelude::*;

use super::*;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + seconds).unwrap()
}

#[track_caller]
fn check(nonces: &Nonces, text: &str, now: Timestamp, wanted: Result<(), &str>) {
    let found = nonces.check(text, Some(text), now);
    assert_eq!(found.map(drop).map_err(|error| error.rule()), wanted);
}

#[test]
fn a_nonce_is_taken_for_five_minutes() {
    let nonces = Nonces::new().unwrap();
    let nonce = nonces.mint(at(0)).unwrap();
    assert_eq!((nonce.text.len(), nonce.expires), (NONCE_CHARACTERS, at(300)));
    check(&nonces, &nonce.text, at(0), Ok(()));
    check(&nonces, &nonce.text, at(299), Ok(()));
    check(&nonces, &nonce.text, at(300), Err("nonce-expired"));
    check(&nonces, &nonce.text, at(0).minus(Duration::from_millis(1)), Err("nonce-from-the-future"));
}

#[test]
fn the_challenge_of_the_request_must_be_the_nonce() {
    let nonces = Nonces::new().unwrap();
    let (nonce, other) = (nonces.mint(at(0)).unwrap().text, nonces.mint(at(0)).unwrap().text);
    assert_eq!(nonces.check(&nonce, None, at(0)), Err(NonceError::Missing));
    assert_eq!(nonces.check(&nonce, Some(&other), at(0)), Err(NonceError::Mismatch));
    assert_eq!(nonces.check(&nonce, Some(""), at(0)), Err(NonceError::Mismatch));
    assert_eq!(nonces.check(&nonce, Some(&nonce[..86]), at(0)), Err(NonceError::Mismatch));
}

#[test]
fn each_nonce_has_its_own_proof_and_keeps_it() {
    let nonces = Nonces::new().unwrap();
    let (nonce, other) = (nonces.mint(at(0)).unwrap().text, nonces.mint(at(0)).unwrap().text);
    let proof = |text: &str, now| nonces.check(text, Some(text), now).unwrap().proof();
    assert_eq!(proof(&nonce, at(0)), proof(&nonce, at(200)));
    assert_ne!(proof(&nonce, at(0)), proof(&other, at(0)));
    assert_eq!(nonces.check(&nonce, Some(&nonce), at(9)).unwrap().expires(), at(300));
}

#[test]
fn nonces_of_others_are_refused_by_name() {
    let (nonces, others) = (Nonces::new().unwrap(), Nonces::new().unwrap());
    let text = others.mint(at(0)).unwrap().text;
    check(&nonces, &text, at(0), Err("nonce-of-another-server"));
    check(&nonces, "", at(0), Err("nonce-malformed"));
    check(&nonces, "AAAA", at(0), Err("nonce-malformed"));
    check(&nonces, &"A".repeat(NONCE_CHARACTERS), at(0), Err("nonce-version"));
    check(&nonces, &"A".repeat(100_000), at(0), Err("nonce-malformed"));
    let ours = nonces.mint(at(0)).unwrap().text;
    check(&nonces, &ours[..NONCE_CHARACTERS - 1], at(0), Err("nonce-malformed"));
    check(&nonces, &format!("{ours}A"), at(0), Err("nonce-malformed"));
    check(&nonces, &format!("{ours}="), at(0), Err("nonce-malformed"));
    check(&nonces, &ours.replacen(&ours[..1], "+", 1), at(0), Err("nonce-malformed"));
}

/// A nonce of another server with the name of our key is still not ours.
#[test]
fn the_name_of_the_key_is_not_the_key() {
    let (nonces, mut thief) = (Nonces::new().unwrap(), Nonces::new().unwrap());
    thief.key_name = nonces.key_name;
    check(&nonces, &thief.mint(at(0)).unwrap().text, at(0), Err("nonce-forged"));
}

/// Each bit counts, whichever it is.
#[test]
fn every_bit_flipped_is_refused() {
    let nonces = Nonces::new().unwrap();
    let octets = URL_SAFE_NO_PAD.decode(nonces.mint(at(0)).unwrap().text).unwrap();
    for bit in 0..octets.len() * 8 {
        let mut flipped = octets.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let text = URL_SAFE_NO_PAD.encode(flipped);
        let rule = match bit / 8 {
            0 => "nonce-version",
            1..=8 => "nonce-of-another-server",
            _ => "nonce-forged",
        };
        check(&nonces, &text, at(0), Err(rule));
    }
}

#[test]
fn debug_shows_no_key() {
    let nonces = Nonces::new().unwrap();
    assert!(format!("{nonces:?}").len() < 60, "{nonces:?}");
}

proptest! {
    /// Nothing that anybody writes is taken, and nothing panics.
    #[test]
    fn no_text_is_a_nonce(text in ".{0,100}") {
        let nonces = Nonces::new().unwrap();
        prop_assert!(nonces.check(&text, Some(&text), at(0)).is_err());
    }
}

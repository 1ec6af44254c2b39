//! Notes that are right, and every way of being wrong that T-84 lists.

use proptest::prelude::*;

use super::*;
use crate::testing::TestSigner;

/// Key and note of the example in C2SP signed-note: made by others, so it checks key id, format and algorithm at once.
const SPEC_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const SPEC_NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo \
    Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

fn signer() -> TestSigner {
    TestSigner::new("example.org/brevet", 1)
}

fn signed(text: &str) -> String {
    String::from_utf8(sign_note(text, &signer()).unwrap()).unwrap()
}

/// The last line of `signed`, with its newline.
fn signature_line(note: &str) -> String {
    note.lines().last().map(|line| format!("{line}\n")).unwrap()
}

fn open(note: &str) -> Result<String, NoteError> {
    Ok(Note::parse(note.as_bytes())?.verify(&[signer().verifier()])?.text().to_owned())
}

#[track_caller]
fn check_refused(note: &str, why: NoteError) {
    assert_eq!(open(note), Err(why));
}

#[track_caller]
fn check_opens(note: &str, text: &str) {
    assert_eq!(open(note).as_deref(), Ok(text));
}

#[test]
fn the_note_of_the_specification_verifies() {
    let key = VerifierKey::parse(SPEC_KEY).unwrap();
    let note = Note::parse(SPEC_NOTE.as_bytes()).unwrap().verify(&[&key]).unwrap();
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!((key.name(), key.key_id()), ("example.com/foo", 0x530d_903a));
    assert_eq!(key.to_string(), SPEC_KEY);
}

#[test]
fn what_is_signed_verifies() {
    for text in ["\n", "one\n", "one\n\ntwo\n", "one\n\n\n", "\u{2014} x y\n"] {
        check_opens(&signed(text), text);
    }
}

#[test]
fn unknown_signatures_are_ignored() {
    let note = signed("text\n");
    let stranger = "\u{2014} witness.example/w1 AAAAAAECAwQ=\n";
    check_opens(&format!("{note}{stranger}"), "text\n");
    // Our name with another id, and our id with another name, are strangers too.
    check_opens(&format!("{note}\u{2014} example.org/brevet AAAAAAECAwQ=\n"), "text\n");
    let renamed = signature_line(&note).replace("example.org/brevet", "example.org/other");
    check_opens(&format!("{note}{renamed}"), "text\n");
    check_refused(&note.replace("example.org/brevet", "example.org/other"), NoteError::NoKnownSigner);
    check_refused(&format!("text\n\n{stranger}"), NoteError::NoKnownSigner);
}

#[test]
fn a_known_key_that_fails_spoils_the_note() {
    let note = signed("text\n");
    let bad = NoteError::BadSignature { name: "example.org/brevet".into(), key_id: signer().key_id() };
    check_refused(&note.replacen("text", "texts", 1), bad.clone());
    // Also when another known key has signed well.
    let second = TestSigner::new("example.org/second", 2);
    let both = format!("{note}{}", signature_line(&signed("other\n")));
    assert!(matches!(open(&both), Err(NoteError::SignedTwice { .. })));
    let good = String::from_utf8(sign_note("text\n", &second).unwrap()).unwrap();
    let mixed = format!("{good}{}", signature_line(&signed("other\n")));
    let opened = Note::parse(mixed.as_bytes()).unwrap().verify(&[second.verifier(), signer().verifier()]);
    assert_eq!(opened, Err(bad.clone()));
    // Too short and too long for an Ed25519 signature.
    let id = signer().key_id().to_be_bytes();
    for octets in [5, 67, 69] {
        let signature = STANDARD.encode([id.as_slice(), &vec![7; octets - 4]].concat());
        check_refused(&format!("text\n\n\u{2014} example.org/brevet {signature}\n"), bad.clone());
    }
}

#[test]
fn one_key_signs_once() {
    let note = signed("text\n");
    let twice = format!("{note}{}", signature_line(&note));
    check_refused(&twice, NoteError::SignedTwice { name: "example.org/brevet".into(), key_id: signer().key_id() });
}

#[test]
fn other_forms_of_the_same_note_are_refused() {
    let note = signed("text\n");
    check_refused(&note.replace('\n', "\r\n"), NoteError::ControlCharacter { octet: b'\r' });
    check_refused(&note.replacen("text", "te\tt", 1), NoteError::ControlCharacter { octet: b'\t' });
    check_refused(&note.replacen("text", "te\0t", 1), NoteError::ControlCharacter { octet: 0 });
    check_refused(note.trim_end(), NoteError::NoNewlineAtEnd);
    check_refused(&format!("{note}\n"), NoteError::NoSignatures);
    check_refused(&note.replacen("\n\n", "\n", 1), NoteError::NoSignatures);
    check_refused("text\n", NoteError::NoSignatures);
    check_refused("", NoteError::NoSignatures);
    check_refused(&note.replace("\u{2014} ", "- "), NoteError::SignatureLine);
    check_refused(&note.replace("\u{2014} ", "\u{2014}"), NoteError::SignatureLine);
    check_refused(&note.replace("\u{2014} ", "\u{2014}  "), NoteError::Name(NameError::Empty));
    check_refused(&format!("{note}and more\n"), NoteError::SignatureLine);
    let name = || "example.org/brevet".to_owned();
    check_refused(&note.replace("=\n", "\n"), NoteError::SignatureBase64 { name: name() });
    check_refused(&note.replace("=\n", "= \n"), NoteError::SignatureBase64 { name: name() });
    check_refused(
        "t\n\n\u{2014} example.org/brevet AAAAAA==\n",
        NoteError::SignatureTooShort { name: name(), found: 4 },
    );
    assert_eq!(Note::parse(b"\xff\n\n"), Err(NoteError::NotUtf8));
}

#[test]
fn limits_hold() {
    let long = "x".repeat(MAX_NOTE_OCTETS + 1);
    check_refused(&long, NoteError::TooLong { found: MAX_NOTE_OCTETS + 1, limit: MAX_NOTE_OCTETS });
    assert!(matches!(sign_note(&format!("{long}\n"), &signer()), Err(SignError::TooLong { .. })));
    let strangers = |count: usize| -> String {
        (0..count).map(|n| format!("\u{2014} witness.example/{n} AAAAAAECAwQ=\n")).collect()
    };
    check_opens(&format!("{}{}", signed("text\n"), strangers(MAX_SIGNATURES - 1)), "text\n");
    check_refused(
        &format!("{}{}", signed("text\n"), strangers(MAX_SIGNATURES)),
        NoteError::TooManySignatures { limit: MAX_SIGNATURES },
    );
}

#[test]
fn only_lines_of_text_are_signed() {
    assert!(matches!(sign_note("text", &signer()), Err(SignError::NoNewlineAtEnd)));
    assert!(matches!(sign_note("te\rxt\n", &signer()), Err(SignError::ControlCharacter { octet: b'\r' })));
}

/// Nothing but the very note opens with the very text: every octet is replaced by every value.
#[test]
fn every_octet_value_in_every_position() {
    let note = signed("a\nb\n").into_bytes();
    let key = signer();
    for position in 0..note.len() {
        for octet in 0..=u8::MAX {
            let mut changed = note.clone();
            changed[position] = octet;
            let opened = Note::parse(&changed).and_then(|note| note.verify(&[key.verifier()]));
            assert_eq!(opened.is_ok(), changed == note, "{octet:#04x} at {position}");
        }
    }
}

#[track_caller]
fn check_key_refused(text: &str, why: VerifierKeyError) {
    assert_eq!(VerifierKey::parse(text), Err(why));
}

#[test]
fn other_texts_are_no_verifier_keys() {
    check_key_refused("", VerifierKeyError::Form);
    check_key_refused("example.com/foo+530d903a", VerifierKeyError::Form);
    check_key_refused(&SPEC_KEY.replace("example.com/foo", ""), VerifierKeyError::Name(NameError::Empty));
    check_key_refused(&SPEC_KEY.replace("530d903a", "530D903A"), VerifierKeyError::KeyIdForm);
    check_key_refused(&SPEC_KEY.replace("530d903a", "530d903"), VerifierKeyError::KeyIdForm);
    check_key_refused(
        &SPEC_KEY.replace("530d903a", "530d903b"),
        VerifierKeyError::KeyId { stated: 0x530d_903b, computed: 0x530d_903a },
    );
    assert!(matches!(VerifierKey::parse(&SPEC_KEY.replace("foo", "fop")), Err(VerifierKeyError::KeyId { .. })));
    check_key_refused(&SPEC_KEY.replace("+Aeky", "+Beky"), VerifierKeyError::SignatureType { found: 0x05 });
    check_key_refused(SPEC_KEY.trim_end_matches('k'), VerifierKeyError::KeyForm);
    check_key_refused("a+00000000+AQ==", VerifierKeyError::KeyForm);
    check_key_refused(&format!("a+00000000+{}", "A".repeat(4000)), VerifierKeyError::KeyForm);
}

#[test]
fn every_octet_value_in_every_position_of_a_key() {
    let text = SPEC_KEY.as_bytes();
    for (position, octet) in (0..text.len()).flat_map(|position| (0..0x80).map(move |octet| (position, octet))) {
        let mut changed = text.to_vec();
        changed[position] = octet;
        let parsed = VerifierKey::parse(std::str::from_utf8(&changed).unwrap());
        assert_eq!(parsed.is_ok(), changed == text, "{octet:#04x} at {position}");
    }
}

#[test]
fn keys_for_which_anybody_can_sign_are_refused() {
    // The neutral element, and a y that is on no point.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert_eq!(VerifierKey::ed25519("a", &neutral), Err(VerifierKeyError::WeakKey));
    let mut off = [0; 32];
    off[0] = 2;
    assert_eq!(VerifierKey::ed25519("a", &off), Err(VerifierKeyError::NotAPoint));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        drop(Note::parse(&bytes));
        drop(VerifierKey::parse(&String::from_utf8_lossy(&bytes)));
    }

    #[test]
    fn arbitrary_lines_never_panic(text in "(\u{2014}|[ a+=/\n]|AAAA){0,40}") {
        drop(Note::parse(text.as_bytes()));
        drop(VerifierKey::parse(&text));
    }
}

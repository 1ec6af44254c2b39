//! Keys that rest and keys in use: sealed and opened again, refused when exposed, exchanged or damaged.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use identity::{KeyHash, KeyKind};
use zeroize::Zeroizing;

use super::*;
use crate::disk::RealDisk;

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.as_bytes().to_vec())).unwrap()
}

fn good() -> Passphrase {
    passphrase("correct horse battery")
}

#[test]
fn a_key_signs_what_both_implementations_verify() {
    for kind in KeyKind::ALL {
        let key = SoftwareKey::generate(kind).unwrap();
        let signature = key.sign(b"message").unwrap();
        assert_eq!(key.public_key().kind(), kind);
        key.public_key().verify(b"message", &signature).unwrap();
        key.public_key().verify_independently(b"message", &signature).unwrap();
    }
}

#[test]
fn a_sealed_key_opens_with_its_passphrase_only() {
    for kind in KeyKind::ALL {
        let key = SoftwareKey::generate(kind).unwrap();
        let sealed = SealedKey::seal(&key, &good()).unwrap();
        let opened = SealedKey::parse(sealed.as_pem().as_bytes()).unwrap().unseal(&good()).unwrap();
        assert_eq!(opened.public_key(), key.public_key());
        let refused = sealed.unseal(&passphrase("incorrect horse battery")).unwrap_err();
        assert!(matches!(refused, SealError::WrongPassphrase | SealError::Key(_)), "{refused:?}");
    }
}

#[test]
fn no_two_sealings_are_alike() {
    let key = SoftwareKey::generate(KeyKind::Ed25519).unwrap();
    assert_ne!(SealedKey::seal(&key, &good()).unwrap(), SealedKey::seal(&key, &good()).unwrap());
}

#[test]
fn nothing_secret_is_shown() {
    // T-70: what Debug prints may stand in a log.
    let key = SoftwareKey::generate(KeyKind::Ed25519).unwrap();
    let seed = key.to_pkcs8().unwrap();
    let sealed = SealedKey::seal(&key, &good()).unwrap();
    let shown = format!("{key:?} {:?} {sealed:?}", good());
    assert!(!shown.contains(&hex::encode(&seed[16..])) && !shown.contains("correct horse"), "{shown}");
    assert!(shown.contains(&key.public_key().hash().to_string()));
}

/// A sealed key with one thing in its parameters changed.
#[track_caller]
fn check_parameters(from: &[u8], to: &[u8], expected: &str) {
    let sealed = SealedKey::seal(&SoftwareKey::generate(KeyKind::Ed25519).unwrap(), &good()).unwrap();
    let (_, mut der) = der::pem::decode_vec(sealed.as_pem().as_bytes()).unwrap();
    let at = der.windows(from.len()).position(|window| window == from).unwrap();
    der[at..at + to.len()].copy_from_slice(to);
    let pem = der::pem::encode_string("ENCRYPTED PRIVATE KEY", der::pem::LineEnding::LF, &der).unwrap();
    let refused = SealedKey::parse(pem.as_bytes()).unwrap().unseal(&good()).unwrap_err();
    assert_eq!(refused.to_string(), expected);
}

#[test]
fn a_file_cannot_ask_for_more_than_is_allowed() {
    let cost =
        |cost: &str| format!("the key is sealed at a scrypt cost of {cost}; at most N 131072, r 8, p 10 are opened");
    // INTEGER N, r, p: 16384, 8, 5.
    check_parameters(b"\x02\x02\x40\x00\x02\x01\x08", b"\x02\x02\x40\x01\x02\x01\x08", &cost("N 16385, r 8, p 5"));
    check_parameters(b"\x02\x02\x40\x00\x02\x01\x08", b"\x02\x02\x40\x00\x02\x01\x7f", &cost("N 16384, r 127, p 5"));
    check_parameters(b"\x02\x01\x08\x02\x01\x05", b"\x02\x01\x08\x02\x01\x7f", &cost("N 16384, r 8, p 127"));
    check_parameters(b"\x02\x01\x08\x02\x01\x05", b"\x02\x01\x08\x02\x01\x00", &cost("N 16384, r 8, p 0"));
    // AES-128-CBC instead of AES-256-CBC.
    let scheme = "the key is sealed by other algorithms than PBES2 with scrypt and AES-256-CBC";
    check_parameters(b"\x60\x86\x48\x01\x65\x03\x04\x01\x2a", b"\x60\x86\x48\x01\x65\x03\x04\x01\x02", scheme);
}

#[test]
fn what_is_no_sealed_key_is_refused() {
    let refused = |pem: &[u8]| SealedKey::parse(pem).unwrap_err();
    let clear = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let clear_ec = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
    assert!(matches!(refused(clear.as_bytes()), SealError::NotEncrypted));
    assert!(matches!(refused(clear_ec.as_bytes()), SealError::NotEncrypted));
    assert!(matches!(refused(b""), SealError::Malformed));
    assert!(matches!(refused(b"\xff"), SealError::Malformed));
    assert!(matches!(refused(&[b'-'; 4097]), SealError::TooLong { octets: 4097, limit: 4096 }));
}

#[test]
fn damage_to_a_sealed_key_is_noticed() {
    let key = SoftwareKey::generate(KeyKind::Ed25519).unwrap();
    let sealed = SealedKey::seal(&key, &good()).unwrap();
    let (_, der) = der::pem::decode_vec(sealed.as_pem().as_bytes()).unwrap();
    // Every eighth octet: each costs a scrypt.
    for at in (0..der.len()).step_by(8) {
        let mut damaged = der.clone();
        damaged[at] ^= 0x10;
        let pem = der::pem::encode_string("ENCRYPTED PRIVATE KEY", der::pem::LineEnding::LF, &damaged).unwrap();
        let opened = SealedKey::parse(pem.as_bytes()).and_then(|sealed| sealed.unseal(&good()));
        // CBC lets some damage through to the key itself: then it is another key, which `expect` refuses.
        let noticed = opened.map(|opened| opened.expect(key.public_key().hash()).is_err()).unwrap_or(true);
        assert!(noticed, "octet {at}");
    }
}

#[test]
fn other_private_keys_are_refused() {
    let p384 = aws_lc_rs::signature::EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P384_SHA384_ASN1_SIGNING);
    let pkcs8 = p384.unwrap().to_pkcs8v1().unwrap();
    assert!(matches!(SoftwareKey::from_pkcs8(pkcs8.as_ref()), Err(KeyError::Rejected { .. })));
    // The public half of another key.
    let (mine, other) = (SoftwareKey::generate(KeyKind::P256).unwrap(), SoftwareKey::generate(KeyKind::P256).unwrap());
    let mut mixed = mine.to_pkcs8().unwrap();
    let spki = other.public_key().spki_der();
    let at = mixed.len() - 64;
    mixed[at..].copy_from_slice(&spki[spki.len() - 64..]);
    assert!(matches!(SoftwareKey::from_pkcs8(&mixed), Err(KeyError::Rejected { .. })));
}

#[test]
fn a_key_file_is_private_and_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let disk = RealDisk::take(dir.path()).unwrap();
    let name = KeyName::issuer(1);
    let key = create(&disk, &name, KeyKind::P256, &good()).unwrap();
    let mode = fs::metadata(dir.path().join("keys/issuer-1.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(matches!(create(&disk, &name, KeyKind::P256, &good()), Err(KeyFileError::Exists { .. })));
    let again = open(&disk, &name, &good(), key.public_key().hash()).unwrap();
    assert_eq!(again.public_key(), key.public_key());
}

#[test]
fn only_the_key_that_the_ledger_names_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let disk = RealDisk::take(dir.path()).unwrap();
    let key = create(&disk, &KeyName::root(), KeyKind::Ed25519, &good()).unwrap();
    let expected = KeyHash::of(b"another key");
    let refused = open(&disk, &KeyName::root(), &good(), expected).unwrap_err();
    let KeyFileError::Key { source: KeyError::OtherKey { found, .. }, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(found, key.public_key().hash());
    let refused = open(&disk, &KeyName::ledger(), &good(), expected).unwrap_err();
    assert!(matches!(refused, KeyFileError::Missing { .. }), "{refused:?}");
}

#[test]
fn a_keys_name_cannot_leave_its_directory() {
    for text in ["", "..", "../root", "a/b", "Root", "1", "-a", "a.key", &"a".repeat(65)] {
        assert_eq!(text.parse::<KeyName>(), Err(KeyNameError), "{text:?}");
    }
    for text in ["root", "issuer-1", "ledger", "admin-2a"] {
        assert_eq!(text.parse::<KeyName>().unwrap().to_string(), text);
    }
}

struct File {
    dir: tempfile::TempDir,
}

impl File {
    fn with(content: &[u8], mode: u32) -> Self {
        let file = Self { dir: tempfile::tempdir().unwrap() };
        fs::write(file.path(), content).unwrap();
        fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
        file
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("passphrase")
    }
}

#[track_caller]
fn check_passphrase(content: &[u8], expected: &[u8]) {
    let file = File::with(content, 0o600);
    assert_eq!(Passphrase::from_file(&file.path()).unwrap().octets(), expected);
}

#[test]
fn a_passphrase_is_the_one_line_of_its_file() {
    check_passphrase(b"correct horse battery", b"correct horse battery");
    check_passphrase(b"correct horse battery\n", b"correct horse battery");
    check_passphrase(b"correct horse battery\r\n", b"correct horse battery");
    check_passphrase(b" correct horse battery \n", b" correct horse battery ");
    check_passphrase(&[b'a'; 1023], &[b'a'; 1023]);
    check_passphrase(b"\xf0\x9f\x90\xb4 is a horse too\n", b"\xf0\x9f\x90\xb4 is a horse too");
}

#[track_caller]
fn check_no_passphrase(content: &[u8], mode: u32, expected: &str) {
    let file = File::with(content, mode);
    let refused = Passphrase::from_file(&file.path()).unwrap_err().to_string();
    assert_eq!(refused.replace(&file.path().display().to_string(), "FILE"), expected);
}

#[test]
fn a_passphrase_that_others_may_read_is_refused() {
    let exposed = |mode: &str, fix: &str| {
        format!("the passphrase file FILE has mode {mode}, and nobody else may have a right to it: chmod {fix} it")
    };
    for (mode, text, fix) in
        [(0o640, "0640", "0600"), (0o604, "0604", "0600"), (0o610, "0610", "0600"), (0o444, "0444", "0400")]
    {
        check_no_passphrase(b"correct horse battery", mode, &exposed(text, fix));
    }
}

#[test]
fn a_weak_or_broken_passphrase_is_refused() {
    let length = |octets: usize| format!("the passphrase has {octets} octets, 15 to 1023 are allowed");
    check_no_passphrase(b"", 0o600, &length(0));
    check_no_passphrase(b"fourteen octet\n", 0o600, &length(14));
    check_no_passphrase(&[b'a'; 1024], 0o600, &length(1024));
    check_no_passphrase(&[b'a'; 5000], 0o600, &length(1026));
    let several = "the passphrase has a line break or NUL within it";
    check_no_passphrase(b"correct horse\nbattery staple\n", 0o600, several);
    check_no_passphrase(b"correct horse\0battery staple\n", 0o600, several);
}

#[test]
fn a_credential_may_be_readable_by_its_group() {
    let file = File::with(b"correct horse battery", 0o440);
    let read = |name: &str| Passphrase::from_credential(file.dir.path(), name);
    assert_eq!(read("passphrase").unwrap().octets(), b"correct horse battery");
    fs::set_permissions(file.path(), Permissions::from_mode(0o444)).unwrap();
    assert!(matches!(read("passphrase"), Err(PassphraseError::Exposed { mode: 0o444, fix: 0o440, .. })));
    for name in ["", "..", "../passphrase", ".hidden", "a/b"] {
        assert!(matches!(read(name), Err(PassphraseError::CredentialName { .. })), "{name:?}");
    }
    assert!(matches!(read("missing"), Err(PassphraseError::Unreadable { .. })));
    fs::create_dir(file.dir.path().join("directory")).unwrap();
    fs::set_permissions(file.dir.path().join("directory"), Permissions::from_mode(0o700)).unwrap();
    assert!(matches!(read("directory"), Err(PassphraseError::NotAFile { .. })));
}

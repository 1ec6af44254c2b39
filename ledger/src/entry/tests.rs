//! Entries of every kind, written, read and damaged.

use super::*;

const SALT: &str = "AAECAwQFBgcICQoLDA0ODw==";
const HEX16: &str = "0190000000000000000000000000aaaa";
const HEX20: &str = "00112233445566778899aabbccddeeff00112233";
const HEX32: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn entry(kind: &str, body: &str) -> String {
    format!(
        r#"{{"v":1,"kind":"{kind}","time":"2026-11-23T08:00:00.000Z","actor":"host:{HEX16}","request":"{HEX16}","salt":"{SALT}","body":{body}}}"#
    )
}

fn samples() -> Vec<(Kind, String)> {
    let time = "2026-11-23T08:00:00.000Z";
    let certificate = format!(
        r#"{{"subject":{{"agent":{{"host":"{HEX16}","agent":"web"}}}},"spiffe_id":"spiffe://example.org/host/a/agent/web","serial":"{HEX16}","issuer":"{HEX20}","key":"{HEX32}","not_before":"{time}","not_after":"{time}","profile":"p","policy":5,"rules":["r"],"evidence":{{"attestor":"join-token","proof":"{HEX32}","proof_until":"{time}","nonce":"{HEX32}","nonce_until":"{time}","claims":{{"a":true,"l":["x"],"n":7,"name":"x"}}}},"supersedes":"{HEX16}","cutoff":"{time}","revoke_at_cutoff":true,"shard":3,"tbs":"MAA="}}"#
    );
    let of = |kind, body: String| (kind, body);
    vec![
        of(Kind::LedgerCreated, r#"{"trust_domain":"example.org","origin":"example.org/brevet","key":"k"}"#.to_owned()),
        of(
            Kind::AuthorityCreated,
            format!(r#"{{"authority":"{HEX20}","role":"root","state":"active","key":"{HEX32}","not_after":"{time}","certificate":"MAA="}}"#),
        ),
        of(Kind::AuthorityChanged, format!(r#"{{"authority":"{HEX20}","from":"prepared","to":"published"}}"#)),
        of(Kind::PersonAdmitted, format!(r#"{{"person":"{HEX16}","role":"admin","key":"{HEX32}","approvals":[1,2]}}"#)),
        of(Kind::PersonRemoved, format!(r#"{{"person":"{HEX16}","reason":"left"}}"#)),
        of(
            Kind::ApprovalGiven,
            format!(r#"{{"person":"{HEX16}","action":"person-admitted","scope":"{HEX32}","seen":7,"expires":"{time}"}}"#),
        ),
        of(
            Kind::PolicyLoaded,
            format!(r#"{{"bundle":"{HEX32}","octets":10,"profiles":["p"],"policies":["r"],"approvals":[]}}"#),
        ),
        of(
            Kind::AgentAdded,
            r#"{"agent":"web","profile":"p","id":"{host}/agent/web","selectors":{"uid":1000,"executable":"/bin/web"},"key":"p256","lifetime":"1h","cutoff":"refuse"}"#.to_owned(),
        ),
        of(Kind::AgentRemoved, r#"{"agent":"web","profile":"p"}"#.to_owned()),
        of(
            Kind::TokenCreated,
            format!(r#"{{"token":"{HEX16}","secret":"{HEX32}","profile":"p","claims":{{"name":"a"}},"expires":"{time}"}}"#),
        ),
        of(Kind::TokenRevoked, format!(r#"{{"token":"{HEX16}"}}"#)),
        of(Kind::CertificateAuthorised, certificate),
        of(Kind::RequestRefused, r#"{"operation":"renew","rule":"superseded"}"#.to_owned()),
        of(
            Kind::RefusalsSummed,
            format!(r#"{{"since":"{time}","until":"{time}","groups":[{{"source":"192.0.2.0/24","rules":{{"x":3}}}}],"others":0}}"#),
        ),
        of(
            Kind::CertificatesRevoked,
            format!(r#"{{"predicate":{{"serial":"{HEX16}"}},"evaluated_at":9,"count":1,"serials":"{HEX32}","reason":"key-compromise","comment":"c"}}"#),
        ),
        of(Kind::HostEvicted, format!(r#"{{"host":"{HEX16}","reason":"r"}}"#)),
        of(Kind::HostBanned, format!(r#"{{"host":"{HEX16}","reason":"r"}}"#)),
        of(Kind::HostUnbanned, format!(r#"{{"host":"{HEX16}"}}"#)),
        of(
            Kind::CrlAuthorised,
            format!(r#"{{"issuer":"{HEX20}","this_update":"{time}","next_update":"{time}","up_to":9,"revoked":1,"tbs":"{HEX32}"}}"#),
        ),
    ]
}

#[test]
fn an_entry_of_every_kind_is_written_as_it_was_read() {
    let samples = samples();
    let kinds: Vec<Kind> = samples.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, Kind::ALL, "a sample of each kind");
    for (kind, body) in samples {
        let text = entry(kind.as_str(), &body);
        let read = Entry::decode(text.as_bytes()).unwrap();
        assert_eq!(read.body.kind(), kind);
        assert_eq!(String::from_utf8_lossy(&read.encode().unwrap()), text);
    }
}

#[test]
fn the_fields_of_every_kind_are_in_the_document() {
    let document = include_str!("../../../docs/ledger.md");
    for (kind, body) in samples() {
        let section = document.split("\n### ").find(|section| section.starts_with(&format!("`{kind}`")));
        let section = section.unwrap_or_else(|| panic!("docs/ledger.md has no section on {kind}"));
        let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&body).unwrap();
        for field in fields.keys() {
            assert!(section.contains(&format!("| `{field}` |")), "docs/ledger.md: {kind} lacks {field}");
        }
    }
}

#[track_caller]
fn check_refused(flaw: &str, text: &str) {
    assert!(Entry::decode(text.as_bytes()).is_err(), "{flaw} was taken");
}

#[test]
fn what_is_not_exactly_an_entry_is_refused() {
    let good = entry("token-revoked", &format!(r#"{{"token":"{HEX16}"}}"#));
    assert!(Entry::decode(good.as_bytes()).is_ok());
    check_refused("empty", "");
    check_refused("two lines", &format!("{good}\n"));
    check_refused("trailing octets", &format!("{good}x"));
    check_refused("version 2", &good.replace(r#""v":1"#, r#""v":2"#));
    check_refused("unknown kind", &good.replace("token-revoked", "token-blessed"));
    check_refused("body of another kind", &good.replace("token-revoked", "host-banned"));
    check_refused("unknown member", &good.replace(r#""v":1"#, r#""v":1,"x":1"#));
    check_refused("unknown member in the body", &good.replace(r#"{"token""#, r#"{"x":1,"token""#));
    check_refused("member twice", &good.replace(r#""v":1"#, r#""v":1,"v":1"#));
    check_refused("member of the body twice", &good.replace(r#"{"token""#, &format!(r#"{{"token":"{HEX16}","token""#)));
    check_refused("salt of 15 octets", &good.replace(SALT, "AAECAwQFBgcICQoLDA0O"));
    check_refused("upper-case hex", &good.replace("aaaa", "AAAA"));
    check_refused("time with an offset", &good.replace(".000Z", ".000+00:00"));
    check_refused("time without milliseconds", &good.replace(".000Z", "Z"));
    check_refused("no actor", &good.replace(&format!(r#""actor":"host:{HEX16}","#), ""));
    let twice = entry(
        "token-created",
        &format!(
            r#"{{"token":"{HEX16}","secret":"{HEX32}","profile":"p","claims":{{"a":"1","a":"2"}},"expires":"2026-11-23T08:00:00.000Z"}}"#
        ),
    );
    check_refused("claim twice", &twice);
    check_refused(
        "too long",
        &entry("token-revoked", &format!(r#"{{"token":"{HEX16}"{}}}"#, " ".repeat(MAX_ENTRY_OCTETS))),
    );
}

#[test]
fn a_body_that_does_not_fit_is_not_written() {
    let mut read =
        Entry::decode(entry("host-banned", &format!(r#"{{"host":"{HEX16}","reason":"r"}}"#)).as_bytes()).unwrap();
    let Body::HostBanned(body) = &mut read.body else { panic!("a ban") };
    body.reason = "x".repeat(MAX_ENTRY_OCTETS);
    assert!(matches!(read.encode(), Err(EntryError::TooLong { limit: MAX_ENTRY_OCTETS, .. })));
    let Body::HostBanned(body) = &mut read.body else { panic!("a ban") };
    body.reason = "line\nbreak".to_owned();
    let written = read.encode().unwrap();
    assert!(!written.contains(&b'\n'), "a line break inside a text is escaped");
}

proptest::proptest! {
    #[test]
    fn no_octets_make_the_reader_panic(octets in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        drop(Entry::decode(&octets));
    }

    #[test]
    fn a_changed_octet_is_refused_or_means_something_else(at in 0_usize..600, octet in proptest::num::u8::ANY) {
        let (kind, body) = samples().swap_remove(11);
        let good = entry(kind.as_str(), &body);
        let mut changed = good.clone().into_bytes();
        let at = at % changed.len();
        changed[at] = octet;
        if let Ok(read) = Entry::decode(&changed) {
            let same = read.encode().unwrap()[..] == *good.as_bytes();
            proptest::prop_assert!(!same || changed == good.as_bytes());
        }
    }
}

//! Heartbeats, snapshots and messages: what holds, and every way of not holding.

use super::*;
use crate::note::{NoteError, sign_note};

fn open(note: &[u8]) -> Result<Heartbeat, HeartbeatError> {
    Heartbeat::open(note, &origin(), signer().verifier())
}

#[test]
fn a_heartbeat_has_one_text() {
    let server = Server::with_history();
    let note = server.heartbeat().sign(&origin(), &signer()).unwrap();
    assert_eq!(open(note.as_bytes()).unwrap(), server.heartbeat());
    let lines: Vec<&str> = note.lines().collect();
    assert_eq!(lines[..5], ["brevet-feed/v1", ORIGIN, "2026-09-21T14:14:20.000Z", "15", "6"]);
    assert_eq!((lines[5].len(), lines[6], lines.len()), (44, "", 8));
}

#[track_caller]
fn check_heartbeat_text(text: &str, message: &str) {
    let note = sign_note(text, &signer()).unwrap();
    assert_eq!(open(&note).unwrap_err().to_string(), message);
}

#[test]
fn other_texts_that_the_key_has_signed_are_no_heartbeats() {
    let time = "2026-09-21T14:14:20.000Z";
    let hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    check_heartbeat_text(&format!("{ORIGIN}\n7\n{hash}\n"), "the note is no heartbeat");
    check_heartbeat_text(&format!("brevet-feed/v2\n{ORIGIN}\n{time}\n7\n3\n{hash}\n"), "the note is no heartbeat");
    let elsewhere = "the heartbeat is of the log example.net/brevet, not example.org/brevet";
    check_heartbeat_text(&format!("brevet-feed/v1\nexample.net/brevet\n{time}\n7\n3\n{hash}\n"), elsewhere);
    let head = format!("brevet-feed/v1\n{ORIGIN}\n");
    check_heartbeat_text(&format!("{head}{time}\n7\n3\n{hash}\nmore\n"), "a heartbeat has six lines");
    check_heartbeat_text(&format!("{head}{time}\n7\n3\n{hash}\n\n"), "a heartbeat has six lines");
    check_heartbeat_text(&format!("{head}{time}\n7\n3\n"), "the running hash of the heartbeat is malformed");
    check_heartbeat_text(&format!("{head}{time}\n07\n3\n{hash}\n"), "a number of the heartbeat is malformed");
    check_heartbeat_text(&format!("{head}{time}\n7\n+3\n{hash}\n"), "a number of the heartbeat is malformed");
    check_heartbeat_text(&format!("{head}{time}\n7\n8\n{hash}\n"), "8 events cannot come from 7 entries");
    check_heartbeat_text(&format!("{head}2026-09-21\n7\n3\n{hash}\n"), "the time of the heartbeat is malformed");
}

#[test]
fn a_heartbeat_of_another_key_is_refused() {
    let server = Server::with_history();
    let note = server.heartbeat().sign(&origin(), &TestSigner::new(ORIGIN, 2)).unwrap();
    assert!(matches!(open(note.as_bytes()), Err(HeartbeatError::Note(NoteError::NoKnownSigner))));
    let nonsense = Heartbeat { size: 1, ..server.heartbeat() };
    assert!(matches!(nonsense.sign(&origin(), &signer()), Err(HeartbeatError::Numbers { .. })));
}

#[test]
fn every_octet_of_a_heartbeat_in_every_position() {
    let note = Server::with_history().signed_heartbeat();
    for position in 0..note.len() {
        for octet in (0..=0x80).filter(|octet| *octet != note[position]) {
            let mut changed = note.clone();
            changed[position] = octet;
            assert!(open(&changed).is_err(), "{octet:#04x} at {position}");
        }
    }
}

#[test]
fn a_snapshot_comes_back() {
    let server = Server::with_history();
    let snapshot = server.log.snapshot(server.now).unwrap();
    assert_eq!(snapshot.revoked.len(), 4);
    assert_eq!(snapshot.cutoffs.len(), 1);
    let signed = snapshot.sign(&origin(), &signer()).unwrap();
    assert_eq!(signed.open(&origin(), signer().verifier()).unwrap(), snapshot);
    assert!(
        signed.document.starts_with(r#"{"v":1,"time":"2026-09-21T14:14:20.000Z","as_of":14,"events":6,"running":""#)
    );
}

#[test]
fn every_octet_of_a_snapshot_is_signed() {
    let signed = Server::with_history().snapshot();
    for position in 0..signed.document.len() {
        let mut document = signed.document.clone().into_bytes();
        document[position] ^= 1;
        let Ok(document) = String::from_utf8(document) else { continue };
        let changed = SignedSnapshot { document, ..signed.clone() };
        let opened = changed.open(&origin(), signer().verifier());
        assert!(matches!(opened, Err(SnapshotError::OtherDocument { .. })), "{position}");
    }
    for position in 0..signed.note.len() {
        let mut note = signed.note.clone().into_bytes();
        note[position] ^= 1;
        let Ok(note) = String::from_utf8(note) else { continue };
        let changed = SignedSnapshot { note, ..signed.clone() };
        assert!(changed.open(&origin(), signer().verifier()).is_err(), "{position}");
    }
}

#[test]
fn a_snapshot_of_another_log_or_key_is_refused() {
    let signed = Server::with_history().snapshot();
    let elsewhere = Origin::parse("example.net/brevet").unwrap();
    let opened = signed.open(&elsewhere, signer().verifier());
    assert!(matches!(opened, Err(SnapshotError::OtherDocument { .. })));
    let opened = signed.open(&origin(), TestSigner::new(ORIGIN, 2).verifier());
    assert!(matches!(opened, Err(SnapshotError::Note(NoteError::NoKnownSigner))));
}

#[track_caller]
fn check_document(document: &str, message: &str) {
    let hash = crate::hash::Hash::from_bytes(*identity::Sha256Hash::of(document.as_bytes()).as_bytes());
    let note = sign_note(&format!("brevet-snapshot/v1\n{ORIGIN}\n{}\n", hash.to_base64()), &signer()).unwrap();
    let signed = SignedSnapshot { document: document.to_owned(), note: String::from_utf8(note).unwrap() };
    assert_eq!(signed.open(&origin(), signer().verifier()).unwrap_err().to_string(), message);
}

#[test]
fn a_signed_document_that_is_no_snapshot_is_refused() {
    let good = Server::with_history().snapshot().document;
    check_document("", "the snapshot is not well-formed");
    check_document("{}", "the snapshot is not well-formed");
    check_document(&format!("{good} x"), "the snapshot is not well-formed");
    check_document(&good.replace(r#""v":1"#, r#""v":2"#), "the snapshot has format version 2, this program knows 1");
    check_document(&good.replace(r#""v":1"#, r#""v":1,"w":1"#), "the snapshot is not well-formed");
    check_document(&good.replace(r#""v":1"#, r#""v":1,"v":1"#), "the snapshot is not well-formed");
    check_document(&good.replace(r#""as_of":14"#, r#""as_of":4"#), "6 events cannot come from the entries up to 4");
    check_document(&good.replace(r#""running":""#, r#""running":"A"#), "the running hash of the snapshot is malformed");
    let twice = good.replace(&serial(6).to_string(), &serial(4).to_string());
    check_document(&twice, "the serials of the snapshot are not sorted");
}

#[test]
fn a_snapshot_has_a_limit() {
    let server = Server::with_history();
    let mut snapshot = server.log.snapshot(server.now).unwrap();
    snapshot.cutoffs = vec![snapshot.cutoffs[0]; MAX_SERIALS + 1];
    assert!(matches!(snapshot.sign(&origin(), &signer()), Err(SnapshotError::TooMany { .. })));
}

#[track_caller]
fn check_message(message: &FeedMessage, sse: &str) {
    assert_eq!(message.to_string(), sse);
    // Read back as HTML says: fields by name, data lines joined by newlines.
    let field = |name: &str| sse.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let data: Vec<&str> = sse.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let read = FeedMessage::from_fields(field("id"), field("event").unwrap(), &data.join("\n")).unwrap();
    assert_eq!(read, *message);
}

#[test]
fn messages_come_back() {
    check_message(&FeedMessage::Event(FeedEvent::agents_changed(7)), "id: 7\nevent: agents-changed\ndata: {}\n\n");
    check_message(&FeedMessage::Heartbeat("a\n\nb\n".into()), "event: heartbeat\ndata: a\ndata: \ndata: b\ndata: \n\n");
    let server = Server::with_history();
    for event in server.events {
        let message = FeedMessage::Event(event);
        check_message(&message, &message.to_string());
    }
}

#[track_caller]
fn check_no_message(id: Option<&str>, event: &str, message: &str) {
    assert_eq!(FeedMessage::from_fields(id, event, "{}").unwrap_err().to_string(), message);
}

#[test]
fn what_is_not_understood_is_not_skipped() {
    check_no_message(Some("1"), "policies-changed", "unknown kind of event \"policies-changed\"");
    check_no_message(Some("1"), "message", "unknown kind of event \"message\"");
    check_no_message(None, "agents-changed", "an event of the kind agents-changed has no id");
    check_no_message(Some("01"), "agents-changed", "the id of the event is malformed");
    check_no_message(Some("1"), "heartbeat", "a heartbeat has no id");
}

#[track_caller]
fn check_event(kind: EventKind, data: &str, message: &str) {
    let event = FeedEvent { index: 3, kind, data: data.to_owned() };
    assert_eq!(event.read().unwrap_err().to_string(), message);
}

#[test]
fn an_event_says_what_its_kind_says() {
    let server = Server::with_history();
    let of = |kind| server.events.iter().find(|event| event.kind == kind).unwrap().data.clone();
    let (revoked, superseded) = (of(EventKind::Revoked), of(EventKind::Superseded));
    let (entry, list) = revoked.split_once('\n').unwrap();
    check_event(EventKind::Revoked, entry, "a revocation has two lines");
    check_event(EventKind::Revoked, &format!("{{}}\n{list}"), "the first line is no entry");
    let other = format!("{}\n{list}", String::from_utf8_lossy(&server.entries[0]));
    check_event(EventKind::Revoked, &other, "the first line is an entry of the kind token-revoked");
    check_event(EventKind::Revoked, &format!("{entry}\n{{}}"), "the event is not well-formed");
    check_event(EventKind::Revoked, &format!("{revoked}\n{list}"), "the event is not well-formed");
    let (four, five) = (serial(4).to_string(), serial(5).to_string());
    let differ = "the entry states 1 serials, and these 1 are not they";
    check_event(EventKind::Revoked, &revoked.replace(&format!("[\"{four}"), &format!("[\"{five}")), differ);
    let both = revoked.replace(&format!("[\"{four}\""), &format!("[\"{four}\",\"{five}\""));
    check_event(EventKind::Revoked, &both, "the entry states 1 serials, and these 2 are not they");
    let twice = revoked.replace(&format!("[\"{four}\""), &format!("[\"{four}\",\"{four}\""));
    check_event(EventKind::Revoked, &twice, "the serials of the revocation are not sorted");
    check_event(EventKind::Superseded, "{}", "the event is not well-formed");
    check_event(EventKind::Superseded, &superseded.replace('}', ",\"x\":1}"), "the event is not well-formed");
    check_event(EventKind::AgentsChanged, "", "an event of this kind says nothing more");
    check_event(EventKind::BundleChanged, "{ }", "an event of this kind says nothing more");
    let long = "x".repeat(MAX_EVENT_OCTETS + 1);
    check_event(
        EventKind::Revoked,
        &long,
        &format!("the event has {} octets, more than {MAX_EVENT_OCTETS}", long.len()),
    );
}

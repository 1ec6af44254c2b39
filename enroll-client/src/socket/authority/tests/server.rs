//! Our server behind the filter, asked in raw frames: what it answers to a socket's path as `:authority`, and what its own settings are.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncRead as _, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::UnixStream;

use super::super::Filtered;
use super::client::{Client, Form, Framing, field, frame};
use super::{MAX_FRAME_OCTETS, MAX_TABLE_OCTETS, PREFACE};
use crate::socket::{Access, ConnectionLimits, LocalSocket, serve};

/// Connects, sends, and reads frames until `enough`.
async fn ask(filtering: bool, sent: &[u8], enough: impl Fn(u8, &[u8]) -> bool) -> Option<(u8, Vec<u8>)> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("agent.sock");
    let socket = LocalSocket::bind(&path, Access::Owner).unwrap();
    let router = Router::new().route("/", get(|| async { "here" }));
    let limits = ConnectionLimits::default();
    let never = std::future::pending();
    if filtering {
        tokio::spawn(serve(socket, limits, Filtered::new, router, never));
    } else {
        tokio::spawn(serve(socket, limits, |stream| stream, router, never));
    }
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all(sent).await.unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.ok()?;
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut payload).await.ok()?;
        if enough(head[3], &payload) {
            return Some((head[3], payload));
        }
    }
}

fn request(authority: &[u8]) -> Vec<u8> {
    let list =
        [field(":method", b"GET"), field(":scheme", b"http"), field(":path", b"/"), field(":authority", authority)];
    let block = Client::default().send(&list, &[Form::Indexing; 4], &Framing::default());
    [PREFACE, &frame(4, 0, 0, b""), &block].concat()
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;

async fn answer(filtering: bool, authority: &[u8]) -> u8 {
    let enough = |kind: u8, _: &[u8]| [HEADERS, RST_STREAM].contains(&kind);
    ask(filtering, &request(authority), enough).await.unwrap().0
}

/// The test of the test: were h2 to change its mind, the filter would not be needed.
#[tokio::test]
async fn a_path_as_authority_is_answered_with_the_filter_only() {
    assert_eq!(answer(false, b"/run/agent.sock").await, RST_STREAM);
    assert_eq!(answer(true, b"/run/agent.sock").await, HEADERS);
    assert_eq!(answer(true, b"%2Frun%2Fagent.sock").await, HEADERS);
    assert_eq!(answer(true, b"").await, HEADERS);
    assert_eq!(answer(true, b"example.org").await, HEADERS);
    assert_eq!(answer(true, b"a b").await, RST_STREAM);
}

/// A client that sends blocks without end: after a few others have their turn, and nothing is lost.
#[tokio::test]
async fn blocks_without_end_leave_time_for_others() {
    let mut client = Client::default();
    let list = [field(":authority", b"/run/agent.sock"), field("x", b"y")];
    let block = client.send(&list, &[Form::NeverIndexed; 2], &Framing::default());
    let sent = [PREFACE, &block.repeat(60)].concat();
    let (mut theirs, ours) = tokio::io::duplex(sent.len());
    theirs.write_all(&sent).await.unwrap();
    drop(theirs);
    let (mut filtered, mut found, mut turns, mut longest, mut ready) = (Filtered::new(ours), Vec::new(), 0, 0, 0);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        let mut octets = [0; 4096];
        let mut buffer = ReadBuf::new(&mut octets);
        match Pin::new(&mut filtered).poll_read(&mut context, &mut buffer) {
            Poll::Ready(outcome) => {
                outcome.unwrap();
                ready += 1;
                longest = longest.max(ready);
                if buffer.filled().is_empty() {
                    break;
                }
                found.extend_from_slice(buffer.filled());
            }
            Poll::Pending => (turns, ready) = (turns + 1, 0),
        }
    }
    assert_eq!(found, super::filtered(&sent, &[]).unwrap());
    assert!(longest <= 5 && turns >= 12, "{longest} in a row, {turns} turns");
}

#[tokio::test]
async fn a_flaw_closes_the_connection() {
    let flawed = [PREFACE, &frame(4, 0, 0, b""), &frame(1, 0x5, 1, &[0xbe])].concat();
    assert!(ask(true, &flawed, |kind, _| kind == HEADERS).await.is_none());
}

/// The filter counts with the defaults of RFC 9113, section 6.5.2. Should our server advertise other values, it must follow.
#[tokio::test]
async fn our_server_advertises_what_the_filter_counts_with() {
    let (_, settings) = ask(true, &request(b"localhost"), |kind, _| kind == SETTINGS).await.unwrap();
    let value = |wanted: u16| {
        let found = settings.chunks(6).find(|one| one[..2] == wanted.to_be_bytes())?;
        Some(usize::try_from(u32::from_be_bytes(found[2..].try_into().unwrap())).unwrap())
    };
    assert!(!settings.is_empty());
    assert_eq!(value(0x1).unwrap_or(4096), MAX_TABLE_OCTETS, "SETTINGS_HEADER_TABLE_SIZE");
    assert_eq!(value(0x5).unwrap_or(16_384), MAX_FRAME_OCTETS, "SETTINGS_MAX_FRAME_SIZE");
}

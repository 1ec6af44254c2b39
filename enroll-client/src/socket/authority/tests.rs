//! What comes out of the filter: the same header lists, whatever the framing; and never a panic. Our server behind it is asked in `tests/server.rs`.

mod client;
mod server;

use proptest::collection::vec;
use proptest::prelude::*;

use super::block::{MAX_FIELDS, MAX_LIST_OCTETS, MAX_TABLE_OCTETS};
use super::filter::{MAX_BLOCK_OCTETS, MAX_CONTINUATIONS, MAX_FRAME_OCTETS};
use super::{AuthorityFilter, Flaw};
use client::{Client, Field, Form, Framing, field, frame, read_frames};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// All that comes out; `pieces` says where the input is cut.
fn filtered(input: &[u8], pieces: &[usize]) -> Result<Vec<u8>, Flaw> {
    let (mut filter, mut output, mut rest) = (AuthorityFilter::default(), Vec::new(), input);
    let mut sizes = pieces.iter().copied().chain(std::iter::repeat(usize::MAX));
    while !rest.is_empty() {
        let mut piece = rest.split_off(..sizes.next().unwrap().clamp(1, rest.len())).unwrap();
        while !piece.is_empty() {
            let given = piece.len();
            let out = filter.feed(&mut piece)?;
            assert!(out.len() <= given + 2 * (MAX_LIST_OCTETS + 64), "{} octets for {given}", out.len());
            output.extend(out);
        }
    }
    Ok(output)
}

fn after_preface(frames: &[u8]) -> Result<Vec<u8>, Flaw> {
    filtered(&[PREFACE, frames].concat(), &[]).map(|output| output.strip_prefix(PREFACE).unwrap().to_vec())
}

#[track_caller]
fn check_untouched(input: &[u8]) {
    assert_eq!(filtered(input, &[]).unwrap(), input);
    assert_eq!(filtered(input, &vec![1; input.len()]).unwrap(), input);
}

#[test]
fn what_is_no_http_2_passes() {
    check_untouched(b"GET /v1/identity HTTP/1.1\r\nhost: localhost\r\n\r\n");
    check_untouched(b"PRI * HTTP/1.1\r\n\r\nSM\r\n\r\n");
    check_untouched(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rx and then \x00\x00\x00\x01\x04\x00\x00\x00\x01");
    check_untouched(&[0; 100]);
    // Less than a preface: the server waits, too.
    check_untouched(&PREFACE[..23]);
}

#[test]
fn other_frames_pass_as_they_are() {
    let frames: Vec<Vec<u8>> = (0..=255)
        .filter(|kind| ![1, 5, 9].contains(kind))
        .map(|kind| frame(kind, kind ^ 0x55, u32::from(kind), &vec![kind; usize::from(kind)]))
        .collect();
    check_untouched(&[PREFACE, &frames.concat()].concat());
    check_untouched(&[PREFACE, &frame(0, 0, 1, &vec![7; MAX_FRAME_OCTETS])].concat());
}

/// Sends one list, with and without a Huffman-free detour through the table, and gives the authority that comes out.
#[track_caller]
fn check_authority(value: &[u8], expected: &[u8]) {
    for form in [Form::Plain, Form::NeverIndexed, Form::Indexing] {
        let mut client = Client::default();
        let list = [field(":method", b"POST"), field(":authority", value), field("te", b"trailers")];
        // Twice: the second time the form that indexes is a reference to the table.
        let sent =
            [client.send(&list, &[form; 3], &Framing::default()), client.send(&list, &[form; 3], &Framing::default())];
        let octets: Vec<u8> = sent.iter().flat_map(|sent| sent.clone()).collect();
        for found in read_frames(&after_preface(&octets).unwrap()) {
            let mut wanted = list.clone();
            wanted[1].value = expected.to_vec();
            assert_eq!(found.list, wanted, "{form:?}");
        }
    }
}

#[test]
fn an_authority_that_is_a_path_becomes_localhost() {
    check_authority(b"/run/brevet/agent.sock", b"localhost");
    check_authority(b"%2Frun%2Fbrevet%2Fagent.sock", b"localhost");
    check_authority(b"unix:///run/brevet/agent.sock", b"localhost");
    check_authority(b"run%2Fagent.sock", b"localhost");
    check_authority(b"", b"localhost");
    check_authority(b"a b", b"a b");
    check_authority(b"/run/\xc3\xa4.sock", b"/run/\xc3\xa4.sock");
    check_authority(b"\x00", b"\x00");
    for well_formed in [&b"localhost"[..], b"example.org:8443", b"[::1]:80", b"user@example.org", b"agent.sock"] {
        check_authority(well_formed, well_formed);
    }
}

/// RFC 7541, appendix C.4: three requests of one connection, Huffman-coded, with a growing table.
#[test]
fn requests_of_the_standard() {
    let blocks = [
        "828684418cf1e3c2e5f23a6ba0ab90f4ff",
        "828684be5886a8eb10649cbf",
        "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
    ];
    let frames: Vec<u8> = blocks.iter().flat_map(|block| frame(1, 0x5, 1, &hex::decode(block).unwrap())).collect();
    let common = |scheme: &[u8], path: &[u8]| {
        let authority = field(":authority", b"www.example.com");
        vec![field(":method", b"GET"), field(":scheme", scheme), field(":path", path), authority]
    };
    let mut expected = [common(b"http", b"/"), common(b"http", b"/"), common(b"https", b"/index.html")];
    expected[1].push(field("cache-control", b"no-cache"));
    expected[2].push(field("custom-key", b"custom-value"));
    let found: Vec<_> = read_frames(&after_preface(&frames).unwrap()).into_iter().map(|found| found.list).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_block_that_grows_past_a_frame_is_continued() {
    let mut client = Client::default();
    let list = vec![field("x", &[b'v'; 4000]); 4];
    let sent = client.send(&list, &[Form::Indexing; 4], &Framing { priority: true, ..Framing::default() });
    assert!(sent.len() < 4100);
    let found = read_frames(&after_preface(&sent).unwrap());
    assert_eq!((found.len(), &found[0].list, found[0].frames), (1, &list, 1));
    assert!(found[0].priority.is_some() && found[0].end_stream);
}

#[track_caller]
fn check_flaw(frames: &[u8], rule: &str) {
    let flaw = after_preface(frames).unwrap_err();
    assert_eq!(flaw.rule(), rule, "{flaw}");
    let input = [PREFACE, frames].concat();
    assert_eq!(filtered(&input, &vec![1; input.len()]).unwrap_err(), flaw, "octet by octet");
}

#[test]
fn flaws() {
    let get = [0x82];
    let many = |field: &[u8], count: usize| frame(1, 0x5, 1, &field.repeat(count));
    check_flaw(&frame(0, 0, 1, &vec![0; MAX_FRAME_OCTETS + 1]), "frame-too-long");
    check_flaw(&frame(1, 0x5, 1, &vec![0x82; MAX_FRAME_OCTETS + 1]), "frame-too-long");
    check_flaw(&[frame(1, 0x1, 1, &get), frame(0, 0, 1, b"")].concat(), "header-block-interrupted");
    check_flaw(&[frame(1, 0x1, 1, &get), frame(1, 0x5, 1, &get)].concat(), "header-block-interrupted");
    check_flaw(&[frame(1, 0x1, 1, &get), frame(9, 0x4, 3, &get)].concat(), "header-block-interrupted");
    check_flaw(&frame(9, 0x4, 1, &get), "nothing-to-continue");
    check_flaw(&[frame(1, 0x5, 1, &get), frame(9, 0x4, 1, &get)].concat(), "nothing-to-continue");
    check_flaw(&frame(1, 0x5, 0, &get), "headers-without-stream");
    check_flaw(&frame(5, 0x4, 1, &get), "push-of-a-client");
    check_flaw(&frame(1, 0xd, 1, &[3, 0x82, 0]), "padding-too-long");
    check_flaw(&frame(1, 0xd, 1, &[]), "padding-too-long");
    check_flaw(&frame(1, 0x25, 1, &[0; 4]), "padding-too-long");
    check_flaw(&frame(1, 0x2d, 1, &[1, 0, 0, 0, 0, 0]), "padding-too-long");
    let half = vec![0; MAX_BLOCK_OCTETS / 2];
    let long = [frame(1, 0, 1, &half), frame(9, 0, 1, &half), frame(9, 0, 1, &[0])].concat();
    check_flaw(&long, "header-block-too-long");
    let flood = [frame(1, 0, 1, b""), frame(9, 0, 1, b"").repeat(MAX_CONTINUATIONS + 1)].concat();
    check_flaw(&flood, "too-many-continuations");
    check_flaw(&many(&get, MAX_FIELDS + 1), "too-many-fields");
    // An entry of the table, and many references to it.
    let bomb = [&[0x40, 1, b'x', 0x7f, 0x80 | 0x21, 0x1e][..], &[b'v'; 4000], &[0xbe; 5]].concat();
    check_flaw(&frame(1, 0x5, 1, &bomb), "header-list-too-long");
    check_flaw(&many(&[0x40], 1), "header-block-cut");
    check_flaw(&many(&[0x00, 1, b'x', 2, b'v'], 1), "header-block-cut");
    check_flaw(&many(&[0xff, 0x80, 0x80, 0x80, 0x80, 0x01], 1), "header-block-cut");
    check_flaw(&many(&[0x3f], 1), "header-block-cut");
    check_flaw(&many(&[0x82, 0x20], 1), "size-update-misplaced");
    check_flaw(&many(&[0x20, 0x20, 0x20, 0x82], 1), "size-update-misplaced");
    check_flaw(&many(&[0x3f, 0xe2, 0x1f, 0x82], 1), "header-table-too-large");
    check_flaw(&many(&[0xbe], 1), "header-block-malformed");
    check_flaw(&many(&[0x80], 1), "header-block-malformed");
    check_flaw(&many(&[0x20], 1), "header-block-malformed");
    // A Huffman code that ends in eight bits of padding, and one that is the end of the string.
    check_flaw(&many(&[0x00, 1, b'x', 0x82, 0x1f, 0xff], 1), "header-block-malformed");
    check_flaw(&many(&[0x00, 1, b'x', 0x84, 0xff, 0xff, 0xff, 0xff], 1), "header-block-malformed");
}

/// What is at a limit passes.
#[test]
fn limits_are_reached() {
    assert!(after_preface(&frame(1, 0x5, 1, &[0x82; MAX_FIELDS])).is_ok());
    let largest_table = [0x3f, 0xe1, 0x1f];
    assert_eq!(31 + 0x61 + (0x1f << 7), MAX_TABLE_OCTETS);
    assert!(after_preface(&frame(1, 0x5, 1, &[&[0x20][..], &largest_table, &[0x82]].concat())).is_ok());
    let whole =
        [frame(1, 0, 1, &[0x82]), frame(9, 0, 1, b"").repeat(MAX_CONTINUATIONS - 1), frame(9, 4, 1, b"")].concat();
    assert!(after_preface(&whole).is_ok());
    let value = MAX_LIST_OCTETS - 33;
    let [low, high] = u16::try_from(value - 127).unwrap().to_le_bytes();
    let length = [0x7f, low | 0x80, (low >> 7) | (high << 1) & 0x7f | 0x80, high >> 6];
    let list = |octets: usize| frame(1, 0x5, 1, &[&[0, 1, b'x'][..], &length, &vec![b'v'; octets]].concat());
    let found = read_frames(&after_preface(&list(value)).unwrap());
    assert_eq!(found[0].list[0].value.len(), value);
}

#[test]
fn a_flaw_stays() {
    let mut filter = AuthorityFilter::default();
    let flawed = [PREFACE, &frame(9, 4, 1, b"")].concat();
    let mut input = &flawed[..];
    let flaw = filter.feed(&mut input).unwrap_err();
    assert_eq!(filter.feed(&mut &frame(0, 0, 1, b"x")[..]).unwrap_err(), flaw);
}

#[test]
fn every_octet_value_in_every_position_of_a_headers_frame() {
    let mut client = Client::default();
    let list = [field(":method", b"POST"), field(":authority", b"/a"), field("x", b"yz")];
    let framing = Framing { priority: true, padding: Some(3), ..Framing::default() };
    let first = client.send(&list, &[Form::Indexing, Form::Indexing, Form::Plain], &framing);
    let second = client.send(&list, &[Form::Indexing, Form::Indexing, Form::NeverIndexed], &framing);
    for position in 0..first.len() {
        for value in 0..=255 {
            let mut changed = first.clone();
            changed[position] = value;
            let input = [PREFACE, &changed, &second].concat();
            let at_once = filtered(&input, &[]);
            assert_eq!(at_once, filtered(&input, &vec![7; input.len()]), "octet {position} is {value}");
        }
    }
}

fn any_field() -> impl Strategy<Value = Field> {
    let name =
        prop_oneof![Just(":authority".to_owned()), Just(":path".to_owned()), Just("te".to_owned()), "[a-z0-9-]{1,40}"];
    let value = prop_oneof![vec(any::<u8>(), 0..300), "/[a-z/]{0,30}".prop_map(String::into_bytes)];
    (name, value).prop_map(|(name, value)| field(&name, &value))
}

fn any_request() -> impl Strategy<Value = (Vec<Field>, Vec<Form>, Framing)> {
    let form = prop_oneof![Just(Form::Plain), Just(Form::NeverIndexed), Just(Form::Indexing)];
    let framing =
        (proptest::option::of(any::<u8>()), any::<bool>(), any::<bool>(), vec(0usize..400, 0..MAX_CONTINUATIONS));
    let framing = framing.prop_map(|(padding, priority, end_stream, cuts)| Framing {
        padding,
        priority,
        end_stream,
        cuts,
        table: None,
    });
    let framing = (framing, proptest::option::of(0usize..=MAX_TABLE_OCTETS));
    let framing = framing.prop_map(|(framing, table)| Framing { table, ..framing });
    (vec(any_field(), 1..20), framing).prop_flat_map(move |(list, framing)| {
        let forms = vec(form.clone(), list.len());
        (Just(list), forms, Just(framing))
    })
}

proptest! {
    /// In = out, but for the authority; other frames between requests pass as they are.
    #[test]
    fn lists_come_out_as_they_went_in(
        requests in vec(any_request(), 1..8),
        others in vec((10u8..=255, vec(any::<u8>(), 0..60)), 8),
        pieces in vec(1usize..200, 0..400),
    ) {
        let (mut client, mut input, mut expected) = (Client::default(), PREFACE.to_vec(), Vec::new());
        for ((list, forms, framing), (kind, payload)) in requests.iter().zip(&others) {
            input.extend(client.send(list, forms, framing));
            input.extend(frame(*kind, 0, 0, payload));
            let mut list = list.clone();
            for field in list.iter_mut().filter(|field| field.name == ":authority") {
                if http::uri::Authority::try_from(&field.value[..]).is_err() && field.value.iter().all(u8::is_ascii_graphic) {
                    field.value = b"localhost".to_vec();
                }
            }
            expected.push((list, framing.end_stream, framing.priority));
        }
        let output = filtered(&input, &pieces).unwrap();
        let found = read_frames(output.strip_prefix(PREFACE).unwrap());
        let found: Vec<_> =
            found.into_iter().map(|found| (found.list, found.end_stream, found.priority.is_some())).collect();
        prop_assert_eq!(found, expected);
        for (kind, payload) in others.iter().take(requests.len()) {
            let frame = frame(*kind, 0, 0, payload);
            prop_assert!(output.windows(frame.len()).any(|window| window == frame));
        }
    }

    /// Octets of any kind, as payloads of frames of the kinds that are looked into, and as frames.
    #[test]
    fn random_octets_do_no_harm(
        frames in vec((0u8..=10, any::<u8>(), 0u32..4, vec(any::<u8>(), 0..600)), 0..12),
        tail in vec(any::<u8>(), 0..2000),
        pieces in vec(1usize..200, 0..100),
    ) {
        let mut input = PREFACE.to_vec();
        for (kind, flags, stream, payload) in frames {
            input.extend(frame(kind, flags, stream, &payload));
        }
        input.extend(&tail);
        // Memory is looked at in `filtered`.
        let (whole, cut) = (filtered(&input, &[]), filtered(&input, &pieces));
        prop_assert_eq!(whole, cut);
        let untouched = filtered(&tail, &pieces);
        prop_assert!(tail.starts_with(PREFACE) || untouched.as_ref() == Ok(&tail));
    }
}

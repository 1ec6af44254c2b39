//! Looks for canaries: as they are, in hex, and in base64 at each of its three alignments.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::{PREFIX, Planted};

/// Canaries in a text, save those that may be there.
pub(super) fn in_answer(what: &str, text: &str, planted: &Planted, allowed: &[(&str, &str)]) -> Vec<String> {
    in_octets(what, text.as_bytes(), planted, allowed)
}

/// Canaries in all files below a directory.
pub(super) fn in_files(directory: &Path, planted: &Planted, allowed: &[(&str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(in_files(&path, planted, allowed));
        } else if path.is_file() {
            let octets = std::fs::read(&path).unwrap();
            found.extend(in_octets(&path.display().to_string(), &octets, planted, allowed));
        }
    }
    found
}

fn in_octets(what: &str, octets: &[u8], planted: &Planted, allowed: &[(&str, &str)]) -> Vec<String> {
    let text = String::from_utf8_lossy(octets);
    let may = |place: &str| allowed.iter().any(|(from, _)| place.starts_with(from));
    let mut found = Vec::new();
    for spelled in [PREFIX.to_owned(), PREFIX.to_uppercase()] {
        for (at, _) in text.match_indices(&spelled) {
            let canary: String = text[at..].chars().take(PREFIX.len() + 5).collect();
            let place = planted.place(&canary.to_lowercase());
            if !may(place) {
                let from = text[..at].char_indices().rev().nth(60).map_or(0, |(at, _)| at);
                let around: String = text[from..].chars().take(140).collect();
                found.push(format!("{what}: what stood in {place}: {around:?}"));
            }
        }
    }
    for (at, spelled) in encoded(PREFIX).iter().enumerate() {
        for (from, _) in text.match_indices(spelled) {
            let meant = planted.0.iter().find(|(canary, _)| text[from..].starts_with(&encoded(canary)[at]));
            let place = meant.map_or("nowhere", |(_, place)| place.as_str());
            if !may(place) {
                found.push(format!("{what}: encoded, what stood in {place}"));
            }
        }
    }
    found
}

/// A text in hex, and of its base64 at each alignment what does not depend on what stands around it.
fn encoded(text: &str) -> Vec<String> {
    let mut all = vec![hex::encode(text)];
    for shift in 0..3 {
        let octets = shift + text.len();
        let code = STANDARD_NO_PAD.encode([&b"\0\0"[..shift], text.as_bytes()].concat());
        // The first characters hold bits of what stands before, the last one of what stands behind.
        let (first, last) = ((shift * 8).div_ceil(6), octets * 8 / 6);
        all.push(code[first..last].to_owned());
    }
    all
}

/// What is looked for is found, where it is there.
#[test]
fn canaries_are_found() {
    let mut planted = Planted::default();
    let canary = planted.plant("POST /a body /x");
    for text in [
        canary.clone(),
        canary.to_uppercase(),
        hex::encode(&canary),
        STANDARD_NO_PAD.encode(&canary),
        STANDARD_NO_PAD.encode(format!("a{canary}")),
        STANDARD_NO_PAD.encode(format!("ab{canary}")),
    ] {
        assert_eq!(in_answer("here", &format!("..{text}.."), &planted, &[]).len(), 1, "{text}");
    }
    assert!(in_answer("here", &canary, &planted, &[("POST /a body /x", "")]).is_empty());
    assert!(in_answer("here", "nothing", &planted, &[]).is_empty());
}

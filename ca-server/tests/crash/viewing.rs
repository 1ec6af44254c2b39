//! The views: what they find is what the entries say, however they were built; damage is never an answer. Knows the real store.

use std::collections::BTreeMap;
use std::path::Path;

use ca_server::views::{BLOCK_ENTRIES, View, ViewError, Views};
use identity::{HostId, KeyHash, RequestId, Sha256Hash, Timestamp};
use ledger::entry::{Actor, Body, Entry, HostEvicted, RequestRefused};
use ledger::hash::{Hash, leaf_hash};

use crate::chance::Chance;

/// Entry `index` of an endless ledger in which 50 hosts are evicted and refused, over and over.
fn entry(index: u64) -> Entry {
    let mut chance = Chance::seeded(index);
    let host = host(chance.next() % 50);
    let body = if chance.once_in(3) {
        Body::from(RequestRefused { operation: "renew".to_owned(), rule: "superseded".to_owned() })
    } else {
        Body::from(HostEvicted { host, reason: "r".to_owned() })
    };
    let actor = if chance.once_in(2) { Actor::Server } else { Actor::Host(host) };
    let time = Timestamp::from_millis(1_795_000_000_000 + index).unwrap();
    Entry { time, actor, request: RequestId::from_bytes([7; 16]), salt: [0; 16], body }
}

fn host(number: u64) -> HostId {
    HostId::from_bytes([number as u8 + 1; 16])
}

/// Some root for each size.
fn root(size: u64) -> Hash {
    leaf_hash(&size.to_be_bytes())
}

fn is_ours(size: u64, found: Hash) -> bool {
    root(size) == found
}

fn open(path: &Path) -> Views {
    Views::open(path, is_ours).unwrap()
}

fn grow(views: &Views, to: u64) {
    while views.size() < to {
        views.take(views.size(), &entry(views.size()), |size| Some(root(size))).unwrap();
    }
}

fn digests(views: &Views) -> Vec<(View, Sha256Hash)> {
    views.digests().unwrap()
}

/// What the entries themselves say: indices by kind and by host, oldest first.
fn said(size: u64) -> BTreeMap<(View, String), Vec<u64>> {
    let mut said: BTreeMap<(View, String), Vec<u64>> = BTreeMap::new();
    for index in 0..size {
        let entry = entry(index);
        let mut terms = vec![(View::Kind, entry.body.kind().to_string()), (View::Actor, entry.actor.to_string())];
        if let Actor::Host(host) = entry.actor {
            terms.push((View::Host, host.to_string()));
        }
        if let Body::HostEvicted(body) = &entry.body {
            terms.push((View::Host, body.host.to_string()));
        }
        terms.sort();
        terms.dedup();
        for term in terms {
            said.entry(term).or_default().push(index);
        }
    }
    said
}

#[track_caller]
fn check_found(views: &Views, size: u64) {
    for ((view, text), indices) in said(size) {
        let newest_first: Vec<u64> = indices.iter().rev().copied().collect();
        assert_eq!(views.find(view, &text, u64::MAX, usize::MAX).unwrap(), newest_first, "{view:?} {text}");
        // In pages of seven, as a list is read.
        let (mut paged, mut before) = (Vec::new(), u64::MAX);
        loop {
            let page = views.find(view, &text, before, 7).unwrap();
            let Some(last) = page.last() else { break };
            before = *last;
            paged.extend(page);
            if paged.len() > 70 {
                break;
            }
        }
        assert_eq!(paged, newest_first[..paged.len()], "{view:?} {text}");
    }
    let nobody = views.find(View::Key, &KeyHash::of(b"nobody").to_string(), u64::MAX, 10).unwrap();
    assert!(nobody.is_empty());
}

#[test]
fn what_is_found_is_what_the_entries_say() {
    let dir = tempfile::tempdir().unwrap();
    let views = open(&dir.path().join("views"));
    for size in [0, 1, 1000, BLOCK_ENTRIES, BLOCK_ENTRIES + 1, 5 * BLOCK_ENTRIES + 17] {
        grow(&views, size);
        check_found(&views, size);
    }
}

// 64 blocks become one run; the next ones stand beside it.
#[test]
fn merged_runs_say_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let size = 66 * BLOCK_ENTRIES + 5;
    let views = open(&dir.path().join("views"));
    grow(&views, size);
    check_found(&views, size);
    let whole = digests(&views);
    drop(views);

    let again = open(&dir.path().join("views"));
    assert_eq!(again.size(), 66 * BLOCK_ENTRIES, "what does not fill a block is in memory only");
    grow(&again, size);
    assert_eq!(digests(&again), whole);
}

#[test]
fn a_store_of_another_ledger_or_ahead_of_ours_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("views");
    grow(&open(&path), 3 * BLOCK_ENTRIES);
    assert_eq!(open(&path).size(), 3 * BLOCK_ENTRIES);
    assert_eq!(Views::open(&path, |size, _| size < 2 * BLOCK_ENTRIES).unwrap().size(), 0);
    assert_eq!(open(&path).size(), 0, "it is gone for good");
}

#[test]
fn entries_come_in_order_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let views = open(&dir.path().join("views"));
    grow(&views, 3);
    let refused = views.take(4, &entry(4), |_| None);
    assert!(matches!(refused, Err(ViewError::Order { found: 4, expected: 3 })));
}

/// Damages one octet in the files of the store. sled opens many of these without a word, and with keys missing.
fn damage(path: &Path, chance: &mut Chance) {
    let mut files: Vec<_> =
        std::fs::read_dir(path).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file()).collect();
    files.sort();
    let file = &files[chance.below(files.len())];
    let mut content = std::fs::read(file).unwrap();
    if !content.is_empty() {
        let place = chance.below(content.len());
        content[place] ^= 1 << chance.below(8);
        std::fs::write(file, content).unwrap();
    }
}

/// Right, or an error; never something that is not so.
#[track_caller]
fn check_honest(views: &Views, text: &str, expected: &[u64]) {
    if let Ok(found) = views.find(View::Host, text, u64::MAX, usize::MAX)
        && views.size() == 4 * BLOCK_ENTRIES
    {
        assert_eq!(found, expected);
    }
}

#[test]
fn a_damaged_store_is_dropped_or_says_so_and_is_never_believed() {
    let size = 4 * BLOCK_ENTRIES;
    let said = said(size);
    let mut chance = Chance::seeded(crate::chance::seed());
    let dir = tempfile::tempdir().unwrap();
    let clean = dir.path().join("clean");
    grow(&open(&clean), size);
    let whole = digests(&open(&clean));
    for round in 0..crate::chance::rounds(40) {
        let path = dir.path().join(format!("views-{round}"));
        copy(&clean, &path);
        damage(&path, &mut chance);
        let views = open(&path);
        for ((_, text), indices) in said.iter().filter(|((view, _), _)| *view == View::Host) {
            let newest_first: Vec<u64> = indices.iter().rev().copied().collect();
            check_honest(&views, text, &newest_first);
        }
        match views.digests() {
            Ok(found) if views.size() == size => assert_eq!(found, whole),
            Ok(_) => assert_eq!(views.size(), 0),
            Err(ViewError::Damaged(_) | ViewError::Store(_)) => {
                views.reset().unwrap();
                assert_eq!(views.size(), 0);
            }
            Err(error) => panic!("{error}"),
        }
        grow(&views, size);
        assert_eq!(digests(&views), whole, "rebuilt");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to)
        } else {
            std::fs::copy(entry.path(), to).map(drop).unwrap()
        }
    }
}

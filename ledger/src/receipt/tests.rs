//! Receipts that hold, and all that must not (T-82): another entry, index, origin, key or tree.

use proptest::prelude::*;

use super::*;
use crate::{
    frontier::Frontier,
    note::NoteError,
    proof::BatchProofs,
    testing::{TestSigner, token_revoked},
};

const ORIGIN: &str = "example.org/brevet";

fn signer() -> TestSigner {
    TestSigner::new(ORIGIN, 1)
}

fn origin() -> Origin {
    Origin::parse(ORIGIN).unwrap()
}

/// The receipts of a log that commits entries in batches of these sizes, each made with the checkpoint of its own
/// batch.
fn receipts(batches: &[u64], signer: &TestSigner) -> Vec<Receipt> {
    let mut frontier = Frontier::new();
    let mut receipts = Vec::new();
    for count in batches {
        let first = frontier.size();
        let entries: Vec<EntryBytes> = (first..first + count).map(token_revoked).collect();
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        let proofs = BatchProofs::new(&frontier, &leaves);
        frontier.extend(leaves);
        let checkpoint =
            Checkpoint::new(Origin::parse(signer.verifier().name()).unwrap(), proofs.size(), proofs.root());
        let checkpoint = checkpoint.unwrap().sign(signer).unwrap();
        for (index, entry) in (first..).zip(entries) {
            receipts.push(Receipt::make(index, entry, proofs.inclusion(index).unwrap(), checkpoint.clone()));
        }
    }
    receipts
}

fn check(receipt: &Receipt) -> Result<CheckedReceipt, ReceiptError> {
    receipt.check(&origin(), signer().verifier())
}

#[test]
fn every_receipt_holds_and_says_what_was_written() {
    let all = receipts(&[1, 4, 1, 7], &signer());
    for (index, receipt) in (0..).zip(&all) {
        let checked = check(receipt).unwrap();
        assert_eq!(checked.index(), index);
        assert_eq!(checked.entry_bytes(), &token_revoked(index));
        assert_eq!(checked.entry(), &token_revoked(index).decode().unwrap());
    }
    assert_eq!(check(&all[2]).unwrap().checkpoint().size(), 5);
}

#[test]
fn a_proof_for_another_entry_is_refused() {
    let all = receipts(&[1, 4, 1, 7], &signer());
    for (index, receipt) in all.iter().enumerate() {
        for (other, proof) in all.iter().enumerate().filter(|(other, _)| *other != index) {
            let mixed = Receipt { entry: receipt.entry.clone(), proof: proof.proof.clone() };
            assert!(matches!(check(&mixed), Err(ReceiptError::Inclusion(_))), "{index} with the proof of {other}");
        }
    }
}

#[test]
fn a_proof_for_another_index_is_refused() {
    let all = receipts(&[5], &signer());
    for other in (0..7).filter(|index| *index != 3) {
        let moved = Receipt { proof: all[3].proof.replace("index 3\n", &format!("index {other}\n")), ..all[3].clone() };
        assert!(matches!(check(&moved), Err(ReceiptError::Inclusion(_))), "{other}");
    }
}

#[test]
fn a_receipt_of_another_log_is_refused() {
    let elsewhere = TestSigner::new("example.net/brevet", 1);
    let other = &receipts(&[1, 2], &elsewhere)[2];
    // Neither its key name is known nor, if the caller knows its key, is its origin the expected one.
    assert!(matches!(check(other), Err(ReceiptError::Checkpoint(CheckpointError::Note(NoteError::NoKnownSigner)))));
    let checked = other.check(&origin(), elsewhere.verifier());
    assert!(matches!(checked, Err(ReceiptError::Checkpoint(CheckpointError::Origin { .. }))));
}

#[test]
fn a_receipt_signed_with_another_key_is_refused() {
    let other = &receipts(&[1, 2], &TestSigner::new(ORIGIN, 2))[2];
    assert!(matches!(check(other), Err(ReceiptError::Checkpoint(CheckpointError::Note(NoteError::NoKnownSigner)))));
}

#[test]
fn an_older_checkpoint_that_does_not_cover_the_entry_is_refused() {
    let all = receipts(&[3, 1], &signer());
    let (older, newer) = (ProofText::parse(&all[0].proof).unwrap(), ProofText::parse(&all[3].proof).unwrap());
    let receipt = Receipt::make(3, all[3].entry.clone(), newer.path, older.checkpoint);
    assert!(matches!(check(&receipt), Err(ReceiptError::Inclusion(ProofError::NoSuchLeaf { index: 3, size: 3 }))));
    // And a path of the smaller tree does not lead to the root of the larger one.
    let receipt = Receipt::make(0, all[0].entry.clone(), older.path, newer.checkpoint);
    assert!(matches!(check(&receipt), Err(ReceiptError::Inclusion(_))));
}

#[test]
fn what_is_in_the_tree_and_no_entry_is_refused() {
    let entry = EntryBytes::new(b"{\"v\":1}".to_vec()).unwrap();
    let leaf = leaf_hash(&entry);
    let checkpoint = Checkpoint::new(origin(), 1, leaf).unwrap().sign(&signer()).unwrap();
    assert!(matches!(check(&Receipt::make(0, entry, vec![], checkpoint)), Err(ReceiptError::Entry(_))));
}

#[test]
fn extra_data_is_refused() {
    let receipt = &receipts(&[1], &signer())[0];
    let proof = receipt.proof.replace("index", "extra AAAA\nindex");
    assert_eq!(ProofText::parse(&proof).unwrap().extra, Some(vec![0, 0, 0]));
    assert_eq!(ProofText::parse(&proof).unwrap().to_string(), proof);
    assert!(matches!(check(&Receipt { proof, ..receipt.clone() }), Err(ReceiptError::Extra)));
}

/// Every octet of the proof and of the entry, changed to every other value.
#[test]
fn every_octet_value_in_every_position() {
    let receipt = &receipts(&[3], &signer())[1];
    let proof = receipt.proof.as_bytes();
    for position in 0..proof.len() {
        for octet in (0..0x80).filter(|octet| *octet != proof[position]) {
            let mut changed = proof.to_vec();
            changed[position] = octet;
            let Ok(proof) = String::from_utf8(changed) else { continue };
            assert!(check(&Receipt { proof, ..receipt.clone() }).is_err(), "{octet:#04x} at {position}");
        }
    }
    for position in 0..receipt.entry.len() {
        let mut changed = receipt.entry.to_vec();
        changed[position] ^= 1;
        let Ok(entry) = EntryBytes::new(changed) else { continue };
        assert!(check(&Receipt { entry, ..receipt.clone() }).is_err(), "{position}");
    }
}

#[track_caller]
fn check_text_refused(text: &str, message: &str) {
    assert_eq!(ProofText::parse(text).unwrap_err().to_string(), message);
}

#[test]
fn a_proof_has_one_form() {
    let good = &receipts(&[2], &signer())[1].proof;
    assert_eq!(ProofText::parse(good).unwrap().to_string(), *good);
    let first_line = "the proof does not begin with c2sp.org/tlog-proof@v1";
    check_text_refused("", "the proof has no checkpoint");
    check_text_refused(&good.replace("@v1", "@v2"), first_line);
    check_text_refused(&format!("\n{good}"), first_line);
    check_text_refused(&good.replace("index 1", "index 01"), "the index of the proof is malformed");
    check_text_refused(&good.replace("index 1", "index 9007199254740992"), "the index of the proof is malformed");
    check_text_refused(&good.replace("index 1", "index  1"), "the index of the proof is malformed");
    check_text_refused(&good.replace("index 1\n", ""), "the proof has no index");
    check_text_refused(&good.replace("index 1", "Index 1"), "the proof has no index");
    check_text_refused(&good.replace("index 1\n", "index 1\nextra AAAA\n"), "a hash of the proof is malformed");
    check_text_refused(&good.replace("index", "extra \nindex"), "the extra data of the proof is malformed");
    check_text_refused(&good.replace("index", "extra AAA\nindex"), "the extra data of the proof is malformed");
    check_text_refused(&good.replacen("\n\n", "\n \n", 1), "a hash of the proof is malformed");
    check_text_refused(good.trim_end(), "the checkpoint of the proof is malformed");
    check_text_refused(&good.replace("index 1\n", "index 1\n\n"), "the checkpoint of the proof is malformed");
    let hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    check_text_refused(
        &good.replace("index 1\n", &format!("index 1\n{}", hash.repeat(53))),
        "the proof has more than 53 hashes",
    );
    let long = "x".repeat(MAX_PROOF_OCTETS + 1);
    check_text_refused(&long, &format!("the proof has {} octets, more than {MAX_PROOF_OCTETS}", long.len()));
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in TEXT) {
        if let Ok(proof) = ProofText::parse(&text) {
            prop_assert_eq!(proof.to_string(), text);
        }
    }
}

const TEXT: &str = "(c2sp.org/tlog-proof@v1\n)?(extra [A-Z=]{0,4}\n)?(index [0-9]{0,3}\n)?\
    ([A-Za-z=]{44}\n){0,3}\n(.|\n){0,80}";

//! Which join tokens are taken, and by which name the others are refused.

use std::time::Duration;

use identity::RequestId;
use ledger::entry::{Actor, Body, Entry, TokenCreated, TokenRevoked};

use super::*;
use crate::attestation::claims_to_entry;
use crate::state::State;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + seconds).unwrap()
}

fn trust() -> Sha256Hash {
    Sha256Hash::of(b"trust.json")
}

fn claims() -> Claims {
    Claims::from_pairs([("name", "web-1")]).unwrap()
}

fn facts(minted: &Minted) -> TokenFacts {
    TokenFacts {
        hash: minted.hash,
        profile: "web".to_owned(),
        claims: claims(),
        expires: at(3600),
        revoked: false,
        spent: None,
    }
}

/// What an attestor with this one token says of some text.
fn attest(minted: &Minted, facts: &TokenFacts, text: &str, now: Timestamp) -> Result<Attested, EvidenceError> {
    let (id, facts) = (minted.id, facts.clone());
    let shelf = move |asked: &TokenId, _: Timestamp| Ok((*asked == id).then(|| facts.clone()));
    JoinTokenAttestor::new(trust(), shelf).attest(text.as_bytes(), now)
}

#[track_caller]
fn check_refused(minted: &Minted, facts: &TokenFacts, text: &str, now: Timestamp, rule: &str) {
    let refused = attest(minted, facts, text, now).unwrap_err();
    assert_eq!(refused.rule(), rule);
    assert!(!refused.is_ours() && !refused.fix().is_empty());
    let secret = minted.text.split('.').nth(2).unwrap();
    assert!(!format!("{refused} {refused:?}").contains(secret), "the secret is repeated");
}

/// The same token with one part put in the place of another.
fn with_part(text: &str, index: usize, part: &str) -> String {
    let mut parts: Vec<&str> = text.split('.').collect();
    parts[index] = part;
    parts.join(".")
}

#[test]
fn a_token_attests_what_the_admin_said() {
    let minted = mint(trust(), &claims()).unwrap();
    let attested = attest(&minted, &facts(&minted), &minted.text, at(0)).unwrap();
    assert_eq!((attested.attestor(), attested.kind()), ("join-token", Kind::JoinToken));
    assert_eq!(attested.profile(), Some("web"));
    assert_eq!(attested.token(), Some(minted.id));
    assert_eq!(attested.claims().text("name"), Some("web-1"));
    assert_eq!(attested.claims().text("token"), Some(minted.id.to_string().as_str()));
    assert_eq!((attested.proof(), attested.proof_until()), (minted.hash, at(3600)));
}

#[test]
fn tokens_of_the_wrong_form() {
    let minted = mint(trust(), &claims()).unwrap();
    let facts = facts(&minted);
    check_refused(&minted, &facts, "", at(0), "join-token-form");
    check_refused(&minted, &facts, &format!("x{}", *minted.text), at(0), "join-token-form");
    check_refused(&minted, &facts, &with_part(&minted.text, 2, "AAAA"), at(0), "join-token-form");
    check_refused(&minted, &facts, &"x".repeat(1_000_000), at(0), "join-token-form");
    let shelf = |_: &TokenId, _: Timestamp| Ok(None);
    let refused = JoinTokenAttestor::new(trust(), shelf).attest(b"\xff\xfe", at(0)).unwrap_err();
    assert_eq!(refused.rule(), "join-token-form");
}

/// No difference between an id that is not there and a secret that is wrong: not in the rule, the text or the fix.
#[test]
fn an_unknown_id_and_a_wrong_secret_have_one_answer() {
    let (minted, other) = (mint(trust(), &claims()).unwrap(), mint(trust(), &claims()).unwrap());
    let wrong_secret = with_part(&minted.text, 2, other.text.split('.').nth(2).unwrap());
    let unknown_id = with_part(&minted.text, 1, &other.id.to_string());
    let mut gone = facts(&minted);
    (gone.revoked, gone.spent) = (true, Some(at(0)));
    let answers: Vec<String> = [(&wrong_secret, facts(&minted)), (&unknown_id, facts(&minted)), (&wrong_secret, gone)]
        .iter()
        .map(|(text, facts)| {
            let refused = attest(&minted, facts, text, at(5000)).unwrap_err();
            format!("{} {refused} {refused:?} {}", refused.rule(), refused.fix())
        })
        .collect();
    assert!(answers[0].starts_with("join-token-not-known"));
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2], "nor is told what became of a token whose secret is not known");
}

#[test]
fn the_zero_hash_of_an_unknown_id_is_no_way_in() {
    assert!(known(None, &Sha256Hash::from_bytes([0; 32])).is_none());
}

#[test]
fn a_token_of_another_authority() {
    let minted = mint(Sha256Hash::of(b"another"), &claims()).unwrap();
    check_refused(&minted, &facts(&minted), &minted.text, at(0), "join-token-of-another-authority");
}

#[test]
fn a_token_ends() {
    let minted = mint(trust(), &claims()).unwrap();
    let facts = facts(&minted);
    assert!(attest(&minted, &facts, &minted.text, at(3600).minus(Duration::from_millis(1))).is_ok());
    check_refused(&minted, &facts, &minted.text, at(3600), "join-token-expired");
}

#[test]
fn a_token_that_was_taken_back() {
    let minted = mint(trust(), &claims()).unwrap();
    let facts = TokenFacts { revoked: true, ..facts(&minted) };
    check_refused(&minted, &facts, &minted.text, at(0), "token-not-in-force");
}

/// T-05: a spent token is let through for as long as a lost answer can be had, and the committer decides whose it is.
#[test]
fn a_spent_token() {
    let minted = mint(trust(), &claims()).unwrap();
    let facts = TokenFacts { spent: Some(at(0)), ..facts(&minted) };
    assert_eq!(attest(&minted, &facts, &minted.text, at(600)).unwrap().proof(), minted.hash);
    check_refused(&minted, &facts, &minted.text, at(601), "proof-already-used");
}

#[test]
fn each_token_is_another_and_only_its_hash_is_kept() {
    let (minted, other) = (mint(trust(), &claims()).unwrap(), mint(trust(), &claims()).unwrap());
    assert_ne!((minted.id, minted.hash), (other.id, other.hash));
    assert!(!format!("{minted:?}").contains(minted.text.split('.').nth(2).unwrap()));
    let secret = [7; 32];
    let (id, another) = (TokenId::from_bytes([1; 16]), TokenId::from_bytes([2; 16]));
    assert_ne!(secret_hash(&id, &secret), secret_hash(&another, &secret), "a secret belongs to its id");
    assert_ne!(secret_hash(&id, &secret), Sha256Hash::of(&secret));
}

#[test]
fn the_token_claim_is_the_servers() {
    let claims = Claims::from_pairs([("token", "mine")]).unwrap();
    assert_eq!(mint(trust(), &claims).unwrap_err(), MintError::TokenClaim);
}

/// From the entry that made a token to the State that it is looked up in.
#[test]
fn a_token_is_read_from_state() {
    let minted = mint(trust(), &claims()).unwrap();
    let created = TokenCreated {
        token: minted.id,
        secret: minted.hash,
        profile: "web".to_owned(),
        claims: claims_to_entry(&claims()),
        expires: at(3600),
    };
    let mut state = State::new();
    fold(&mut state, 0, Body::from(created));
    let of = |state: &State, now| TokenFacts::of(&Draft::over(state, now), &minted.id).unwrap();
    assert_eq!(of(&state, at(1)), Some(facts(&minted)));
    assert_eq!(TokenFacts::of(&Draft::over(&state, at(1)), &TokenId::from_bytes([0; 16])).unwrap(), None);
    fold(&mut state, 1, Body::from(TokenRevoked { token: minted.id }));
    assert_eq!(of(&state, at(1)), Some(TokenFacts { revoked: true, ..facts(&minted) }));
    assert!(of(&state, at(3601)).is_some(), "for an hour more its holder is told that it has run out");
    assert_eq!(of(&state, at(7201)), None, "rows that have run out are not seen");
}

fn fold(state: &mut State, index: u64, body: Body) {
    let request = RequestId::from_bytes([1; 16]);
    let entry = Entry { time: at(0), actor: Actor::Local, request, salt: [2; 16], body };
    state.apply(index, &entry, &entry.encode().unwrap()).unwrap();
}

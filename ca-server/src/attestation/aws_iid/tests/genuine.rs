//! What genuine documents become, and how they may be spelled.

use pki_test_fixtures::cloud::message;
use policies::claims::ClaimValue;

use super::*;

fn attested(evidence: &[u8]) -> Attested {
    attestor().attest(evidence, now()).unwrap()
}

#[test]
fn a_document_becomes_claims() {
    let attested = attested(REGIONS.0.document(&instance()).as_bytes());
    let claims: Vec<(&str, ClaimValue)> = attested.claims().iter().map(|(name, value)| (name, value.clone())).collect();
    let wanted: Vec<(&str, ClaimValue)> = [
        ("account_id", ACCOUNT),
        ("architecture", "x86_64"),
        ("availability_zone", "test-one-1a"),
        ("image_id", "ami-0123456789abcdef0"),
        ("instance_id", INSTANCE),
        ("instance_type", "t3.micro"),
        ("partition", "aws"),
        ("pending_time", "2027-01-15T07:59:00Z"),
        ("private_ip", "10.0.0.17"),
        ("region", "test-one-1"),
    ]
    .map(|(name, value)| (name, ClaimValue::from(value)))
    .into();
    assert_eq!(claims, wanted);
    for (name, value) in attested.claims().iter() {
        assert!(policies::claims::catalogue::known(name).unwrap().kind.holds(value), "{name}");
    }
    assert_eq!((attested.attestor(), attested.kind()), ("aws", Kind::AwsIid));
    assert_eq!((attested.profile(), attested.token()), (None, None));
    assert_eq!(attested.proof_until(), Timestamp::MAX);
    // Started a minute ago, and ten minutes are allowed.
    let first_until = now().plus(std::time::Duration::from_secs(540));
    assert_eq!(attested.proof_use(), ProofUse::Binds { first_until });
}

/// T-05, T-15: whatever is another about the octets, an instance has one proof.
#[test]
fn one_instance_is_one_proof() {
    let (region, content) = (&REGIONS.0, REGIONS.0.content(&instance()));
    let proof = attested(region.document(&instance()).as_bytes()).proof();
    let whole = region.message(content.as_bytes());
    // As older signers write it: the key's algorithm in the place of the signature's, and nothing that protects it.
    let mut other_name = whole.clone();
    let attributes =
        [&message::attributes(content.as_bytes())[..2], &message::attributes(content.as_bytes())[3..]].concat();
    let signed = pki_test_fixtures::der::element(0x31, &message::sorted(&attributes).concat());
    other_name.signer().algorithm = message::algorithm(message::RSA_ENCRYPTION);
    other_name.signer().signature = region.sign(&signed);
    other_name.signer().attributes = Some(attributes);
    let spellings = [
        whole.base64().replace('\n', ""),
        format!("{}\r\n", whole.base64().replace('\n', "\r\n")),
        message::lines(&whole.der()),
        other_name.base64(),
        // After a stop and a start; with other members; with an older format of ids.
        region.document(&Instance { pending: now(), ..instance() }),
        region.message(content.replace("t3.micro", "u-6tb1.112xlarge").as_bytes()).base64(),
        region.message(content.replace("\"10.0.0.17\"", "null").as_bytes()).base64(),
        region.message(content.replacen('{', "{ \"new\" : { \"of\" : [1.5, null] },", 1).as_bytes()).base64(),
    ];
    for spelling in spellings {
        assert_eq!(attested(spelling.as_bytes()).proof(), proof, "{spelling}");
    }
}

/// T-11: partition, account and region are part of the proof.
#[test]
fn other_instances_are_other_proofs() {
    let attestor = attestor_for(&[ACCOUNT, "444455556666"], None);
    let proof = |region: &Region, account: &str, id: &str| {
        let document = region.document(&Instance::new(account, id, now()));
        attestor.attest(document.as_bytes(), now()).unwrap().proof()
    };
    let proofs = std::collections::BTreeSet::from([
        proof(&REGIONS.0, ACCOUNT, INSTANCE),
        proof(&REGIONS.1, ACCOUNT, INSTANCE),
        proof(&REGIONS.0, "444455556666", INSTANCE),
        proof(&REGIONS.0, ACCOUNT, "i-0123456789abcdef1"),
        proof(&REGIONS.0, ACCOUNT, "i-01234567"),
    ]);
    assert_eq!(proofs.len(), 5);
}

/// T-16.
#[test]
fn accounts_and_regions_are_listed() {
    let document = REGIONS.0.document(&instance());
    #[track_caller]
    fn check(attestor: &AwsAttestor, document: &str, expected: &str) {
        assert_eq!(rule(attestor, document.as_bytes()), expected);
    }
    check(&attestor_for(&[], None), &document, "account-not-listed");
    check(&attestor_for(&["111122223334"], None), &document, "account-not-listed");
    check(&attestor_for(&["444455556666", ACCOUNT], None), &document, "attested");
    check(&attestor_for(&[ACCOUNT], Some(&["test-one-1"])), &document, "attested");
    check(&attestor_for(&[ACCOUNT], Some(&["test-other-1", "us-west-1"])), &document, "region-not-listed");
    check(&attestor_for(&[ACCOUNT], Some(&[])), &document, "region-not-listed");
}

/// Several attestors: the one that the account is listed for judges.
#[tokio::test]
async fn the_attestor_of_the_account_judges() {
    let boxed = |name: &str, account: &str| -> Box<dyn Attestor> {
        let mut attestor = attestor_for(&[account], None);
        attestor.config = attestor.config.named(name);
        Box::new(attestor)
    };
    let attestors =
        crate::attestation::Attestors::new(vec![boxed("one", "444455556666"), boxed("other", ACCOUNT)]).unwrap();
    let (document, tick) = (REGIONS.0.document(&instance()), std::time::Instant::now());
    let attested = attestors.attest(Kind::AwsIid, document.as_bytes(), now(), tick).await.unwrap();
    assert_eq!(attested.attestor(), "other");
}

#[test]
fn times_at_their_limits() {
    let started = |seconds: u64| {
        REGIONS.0.document(&Instance::new(ACCOUNT, INSTANCE, now().plus(std::time::Duration::from_secs(seconds))))
    };
    assert_eq!(rule(&attestor(), started(5).as_bytes()), "attested");
    assert_eq!(rule(&attestor(), started(6).as_bytes()), "document-from-the-future");
    // A document does not end: what its age means is decided where it is known whether it was used before.
    let old = REGIONS.0.document(&Instance::new(ACCOUNT, INSTANCE, Timestamp::from_seconds(0).unwrap()));
    assert_eq!(rule(&attestor(), old.as_bytes()), "attested");
}

//! Every row of the forger, with the rule that it breaks: T-01 to T-03, T-11 to T-16, T-57.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pki_test_fixtures::forger::DocumentForger;

use super::*;

/// Each forgery by its name, no more than 50 ms each.
#[test]
fn every_forgery_is_refused_by_its_rule() {
    let (attestor, instance) = (attestor(), instance());
    assert_eq!(rule(&attestor, REGIONS.0.document(&instance).as_bytes()), "attested");
    let rules: BTreeMap<&str, &str> = RULES.iter().copied().collect();
    let forgeries = DocumentForger::new(&REGIONS.0, &REGIONS.1, &instance).all();
    let mut wrong = Vec::new();
    for forgery in &forgeries {
        let began = Instant::now();
        let judged = attestor.attest(&forgery.evidence, now());
        let took = began.elapsed();
        let refused = match judged {
            Ok(_) => panic!("{} is attested", forgery.name),
            Err(refused) => refused,
        };
        if Some(&refused.rule()) != rules.get(forgery.name) {
            wrong.push(format!("{} is {}: {refused}", forgery.name, refused.rule()));
        }
        assert!(took < Duration::from_millis(50), "{} took {took:?}", forgery.name);
        assert!(!refused.is_ours() && !refused.fix().is_empty(), "{}", forgery.name);
        check_tells_little(forgery.name, &refused, &forgery.evidence);
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert_eq!(forgeries.len(), RULES.len(), "a rule for each forgery, and no more");
}

/// T-70: no part of the evidence, and nothing that could end a line or move a cursor.
#[track_caller]
fn check_tells_little(name: &str, refused: &EvidenceError, evidence: &[u8]) {
    let told = crate::api::chain(refused);
    assert!(told.len() < 400 && told.bytes().all(|octet| (0x20..0x7f).contains(&octet)), "{name}: {told:?}");
    let text = String::from_utf8_lossy(evidence);
    for line in text.lines().filter(|line| line.len() > 60) {
        assert!(!told.contains(line), "{name}: {told}");
    }
}

const RULES: &[(&str, &str)] = &[
    // T-11 to T-16: the document
    ("content_has_a_bit_flipped", "document-message-digest"),
    ("account_is_another", "account-not-listed"),
    ("content_is_written_anew", "document-message-digest"),
    ("content_is_of_another_instance", "document-message-digest"),
    ("content_has_a_tail", "document-message-digest"),
    // T-01
    ("sibling_is_forged", "document-structure"),
    ("sibling_is_forged_and_first", "document-structure"),
    ("content_is_empty", "document-json"),
    ("content_is_no_json", "document-json"),
    ("content_is_a_list", "document-json"),
    ("content_is_not_utf8", "document-json"),
    ("content_is_two_documents", "document-json"),
    ("content_is_40_deep", "document-json"),
    ("region_is_another", "document-signature"),
    ("region_is_unknown", "document-region-unknown"),
    ("region_is_in_capitals", "document-member"),
    ("region_is_missing", "document-member"),
    ("region_is_spelled_in_capitals", "document-member"),
    ("region_is_null", "document-member"),
    ("region_is_a_list", "document-member"),
    // T-13
    ("region_stands_twice", "document-duplicate-member"),
    ("account_stands_twice", "document-duplicate-member"),
    ("account_stands_twice_in_capitals", "document-duplicate-member"),
    ("account_stands_twice_escaped", "document-duplicate-member"),
    ("account_is_missing", "document-member"),
    ("account_is_a_number", "document-member"),
    ("account_has_11_digits", "document-member"),
    ("account_has_a_space", "document-member"),
    ("account_has_other_digits", "document-member"),
    ("instance_is_missing", "document-member"),
    ("instance_is_null", "document-member"),
    // T-03
    ("instance_is_a_path", "document-member"),
    ("instance_is_in_capitals", "document-member"),
    ("instance_has_nul", "document-member"),
    ("instance_is_short", "document-member"),
    ("zone_is_a_path", "document-member"),
    ("zone_is_a_number", "document-member"),
    ("image_is_a_path", "document-member"),
    ("type_has_a_slash", "document-member"),
    ("architecture_is_long", "document-member"),
    ("address_is_a_name", "document-member"),
    ("pending_time_is_missing", "document-member"),
    ("pending_time_is_a_number", "document-member"),
    ("pending_time_has_an_offset", "document-member"),
    ("pending_time_is_no_day", "document-member"),
    // T-15
    ("pending_time_is_ahead", "document-from-the-future"),
    ("pending_time_is_a_year_ahead", "document-from-the-future"),
    // T-02: who signed
    ("signed_by_a_stranger", "document-signature"),
    ("signed_by_another_region", "document-signature"),
    ("signed_by_a_stranger_who_is_embedded", "document-brings-certificates"),
    ("signed_by_a_stranger_embedded_first", "document-brings-certificates"),
    ("signed_by_a_stranger_embedded_last", "document-brings-certificates"),
    ("certificate_is_foreign", "document-brings-certificates"),
    ("certificate_is_the_regions", "document-brings-certificates"),
    ("certificates_are_none", "document-brings-certificates"),
    ("crls_are_there", "document-brings-certificates"),
    // T-14
    ("signers_are_two", "document-signers"),
    ("signers_are_two_stranger_first", "document-signers"),
    ("signers_are_the_same_twice", "document-signers"),
    ("signers_are_none", "document-signers"),
    ("signature_has_a_bit_flipped", "document-signature"),
    ("signature_is_empty", "document-signature"),
    ("signature_is_zeros", "document-signature"),
    ("signature_is_one", "document-signature"),
    ("signature_is_short", "document-signature"),
    ("signature_is_long", "document-signature"),
    ("signature_is_by_sha512", "document-signature"),
    ("signature_is_pss", "document-signature"),
    ("signature_is_over_the_implicit_tag", "document-signature"),
    ("signature_is_over_the_content", "document-signature"),
    ("attributes_are_missing", "document-signed-attributes"),
    ("attributes_are_the_content", "document-signed-attributes"),
    ("attributes_are_empty", "document-signed-attributes"),
    ("content_type_is_missing", "document-signed-attributes"),
    ("content_type_is_signed_data", "document-content-type"),
    ("content_type_stands_twice", "document-signed-attributes"),
    ("content_type_has_two_values", "document-signed-attributes"),
    ("content_type_has_no_value", "document-signed-attributes"),
    ("content_type_is_a_text", "document-structure"),
    ("message_digest_is_missing", "document-signed-attributes"),
    ("message_digest_is_of_other_content", "document-message-digest"),
    ("message_digest_stands_twice", "document-signed-attributes"),
    ("message_digest_has_two_values", "document-signed-attributes"),
    ("message_digest_is_sha1", "document-signed-attributes"),
    ("message_digest_is_cut", "document-signed-attributes"),
    ("message_digest_is_empty", "document-signed-attributes"),
    ("protected_digest_is_sha1", "document-signed-attributes"),
    ("protected_signature_is_sha1", "document-signed-attributes"),
    ("protected_algorithms_are_a_text", "document-signed-attributes"),
    ("attribute_is_no_pair", "document-structure"),
    ("attribute_values_are_no_set", "document-structure"),
    ("unsigned_attributes_are_there", "document-structure"),
    ("digest_is_md5", "document-digest-algorithm"),
    ("digest_is_sha1", "document-digest-algorithm"),
    ("digest_is_sha512", "document-digest-algorithm"),
    ("digest_of_the_signer_is_sha1", "document-digest-algorithm"),
    ("digest_of_the_message_is_sha1", "document-digest-algorithm"),
    ("digests_are_two", "document-digest-algorithm"),
    ("digests_are_none", "document-digest-algorithm"),
    ("digest_has_parameters", "document-digest-algorithm"),
    ("algorithm_is_sha1", "document-signature-algorithm"),
    ("algorithm_is_pss", "document-signature-algorithm"),
    ("algorithm_is_ecdsa", "document-signature-algorithm"),
    ("algorithm_is_dsa", "document-signature-algorithm"),
    ("algorithm_is_missing", "document-structure"),
    // The shape of the message
    ("type_is_data", "document-content-type"),
    ("type_is_a_text", "document-structure"),
    ("encapsulated_type_is_signed_data", "document-content-type"),
    ("version_is_3", "document-structure"),
    ("version_is_missing", "document-structure"),
    ("version_of_the_signer_is_3", "document-structure"),
    ("signer_is_named_by_key_id", "document-structure"),
    ("signer_is_not_named", "document-digest-algorithm"),
    ("content_is_detached", "document-structure"),
    ("content_is_a_sequence", "document-structure"),
    ("content_is_a_bit_string", "document-structure"),
    ("content_is_in_pieces_of_pieces", "document-ber"),
    ("content_is_in_pieces_of_bits", "document-ber"),
    ("message_has_a_third_element", "document-structure"),
    ("something_stands_before_the_signers", "document-structure"),
    ("message_is_a_sequence_of_nothing", "document-structure"),
    ("message_is_null", "document-structure"),
    ("message_is_the_document", "document-ber"),
    ("message_is_a_certificate", "document-structure"),
    // T-57, T-58: octets and characters
    ("evidence_is_empty", "document-ber"),
    ("evidence_is_line_ends", "document-ber"),
    ("evidence_is_pem", "document-base64"),
    ("evidence_is_raw", "document-base64"),
    ("evidence_is_the_document_itself", "document-base64"),
    ("evidence_is_in_another_alphabet", "document-base64"),
    ("evidence_has_spaces", "document-base64"),
    ("evidence_has_a_tail", "document-base64"),
    ("evidence_stands_twice", "document-base64"),
    ("evidence_has_nul", "document-base64"),
    ("evidence_is_cut", "document-ber"),
    ("evidence_has_16_kib_and_1", "document-too-long"),
    ("evidence_has_a_megabyte", "document-too-long"),
    ("octets_follow", "document-trailing-octets"),
    ("end_follows_the_end", "document-trailing-octets"),
    ("second_message_follows", "document-trailing-octets"),
    ("end_is_missing", "document-ber"),
    ("last_octet_is_missing", "document-ber"),
    ("length_is_huge", "document-ber"),
    ("length_has_127_octets", "document-ber"),
    ("length_is_not_the_shortest", "document-ber"),
    ("tag_has_two_octets", "document-ber"),
    ("nested_5000_deep", "document-too-deep"),
    ("nested_17_deep", "document-too-deep"),
    ("strings_of_6000_pieces", "document-structure"),
    ("zeros", "document-ber"),
];

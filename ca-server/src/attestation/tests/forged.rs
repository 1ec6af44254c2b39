//! Every row of the forger, with the rule that it breaks: T-03, T-06, T-13, T-20 to T-28.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::Duration;

use pki_test_fixtures::forger::TokenForger;

use super::*;

/// T-06, T-20 to T-28: each forgery by its name, no more than a second each, and no connection to where it points.
#[tokio::test]
async fn every_forgery_is_refused_by_its_rule() {
    let bait = TcpListener::bind("127.0.0.1:0").unwrap();
    bait.set_nonblocking(true).unwrap();
    let cluster = Cluster::with_both_algorithms();
    let (server, pod, tick) = (cluster.serve(), pod(&cluster), Instant::now());
    let attestors = following(&cluster, &server, tick).await;
    let url = format!("http://{}/keys", bait.local_addr().unwrap());
    let genuine = cluster.token(&pod, now());
    assert!(attestors.attest(Kind::Kubernetes, genuine.as_bytes(), now(), tick).await.is_ok());

    let rules: BTreeMap<&str, &str> = RULES.iter().copied().collect();
    let forgeries = TokenForger::new(&cluster, &pod, now(), &url).all();
    for forgery in &forgeries {
        let began = Instant::now();
        let refused = attestors.attest(Kind::Kubernetes, &forgery.evidence, now(), tick).await.unwrap_err();
        let took = began.elapsed();
        assert_eq!(Some(&refused.rule()), rules.get(forgery.name), "{}: {refused}", forgery.name);
        assert!(took < Duration::from_secs(1), "{} took {took:?}", forgery.name);
        assert!(!refused.is_ours() && !refused.fix().is_empty(), "{}", forgery.name);
        check_tells_little(forgery.name, &refused, &forgery.evidence);
    }
    assert_eq!(forgeries.len(), RULES.len(), "a rule for each forgery, and no more");
    assert_eq!(server.connections(), 1, "keys were fetched once, for no forgery");
    assert_eq!(bait.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "somebody called");
}

/// T-70: neither the token nor a part of it, and nothing that could end a line or move a cursor.
#[track_caller]
fn check_tells_little(name: &str, refused: &EvidenceError, evidence: &[u8]) {
    let told = format!("{refused}");
    assert!(told.len() < 700 && told.bytes().all(|octet| (0x20..0x7f).contains(&octet)), "{name}: {told:?}");
    let token = String::from_utf8_lossy(evidence);
    for part in token.split('.').filter(|part| part.len() > 60) {
        assert!(!told.contains(part), "{name}: {told}");
    }
}

const RULES: &[(&str, &str)] = &[
    // T-20
    ("exp_is_a_string", "token-claim-type"),
    ("exp_is_null", "token-claim-type"),
    ("exp_is_missing", "token-claim-missing"),
    ("exp_is_negative", "token-claim-type"),
    ("exp_is_1e30", "token-claim-type"),
    ("exp_is_u64_max", "token-claim-type"),
    ("exp_is_a_fraction", "token-claim-type"),
    ("exp_has_a_decimal_point", "token-claim-type"),
    ("exp_is_beyond_64_bits", "token-claim-type"),
    ("exp_is_a_list", "token-claim-type"),
    ("exp_is_a_boolean", "token-claim-type"),
    ("exp_is_spelled_in_capitals", "token-claim-missing"),
    ("exp_was_a_second_ago", "token-expired"),
    ("exp_is_now", "token-expired"),
    ("exp_is_before_iat", "token-ends-before-issue"),
    ("nbf_is_a_string", "token-claim-type"),
    ("nbf_is_null", "token-claim-type"),
    ("nbf_is_missing", "token-claim-missing"),
    ("nbf_is_negative", "token-claim-type"),
    ("nbf_is_1e30", "token-claim-type"),
    ("nbf_is_u64_max", "token-claim-type"),
    ("nbf_is_ahead", "token-not-yet-valid"),
    ("iat_is_a_string", "token-claim-type"),
    ("iat_is_null", "token-claim-type"),
    ("iat_is_missing", "token-claim-missing"),
    ("iat_is_negative", "token-claim-type"),
    ("iat_is_ahead", "token-not-yet-valid"),
    // T-27, T-28
    ("more_than_ten_minutes_remain", "token-remaining-life"),
    ("lives_longer_than_an_hour", "token-lifetime"),
    ("lives_a_year", "token-lifetime"),
    ("lives_a_year_from_now", "token-lifetime"),
    ("comes_from_a_secret", "issuer-mismatch"),
    ("comes_from_a_secret_of_the_right_issuer", "token-from-secret"),
    // T-21
    ("audience_is_missing", "token-claim-missing"),
    ("audience_is_an_empty_list", "audience-mismatch"),
    ("audience_is_null", "token-claim-type"),
    ("audience_holds_null", "token-claim-type"),
    ("audience_is_empty", "audience-mismatch"),
    ("audience_is_an_object", "token-claim-type"),
    ("audience_is_a_prefix", "audience-mismatch"),
    ("audience_begins_with_ours", "audience-mismatch"),
    ("audience_is_in_capitals", "audience-mismatch"),
    ("audience_has_a_space", "audience-mismatch"),
    ("audience_is_the_api_server", "audience-mismatch"),
    ("audiences_are_two", "audience-mismatch"),
    ("audiences_are_two_ours_last", "audience-mismatch"),
    ("audience_is_ours_twice", "audience-mismatch"),
    // T-22
    ("alg_is_none", "token-algorithm"),
    ("alg_is_none_capitalised", "token-algorithm"),
    ("alg_is_none_in_capitals", "token-algorithm"),
    ("alg_is_none_in_mixed_case", "token-algorithm"),
    ("alg_is_none_but_signed", "token-algorithm"),
    ("alg_is_missing", "token-algorithm"),
    ("alg_is_null", "token-algorithm"),
    ("alg_is_in_lower_case", "token-algorithm"),
    ("hs256_with_public_pem", "token-algorithm"),
    ("hs256_with_modulus", "token-algorithm"),
    ("hs256_with_nothing", "token-algorithm"),
    ("rs512_on_an_rs256_key", "token-algorithm"),
    ("ps256_on_an_rs256_key", "token-algorithm"),
    ("rs256_on_an_ec_key", "token-algorithm-of-key"),
    ("es256_on_an_rsa_key", "token-algorithm-of-key"),
    ("rsa_signature_under_the_ec_key", "token-signature"),
    ("ecdsa_signature_in_der", "token-signature"),
    ("ecdsa_signature_of_zeros", "token-signature"),
    ("ecdsa_signature_of_zeros_in_der", "token-signature"),
    ("ecdsa_signature_of_the_order", "token-signature"),
    ("ecdsa_signature_is_long", "token-signature"),
    ("rsa_signature_of_one", "token-signature"),
    ("rsa_signature_is_short", "token-signature"),
    ("signature_is_empty", "token-signature"),
    ("signature_has_a_bit_flipped", "token-signature"),
    ("claims_were_changed_after_signing", "token-signature"),
    ("signed_by_a_stranger", "token-signature"),
    ("signed_by_a_strangers_rsa_key", "token-signature"),
    ("jwk_is_embedded", "token-header-member"),
    // T-23
    ("kid_is_missing", "token-key-id"),
    ("kid_is_empty", "token-key-id"),
    ("kid_is_a_number", "token-key-id"),
    ("kid_is_a_list", "token-key-id"),
    ("kid_is_a_path", "token-key-unknown"),
    ("kid_is_sql", "token-key-id"),
    ("kid_has_nul", "token-key-id"),
    ("kid_is_a_url", "token-key-unknown"),
    ("kid_is_in_capitals", "token-key-unknown"),
    ("kid_is_a_prefix", "token-key-unknown"),
    ("kid_is_not_ascii", "token-key-id"),
    ("kid_has_257_characters", "token-key-id"),
    ("kid_has_70_kb", "token-too-long"),
    ("kid_is_unknown", "token-key-unknown"),
    // T-06, T-24
    ("crit_is_unknown", "token-critical-extension"),
    ("crit_is_empty", "token-critical-extension"),
    ("crit_names_alg", "token-critical-extension"),
    ("b64_is_false", "token-header-member"),
    ("b64_is_false_without_crit", "token-header-member"),
    ("typ_is_an_access_token", "token-type"),
    ("typ_is_a_logout_token", "token-type"),
    ("typ_is_in_lower_case", "token-type"),
    ("typ_is_a_number", "token-type"),
    ("typ_is_null", "token-type"),
    ("cty_is_jwt", "token-header-member"),
    ("zip_is_def", "token-header-member"),
    ("jku_is_a_listener", "token-header-member"),
    ("x5u_is_a_listener", "token-header-member"),
    ("x5c_is_embedded", "token-header-member"),
    ("x5t_is_there", "token-header-member"),
    ("jwk_is_the_right_key", "token-header-member"),
    ("header_member_is_unknown", "token-header-member"),
    ("header_is_a_list", "token-json"),
    ("header_is_empty", "token-algorithm"),
    // T-25
    ("issuer_is_missing", "token-claim-missing"),
    ("issuer_is_null", "token-claim-type"),
    ("issuer_is_a_list", "token-claim-type"),
    ("issuer_is_another", "issuer-mismatch"),
    ("issuer_is_a_prefix", "issuer-mismatch"),
    ("issuer_begins_with_ours", "issuer-mismatch"),
    ("issuer_is_before_an_at_sign", "issuer-mismatch"),
    ("issuer_has_a_trailing_slash", "issuer-mismatch"),
    ("issuer_is_in_another_case", "issuer-mismatch"),
    ("issuer_has_no_dot", "issuer-mismatch"),
    ("issuer_ends_in_nul", "issuer-mismatch"),
    ("issuer_is_a_listener", "issuer-mismatch"),
    // T-26
    ("token_is_empty", "token-parts"),
    ("million_dots", "token-too-long"),
    ("sixteen_thousand_dots", "token-parts"),
    ("token_is_an_octet_too_long", "token-too-long"),
    ("token_has_a_megabyte", "token-too-long"),
    ("parts_are_two", "token-parts"),
    ("parts_are_four", "token-parts"),
    ("token_is_encrypted", "token-parts"),
    ("token_is_in_json_serialisation", "token-parts"),
    ("newline_at_the_end", "token-base64"),
    ("space_at_the_start", "token-base64"),
    ("bearer_at_the_start", "token-base64"),
    ("base64_is_padded", "token-base64"),
    ("base64_has_loose_bits", "token-base64"),
    ("token_is_not_utf8", "token-base64"),
    ("payload_is_not_utf8", "token-json"),
    ("payload_is_not_json", "token-json"),
    ("payload_is_a_list", "token-json"),
    ("payload_has_a_tail", "token-json"),
    ("payload_is_33_deep", "token-too-deep"),
    ("payload_is_5000_deep", "token-too-deep"),
    ("payload_has_half_a_surrogate", "token-json"),
    // T-13
    ("exp_stands_twice_false_first", "token-duplicate-member"),
    ("exp_stands_twice_false_last", "token-duplicate-member"),
    ("aud_stands_twice", "token-duplicate-member"),
    ("iss_stands_twice_alike", "token-duplicate-member"),
    ("sub_stands_twice_escaped", "token-duplicate-member"),
    ("sub_stands_twice_in_capitals", "token-duplicate-member"),
    ("kubernetes_stands_twice", "token-duplicate-member"),
    ("namespace_stands_twice", "token-duplicate-member"),
    ("pod_uid_stands_twice", "token-duplicate-member"),
    ("alg_stands_twice", "token-duplicate-member"),
    ("kid_stands_twice", "token-duplicate-member"),
    // T-27
    ("kubernetes_is_missing", "token-claim-missing"),
    ("kubernetes_is_a_text", "token-claim-type"),
    ("namespace_is_missing", "token-claim-missing"),
    ("pod_is_missing", "token-claim-missing"),
    ("pod_uid_is_missing", "token-claim-missing"),
    ("pod_name_is_missing", "token-claim-missing"),
    ("pod_uid_is_empty", "token-uid"),
    ("pod_uid_is_no_uuid", "token-uid"),
    ("pod_uid_is_in_capitals", "token-uid"),
    ("pod_uid_is_nil", "token-uid"),
    ("service_account_is_missing", "token-claim-missing"),
    ("service_account_uid_is_missing", "token-claim-missing"),
    ("service_account_uid_is_no_uuid", "token-uid"),
    ("node_uid_is_missing", "token-claim-missing"),
    ("node_uid_is_no_uuid", "token-uid"),
    ("node_is_a_text", "token-claim-type"),
    ("sub_is_missing", "token-claim-missing"),
    ("sub_is_another_account", "token-subject"),
    ("sub_is_in_another_namespace", "token-subject"),
    ("sub_is_a_user", "token-subject"),
    ("sub_has_a_tail", "token-subject"),
    ("namespace_is_another", "token-subject"),
    // T-03
    ("service_account_is_a_path", "token-name"),
    ("service_account_is_two_dots", "token-name"),
    ("service_account_has_a_slash", "token-name"),
    ("service_account_has_an_escape", "token-name"),
    ("service_account_has_nul", "token-name"),
    ("service_account_has_a_newline", "token-name"),
    ("service_account_is_a_star", "token-name"),
    ("service_account_has_a_plus", "token-name"),
    ("service_account_has_a_comma", "token-name"),
    ("service_account_has_a_colon", "token-name"),
    ("service_account_is_in_capitals", "token-name"),
    ("service_account_has_a_homoglyph", "token-name"),
    ("service_account_is_empty", "token-name"),
    ("service_account_has_254_characters", "token-name"),
    ("namespace_has_a_dot", "token-name"),
    ("namespace_is_a_path", "token-name"),
    ("namespace_has_64_characters", "token-name"),
    ("pod_name_is_a_path", "token-name"),
    ("node_name_is_a_path", "token-name"),
];

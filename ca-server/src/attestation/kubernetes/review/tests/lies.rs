//! An API server that lies: the truth with one thing false, and the rule that finds it. T-21, T-27.

use pki_test_fixtures::cluster::Verdict;
use serde_json::{Value, json};

use super::{House, check};

/// Answers of a server that lies, each with one thing false.
#[tokio::test]
async fn lies() {
    let house = House::new();
    let token = house.token();
    for (name, lie, rule) in LIES {
        house.server.answer(Verdict::Lie(*lie));
        let found = house.ask(&token).await;
        assert!(found.is_err(), "{name} is believed");
        check(&house, found, rule);
    }
}

type Lie = (&'static str, fn(&mut Value), &'static str);

const LIES: &[Lie] = &[
    ("audiences_are_missing", |a| remove(&mut a["status"], "audiences"), "review-audience-unaware"),
    ("audiences_are_null", |a| a["status"]["audiences"] = json!(null), "review-audience-unaware"),
    ("audiences_are_empty", |a| a["status"]["audiences"] = json!([]), "review-audience-unaware"),
    ("audience_is_another", |a| a["status"]["audiences"] = json!(["vault"]), "review-audience"),
    ("audience_is_in_capitals", |a| a["status"]["audiences"] = json!(["BREVET"]), "review-audience"),
    ("audience_is_a_prefix", |a| a["status"]["audiences"] = json!(["breve"]), "review-audience"),
    ("audiences_are_two", |a| a["status"]["audiences"] = json!(["brevet", "vault"]), "review-audience"),
    ("audience_is_a_text", |a| a["status"]["audiences"] = json!("brevet"), "review-type"),
    ("audiences_hold_null", |a| a["status"]["audiences"] = json!([null]), "review-type"),
    ("authenticated_is_false", |a| a["status"]["authenticated"] = json!(false), "review-not-authenticated"),
    ("authenticated_is_missing", |a| remove(&mut a["status"], "authenticated"), "review-not-authenticated"),
    ("authenticated_is_a_text", |a| a["status"]["authenticated"] = json!("true"), "review-type"),
    ("authenticated_is_one", |a| a["status"]["authenticated"] = json!(1), "review-type"),
    ("authenticated_is_null", |a| a["status"]["authenticated"] = json!(null), "review-type"),
    ("authenticated_with_an_error", |a| a["status"]["error"] = json!("but no"), "review-contradicts"),
    ("error_is_an_object", |a| a["status"]["error"] = json!({}), "review-type"),
    ("status_is_missing", |a| remove(a, "status"), "review-missing"),
    ("status_is_a_list", |a| a["status"] = json!([]), "review-type"),
    ("kind_is_another", |a| a["kind"] = json!("SubjectAccessReview"), "review-form"),
    ("kind_is_missing", |a| remove(a, "kind"), "review-missing"),
    ("version_is_beta", |a| a["apiVersion"] = json!("authentication.k8s.io/v1beta1"), "review-form"),
    ("answers_for_another_token", |a| a["spec"]["token"] = json!("a.b.c"), "review-of-another-token"),
    ("spec_token_is_a_number", |a| a["spec"]["token"] = json!(1), "review-type"),
    ("user_is_missing", |a| remove(&mut a["status"], "user"), "review-missing"),
    ("user_is_empty", |a| a["status"]["user"] = json!({}), "review-username"),
    ("user_is_an_admin", |a| user(a)["username"] = json!("kubernetes-admin"), "review-username"),
    (
        "user_is_in_another_namespace",
        |a| user(a)["username"] = json!("system:serviceaccount:kube-system:api"),
        "review-username",
    ),
    ("username_is_a_list", |a| user(a)["username"] = json!(["a"]), "review-type"),
    ("account_has_another_uid", |a| user(a)["uid"] = json!(OTHER_UID), "review-service-account-uid"),
    ("account_uid_is_missing", |a| remove(user(a), "uid"), "review-service-account-uid"),
    ("extra_is_missing", |a| remove(user(a), "extra"), "review-pod-name"),
    ("extra_is_a_text", |a| user(a)["extra"] = json!("x"), "review-type"),
    ("pod_is_another", |a| extra(a, "pod-name", json!(["api-1"])), "review-pod-name"),
    ("pod_name_is_missing", |a| extra(a, "pod-name", json!(null)), "review-type"),
    ("pod_has_another_uid", |a| extra(a, "pod-uid", json!([OTHER_UID])), "review-pod-uid"),
    ("pod_has_two_uids", |a| extra(a, "pod-uid", json!([OTHER_UID, OTHER_UID])), "review-type"),
    ("pod_uid_is_no_list", |a| extra(a, "pod-uid", json!(OTHER_UID)), "review-type"),
    ("node_is_another", |a| extra(a, "node-name", json!(["worker-2"])), "review-node-name"),
    (
        "node_is_missing",
        |a| remove(&mut user(a)["extra"], "authentication.kubernetes.io/node-name"),
        "review-node-name",
    ),
    ("node_has_another_uid", |a| extra(a, "node-uid", json!([OTHER_UID])), "review-node-uid"),
    ("token_id_is_another", |a| extra(a, "credential-id", json!([format!("JTI={OTHER_UID}")])), "review-token-id"),
    (
        "token_id_is_missing",
        |a| remove(&mut user(a)["extra"], "authentication.kubernetes.io/credential-id"),
        "review-token-id",
    ),
];

const OTHER_UID: &str = "7f1c0a52-9a3b-4c5d-8e6f-0123456789ab";

fn user(answer: &mut Value) -> &mut Value {
    &mut answer["status"]["user"]
}

fn extra(answer: &mut Value, key: &str, value: Value) {
    user(answer)["extra"][format!("authentication.kubernetes.io/{key}")] = value;
}

fn remove(object: &mut Value, name: &str) {
    object.as_object_mut().unwrap().remove(name);
}

//! Tokens of nobody, or of somebody with a name that is a trick (T-03, T-27). Knows the claims; knows no key.

use serde_json::{Value, json};

use super::TokenForger;
use crate::forger::flaws;

flaws! {
    /// False identities (T-03, T-27).
    TokenForger<'_>, identities:

    /// No `kubernetes.io`.
    fn kubernetes_is_missing(&self) { self.without("kubernetes.io") }
    /// `kubernetes.io` is a text.
    fn kubernetes_is_a_text(&self) { self.with("kubernetes.io", "payments") }
    /// No namespace.
    fn namespace_is_missing(&self) { self.inside(|k8s| remove(k8s, "namespace")) }
    /// Bound to a Secret, not to a pod.
    fn pod_is_missing(&self) {
        self.inside(|k8s| {
            remove(k8s, "pod");
            k8s["secret"] = json!({ "name": "api-token-x7k2p", "uid": self.pod.uid });
        })
    }
    /// The pod has no UID.
    fn pod_uid_is_missing(&self) { self.inside(|k8s| remove(&mut k8s["pod"], "uid")) }
    /// The pod has no name.
    fn pod_name_is_missing(&self) { self.inside(|k8s| remove(&mut k8s["pod"], "name")) }
    /// The pod's UID is empty.
    fn pod_uid_is_empty(&self) { self.inside(|k8s| k8s["pod"]["uid"] = json!("")) }
    /// The pod's UID is no UUID.
    fn pod_uid_is_no_uuid(&self) { self.inside(|k8s| k8s["pod"]["uid"] = json!("api-0")) }
    /// The pod's UID is a UUID in capitals.
    fn pod_uid_is_in_capitals(&self) { self.inside(|k8s| k8s["pod"]["uid"] = json!(CAPITAL_UUID)) }
    /// The pod's UID is the nil UUID.
    fn pod_uid_is_nil(&self) { self.inside(|k8s| k8s["pod"]["uid"] = json!("00000000-0000-0000-0000-000000000000")) }
    /// No service account.
    fn service_account_is_missing(&self) { self.inside(|k8s| remove(k8s, "serviceaccount")) }
    /// The service account has no UID.
    fn service_account_uid_is_missing(&self) { self.inside(|k8s| remove(&mut k8s["serviceaccount"], "uid")) }
    /// The service account's UID is no UUID.
    fn service_account_uid_is_no_uuid(&self) { self.inside(|k8s| k8s["serviceaccount"]["uid"] = json!("1")) }
    /// The node has a name and no UID.
    fn node_uid_is_missing(&self) { self.inside(|k8s| remove(&mut k8s["node"], "uid")) }
    /// The node's UID is no UUID.
    fn node_uid_is_no_uuid(&self) { self.inside(|k8s| k8s["node"]["uid"] = json!("worker-1")) }
    /// The node is a text.
    fn node_is_a_text(&self) { self.inside(|k8s| k8s["node"] = json!("worker-1")) }

    /// There is no `sub`.
    fn sub_is_missing(&self) { self.without("sub") }
    /// `sub` is another service account than the claims say.
    fn sub_is_another_account(&self) { self.with("sub", "system:serviceaccount:payments:admin") }
    /// `sub` is in another namespace than the claims say.
    fn sub_is_in_another_namespace(&self) { self.with("sub", "system:serviceaccount:kube-system:api") }
    /// `sub` is a user, not a service account.
    fn sub_is_a_user(&self) { self.with("sub", "kubernetes-admin") }
    /// `sub` has one colon more.
    fn sub_has_a_tail(&self) {
        self.with("sub", format!("system:serviceaccount:{}:{}:admin", self.pod.namespace, self.pod.service_account))
    }
    /// The claims are of another namespace than `sub`.
    fn namespace_is_another(&self) { self.inside(|k8s| k8s["namespace"] = json!("kube-system")) }

    /// The account's name leaves its directory (T-03).
    fn service_account_is_a_path(&self) { self.named("../../admin") }
    /// The account's name is two dots (T-03).
    fn service_account_is_two_dots(&self) { self.named("..") }
    /// The account's name has a slash (T-03).
    fn service_account_has_a_slash(&self) { self.named("api/admin") }
    /// The account's name has an escaped dot (T-03).
    fn service_account_has_an_escape(&self) { self.named("%2e%2e") }
    /// The account's name has a NUL (T-03).
    fn service_account_has_nul(&self) { self.named("api\0admin") }
    /// The account's name has a newline (T-03).
    fn service_account_has_a_newline(&self) { self.named("api\nadmin") }
    /// The account's name is a star (T-03).
    fn service_account_is_a_star(&self) { self.named("*") }
    /// The account's name has a plus (T-03).
    fn service_account_has_a_plus(&self) { self.named("api+admin") }
    /// The account's name has a comma (T-03).
    fn service_account_has_a_comma(&self) { self.named("api,admin") }
    /// The account's name has a colon, so that `sub` can be read in two ways.
    fn service_account_has_a_colon(&self) { self.named("api:admin") }
    /// The account's name is in capitals.
    fn service_account_is_in_capitals(&self) { self.named("API") }
    /// The account's name has a letter that looks like another.
    fn service_account_has_a_homoglyph(&self) { self.named("\u{0430}pi") }
    /// The account's name is empty.
    fn service_account_is_empty(&self) { self.named("") }
    /// The account's name has 254 characters.
    fn service_account_has_254_characters(&self) { self.named(&"a".repeat(254)) }
    /// The namespace has a dot, which no namespace may.
    fn namespace_has_a_dot(&self) { self.in_namespace("payments.eu") }
    /// The namespace leaves its directory (T-03).
    fn namespace_is_a_path(&self) { self.in_namespace("../kube-system") }
    /// The namespace has 64 characters.
    fn namespace_has_64_characters(&self) { self.in_namespace(&"n".repeat(64)) }
    /// The pod's name leaves its directory (T-03).
    fn pod_name_is_a_path(&self) { self.inside(|k8s| k8s["pod"]["name"] = json!("../../admin")) }
    /// The node's name leaves its directory (T-03).
    fn node_name_is_a_path(&self) { self.inside(|k8s| k8s["node"]["name"] = json!("../../admin")) }
}

impl TokenForger<'_> {
    /// A service account of this name, `sub` and claims alike.
    fn named(&self, name: &str) -> Vec<u8> {
        let mut claims = self.claims();
        claims["kubernetes.io"]["serviceaccount"]["name"] = json!(name);
        claims["sub"] = json!(format!("system:serviceaccount:{}:{name}", self.pod.namespace));
        self.cluster.sign(&claims).into_bytes()
    }

    /// A namespace of this name, `sub` and claims alike.
    fn in_namespace(&self, name: &str) -> Vec<u8> {
        let mut claims = self.claims();
        claims["kubernetes.io"]["namespace"] = json!(name);
        claims["sub"] = json!(format!("system:serviceaccount:{name}:{}", self.pod.service_account));
        self.cluster.sign(&claims).into_bytes()
    }
}

fn remove(object: &mut Value, name: &str) {
    object.as_object_mut().expect("an object").remove(name);
}

const CAPITAL_UUID: &str = "7F1C0A52-9A3B-4C5D-8E6F-0123456789AB";

//! The claims of service-account tokens, in the shapes that clusters write. Knows no key.

use identity::Timestamp;
use serde_json::{Map, Value, json};

use super::Pod;
use crate::uuid;

/// The life that a pod asks for in `expirationSeconds`; 600 is the least that the API grants.
pub const LIFE_SECONDS: u64 = 600;

/// The claims of a token bound to `pod`, fresh at `now`, for `audience`
/// (KEP-1205 and KEP-4193; the shape of Kubernetes 1.32).
#[must_use]
pub fn bound(issuer: &str, audience: &str, pod: &Pod, now: Timestamp) -> Map<String, Value> {
    let Value::Object(claims) = json!({
        "aud": [audience],
        "exp": now.seconds() + LIFE_SECONDS,
        "iat": now.seconds(),
        "iss": issuer,
        "jti": uuid::random(),
        "kubernetes.io": {
            "namespace": pod.namespace,
            "node": { "name": pod.node, "uid": pod.node_uid },
            "pod": { "name": pod.name, "uid": pod.uid },
            "serviceaccount": { "name": pod.service_account, "uid": pod.service_account_uid },
        },
        "nbf": now.seconds(),
        "sub": format!("system:serviceaccount:{}:{}", pod.namespace, pod.service_account),
    }) else {
        unreachable!("an object was written")
    };
    claims
}

/// The claims of a token kept in a Secret, as clusters made them before 1.24: no audience, no end, no pod.
#[must_use]
pub fn legacy(pod: &Pod) -> Map<String, Value> {
    let Value::Object(claims) = json!({
        "iss": "kubernetes/serviceaccount",
        "kubernetes.io/serviceaccount/namespace": pod.namespace,
        "kubernetes.io/serviceaccount/secret.name": format!("{}-token-x7k2p", pod.service_account),
        "kubernetes.io/serviceaccount/service-account.name": pod.service_account,
        "kubernetes.io/serviceaccount/service-account.uid": pod.service_account_uid,
        "sub": format!("system:serviceaccount:{}:{}", pod.namespace, pod.service_account),
    }) else {
        unreachable!("an object was written")
    };
    claims
}

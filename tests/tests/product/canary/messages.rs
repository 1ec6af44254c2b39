//! Every route of the server, as its source lists them, and a sound message for each: a new route without one fails the test.

use protocol::Binary;
use serde_json::{Value, json};

/// A route of the API, and whether the admin socket has it too.
pub(super) struct Route {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) on_socket: bool,
}

/// What sound messages speak of.
pub(super) struct Facts {
    pub(super) host: String,
    pub(super) serial: String,
}

const API: &str = include_str!("../../../../ca-server/src/api.rs");
const OPERATE: &str = include_str!("../../../../ca-server/src/api/operate.rs");

/// All routes, read from the source that declares them.
pub(super) fn routes() -> Vec<Route> {
    let (api, socket) = API.split_once("pub fn socket_router").unwrap();
    let socket = socket.split_once("fn finish").unwrap().0;
    let on_socket = declared(socket);
    let mut all: Vec<Route> = declared(api)
        .into_iter()
        .map(|(method, path)| {
            let both = on_socket.contains(&(method.clone(), path.clone()));
            Route { method, path, on_socket: both }
        })
        .collect();
    let operated = declared(OPERATE).into_iter();
    all.extend(operated.map(|(method, path)| Route { method, path, on_socket: true }));
    // The feed never ends; its route is asked by hosts alone, whose messages are typed.
    all.retain(|route| route.path != "/v1/feed");
    assert!(all.len() > 30, "{} routes", all.len());
    all
}

/// `.route("path", get(..).post(..))`.
fn declared(source: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for declaration in source.split(".route(").skip(1) {
        let path = declaration.split('"').nth(1).unwrap();
        let methods = declaration.lines().take(3).collect::<String>();
        let methods = methods.split(".route(").next().unwrap();
        for (word, method) in [("get(", "GET"), ("post(", "POST")] {
            if methods.contains(word) {
                all.push((method.to_owned(), path.to_owned()));
            }
        }
    }
    all
}

/// The path with sound parameters.
pub(super) fn path_of(route: &Route, facts: &Facts) -> String {
    filled(route, facts, usize::MAX, "")
}

/// The path with something else in the place of the parameter at `at`.
pub(super) fn with_parameter(route: &Route, facts: &Facts, at: usize, value: &str) -> String {
    filled(route, facts, at, value)
}

fn filled(route: &Route, facts: &Facts, other_at: usize, other: &str) -> String {
    let mut path = String::new();
    let mut rest = route.path.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let at = route.path.len() - rest.len() + before.len();
        let (name, tail) = after.split_once('}').unwrap();
        let sound = match name {
            "id" if route.path.contains("/hosts/") => facts.host.as_str(),
            "id" => "00000000000000000000000000000000",
            "index" => "0",
            "profile" => "host",
            "agent" => "web",
            _ => panic!("no sound value for {{{name}}} of {}", route.path),
        };
        path.push_str(before);
        path.push_str(if at == other_at { other } else { sound });
        rest = tail;
    }
    path + rest
}

/// A message that the route takes.
pub(super) fn sample(route: &Route, facts: &Facts) -> Option<Value> {
    if route.method == "GET" {
        return None;
    }
    let (id, hash) = ("0123456789abcdef0123456789abcdef", "ab".repeat(32));
    let binary = |octets: &[u8]| serde_json::to_value(Binary(octets.to_vec())).unwrap();
    let body = match route.path.as_str() {
        "/v1/challenge" => json!({}),
        "/v1/enroll" => json!({
            "request": id, "profile": "host", "evidence": { "kind": "join-token", "token": "a.b" }, "nonce": "n",
            "csr": binary(b"csr"), "bound_key": { "spki": binary(b"spki"), "signature": binary(b"signature") },
        }),
        "/v1/renew" => json!({ "request": id, "renews": facts.serial, "csr": binary(b"csr") }),
        "/v1/agents" => json!({ "request": id, "agent": "web", "csr": binary(b"csr") }),
        "/v1/feed/ack" => json!({ "index": 1, "events": 1, "running": binary(&[0; 32]), "bundle": 1 }),
        // Dry, so that the host of this test stays one; its comment is written down by a revocation that hits nothing.
        "/v1/revoke" => json!({
            "request": id, "target": { "serial": "0f".repeat(16) }, "reason": "superseded", "comment": "why",
            "dry_run": false,
        }),
        "/v1/admin/tokens" => json!({
            "request": id, "profile": "host", "claims": { "name": "web-9" }, "lifetime": "1h",
        }),
        "/v1/admin/agents" => json!({ "request": id, "agent": {
            "agent": "web", "profile": "host", "id": "{host}/agent/web", "uid": 1, "gid": 1,
            "executable": "/bin/true", "key": "p256", "lifetime": "1h", "cutoff": "expire",
        } }),
        "/v1/admin/hosts/{id}/standing" => json!({ "request": id, "change": "reinstate", "reason": "why" }),
        "/v1/admin/persons" => json!({ "request": id, "role": "auditor", "key": hash }),
        "/v1/admin/approvals" => json!({ "request": id, "action": "policy-loaded", "scope": hash, "seen": 1 }),
        "/v1/admin/login" => json!({ "request": id, "person": id, "nonce": "n", "csr": binary(b"csr") }),
        "/v1/admin/policy" => json!({ "request": id, "bundle": binary(b"bundle") }),
        "/v1/admin/tokens/{id}/revoke"
        | "/v1/admin/agents/{profile}/{agent}/remove"
        | "/v1/admin/persons/{id}/remove" => json!({ "request": id, "reason": "why" }),
        other => panic!("no sample for {other}: add one, so that its fields are tested"),
    };
    Some(body)
}

/// Pointers (RFC 6901) to everything in a document that is no object or list.
pub(super) fn leaves(document: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    walk(value, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
                }
            }
            Value::Array(items) => {
                for (number, value) in items.iter().enumerate() {
                    walk(value, &format!("{at}/{number}"), found);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => found.push(at.to_owned()),
        }
    }
    let mut found = Vec::new();
    walk(document, "", &mut found);
    found
}

/// The document with one value replaced.
pub(super) fn with_leaf(document: &Value, leaf: &str, value: Value) -> String {
    let mut changed = document.clone();
    *changed.pointer_mut(leaf).unwrap() = value;
    changed.to_string()
}

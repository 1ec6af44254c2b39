//! T-70: whatever is sent in any field of any endpoint, well-formed or not, is found nowhere afterwards: not in the log at its
//! most talkative, not in an answer, not in ledger, views, metrics or any other file. What is meant to be written down is
//! listed here, with the reason.
//!
//! Each place gets a canary of its own, so that what is found says where it was put in.

mod messages;
mod search;

use std::collections::BTreeMap;
use std::path::Path;

use brevet_tests::host::{Host, new_key};
use brevet_tests::server::Server;
use pki_test_fixtures::cluster::{Algorithm, Cluster};
use protocol::Binary;
use protocol::agents::AgentRequest;
use protocol::enroll::RenewRequest;
use serde_json::{Value, json};

use messages::{Route, leaves, path_of, routes, sample};
use search::{in_answer, in_files};

/// Canaries by where they were put.
#[derive(Default)]
struct Planted(BTreeMap<String, String>);

impl Planted {
    /// A canary for a place: a word that may be a name, so that it gets as far as a name gets.
    fn plant(&mut self, place: &str) -> String {
        let canary = format!("{PREFIX}{:05}", self.0.len());
        self.0.insert(canary.clone(), place.to_owned());
        canary
    }

    fn place(&self, canary: &str) -> &str {
        self.0.get(canary).map_or("nowhere", String::as_str)
    }
}

const PREFIX: &str = "zqcanaryxk";

/// What may be found, by the beginning of its place, and why.
const RECORDED: &[(&str, &str)] = &[
    ("socket POST /v1/revoke body /comment", "docs/ledger.md: `comment` is plain, written for who reads the ledger"),
    ("socket POST /v1/admin/hosts/{id}/standing body /reason", "docs/ledger.md: `reason` is plain"),
    ("socket POST /v1/admin/persons/{id}/remove body /reason", "docs/ledger.md: `reason` is plain"),
    ("socket POST /v1/admin/tokens body /claims", "docs/ledger.md: the claims of a join token are plain"),
    ("socket POST /v1/admin/tokens base64 /claims", "the same"),
    ("socket POST /v1/admin/agents body /agent/", "docs/ledger.md: name, id and selectors of an agent are plain"),
    ("socket POST /v1/admin/agents base64 /agent/", "the same"),
];

/// What the asker alone may be told again, by the beginning of its place, and why.
const TOLD: &[(&str, &str)] = &[
    ("host agent name", "a host is told which agent its class does not have; the name is one by then"),
    (
        "evidence kubernetes claim",
        "docs/attestation.md: a refusal repeats single members of the evidence, cut and escaped",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_is_found_anywhere() {
    let cluster = Cluster::new(Algorithm::Es256);
    let (keys, mut planted) = (cluster.serve(), Planted::default());
    let config = format!(
        "[[kubernetes]]\nname = \"kubernetes\"\njwks_url = {:?}\njwks_reach = \"loopback\"\nissuer = {:?}\naudience = {:?}\n",
        keys.url(),
        cluster.issuer(),
        cluster.audience()
    );
    let mut server = Server::start_logging(Path::new(env!("CARGO_BIN_EXE_ca-server")), &config, "trace");
    let host = Host::new(&server.trust());
    let got = host.enrol(&server.token("web-1"), &new_key()).await.unwrap();
    let facts = messages::Facts { host: got.checked.host().to_string(), serial: got.checked.serial().to_string() };

    let client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).no_proxy().build().unwrap();
    let mut answers = Vec::new();
    for route in routes() {
        if route.on_socket {
            for request in requests("socket", &route, &facts, &mut planted) {
                let answer = server.ask_socket(&request.octets("localhost")).unwrap();
                answers.push((request.place, answer));
            }
        }
        for request in requests("api", &route, &facts, &mut planted) {
            let answer = over_tls(&client, &server, &request).await;
            answers.push((request.place, answer));
        }
    }
    evidence(&cluster, &host, &mut planted, &mut answers).await;
    certified(&host, got, &mut planted, &mut answers).await;
    assert!(planted.0.len() > 1600, "only {} places", planted.0.len());

    let page = server.metrics();
    let mut found = in_answer("metrics", &page, &planted, RECORDED);
    for (place, answer) in &answers {
        found.extend(in_answer(&format!("the answer to {place}"), answer, &planted, &[RECORDED, TOLD].concat()));
    }
    assert!(server.log().contains("TRACE"), "the log is at its most talkative");
    server.verify();
    assert!(server.stop());
    found.extend(in_files(&server.path(""), &planted, RECORDED));
    found.sort();
    found.dedup();
    assert!(found.is_empty(), "{} found:\n{}", found.len(), found.join("\n"));
}

/// A request with canaries in it, and where they are.
struct Asked {
    place: String,
    method: String,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Asked {
    /// As it goes over a wire that is read until it closes.
    fn octets(&self, host: &str) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n{}", self.body.len(), self.body));
        text.into_bytes()
    }
}

/// Every way to put a canary into a request for a route.
fn requests(listener: &str, route: &Route, facts: &messages::Facts, planted: &mut Planted) -> Vec<Asked> {
    let mut all = Vec::new();
    let sound = path_of(route, facts);
    let body = sample(route, facts).map(|body| body.to_string()).unwrap_or_default();
    let base = |place: String| Asked {
        place,
        method: route.method.clone(),
        target: sound.clone(),
        headers: vec![("Content-Type", "application/json".to_owned())],
        body: body.clone(),
    };
    let named = |what: &str| format!("{listener} {} {} {what}", route.method, route.path);
    let mut put = |what: &str, change: &dyn Fn(&mut Asked, String)| {
        let mut asked = base(named(what));
        let canary = planted.plant(&named(what));
        change(&mut asked, canary);
        all.push(asked);
    };
    for header in HEADERS {
        put(&format!("header {header}"), &|asked, canary| {
            asked.headers.retain(|(name, _)| name != header);
            let value = if *header == "Authorization" { format!("Bearer {canary}") } else { canary };
            asked.headers.push((header, value));
        });
    }
    put("query", &|asked, canary| asked.target.push_str(&format!("?{canary}={canary}")));
    for name in ["from", "limit", "host", "spiffe_id", "after", "token"] {
        put(&format!("query {name}"), &|asked, canary| asked.target.push_str(&format!("?{name}={canary}")));
    }
    put("path below", &|asked, canary| asked.target.push_str(&format!("/{canary}")));
    put("method", &|asked, canary| asked.method = canary.to_uppercase());
    for (at, _) in route.path.match_indices('{') {
        put(&format!("path at {at}"), &|asked, canary| {
            asked.target = messages::with_parameter(route, facts, at, &canary)
        });
    }
    if route.method == "POST" {
        put("body not JSON", &|asked, canary| asked.body = canary);
        put("body is a text", &|asked, canary| asked.body = json!(canary).to_string());
        put("body has another member", &|asked, canary| {
            asked.body = body.replacen('{', &format!("{{\"{canary}\":1,"), 1)
        });
        put("body cut off", &|asked, canary| asked.body = format!("{{\"{canary}\":\"{canary}"));
        let sample: Value = serde_json::from_str(&body).unwrap();
        for leaf in leaves(&sample) {
            put(&format!("body {leaf}"), &|asked, canary| {
                asked.body = messages::with_leaf(&sample, &leaf, json!(canary))
            });
            put(&format!("typed {leaf}"), &|asked, canary| {
                asked.body = messages::with_leaf(&sample, &leaf, json!({ canary.clone(): [canary] }));
            });
            put(&format!("base64 {leaf}"), &|asked, canary| {
                use base64::Engine as _;
                let encoded = base64::engine::general_purpose::STANDARD.encode(&canary);
                asked.body = messages::with_leaf(&sample, &leaf, json!(encoded));
            });
        }
    }
    all
}

/// Headers that carry secrets, that are read, and one that nobody knows.
const HEADERS: &[&str] = &[
    "Authorization",
    "Proxy-Authorization",
    "Cookie",
    "User-Agent",
    "X-Request-Id",
    "X-Forwarded-For",
    "Content-Type",
    "Content-Encoding",
    "Accept",
    "Last-Event-Id",
    "If-None-Match",
    "X-Unknown",
];

/// The same request over TLS, by a client that shows no certificate.
async fn over_tls(client: &reqwest::Client, server: &Server, asked: &Asked) -> String {
    let method = reqwest::Method::from_bytes(asked.method.as_bytes()).unwrap();
    let mut request = client.request(method, format!("{}{}", server.url, asked.target)).body(asked.body.clone());
    for (name, value) in &asked.headers {
        request = request.header(*name, value);
    }
    let answer = request.timeout(std::time::Duration::from_secs(30)).send().await.unwrap();
    let head = format!("{:?}", answer.headers());
    format!("{head}\n{}", answer.text().await.unwrap())
}

/// Tokens that get as far as an attestor: under a good nonce, in a good request.
async fn evidence(cluster: &Cluster, host: &Host, planted: &mut Planted, answers: &mut Vec<(String, String)>) {
    let pod = cluster.pod("agents", "web", "web-0");
    let claims = Value::Object(cluster.claims(&pod, brevet_tests::host::now()));
    for leaf in leaves(&claims) {
        let place = format!("evidence kubernetes claim {leaf}");
        let changed = messages::with_leaf(&claims, &leaf, json!(planted.plant(&place)));
        let token = cluster.sign(&serde_json::from_str(&changed).unwrap());
        answers.push((place, format!("{:?}", host.enrol_as("kubernetes", &token, &new_key(), None).await.err())));
    }
    let (place, genuine) = ("evidence kubernetes token", cluster.token(&pod, brevet_tests::host::now()));
    let token = format!("{genuine}{}", planted.plant(place));
    answers
        .push((place.to_owned(), format!("{:?}", host.enrol_as("kubernetes", &token, &new_key(), None).await.err())));
    for form in
        ["brevet-join-v1.00.11.22", "brevet-join-v1.@.11.22", "@", "brevet-join-v1.00.@.22", "brevet-join-v1.00.11.@"]
    {
        let place = format!("evidence join-token {form}");
        let token = format!("{}{}", form.replace('@', ""), planted.plant(&place));
        answers.push((place, format!("{:?}", host.enrol(&token, &new_key()).await.err())));
    }
}

/// What only a host may send, by a host.
async fn certified(
    host: &Host,
    got: brevet_tests::host::Got,
    planted: &mut Planted,
    answers: &mut Vec<(String, String)>,
) {
    host.present(&got);
    let (renews, request) = (got.checked.serial(), identity::RequestId::from_bytes([9; 16]));
    let place = "host renew challengePassword";
    let csr = Binary(new_key().certification_request(Some(&planted.plant(place))).unwrap());
    let renewed = host.upstream.renew(&RenewRequest { request, renews, csr }).await;
    assert!(renewed.is_ok(), "a field of the request that is not read does no harm: {renewed:?}");
    let place = "host renew csr";
    let csr = Binary(planted.plant(place).into_bytes());
    answers
        .push((place.to_owned(), format!("{:?}", host.upstream.renew(&RenewRequest { request, renews, csr }).await)));
    let place = "host agent name";
    let csr = Binary(new_key().certification_request(None).unwrap());
    let asked = AgentRequest { request, agent: planted.plant(place), csr };
    answers.push((place.to_owned(), format!("{:?}", host.upstream.first(&asked).await)));
}

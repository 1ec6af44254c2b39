//! A cluster's TokenReview endpoint over loopback HTTPS, and the ways in which it goes bad. Knows what an API server
//! checks (which token it signed, which pods and accounts exist, who may ask) and the shape of its answer
//! (Kubernetes 1.32); knows nothing of who asks why.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::Timestamp;
use serde_json::{Map, Value, json};

use super::Pod;
use super::loopback::{Loopback, Request, Stream, endless, whole};

/// What the server says to the next reviews.
#[derive(Clone)]
pub enum Verdict {
    /// The truth.
    True,
    /// The truth about the token, with this done to the answer.
    Lie(fn(&mut Value)),
    /// The truth, with this status.
    TrueWithStatus(u16),
    /// This text, with status 201.
    Text(String),
    /// This status, and nothing.
    Status(u16),
    /// A redirect to this address.
    Redirect(String),
    /// The truth, said to be compressed.
    Gzip,
    /// A body that never ends.
    Endless,
    /// Nothing, until the client gives up.
    Silence,
    /// The head of the truth, and half of its body.
    Half,
}

/// The running server; it ends when dropped.
pub struct ReviewServer {
    loopback: Loopback,
    shared: Arc<Shared>,
}

struct Shared {
    /// Every token that the cluster signed.
    signed: Arc<Mutex<BTreeSet<String>>>,
    api_audience: String,
    verdict: Mutex<Verdict>,
    known: Mutex<Known>,
}

/// What the cluster has lost or renamed, and whom it lets ask.
struct Known {
    reviewer: String,
    /// Whether the reviewer is let make reviews.
    may_review: bool,
    gone: BTreeSet<String>,
    accounts: BTreeMap<(String, String), String>,
    reviews: usize,
    /// Its clock, in seconds since 1970; it stands still.
    now: u64,
    /// Whether it looks at audiences at all; those of the time before Kubernetes 1.12 do not.
    audience_aware: bool,
}

impl ReviewServer {
    pub(super) fn start(signed: Arc<Mutex<BTreeSet<String>>>, api_audience: &str) -> Self {
        let known = Known {
            reviewer: format!("reviewer.{}", crate::uuid::random()),
            may_review: true,
            gone: BTreeSet::new(),
            accounts: BTreeMap::new(),
            reviews: 0,
            now: 0,
            audience_aware: true,
        };
        let shared = Arc::new(Shared {
            signed,
            api_audience: api_audience.to_owned(),
            verdict: Mutex::new(Verdict::True),
            known: Mutex::new(known),
        });
        let loopback = Loopback::tls({
            let shared = Arc::clone(&shared);
            move |request, stream| shared.respond(request, stream)
        });
        ReviewServer { loopback, shared }
    }

    /// What an operator would configure.
    #[must_use]
    pub fn url(&self) -> String {
        self.loopback.base()
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.loopback.address()
    }

    /// The root that its certificate chains to.
    #[must_use]
    pub fn root_pem(&self) -> &str {
        self.loopback.root_pem().expect("it speaks TLS")
    }

    /// The credential of who may ask.
    #[must_use]
    pub fn reviewer_token(&self) -> String {
        self.known(|known| known.reviewer.clone())
    }

    /// The credential is another from now on, as projected tokens are every hour.
    pub fn rotate_reviewer(&self) {
        self.known(|known| known.reviewer = format!("reviewer.{}", crate::uuid::random()));
    }

    /// The role of who asks was taken away, or given back.
    pub fn let_review(&self, may_review: bool) {
        self.known(|known| known.may_review = may_review);
    }

    /// The pod was deleted.
    pub fn forget_pod(&self, pod: &Pod) {
        self.known(|known| known.gone.insert(pod.uid.clone()));
    }

    /// The node was deleted.
    pub fn forget_node(&self, pod: &Pod) {
        self.known(|known| known.gone.insert(pod.node_uid.clone()));
    }

    /// The service account was deleted, and another made under its name.
    pub fn recreate_service_account(&self, pod: &Pod) {
        let name = (pod.namespace.clone(), pod.service_account.clone());
        self.known(|known| known.accounts.insert(name, crate::uuid::random()));
    }

    /// Its clock says this; before, it is long ago, and no token has ended.
    pub fn at(&self, now: Timestamp) {
        self.known(|known| known.now = now.seconds());
    }

    /// Behaves like a server that knows no audiences.
    pub fn ignore_audiences(&self) {
        self.known(|known| known.audience_aware = false);
    }

    /// From now on, say this.
    pub fn answer(&self, verdict: Verdict) {
        *self.shared.verdict.lock().unwrap_or_else(PoisonError::into_inner) = verdict;
    }

    /// How many connections it has seen, answered or not.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.loopback.connections()
    }

    /// How many reviews it was asked for by somebody who may.
    #[must_use]
    pub fn reviews(&self) -> usize {
        self.known(|known| known.reviews)
    }

    fn known<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.shared.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shared {
    fn respond(&self, request: &Request, stream: &mut dyn Stream) -> std::io::Result<()> {
        let (status, truth) = self.review(request);
        let verdict = self.verdict.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = truth.to_string();
        let say = |status: &str, header: &str, body: &str| whole(status, "application/json", header, body).into_bytes();
        let truthfully = |header: &str| say(status, header, &text);
        match verdict {
            Verdict::True => stream.write_all(&truthfully("")),
            Verdict::Lie(lie) => {
                let mut told = truth.clone();
                lie(&mut told);
                stream.write_all(&say(status, "", &told.to_string()))
            }
            Verdict::TrueWithStatus(status) => stream.write_all(&say(&format!("{status} Odd"), "", &text)),
            Verdict::Text(text) => stream.write_all(&say("201 Created", "", &text)),
            Verdict::Status(status) => stream.write_all(&say(&format!("{status} No"), "", "")),
            Verdict::Redirect(to) => {
                stream.write_all(&say("307 Temporary Redirect", &format!("Location: {to}\r\n"), ""))
            }
            Verdict::Gzip => stream.write_all(&truthfully("Content-Encoding: gzip\r\n")),
            Verdict::Endless => endless(stream, "{\"kind\":\"TokenReview\","),
            // Reads until the client closes or its patience ends.
            Verdict::Silence => stream.read(&mut [0]).map(drop),
            Verdict::Half => {
                let whole = truthfully("");
                stream.write_all(&whole[..whole.len() - text.len() / 2])
            }
        }
    }

    /// Status and answer, as an API server gives them.
    fn review(&self, request: &Request) -> (&'static str, Value) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !request.head.starts_with("POST /apis/authentication.k8s.io/v1/tokenreviews HTTP/1.1\r\n") {
            return ("404 Not Found", refusal(404, "NotFound"));
        }
        if request.header("authorization") != Some(&format!("Bearer {}", known.reviewer)) {
            return ("401 Unauthorized", refusal(401, "Unauthorized"));
        }
        if !known.may_review {
            return ("403 Forbidden", refusal(403, "Forbidden"));
        }
        known.reviews += 1;
        let Ok(mut review) = serde_json::from_slice::<Value>(&request.body) else {
            return ("400 Bad Request", refusal(400, "BadRequest"));
        };
        review["metadata"] = json!({ "creationTimestamp": null, "managedFields": [] });
        review["status"] = match self.user(&review["spec"], &known) {
            Err(error) => json!({ "user": {}, "error": error }),
            Ok((user, audiences)) => {
                let mut status = json!({ "authenticated": true, "user": user });
                if known.audience_aware {
                    status["audiences"] = json!(audiences);
                }
                status
            }
        };
        ("201 Created", review)
    }

    /// The user that a token stands for, and for which of the audiences that were asked for.
    fn user(&self, spec: &Value, known: &Known) -> Result<(Value, Vec<String>), String> {
        let token = spec["token"].as_str().unwrap_or_default();
        if !self.signed.lock().unwrap_or_else(PoisonError::into_inner).contains(token) {
            return Err("invalid bearer token".to_owned());
        }
        let claims = claims(token).ok_or("invalid bearer token")?;
        if claims["exp"].as_u64().is_none_or(|expires| expires <= known.now) {
            return Err("[invalid bearer token, service account token has expired]".to_owned());
        }
        let default = vec![self.api_audience.clone()];
        let asked = texts(&spec["audiences"]).filter(|_| known.audience_aware).unwrap_or(default);
        let theirs = texts(&claims["aud"]).unwrap_or_default();
        let both: Vec<String> = asked.iter().filter(|audience| theirs.contains(audience)).cloned().collect();
        if both.is_empty() && known.audience_aware {
            return Err(format!(
                "[invalid bearer token, token audiences {theirs:?} is invalid for the target audiences {asked:?}]"
            ));
        }
        let bound = &claims["kubernetes.io"];
        for gone in [&bound["pod"]["uid"], &bound["node"]["uid"]] {
            if gone.as_str().is_some_and(|uid| known.gone.contains(uid)) {
                return Err("[invalid bearer token, service account token has been invalidated]".to_owned());
            }
        }
        let account = &bound["serviceaccount"];
        let name = (of(&bound["namespace"]), of(&account["name"]));
        if known.accounts.get(&name).is_some_and(|uid| Some(uid.as_str()) != account["uid"].as_str()) {
            return Err("[invalid bearer token, service account UID does not match claim]".to_owned());
        }
        Ok((user(&claims, &name), both))
    }
}

/// How an API server describes a service account.
fn user(claims: &Map<String, Value>, (namespace, name): &(String, String)) -> Value {
    let bound = &claims["kubernetes.io"];
    let mut extra = json!({
        "authentication.kubernetes.io/pod-name": [bound["pod"]["name"]],
        "authentication.kubernetes.io/pod-uid": [bound["pod"]["uid"]],
    });
    if let Some(id) = claims.get("jti") {
        extra["authentication.kubernetes.io/credential-id"] = json!([format!("JTI={}", of(id))]);
    }
    if bound["node"].is_object() {
        extra["authentication.kubernetes.io/node-name"] = json!([bound["node"]["name"]]);
        extra["authentication.kubernetes.io/node-uid"] = json!([bound["node"]["uid"]]);
    }
    json!({
        "username": format!("system:serviceaccount:{namespace}:{name}"),
        "uid": bound["serviceaccount"]["uid"],
        "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{namespace}"), "system:authenticated"],
        "extra": extra,
    })
}

fn claims(token: &str) -> Option<Map<String, Value>> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let list = value.as_array()?;
    list.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

fn of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn refusal(code: u16, reason: &str) -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code })
}

//! One worker: renews its agents one after the other over its connection. Knows the two messages of a renewal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use brevet_tests::host::now;
use enroll_client::check::{self, Expected};
use enroll_client::key::PrivateKey;
use enroll_client::pins::Pins;
use hyper::StatusCode;
use identity::{KeyHash, KeyKind, RequestId, Serial};
use protocol::Binary;
use protocol::enroll::{Issued, RenewRequest};
use serde::Deserialize;
use tokio::time::MissedTickBehavior;

use super::connection::Connection;
use super::figures::Times;
use super::fleet::Agent;

/// A worker with its connection and its agents.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) connection: Connection,
    pub(crate) agents: Vec<Agent>,
    pub(crate) requests: Requests,
    pub(crate) pins: Arc<Pins>,
    /// Between two requests; none: as fast as answers come.
    pub(crate) pause: Option<Duration>,
    /// Before the first request.
    pub(crate) after: Duration,
}

/// Certification requests, each for a new key.
#[derive(Debug)]
pub(crate) struct Requests {
    kind: KeyKind,
    prepared: Option<Vec<(Vec<u8>, KeyHash)>>,
}

impl Requests {
    /// With `prepared`, so many are made now, and no more.
    pub(crate) fn new(kind: KeyKind, prepared: Option<usize>) -> Self {
        Self { kind, prepared: prepared.map(|count| (0..count).map(|_| request(kind)).collect()) }
    }

    fn next(&mut self) -> Option<(Vec<u8>, KeyHash)> {
        match &mut self.prepared {
            Some(prepared) => prepared.pop(),
            None => Some(request(self.kind)),
        }
    }
}

fn request(kind: KeyKind) -> (Vec<u8>, KeyHash) {
    let key = PrivateKey::generate(kind).expect("a key");
    (key.certification_request(None).expect("a request"), key.hash())
}

impl Worker {
    /// Renews until `until`; times count from `counted_from` on.
    pub(crate) async fn run(mut self, counted_from: Instant, until: Instant) -> Times {
        let mut times = Times::default();
        tokio::time::sleep(self.after).await;
        let mut beat = self.pause.map(tokio::time::interval);
        if let Some(beat) = &mut beat {
            beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        let (mut number, count) = (0_usize, self.agents.len());
        while Instant::now() < until {
            if let Some(beat) = &mut beat {
                beat.tick().await;
            }
            let Some((csr, key)) = self.requests.next() else { break };
            let agent = &mut self.agents[number % count];
            let mut id = [0; 16];
            aws_lc_rs::rand::fill(&mut id).expect("random octets");
            let message = RenewRequest { request: RequestId::from_bytes(id), renews: agent.serial, csr: Binary(csr) };
            let body = serde_json::to_vec(&message).expect("JSON");
            let sent = Instant::now();
            let (status, answer) = self.connection.post("/v1/renew", body).await;
            let took = sent.elapsed();
            if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
                times.busy += 1;
                continue;
            }
            assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&answer));
            if number.is_multiple_of(CHECKED_EACH) {
                let expected = Expected { key, whose: agent.whose.clone(), renews: Some(agent.serial) };
                let issued: Issued = serde_json::from_slice(&answer).expect("an answer");
                check::answer(&issued, &expected, &self.pins, now()).expect("an answer that holds");
                times.checked += 1;
            }
            agent.serial = serial(&answer);
            number += 1;
            if sent >= counted_from {
                times.took.push(took);
            }
        }
        times
    }
}

/// The serial in an answer, without reading the rest of it: that is the server's time, not ours.
fn serial(answer: &[u8]) -> Serial {
    #[derive(Deserialize)]
    struct Chain<'a> {
        #[serde(borrow)]
        chain: Vec<&'a str>,
    }
    let chain: Chain<'_> = serde_json::from_slice(answer).expect("an answer");
    let start = STANDARD.decode(&chain.chain[0][..64]).expect("base64");
    // Certificate, TBSCertificate, [0] version 3, then the serial: INTEGER of 16 octets (RFC 5280, section 4.1).
    let version = [0xa0, 3, 2, 1, 2, 2, 16];
    let at = start.windows(version.len()).position(|window| window == version).expect("a certificate");
    let octets = &start[at + version.len()..][..16];
    Serial::from_bytes(octets.try_into().expect("16 octets")).expect("a serial")
}

/// One answer of so many is checked as a client does: chain, identity, key, receipt.
const CHECKED_EACH: usize = 100;

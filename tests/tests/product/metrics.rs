//! What Prometheus reads, and the line that each request has in the log.

use std::collections::BTreeMap;
use std::path::Path;

use brevet_tests::host::{Host, new_key, rule};
use brevet_tests::server::Server;
use ca_server::metrics::family::{ALL, Kind};
use serde_json::Value;

/// The samples of a page, by name with labels, parsed as the exposition format 0.0.4 says: each family once, HELP and TYPE
/// before its samples, no sample twice, every value a number.
fn parse(page: &str) -> BTreeMap<String, f64> {
    assert!(page.ends_with('\n'), "the last line has no end");
    let (mut samples, mut types) = (BTreeMap::new(), BTreeMap::new());
    let (mut helped, mut family) = (None, "");
    for line in page.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            helped = Some(help.split(' ').next().unwrap());
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(helped, Some(name), "TYPE without HELP");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(types.insert(name, kind).is_none(), "{name} stands twice");
            family = name;
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
            let name = series.split('{').next().unwrap();
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
            let base = base.filter(|base| types.get(base) == Some(&"histogram")).unwrap_or(name);
            assert_eq!(base, family, "a sample away from its family: {line}");
            if let Some(labels) = series.strip_prefix(name).and_then(|labels| labels.strip_prefix('{')) {
                check_labels(labels.strip_suffix('}').unwrap_or_else(|| panic!("{line}")));
            }
            let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
            assert!(samples.insert(series.to_owned(), value).is_none(), "twice: {line}");
        }
    }
    let exist: BTreeMap<&str, &str> = ALL.iter().map(|family| (family.name, kind(family.kind))).collect();
    assert_eq!(types, exist, "the page has every metric there is, and no other");
    samples
}

/// `name="value",name="value"`, where a quote, a backslash and a line end are escaped.
fn check_labels(mut labels: &str) {
    while !labels.is_empty() {
        let (name, rest) = labels.split_once("=\"").unwrap_or_else(|| panic!("{labels}"));
        assert!(name.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'_'), "{name}");
        let mut escaped = false;
        let end = rest.find(|character| {
            let ends = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            ends
        });
        labels = &rest[end.unwrap_or_else(|| panic!("{labels}")) + 1..];
        labels = labels.strip_prefix(',').unwrap_or(labels);
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    }
}

/// A histogram grows from bucket to bucket, and its last one is its count.
#[track_caller]
fn check_histogram(samples: &BTreeMap<String, f64>, name: &str) {
    let bound = |series: &str| match series.split('"').nth(1).unwrap() {
        "+Inf" => f64::INFINITY,
        bound => bound.parse().unwrap(),
    };
    let mut buckets: Vec<(f64, f64)> = samples
        .iter()
        .filter(|(series, _)| series.starts_with(&format!("{name}_bucket")))
        .map(|(series, count)| (bound(series), *count))
        .collect();
    buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
    assert!(buckets.len() > 10 && buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{buckets:?}");
    assert_eq!(buckets.last().unwrap(), &(f64::INFINITY, samples[&format!("{name}_count")]));
    assert!(samples[&format!("{name}_count")] > 0.0 && samples[&format!("{name}_sum")] > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_what_happened() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = format!("[metrics]\nlisten = \"{port}\"\n[log]\nformat = \"json\"\n");
    let server = Server::start(Path::new(env!("CARGO_BIN_EXE_ca-server")), &config);
    let before = parse(&server.metrics());
    let host = Host::new(&server.trust());
    let token = server.token("web-1");
    let got = host.enrol(&token, &new_key()).await.unwrap();
    assert_eq!(rule(host.enrol(&token, &new_key()).await), "proof-already-used");
    host.present(&got);
    host.renew(got.checked.serial(), &new_key(), got.as_host()).await.unwrap();

    let after = parse(&server.metrics());
    let grew =
        |series: &str| after.get(series).copied().unwrap_or_default() - before.get(series).copied().unwrap_or_default();
    assert_eq!(grew("brevet_certificates_issued_total{kind=\"host\"}"), 2.0);
    assert_eq!(after["brevet_certificates_issued_total{kind=\"server\"}"], 1.0);
    assert_eq!(grew("brevet_refusals_total{rule=\"proof-already-used\"}"), 1.0);
    assert_eq!(grew("brevet_attestations_total{attestor=\"join-token\",outcome=\"attested\"}"), 2.0);
    assert_eq!(grew("brevet_requests_total{route=\"POST /v1/renew\",status=\"200\"}"), 1.0);
    assert_eq!(after["brevet_halted"], 0.0);
    assert_eq!(after["brevet_state_rows{table=\"hosts\"}"], 1.0);
    assert!(after["brevet_ledger_entries"] >= 3.0);
    assert!((1.0..=86_400.0).contains(&after["brevet_server_leaf_expiry_seconds"]));
    let ends: Vec<f64> = after
        .iter()
        .filter(|(series, _)| series.starts_with("brevet_authority_expiry_"))
        .map(|(_, end)| *end)
        .collect();
    assert!(ends.len() == 2 && ends.iter().all(|end| *end > 300.0 * 86_400.0), "{ends:?}");
    for name in ["brevet_commit_queue_wait_seconds", "brevet_commit_batch_entries", "brevet_commit_write_seconds"] {
        check_histogram(&after, name);
    }
    let over_tcp = reqwest::get(format!("http://{port}/metrics")).await.unwrap().text().await.unwrap();
    assert_eq!(parse(&over_tcp).len(), after.len());
    let elsewhere = reqwest::get(format!("http://{port}/v1/admin/status")).await.unwrap();
    assert_eq!(elsewhere.status().as_u16(), 404, "the page and nothing else");
    check_log(&server, got.issued.receipt.entry.0.as_slice());
}

/// The line of the first enrolment, of its repetition, and of nothing that only reads.
#[track_caller]
fn check_log(server: &Server, entry: &[u8]) {
    let log = server.log();
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let answered: Vec<&Value> =
        lines.iter().map(|line| &line["fields"]).filter(|fields| fields["message"] == "answered").collect();
    let of = |route: &str| answered.iter().filter(|fields| fields["route"] == route).copied().collect::<Vec<_>>();
    let [granted, refused] = of("POST /v1/enroll")[..] else { panic!("{log}") };
    let entry: Value = serde_json::from_slice(entry).unwrap();
    assert_eq!((&granted["request"], &granted["caller"]), (&entry["request"], &"anonymous".into()));
    assert_eq!((&granted["status"], granted.get("rule")), (&200.into(), None));
    assert!(granted["entry"].as_u64().is_some_and(|index| index > 0) && granted["duration_us"].as_u64().is_some());
    assert_eq!((&refused["rule"], &refused["status"]), (&"proof-already-used".into(), &403.into()));
    assert_ne!(granted["id"], refused["id"]);
    let [renewed] = of("POST /v1/renew")[..] else { panic!("{log}") };
    assert_eq!(renewed["caller"], "host");
    assert!(of("POST /v1/challenge").is_empty() && of("GET /v1/admin/status").is_empty(), "reading is for debug");
}

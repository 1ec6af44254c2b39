//! The report of `ca-server attest explain`.

use pki_test_fixtures::cluster::Algorithm;
use serde_json::Value;

use super::explain::Report;
use super::*;

async fn report(attestors: &Attestors, file: &[u8]) -> Value {
    let report = Report::of(attestors, Kind::Kubernetes, file, now(), Instant::now()).await;
    let value = serde_json::to_value(&report).unwrap();
    assert_eq!(report.is_attested(), value["verdict"] == "attested");
    value
}

#[tokio::test]
async fn claims_or_the_named_refusal_and_never_the_evidence() {
    let cluster = Cluster::new(Algorithm::Es256);
    let attestors = Attestors::new(vec![Box::new(holding(&cluster))]).unwrap();
    let token = cluster.token(&pod(&cluster), now());

    for file in [token.clone(), format!("{token}\n"), format!("{token}\r\n")] {
        let sound = report(&attestors, file.as_bytes()).await;
        assert_eq!(sound["verdict"], "attested");
        assert_eq!(sound["kind"], "kubernetes");
        assert_eq!(sound["attestor"], "prod-eu");
        assert_eq!(sound["now"], "2027-01-15T08:00:00.000Z");
        assert_eq!(sound["claims"]["service_account"], "api");
        assert_eq!(sound["proof_until"], "2027-01-15T08:10:00.000Z");
        check_silent(&sound, &token);
    }

    let two_lines = report(&attestors, format!("{token}\n\n").as_bytes()).await;
    assert_eq!(two_lines["rule"], "token-base64");
    let duplicate = TokenWithTwoEnds::of(&cluster);
    let refused = report(&attestors, duplicate.0.as_bytes()).await;
    assert_eq!((&refused["verdict"], &refused["rule"]), (&"refused".into(), &"token-duplicate-member".into()));
    assert_eq!(refused["detail"], "the token's payload is refused as JSON: member `exp` stands twice");
    assert_eq!(refused["ours"], false);
    check_silent(&refused, &duplicate.0);
}

struct TokenWithTwoEnds(String);

impl TokenWithTwoEnds {
    fn of(cluster: &Cluster) -> Self {
        let claims = Value::Object(cluster.claims(&pod(cluster), now())).to_string();
        let payload = claims.replacen('{', r#"{"exp":1,"#, 1);
        Self(cluster.sign_octets(&cluster.header(), payload.as_bytes()))
    }
}

#[track_caller]
fn check_silent(report: &Value, token: &str) {
    let text = report.to_string();
    for part in token.split('.').filter(|part| part.len() > 60) {
        assert!(!text.contains(part), "{text}");
    }
}

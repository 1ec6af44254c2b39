//! What a configuration may say, and what is said about one that is wrong.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;

const SOUND: &str = r#"
    state_dir = "/var/lib/brevet"
    socket = "/run/brevet/agent.sock"
    evidence = { kind = "kubernetes", file = "/token" }
"#;

fn check(text: &str, surroundings: &Surroundings) -> Result<Config, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("enroll-client.toml");
    std::fs::write(&path, text).unwrap();
    ConfigFile::read(&path)
        .and_then(|file| file.check(surroundings))
        .map_err(|error| crate::report::chain(&error).replace(&*directory.path().to_string_lossy(), "DIR"))
}

#[test]
fn defaults() {
    let config = check(SOUND, &Surroundings::default()).unwrap();
    assert_eq!((config.server, config.trust_file, config.profile, config.agents), (None, None, None, None));
    assert_eq!((config.access, config.host_key), (Access::Everyone, KeyKind::P256));
    assert_eq!(config.evidence, EvidenceSource::Kubernetes { file: "/token".into() });
    assert!(matches!(config.seal, Seal::Permissions));
    let logging = LogFile::default().check().unwrap();
    assert_eq!((logging.filter.as_str(), logging.format), ("info", LogFormat::Text));
}

/// The sample is what it says: every member is known, and the defaults are the defaults.
#[test]
fn the_sample_is_a_configuration() {
    let config = check(SAMPLE, &Surroundings::default()).unwrap();
    assert_eq!(config.server.unwrap().as_str(), "https://ca.example.org:8443/");
    assert_eq!((config.access, config.host_key), (Access::Everyone, KeyKind::P256));
    let all: String = SAMPLE
        .lines()
        .map(|line| if is_commented_member(line) { &line[2..] } else { line })
        .collect::<Vec<_>>()
        .join("\n");
    let other = check(&all, &Surroundings::default()).unwrap_err();
    assert!(other.contains("evidence.endpoint has no effect for evidence of kind join-token"), "{other}");
    let all = all.replace("endpoint", "# endpoint");
    let both = check(&all, &Surroundings::default()).unwrap_err();
    assert!(both.contains("there are both socket_access and socket_group"), "{both}");
    let both = check(&all.replace("socket_access", "#"), &Surroundings::default()).unwrap_err();
    assert!(both.contains("has both passphrase_file and credential"), "{both}");
}

fn is_commented_member(line: &str) -> bool {
    line.strip_prefix("# ").is_some_and(|rest| {
        rest.split_once(" = ")
            .is_some_and(|(name, _)| name.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'_'))
    })
}

#[track_caller]
fn check_refused(change: impl FnOnce(&str) -> String, expected: &str) {
    let text = check(&change(SOUND), &Surroundings::default()).unwrap_err();
    assert!(text.contains(expected), "{text}");
}

#[track_caller]
fn check_added(line: &str, expected: &str) {
    check_refused(|sound| format!("{line}\n{sound}"), expected);
}

#[test]
fn what_is_wrong_is_named() {
    check_added("statedir = 1", "unknown field `statedir`");
    check_added("profile = 1", "invalid type: integer");
    check_refused(
        |sound| sound.replace("state_dir", "# "),
        "state_dir is missing: give state_dir in the file, or --state-dir",
    );
    check_refused(|sound| sound.replace("socket", "# "), "socket is missing");
    check_refused(
        |sound| sound.replace("evidence", "# "),
        "evidence is missing: give [evidence] in the file, or --token-file",
    );
    check_refused(|sound| sound.replace("/var/lib", "var/lib"), "state_dir var/lib/brevet is not an absolute path");
    check_refused(|sound| sound.replace("\"/token\"", "\"token\""), "evidence.file token is not an absolute path");
    check_refused(
        |sound| sound.replace("kubernetes", "k8s"),
        "evidence.kind \"k8s\" is not \"join-token\", \"kubernetes\" or \"aws-iid\"",
    );
    for url in [
        "http://ca",
        "https://",
        "ca.example.org",
        "https://ca/path",
        "https://ca?q",
        "https://me@ca",
        "https://:pw@ca",
    ] {
        check_added(&format!("server = \"{url}\""), "is not https://host[:port]");
    }
    check_added("agents = [\"web\", \"../web\"]", "the agent name \"../web\": an agent's name has only");
    check_added("socket_access = \"all\"", "socket_access \"all\" is not");
    check_added("socket_access = \"all\"\nsocket_group = 5", "there are both");
    check_added("socket_group = -5", "invalid value: integer `-5`");
    check_added("host_key.kind = \"rsa\"", "host_key.kind \"rsa\" is not \"p256\" or \"ed25519\"");
    check_added("host_key.credential = \"x\"", "this process was given no credentials");
    check_added("host_key.passphrase_file = \"/nonexistent/x\"", "/nonexistent/x cannot be read: No such file");
    for filter in ["enroll_client=loud", "[", "a=b=c"] {
        let log = LogFile { filter: Some(filter.to_owned()), format: None };
        assert!(log.check().unwrap_err().to_string().contains("is not a filter"), "{filter}");
    }
    let log = LogFile { filter: None, format: Some("xml".into()) };
    assert!(log.check().unwrap_err().to_string().contains("log.format \"xml\" is not"));
}

#[test]
fn evidence_of_a_machine() {
    #[track_caller]
    fn check_evidence(evidence: &str, expected: &str) {
        let text = SOUND.replace("{ kind = \"kubernetes\", file = \"/token\" }", evidence);
        let found = match check(&text, &Surroundings::default()) {
            Ok(config) => format!("{:?}", config.evidence),
            Err(error) => error,
        };
        assert!(found.contains(expected), "{found}");
    }
    check_evidence(r#"{ kind = "aws-iid" }"#, "169.254.169.254:80");
    check_evidence(r#"{ kind = "aws-iid", endpoint = "http://127.0.0.1:1338" }"#, "127.0.0.1:1338");
    check_evidence(
        r#"{ kind = "aws-iid", endpoint = "http://10.0.0.1" }"#,
        "evidence.endpoint \"http://10.0.0.1\" is not",
    );
    check_evidence(r#"{ kind = "aws-iid", file = "/x" }"#, "evidence.file has no effect for evidence of kind aws-iid");
    check_evidence(r#"{ kind = "join-token" }"#, "evidence.file is missing");
    check_evidence(
        r#"{ kind = "kubernetes", file = "/x", endpoint = "http://127.0.0.1" }"#,
        "evidence.endpoint has no effect for evidence of kind kubernetes",
    );
}

fn write(path: &Path, octets: &[u8], mode: u32) {
    std::fs::write(path, octets).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[track_caller]
fn check_passphrase(octets: &[u8], mode: u32, expected: Result<&[u8], &str>) {
    let directory = tempfile::tempdir().unwrap();
    write(&directory.path().join("key"), octets, mode);
    let surroundings = Surroundings { credentials: Some(directory.path().to_owned()) };
    let file = format!("host_key.passphrase_file = \"{}/key\"\n{SOUND}", directory.path().display());
    for text in [file, format!("host_key.credential = \"key\"\n{SOUND}")] {
        match (check(&text, &surroundings), expected) {
            (Ok(Config { seal: Seal::Passphrase(found), .. }), Ok(expected)) => assert_eq!(found.as_slice(), expected),
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
            (found, _) => panic!("{found:?}"),
        }
    }
}

#[test]
fn passphrases() {
    check_passphrase(b"correct horse\n", 0o600, Ok(b"correct horse"));
    check_passphrase(b" \xff\r\n", 0o400, Ok(b" \xff"));
    check_passphrase(b"correct horse\n", 0o640, Ok(b"correct horse"));
    check_passphrase(b"correct horse\n", 0o644, Err("can be read by others (mode 644)"));
    check_passphrase(b"\n", 0o600, Err("has 0 octets"));
    check_passphrase(&[b'x'; 2000], 0o600, Err("from 1 to 1024 are allowed"));
    for name in ["../key", "", ".", "..", "a/b"] {
        let surroundings = Surroundings { credentials: Some("/".into()) };
        let refused = check(&format!("host_key.credential = \"{name}\"\n{SOUND}"), &surroundings).unwrap_err();
        assert!(refused.contains("is not the name of a credential"), "{refused}");
    }
}

/// T-63.
#[test]
fn debug_shows_no_passphrase() {
    let directory = tempfile::tempdir().unwrap();
    write(&directory.path().join("key"), b"canary", 0o600);
    let text = format!("host_key.passphrase_file = \"{}/key\"\n{SOUND}", directory.path().display());
    let shown = format!("{:?}", check(&text, &Surroundings::default()).unwrap());
    assert!(!shown.contains("canary") && !shown.contains("99, 97, 110"), "{shown}");
}

//! What the command line says, and with which exit code.

use super::*;
use crate::identities::{FilesStatus, IdentityStatus, Phase, ReloadStatus, Status, TrustStatus};

#[track_caller]
fn check_code(arguments: &[&str], expected: u8) {
    let arguments = std::iter::once("enroll-client").chain(arguments.iter().copied()).map(OsString::from);
    let code = main(arguments, &Surroundings::default());
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(expected)));
}

#[test]
fn exit_codes() {
    check_code(&["--help"], 0);
    check_code(&["run", "--help"], 0);
    check_code(&["--version"], 0);
    check_code(&["sample-config"], 0);
    check_code(&["completions", "bash"], 0);
    check_code(&[], 64);
    check_code(&["no-such-command"], 64);
    check_code(&["run", "--no-such-option"], 64);
    check_code(&["fetch", "--key-may-rest"], 64);
    check_code(&["run", "--config", "/nonexistent"], 64);
    check_code(&["renew", "--help"], 0);
    check_code(&["renew"], 64);
    check_code(&["renew", "--once", "--within", "0"], 64);
    check_code(&["renew", "--once", "--config", "/nonexistent"], 64);
    check_code(&["status", "--socket", "/nonexistent"], 1);
    check_code(&["fetch", "--socket", "/nonexistent", "web"], 1);
}

#[test]
fn the_command_line_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn options_win_over_the_file() {
    let words =
        "enroll-client run --server https://other --token-file t --state-dir /s --socket /x --agent web --agent db";
    let Act::Run(options) = Arguments::try_parse_from(words.split(' ')).unwrap().act else { panic!() };
    let file: crate::config::ConfigFile = toml::from_str(SAMPLE).unwrap();
    let config = options.over(file).check(&Surroundings::default()).unwrap();
    assert_eq!(config.server.unwrap().as_str(), "https://other/");
    assert_eq!((config.state_dir.to_str(), config.socket.to_str()), (Some("/s"), Some("/x")));
    assert_eq!(config.agents.unwrap().len(), 2);
    let crate::evidence::EvidenceSource::JoinToken { file } = config.evidence else { panic!() };
    assert!(file.is_absolute() && file.ends_with("t"));
}

#[test]
fn the_table_for_people() {
    let status = Status {
        trust_domain: identity::TrustDomain::parse("example.org").unwrap(),
        trust: TrustStatus { alarm: Some("two roots".into()), checkpoint_size: 12, ..TrustStatus::default() },
        host: IdentityStatus::pending("host"),
        agents: vec![IdentityStatus {
            phase: Phase::Current,
            serial: Some(identity::Serial::from_bytes([7; 16]).unwrap()),
            failures: 2,
            last_failure: Some("no answer".into()),
            ..IdentityStatus::pending("web-frontend")
        }],
        files: vec![FilesStatus {
            agent: "web-frontend".into(),
            directory: "/run/web".into(),
            serial: Some(identity::Serial::from_bytes([7; 16]).unwrap()),
            not_after: None,
            failures: 1,
            last_failure: Some("no room".into()),
            reload: Some(ReloadStatus { failures: 1, last_failure: Some("no".into()), ..ReloadStatus::default() }),
        }],
    };
    let expected = "\
trust domain  example.org
ledger        checkpoint of 12 entries
feed          not followed, last heartbeat -
bundle        number 0
ALARM         two roots

NAME          PHASE    SERIAL                            UNTIL                     RENEWS
host          pending  -                                 -                         -
web-frontend  current  07070707070707070707070707070707  -                         -
              2 attempts failed: no answer

FILES OF          SERIAL                            UNTIL                     DIRECTORY
web-frontend      07070707070707070707070707070707  -                         /run/web
                  1 attempt failed: no room
                  the program was not told yet
                  1 attempt to tell it failed: no
";
    let lines = |text: &str| text.lines().map(str::trim_end).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&status::table(&status)), lines(expected));
}

//! When `renew --once` is done, when it gives up, and when it waits.

use super::*;
use crate::clock::manual::ManualClock;
use crate::delivery::{Layout, Permissions, WhenEnded};
use crate::identities::{FilesStatus, Phase, Publisher, ReloadStatus, TrustStatus};
use crate::testing::moment;

fn order(reload: bool) -> Order {
    let command = crate::delivery::CommandOrder { program: "/x".into(), arguments: vec![], limit: Duration::ZERO };
    Order {
        agent: Agent::Name("web".parse().unwrap()),
        directory: "/run/web".into(),
        names: Layout::Separate.names(),
        permissions: Permissions { owner: None, group: None, key_mode: 0o600 },
        allow_disk: false,
        others_may_write: false,
        when_ended: WhenEnded::Remove,
        grace: Duration::ZERO,
        reload: reload.then_some(crate::delivery::Reload::Command(command)),
    }
}

fn serial() -> Option<identity::Serial> {
    Some(identity::Serial::from_bytes([7; 16]).unwrap())
}

/// A host with a certificate that is not due, and files that were delivered and told of.
fn sound() -> Status {
    let current = |name| IdentityStatus {
        phase: Phase::Current,
        serial: serial(),
        renew_at: Some(moment().plus(Duration::from_secs(60))),
        ..IdentityStatus::pending(name)
    };
    Status {
        trust_domain: identity::TrustDomain::parse("example.org").unwrap(),
        trust: TrustStatus::default(),
        host: current("host"),
        agents: vec![current("web")],
        files: vec![FilesStatus {
            serial: serial(),
            reload: Some(ReloadStatus { serial: serial(), somebody: true, ..ReloadStatus::default() }),
            ..FilesStatus::waiting(&order(true))
        }],
    }
}

fn snapshot(offered: &[&str]) -> Snapshot {
    let (publisher, identities) = Publisher::new(identity::TrustDomain::parse("example.org").unwrap());
    let id = |name: &str| identity::SpiffeId::parse(&format!("spiffe://example.org/{name}")).unwrap();
    publisher.offer(offered.iter().map(|name| (name.parse().unwrap(), id(name))).collect());
    Snapshot::clone(&identities.snapshot())
}

#[track_caller]
fn check(change: impl FnOnce(&mut Status), offered: &[&str], expected: &Progress) {
    let mut status = sound();
    change(&mut status);
    let now = ManualClock::at(moment()).now();
    let found = progress(&status, &snapshot(offered), &[order(true)], now);
    assert_eq!(found, *expected);
}

fn waiting(why: &str) -> Progress {
    Progress::Waiting(why.to_owned())
}

fn refused(why: &str) -> Progress {
    Progress::Refused(why.to_owned())
}

#[test]
fn progress_by_status() {
    let all = &["web"];
    check(|_| {}, all, &Progress::Done);
    check(|status| status.trust.alarm = Some("two roots".into()), all, &refused("nothing new is taken: two roots"));
    check(|status| status.host.serial = None, all, &waiting("host: there was no answer yet"));
    check(|status| status.host.renew_at = Some(moment()), all, &waiting("host: there was no answer yet"));
    let host_refused = |rule: &'static str| {
        move |status: &mut Status| {
            status.host.serial = None;
            status.host.last_failure = Some("no".into());
            status.host.refused_by = Some(rule.into());
        }
    };
    check(host_refused("proof-already-used"), all, &refused("host: no"));
    // The next attempt shows another of its keys.
    check(host_refused("host-bound"), all, &waiting("host: no"));
    let spare = |status: &mut Status| status.host.refused_by = Some("rate".into());
    check(spare, all, &Progress::Done);
    check(|_| {}, &["db"], &refused("this host does not have the agent web, or not any more"));
    let agent_refused = |status: &mut Status| {
        status.agents[0].refused_by = Some("agent-unknown".into());
        status.agents[0].last_failure = Some("unknown".into());
    };
    check(agent_refused, all, &refused("web: unknown"));
    check(|status| status.files.clear(), all, &waiting("nothing is delivered yet"));
    check(|status| status.files[0].serial = None, all, &waiting("web: there was no answer yet"));
    let disk = |status: &mut Status| {
        status.files[0].serial = None;
        status.files[0].last_failure = Some("no space".into());
    };
    check(disk, all, &waiting("no space"));
    check(
        |status| status.files[0].reload.as_mut().unwrap().serial = None,
        all,
        &waiting("the program was not told yet"),
    );
}

//! A courier with a host whose identities are set by hand, and a clock that is set by hand.

use std::path::PathBuf;

use super::*;
use crate::clock::manual::ManualClock;
use crate::delivery::testing::{Fixture, PRIVATE, fixture, web};
use crate::delivery::{Agent, CommandOrder, Current, Layout};
use crate::identities::{CurrentIdentity, Publisher, Status};

struct Rig {
    fixture: Fixture,
    publisher: Publisher,
    identities: Identities,
    clock: ManualClock,
    memory: tempfile::TempDir,
}

impl Rig {
    fn new() -> Self {
        let fixture = fixture();
        let (publisher, identities) = Publisher::new(fixture.root.trust_domain().clone());
        let clock = ManualClock::at(fixture.now);
        let memory = tempfile::Builder::new().prefix("brevet-courier-").tempdir_in("/dev/shm").unwrap();
        Self { fixture, publisher, identities, clock, memory }
    }

    fn directory(&self) -> PathBuf {
        self.memory.path().join("web")
    }

    fn order(&self) -> Order {
        Order {
            agent: Agent::Name(web()),
            directory: self.directory(),
            names: Layout::Nginx.names(),
            permissions: PRIVATE,
            allow_disk: false,
            others_may_write: false,
            when_ended: WhenEnded::Remove,
            grace: Duration::from_secs(30),
            reload: None,
        }
    }

    fn start(&self, order: Order) -> Couriers {
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        Couriers::start(vec![order], &self.identities, &clock, &self.publisher.files_reporter())
    }

    fn bundle(&self) {
        self.publisher.set_bundle(7, vec![self.fixture.root.der().to_vec().into()]);
    }

    fn deliver(&self) -> Serial {
        let identity = self.fixture.identity("web");
        self.offer();
        let serial = identity.serial;
        self.publisher.deliver(web(), identity);
        serial
    }

    fn offer(&self) {
        let CurrentIdentity { spiffe_id, .. } = self.fixture.identity("web");
        self.publisher.offer([(web(), spiffe_id)].into());
    }

    fn status(&self) -> FilesStatus {
        self.identities.status().files[0].clone()
    }

    fn seen(&self) -> Option<Serial> {
        let place = Place::open(&self.order()).unwrap();
        Current::read(&place.ground, &self.order().names, self.clock.now().wall).unwrap().map(|found| found.serial)
    }

    fn sets(&self) -> usize {
        let entries = std::fs::read_dir(self.directory()).unwrap();
        entries.filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_dir()).count()
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let waited = tokio::time::timeout(Duration::from_secs(20), async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        assert!(waited.await.is_ok(), "waited for {what}: {:#?}", self.status());
    }
}

#[tokio::test]
async fn delivered_replaced_cleaned_up() {
    let rig = Rig::new();
    let couriers = rig.start(rig.order());
    let first = rig.deliver();
    // Without roots there is no set.
    rig.until("the start", |rig| rig.directory().exists()).await;
    assert_eq!(rig.seen(), None);
    rig.bundle();
    rig.until("the first set", |rig| rig.status().serial == Some(first)).await;
    assert_eq!((rig.seen(), rig.sets()), (Some(first), 1));
    let second = rig.deliver();
    rig.until("the second set", |rig| rig.status().serial == Some(second)).await;
    assert_eq!((rig.seen(), rig.sets()), (Some(second), 2));
    rig.clock.pass(Duration::from_secs(29));
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(rig.sets(), 2);
    rig.clock.pass(Duration::from_secs(1));
    rig.until("the grace to be over", |rig| rig.sets() == 1).await;
    // A new root alone is a new set, too.
    rig.publisher.set_bundle(8, vec![rig.fixture.root.der().to_vec().into(), rig.fixture.root.der().to_vec().into()]);
    rig.until("the new bundle", |rig| rig.sets() == 2).await;
    couriers.stop().await;
    assert_eq!(rig.seen(), Some(second), "what was delivered stays when we stop");
}

#[tokio::test]
async fn a_new_life_cleans_up_and_leaves_the_set_alone_until_there_is_another() {
    let rig = Rig::new();
    rig.bundle();
    let couriers = rig.start(rig.order());
    rig.deliver();
    rig.until("the first set", |rig| rig.seen().is_some()).await;
    let second = rig.deliver();
    rig.until("the second set", |rig| rig.seen() == Some(second)).await;
    couriers.stop().await;
    assert_eq!(rig.sets(), 2);
    rig.publisher.withdraw(&web());
    let couriers = rig.start(rig.order());
    rig.until("the leftovers to go", |rig| rig.sets() == 1).await;
    assert_eq!(rig.seen(), Some(second));
    couriers.stop().await;
}

/// Revoked, cut off, or no longer offered: taken away, unless configured otherwise. Expired: left alone.
async fn check_ended(when_ended: WhenEnded, end: impl FnOnce(&Rig), is_taken_away: bool) {
    let rig = Rig::new();
    rig.bundle();
    let couriers = rig.start(Order { when_ended, ..rig.order() });
    let first = rig.deliver();
    rig.until("the first set", |rig| rig.status().serial == Some(first)).await;
    end(&rig);
    if is_taken_away {
        rig.until("the set to go", |rig| rig.status().serial.is_none() && rig.sets() == 0).await;
        assert_eq!(rig.seen(), None);
        let second = rig.deliver();
        rig.until("another", |rig| rig.status().serial == Some(second)).await;
    } else {
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert_eq!(rig.seen(), Some(first));
    }
    couriers.stop().await;
}

#[tokio::test]
async fn what_becomes_of_files_when_the_identity_has_ended() {
    check_ended(WhenEnded::Remove, |rig| rig.publisher.end(&web()), true).await;
    check_ended(WhenEnded::Keep, |rig| rig.publisher.end(&web()), false).await;
    let not_offered = |rig: &Rig| {
        rig.publisher.withdraw(&web());
        rig.publisher.offer([].into());
    };
    check_ended(WhenEnded::Remove, not_offered, true).await;
    check_ended(WhenEnded::Keep, not_offered, false).await;
    check_ended(WhenEnded::Remove, |rig| rig.publisher.withdraw(&web()), false).await;
}

/// What does not fit together is not written, and what stands stays.
#[tokio::test]
async fn a_bad_identity_changes_nothing_and_is_told() {
    let rig = Rig::new();
    rig.bundle();
    let couriers = rig.start(rig.order());
    let first = rig.deliver();
    rig.until("the first set", |rig| rig.status().serial == Some(first)).await;
    let other_key = CurrentIdentity { key_pkcs8: rig.fixture.identity("web").key_pkcs8, ..rig.fixture.identity("web") };
    let no_chain = CurrentIdentity { chain: Vec::new(), ..rig.fixture.identity("web") };
    let mut foreign = fixture().identity("web");
    foreign.hint = "web".to_owned();
    let no_key = CurrentIdentity {
        key_pkcs8: Arc::new(zeroize::Zeroizing::new(b"canary".to_vec())),
        ..rig.fixture.identity("web")
    };
    for (bad, expected) in [
        (other_key, "and the key is"),
        (no_chain, "the certificate cannot be read: there is none"),
        (foreign, "the chain does not lead to the bundle's roots"),
        (no_key, "the key cannot be read"),
    ] {
        let before = rig.status().failures;
        rig.publisher.deliver(web(), bad);
        rig.clock.pass(Duration::from_secs(400));
        rig.until("the failure", |rig| {
            let status = rig.status();
            status.failures > before && status.last_failure.as_ref().is_some_and(|why| why.contains(expected))
        })
        .await;
        assert_eq!((rig.seen(), rig.status().serial), (Some(first), Some(first)));
        assert!(!rig.status().last_failure.unwrap().contains("canary"));
    }
    let good = rig.deliver();
    rig.clock.pass(Duration::from_secs(400));
    rig.until("the next good one", |rig| rig.status().serial == Some(good)).await;
    assert_eq!((rig.status().failures, rig.status().last_failure), (0, None));
    couriers.stop().await;
}

/// A directory that is spoilt while we run is refused at the next swap, by name; the old set stands, and it goes on when it is mended.
#[tokio::test]
async fn the_directory_is_looked_at_anew_each_time() {
    use std::os::unix::fs::PermissionsExt as _;
    let rig = Rig::new();
    rig.bundle();
    let couriers = rig.start(rig.order());
    let first = rig.deliver();
    rig.until("the first set", |rig| rig.status().serial == Some(first)).await;
    let mode = |mode| std::fs::set_permissions(rig.directory(), std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o777);
    let second = rig.deliver();
    rig.until("the refusal", |rig| rig.status().failures == 1).await;
    assert!(rig.status().last_failure.unwrap().contains("has mode 0777"));
    mode(0o755);
    assert_eq!(rig.seen(), Some(first));
    rig.clock.pass(Duration::from_secs(1));
    rig.until("the second set", |rig| rig.status().serial == Some(second)).await;
    couriers.stop().await;
}

#[tokio::test]
async fn the_status_is_not_lost_when_the_key_roller_tells_its_own() {
    let rig = Rig::new();
    let couriers = rig.start(rig.order());
    rig.publisher.set_status(Status { files: Vec::new(), ..Status::clone(&rig.identities.status()) });
    assert_eq!(rig.identities.status().files.len(), 1);
    couriers.stop().await;
}

fn command(script: &str) -> Option<Reload> {
    let arguments = ["-c", script].map(str::to_owned).to_vec();
    Some(Reload::Command(CommandOrder { program: "/bin/sh".into(), arguments, limit: Duration::from_secs(20) }))
}

#[tokio::test]
async fn the_program_is_told_of_each_set_and_again_if_it_was_not() {
    let rig = Rig::new();
    rig.bundle();
    let (log, bad) = (rig.memory.path().join("log"), rig.memory.path().join("bad"));
    let script = format!(
        "[ ! -e {1} ] || exit 7; readlink {2}/..current >>{0}",
        log.display(),
        bad.display(),
        rig.directory().display()
    );
    let couriers = rig.start(Order { reload: command(&script), ..rig.order() });
    let told = |rig: &Rig| rig.status().reload.unwrap().serial;
    let first = rig.deliver();
    rig.until("the first to be told", |rig| told(rig) == Some(first)).await;
    assert_eq!(std::fs::read_to_string(&log).unwrap(), format!("..{first}.7\n"), "told behind the rename, once");

    std::fs::write(&bad, "").unwrap();
    let second = rig.deliver();
    rig.until("the failure", |rig| rig.status().reload.unwrap().failures == 1).await;
    assert_eq!((rig.seen(), rig.status().failures, told(&rig)), (Some(second), 0, Some(first)));
    assert!(rig.status().reload.unwrap().last_failure.unwrap().contains("ended with exit code 7"));
    // Killed here, the next life knows that the program was not told.
    couriers.stop().await;
    assert!(rig.directory().join("..unread").is_symlink());
    std::fs::remove_file(&bad).unwrap();
    rig.publisher.withdraw(&web());
    let couriers = rig.start(Order { reload: command(&script), ..rig.order() });
    rig.until("the note to go", |rig| !rig.directory().join("..unread").is_symlink()).await;
    assert!(std::fs::read_to_string(&log).unwrap().ends_with(&format!("..{second}.7\n")));
    couriers.stop().await;
}

#[tokio::test]
async fn a_reload_is_tried_again_after_a_while() {
    let rig = Rig::new();
    rig.bundle();
    let count = rig.memory.path().join("count");
    let script = format!("echo x >>{0}; [ $(wc -l <{0}) -gt 2 ]", count.display());
    let couriers = rig.start(Order { reload: command(&script), ..rig.order() });
    let first = rig.deliver();
    for failures in 1..=2 {
        rig.until("a failure", |rig| rig.status().reload.unwrap().failures == failures).await;
        rig.clock.pass(Duration::from_secs(2));
    }
    rig.until("the third time", |rig| rig.status().reload.unwrap().serial == Some(first)).await;
    assert_eq!(rig.status().reload.unwrap().failures, 0);
    couriers.stop().await;
}

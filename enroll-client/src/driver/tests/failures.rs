//! T-65 and T-43: renewal under failure, crashes between sending and hearing, and what is never delivered.

use super::*;

/// An answer that is lost on its way: the same key again, the same certificate, one entry.
#[tokio::test]
async fn lost_answers() {
    let rig = Rig::stopped(&[]).await;
    rig.server.world().loses = 2;
    let mut rig = rig;
    rig.run().unwrap();
    rig.until_passing("the host", Duration::from_secs(2), |rig| rig.status().host.phase == Phase::Current).await;
    assert_eq!(rig.asked(), ["enroll with join-token"; 3]);
    assert_eq!(rig.server.world().ca.ledger.size(), 8);
}

/// Killed between sending and hearing: the next start repeats the request with the key that was sent.
#[tokio::test]
async fn killed_before_the_first_answer() {
    let mut rig = Rig::stopped(&["web"]).await;
    rig.server.world().loses = 1;
    rig.run().unwrap();
    rig.until("the loss", |rig| rig.status().host.failures == 1).await;
    rig.kill().await;
    let size = rig.server.world().ca.ledger.size();
    rig.pass(30);
    rig.run().unwrap();
    rig.until_current().await;
    // One more entry: the agent's.
    assert_eq!(rig.server.world().ca.ledger.size(), size + 1);
}

#[tokio::test]
async fn killed_before_a_renewals_answer() {
    let mut rig = Rig::start(&[]).await;
    rig.until_current().await;
    let first = rig.status().host.serial;
    rig.server.world().loses = 1;
    rig.pass(2161);
    rig.until("the loss", |rig| rig.status().host.failures == 1).await;
    rig.kill().await;
    rig.pass(30);
    rig.run().unwrap();
    rig.until("the renewed certificate", |rig| rig.status().host.phase == Phase::Grace).await;
    assert_ne!(rig.status().host.serial, first);
    assert_eq!(rig.asked(), ["enroll with join-token", "renew host", "renew host"]);
}

/// The same, and the host was away too long for the server to repeat itself: evidence, and proof of the key it may be bound to.
#[tokio::test]
async fn killed_before_a_renewals_answer_and_away_for_an_hour() {
    let mut rig = Rig::start(&[]).await;
    rig.until_current().await;
    rig.server.world().loses = 1;
    rig.pass(2161);
    rig.until("the loss", |rig| rig.status().host.failures == 1).await;
    rig.kill().await;
    rig.pass(3600);
    rig.run().unwrap();
    rig.until_passing("the host", Duration::from_secs(2), |rig| rig.status().host.phase == Phase::Current).await;
    let asked = rig.asked().split_off(2);
    let [wrong, right] = ["enroll with join-token, another key", "enroll with join-token, the bound key"];
    // The key that was sent is used up; the kept one is not the bound one any more; the one that was sent is.
    assert_eq!(asked, [wrong, &format!("{wrong}: host-bound"), right]);
}

/// The server is away until everything has expired, and comes back.
#[tokio::test]
async fn away_past_expiry() {
    let rig = Rig::start(&["web"]).await;
    rig.until_current().await;
    rig.server.world().is_down = true;
    rig.pass(3600);
    rig.until("everything to be taken away", |rig| {
        rig.serial("web").is_none() && rig.status().host.phase == Phase::Pending
    })
    .await;
    rig.server.world().is_down = false;
    rig.until_passing("everything to be back", Duration::from_secs(5), |rig| {
        rig.status().host.phase == Phase::Current && rig.serial("web").is_some()
    })
    .await;
    assert!(rig.asked().contains(&"enroll with join-token, the bound key".to_owned()), "{:?}", rig.asked());
}

/// Switched off past expiry: at the next start the host proves its kept key.
#[tokio::test]
async fn switched_off_past_expiry() {
    let mut rig = Rig::start(&["web"]).await;
    rig.until_current().await;
    rig.stop().await;
    rig.pass(86_400);
    rig.run().unwrap();
    rig.until_current().await;
    let asked = rig.asked().split_off(2);
    assert_eq!(asked, ["enroll with join-token, the bound key", "first web"]);
}

/// T-43: renewals that the server refuses for good lead back to evidence, not to a loop.
#[tokio::test]
async fn renewals_that_are_impossible() {
    for rule in ["superseded", "reattestation-due", "certificate-unknown"] {
        let rig = Rig::start(&[]).await;
        rig.until_current().await;
        rig.server.world().refuses.push(rule);
        rig.pass(2161);
        rig.until_passing("the host", Duration::from_secs(2), |rig| rig.asked().len() == 3).await;
        let asked = rig.asked();
        assert_eq!(asked[1..], ["renew host", "enroll with join-token, the bound key"], "{rule}");
        rig.until("the host", |rig| rig.status().host.failures == 0).await;
        rig.until("no key to be unsettled", |rig| !rig.state_dir().join("unsettled.json").exists()).await;
    }
}

/// What does not hold is not delivered, however often it comes.
#[tokio::test]
async fn forged_answers_are_not_delivered() {
    let rig = Rig::start(&[]).await;
    rig.until_current().await;
    rig.server.world().forges = 1;
    rig.server.world().offer("web");
    rig.until("the refusal", |rig| rig.status().agents.first().is_some_and(|agent| agent.failures == 1)).await;
    let status = rig.status();
    let failure = status.agents[0].last_failure.as_deref().unwrap();
    assert_eq!(
        failure,
        "the server's answer is refused: the ledger authorised another certificate: its key is not this one's"
    );
    assert_eq!(rig.serial("web"), None);
}

/// Two daemons on one state directory; another CA's state directory; one that was changed.
#[tokio::test]
async fn state_directories_that_are_not_ours() {
    let mut rig = Rig::start(&[]).await;
    rig.until_current().await;
    let running = rig.running.take();
    assert!(matches!(rig.run(), Err(RestoreError::Keep(crate::keep::KeepError::Locked { .. }))));
    rig.running = running;
    rig.until("a kept checkpoint", |rig| rig.state_dir().join("checkpoint").exists()).await;
    rig.stop().await;
    let mut other = Rig::stopped(&[]).await;
    std::fs::rename(rig.state_dir(), other.state_dir()).unwrap();
    other.server.world().ca.ledger.signer = crate::testing::ledger::Signer::new("example.org/brevet", 9);
    assert!(matches!(other.run(), Err(RestoreError::Checkpoint(_))));
    std::fs::write(other.state_dir().join("host.json"), "{}").unwrap();
    std::fs::remove_file(other.state_dir().join("checkpoint")).unwrap();
    let refused = other.run().unwrap_err();
    assert!(
        matches!(refused, RestoreError::Keep(crate::keep::KeepError::Damaged { file: "host.json", .. })),
        "{refused}"
    );
}

/// The disk is full, or the directory gone: a key that is not kept is not sent; what is held is handed out.
#[tokio::test]
async fn a_key_that_cannot_be_kept_is_not_sent() {
    let rig = Rig::start(&["web"]).await;
    rig.until_current().await;
    // Root writes anywhere; a directory in the file's place stops even root.
    std::fs::create_dir(rig.state_dir().join("unsettled.json.new")).unwrap();
    let asked = rig.asked().len();
    rig.pass(2161);
    rig.until("the agent's renewal", |rig| rig.asked().len() > asked).await;
    rig.until("the host's failure", |rig| rig.status().host.failures > 0).await;
    assert_eq!(rig.asked().split_off(asked), ["renew web"]);
    assert!(rig.serial("web").is_some());
    std::fs::remove_dir(rig.state_dir().join("unsettled.json.new")).unwrap();
    rig.until_passing("the host", Duration::from_secs(5), |rig| rig.asked().contains(&"renew host".to_owned())).await;
}

/// A ledger that was cut back shows in the first new entry. The alarm outlives a restart; what is held is handed out until it ends.
#[tokio::test]
async fn an_alarm_is_kept_and_nothing_new_is_taken() {
    let mut rig = Rig::start(&["web"]).await;
    rig.until_current().await;
    let web = rig.serial("web");
    // The server is put back to a copy of a few minutes ago: the next entry takes an index that was taken.
    {
        let mut world = rig.server.world();
        let origin = world.ca.ledger.origin();
        world.ca.ledger = crate::testing::ledger::Ledger::new(origin.as_str(), 1);
    }
    rig.pass(2161);
    rig.until("the alarm", |rig| rig.status().trust.alarm.is_some()).await;
    let alarm = rig.status().trust.alarm.clone().unwrap();
    assert!(alarm.contains("the ledger made a new entry at index 7 after it had"), "{alarm}");
    assert_eq!(rig.serial("web"), web);
    rig.until("the alarm on disk", |rig| rig.state_dir().join("alarm.json").exists()).await;
    rig.stop().await;
    let asked = rig.asked().len();
    rig.run().unwrap();
    rig.until("the alarm again", |rig| rig.status().trust.alarm.as_ref() == Some(&alarm)).await;
    rig.pass(3600);
    rig.until("the host's end", |rig| rig.status().host.serial.is_none()).await;
    assert_eq!(rig.asked().len(), asked);
    assert_eq!(rig.serial("web"), None);
}

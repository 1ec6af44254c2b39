//! T-52: clocks that are wrong for a while, and clocks that somebody sets back.

use identity::Timestamp;

use super::*;

fn later(seconds: u64) -> Timestamp {
    moment().plus(Duration::from_secs(seconds))
}

/// A machine without a battery starts in 1970: its kept certificate is used once the clock is right, without evidence.
#[tokio::test]
async fn a_start_in_1970() {
    let mut rig = Rig::start(&[]).await;
    rig.until_current().await;
    let serial = rig.status().host.serial;
    rig.stop().await;
    rig.clock.set(Timestamp::EPOCH);
    rig.run().unwrap();
    rig.until("an attempt", |rig| rig.status().host.failures > 0).await;
    assert_eq!(rig.status().host.phase, Phase::Pending);
    rig.clock.set(later(60));
    rig.until_current().await;
    assert_eq!(rig.status().host.serial, serial);
    assert_eq!(rig.asked(), ["enroll with join-token"]);
}

/// A time server errs by a day, and is corrected: what was taken away comes back.
#[tokio::test]
async fn a_day_ahead_for_a_moment() {
    let rig = Rig::start(&["web"]).await;
    rig.until_current().await;
    let serial = rig.status().host.serial;
    rig.server.world().is_down = true;
    rig.clock.set(later(86_400));
    rig.until("everything to be taken away", |rig| {
        rig.serial("web").is_none() && rig.status().host.phase == Phase::Pending
    })
    .await;
    rig.until("an attempt to enrol", |rig| rig.status().host.failures > 0).await;
    rig.clock.set(later(60));
    rig.until("the host's certificate", |rig| rig.status().host.serial == serial).await;
    rig.server.world().is_down = false;
    rig.until_passing("the agent's", Duration::from_secs(1), |rig| rig.serial("web").is_some()).await;
    assert_eq!(rig.asked(), ["enroll with join-token", "first web", "first web"]);
}

/// Set back, the clock revives nothing: what has lived its time has ended.
#[tokio::test]
async fn set_back_after_the_end() {
    let rig = Rig::start(&["web"]).await;
    rig.until_current().await;
    rig.server.world().is_down = true;
    rig.pass(3600);
    rig.until("everything to be taken away", |rig| {
        rig.serial("web").is_none() && rig.status().host.phase == Phase::Pending
    })
    .await;
    let failures = rig.status().host.failures;
    rig.clock.set(later(60));
    rig.until_passing("another attempt", Duration::from_secs(1), |rig| rig.status().host.failures > failures).await;
    assert_eq!((rig.status().host.serial, rig.serial("web")), (None, None));
}

/// An hour back in the middle of a life: renewal and end come when they would have come.
#[tokio::test]
async fn an_hour_back() {
    let rig = Rig::start(&["web"]).await;
    rig.until_current().await;
    rig.clock.set(moment().minus(Duration::from_secs(3600)));
    rig.server.world().is_down = true;
    rig.pass(2161);
    rig.until("attempts to renew", |rig| rig.status().host.failures > 0 && rig.status().agents[0].failures > 0).await;
    rig.pass(1440);
    rig.until("the end", |rig| rig.serial("web").is_none()).await;
}

/// Off since before the certificate ended, and the clock stands still at the time of the last life: the newest heartbeat says later.
#[tokio::test]
async fn a_clock_behind_the_newest_heartbeat() {
    let mut rig = Rig::start(&[]).await;
    rig.until_current().await;
    rig.until("the feed", |rig| rig.server.world().seen.iter().any(|line| line.starts_with("feed after"))).await;
    // Two hours later there is a heartbeat, and nothing else.
    rig.server.world().is_down = true;
    rig.clock.set(later(7200));
    rig.server.world().beat();
    rig.until("the heartbeat on disk", |rig| rig.state_dir().join("feed.json").exists()).await;
    rig.stop().await;
    let asked = rig.asked().len();
    rig.server.world().is_down = false;
    rig.clock.set(later(60));
    rig.run().unwrap();
    rig.until("another enrolment", |rig| rig.asked().len() > asked).await;
    assert!(rig.asked()[asked..].iter().all(|line| line.starts_with("enroll")), "{:?}", rig.asked());
}

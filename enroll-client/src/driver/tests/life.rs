//! The life of a host and its agents when nothing goes wrong.

use super::*;

#[tokio::test]
async fn from_nothing_to_agents_with_identities() {
    let rig = Rig::start(&["web", "db"]).await;
    rig.until_current().await;
    let snapshot = rig.identities().snapshot();
    let web = &snapshot.agents[&AgentName::parse("web").unwrap()];
    assert_eq!(web.spiffe_id.as_str(), "spiffe://example.org/host/one/web");
    assert_eq!((web.hint.as_str(), web.selectors.uid, web.chain.len()), ("web", Some(7), 2));
    // The key is the certificate's.
    let key = crate::key::PrivateKey::from_pkcs8(&web.key_pkcs8).unwrap();
    assert_eq!(identity::svid::CertificateFacts::from_der(&web.chain[0]).unwrap().key, key.hash());
    rig.until("the bundle", |rig| rig.identities().snapshot().bundle_sequence == 1).await;
    assert_eq!(rig.identities().snapshot().bundle[0].as_ref(), rig.server.world().ca.root.der);
    let mut asked = rig.asked();
    asked.sort();
    assert_eq!(asked, ["enroll with join-token", "first db", "first web"]);
    assert!(!rig.state_dir().join("unsettled.json").exists());
}

/// T-63, T-65: what rests is the host's key alone.
#[tokio::test]
async fn no_agents_key_rests() {
    let mut rig = Rig::start(&["web"]).await;
    rig.until_current().await;
    let key = rig.identities().snapshot().agents.values().next().unwrap().key_pkcs8.to_vec();
    rig.stop().await;
    let mut files = 0;
    for file in std::fs::read_dir(rig.state_dir()).unwrap() {
        let octets = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!octets.windows(32).any(|window| key.windows(32).any(|part| part == window)));
        files += 1;
    }
    assert!(files >= 3, "{files}");
}

#[tokio::test]
async fn renewals_at_half_their_life_and_grace() {
    let rig = Rig::start(&["web"]).await;
    rig.server.world().grace = Some(600);
    rig.until_current().await;
    let first = rig.serial("web").unwrap();
    // 60 % of an hour: all are due.
    rig.pass(2161);
    rig.until("the renewals", |rig| {
        let status = rig.status();
        status.host.phase == Phase::Grace && status.agents[0].phase == Phase::Grace
    })
    .await;
    let second = rig.serial("web").unwrap();
    assert_ne!(first, second);
    let mut asked = rig.asked().split_off(2);
    asked.sort();
    assert_eq!(asked, ["renew host", "renew web"]);
    // The grace of ten minutes ends; the second certificates stay.
    rig.pass(601);
    rig.until_current().await;
    assert_eq!(rig.serial("web"), Some(second));
}

#[tokio::test]
async fn after_a_restart_the_host_is_the_same() {
    let mut rig = Rig::start(&["web"]).await;
    rig.until_current().await;
    let (serial, web) = (rig.status().host.serial, rig.serial("web"));
    rig.stop().await;
    rig.pass(60);
    rig.run().unwrap();
    rig.until_current().await;
    assert_eq!(rig.status().host.serial, serial);
    // Agents' keys did not rest, so the agent has a new one.
    assert_ne!(rig.serial("web"), web);
    assert_eq!(rig.asked(), ["enroll with join-token", "first web", "first web"]);
}

#[tokio::test]
async fn the_list_of_agents_is_followed() {
    let rig = Rig::start(&["web"]).await;
    rig.until_current().await;
    rig.until("the feed", |rig| rig.status().trust.feed_index.is_some()).await;
    rig.server.world().offer("db");
    // All hosts are told at once, and spread their asking over some seconds.
    let second = Duration::from_secs(1);
    rig.until_passing("db", second, |rig| rig.serial("db").is_some()).await;
    {
        let mut world = rig.server.world();
        world.offers.remove(0);
        world.offers[0].uid = Some(8);
        world.tell_agents();
    }
    rig.until_passing("web to go and db to be for another user", second, |rig| {
        let snapshot = rig.identities().snapshot();
        snapshot.agents.len() == 1 && snapshot.agents.values().next().unwrap().selectors.uid == Some(8)
    })
    .await;
    // Only its selectors changed: db keeps its certificate.
    assert_eq!(rig.asked(), ["enroll with join-token", "first web", "first db"]);
}

#[tokio::test]
async fn local_configuration_narrows_the_list() {
    let mut rig = Rig::stopped(&["web", "db"]).await;
    rig.run_narrowed(Some(&["db", "never-offered"])).unwrap();
    rig.until("db", |rig| rig.serial("db").is_some()).await;
    assert_eq!(rig.status().agents.len(), 1);
    assert_eq!(rig.asked(), ["enroll with join-token", "first db"]);
}

/// Who has delivered to an agent must know what has ended for good from what has merely run out.
#[tokio::test]
async fn revoked_is_told_apart_from_expired_and_from_not_offered() {
    use crate::identities::Standing;
    let rig = Rig::start(&["web", "db"]).await;
    rig.until_current().await;
    rig.until("the feed", |rig| rig.status().trust.feed_index.is_some()).await;
    let stands = |rig: &Rig, wanted: &str| match rig.identities().snapshot().standing(|name, _| name.as_str() == wanted)
    {
        Standing::Has(_) => "has",
        Standing::Waits => "waits",
        Standing::Ended => "ended",
    };
    assert_eq!([stands(&rig, "web"), stands(&rig, "db"), stands(&rig, "other")], ["has", "has", "ended"]);
    let serial = rig.serial("web").unwrap();
    rig.server.world().revoke(serial);
    rig.until("web to end", |rig| stands(rig, "web") == "ended").await;
    assert_eq!(stands(&rig, "db"), "has");
    rig.server.world().is_down = true;
    rig.pass(3601);
    rig.until("db to expire", |rig| stands(rig, "db") == "waits").await;
    assert_eq!(stands(&rig, "web"), "ended");
}

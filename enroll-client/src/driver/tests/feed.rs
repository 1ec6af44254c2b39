//! What the feed takes away, how it is followed, and what local followers get.

use super::*;

async fn following(agents: &[&str]) -> Rig {
    let rig = Rig::start(agents).await;
    rig.until_current().await;
    rig.until("the feed", |rig| rig.server.world().seen.iter().any(|line| line.starts_with("feed after"))).await;
    rig
}

#[tokio::test]
async fn a_revoked_agent_has_nothing_at_once() {
    let rig = following(&["web", "db"]).await;
    let (web, db) = (rig.serial("web").unwrap(), rig.serial("db"));
    rig.server.world().revoke(web);
    rig.until("web to go", |rig| rig.serial("web").is_none()).await;
    let phases: Vec<_> = rig.status().agents.iter().map(|agent| (agent.name.clone(), agent.phase)).collect();
    assert_eq!(phases, [("db".to_owned(), Phase::Current), ("web".to_owned(), Phase::Ended)]);
    assert_eq!(rig.serial("db"), db);
    // It is over for good: not asked for again while the list still has it.
    let asked = rig.asked().len();
    rig.pass(600);
    rig.server.world().tell_agents();
    let second = Duration::from_secs(1);
    rig.until_passing("the acknowledgement", second, |rig| {
        rig.server.world().acks.last().is_some_and(|ack| ack.events == 4)
    })
    .await;
    assert_eq!((rig.asked().len(), rig.serial("web")), (asked, None));
}

/// Revoked while the feed was interrupted: the snapshot says so.
#[tokio::test]
async fn revoked_while_nobody_listened() {
    let rig = following(&["web"]).await;
    let web = rig.serial("web").unwrap();
    {
        let mut world = rig.server.world();
        world.hang_up();
        world.refuses.push("gone");
        world.revoke(web);
    }
    rig.until_passing("web to go", Duration::from_secs(1), |rig| rig.serial("web").is_none()).await;
    let seen = rig.server.world().seen.clone();
    assert_eq!(seen.iter().filter(|line| *line == "snapshot").count(), 2, "{seen:?}");
}

#[tokio::test]
async fn a_revoked_host_asks_for_nothing_more() {
    let rig = following(&["web"]).await;
    let host = rig.status().host.serial.unwrap();
    rig.server.world().revoke(host);
    rig.until("the host's end", |rig| rig.status().host.phase == Phase::Ended).await;
    let asked = rig.asked().len();
    // The agent's certificate lives until it ends, and is not renewed.
    assert!(rig.serial("web").is_some());
    rig.pass(3600);
    rig.until("the agent's end", |rig| rig.serial("web").is_none()).await;
    assert_eq!(rig.asked().len(), asked);
}

/// T-65: an agent's renewal was lost, and the cutoff of what it has comes by the feed: at that time it has no key any more.
#[tokio::test]
async fn a_cutoff_without_a_successor() {
    let rig = following(&["web"]).await;
    rig.server.world().grace = Some(60);
    rig.server.world().loses = usize::MAX;
    rig.pass(2161);
    rig.until("the loss", |rig| rig.status().agents[0].failures > 0).await;
    rig.until("the cutoff", |rig| {
        rig.status().agents[0].not_after < Some(rig.clock.now().wall.plus(Duration::from_secs(61)))
    })
    .await;
    assert!(rig.serial("web").is_some());
    rig.clock.pass(Duration::from_millis(59_999));
    rig.until("the clock to be seen", |rig| rig.status().agents[0].failures > 1).await;
    assert!(rig.serial("web").is_some());
    rig.clock.pass(Duration::from_millis(1));
    rig.until("web to go", |rig| rig.serial("web").is_none()).await;
}

#[tokio::test]
async fn an_event_that_is_withheld_shows_at_the_heartbeat() {
    let rig = following(&[]).await;
    {
        let mut world = rig.server.world();
        world.withhold();
        world.tell_agents();
        world.beat();
    }
    rig.until_passing("a second snapshot", Duration::from_secs(1), |rig| {
        rig.server.world().seen.iter().filter(|line| *line == "snapshot").count() == 2
    })
    .await;
    rig.until("to follow again", |rig| rig.status().trust.feed_index.is_some()).await;
    assert_eq!(rig.status().trust.alarm, None);
}

/// Local followers get the server's own octets, and begin where they left off.
#[tokio::test]
async fn the_feed_is_relayed() {
    let rig = following(&["web"]).await;
    let relay = rig.identities().relay().clone();
    rig.until("a snapshot", |_| relay.snapshot().is_some()).await;
    let mut follow = relay.follow(None).unwrap();
    assert!(follow.backlog.is_empty());
    rig.server.world().tell_agents();
    rig.server.world().beat();
    let event = follow.live.recv().await.unwrap();
    assert!(event.text.starts_with(b"id: ") && event.text.ends_with(b"event: agents-changed\ndata: {}\n\n"));
    let beat = follow.live.recv().await.unwrap();
    assert_eq!(beat.id, None);
    assert!(beat.text.starts_with(b"event: heartbeat\ndata: brevet-feed/v1\ndata: example.org/brevet\n"));
    let again = relay.follow(None).unwrap().backlog;
    assert_eq!(again, [event, beat]);
    rig.until("the heartbeat on disk", |rig| rig.state_dir().join("feed.json").exists()).await;
    rig.until("the heartbeat in the status", |rig| rig.status().trust.heartbeat.is_some()).await;
}

#[tokio::test]
async fn the_server_hears_how_far_we_are() {
    let rig = following(&[]).await;
    rig.until("an acknowledgement with the bundle", |rig| {
        rig.server.world().acks.last().is_some_and(|ack| ack.bundle == 1)
    })
    .await;
    let index = rig.server.world().append();
    rig.server.world().tell(ledger::feed::FeedEvent::bundle_changed(index));
    // Not more than one a second.
    rig.until_passing("the next", Duration::from_millis(100), |rig| {
        rig.server.world().acks.last().is_some_and(|ack| ack.index == index)
    })
    .await;
}

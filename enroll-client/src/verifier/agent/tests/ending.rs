//! How trust ends: by revocation, cutoff, expiry, silence, and with a root. Knows what a standing connection is told too.

use std::time::{Duration, Instant};

use super::*;

#[tokio::test]
async fn a_revocation_is_seen_in_the_next_handshake_and_on_kept_connections() {
    let mut story = Story::new();
    let (web, db) = story.both().await;
    let (client, server) =
        (web.client_config(story.rule("/db")).unwrap(), db.server_config(story.rule("/web")).unwrap());
    let (_, kept) = handshake(&client, &server).await;
    let kept = kept.unwrap();
    let peer = peer_id(kept.get_ref().1).unwrap();
    let serial = web.identity().unwrap().serial;
    assert_eq!(peer.serial(), serial);
    let revoked_at = Instant::now();
    story.revoke(serial);
    until(&db, || db.still_valid(&peer).is_err()).await;
    assert_eq!(db.still_valid(&peer), Err(Refusal::Revoked { serial }));
    let (client_outcome, server_outcome) = handshake(&client, &server).await;
    assert!(server_outcome.is_err() && client_outcome.is_err());
    assert!(revoked_at.elapsed() < Duration::from_secs(1), "{:?}", revoked_at.elapsed());
    // The revoked one knows too, and does not even try.
    until(&web, || web.identity().is_err()).await;
    assert_eq!(web.identity(), Err(Refusal::Revoked { serial }));
    // Renewed, it is somebody again.
    story.host.deliver(&story.world, "/web");
    until(&web, || web.identity().is_ok()).await;
    let (client_outcome, server_outcome) = handshake(&client, &server).await;
    assert!(client_outcome.is_ok() && server_outcome.is_ok());
}

#[tokio::test]
async fn a_revoked_issuer_takes_its_leaves_with_it() {
    let mut story = Story::new();
    let (web, db) = story.both().await;
    let (client, server) =
        (web.client_config(story.rule("/db")).unwrap(), db.server_config(story.rule("/web")).unwrap());
    let facts = identity::svid::CertificateFacts::from_der(story.world.issuer.der()).unwrap();
    story.revoke(Serial::from_der_content(&facts.serial_octets).unwrap());
    let (kept, _) = handshake(&client, &server).await;
    if let Ok(kept) = kept {
        let peer = peer_id(kept.get_ref().1).unwrap();
        until(&web, || web.still_valid(&peer).is_err()).await;
    }
    let (client_outcome, _) = handshake(&client, &server).await;
    assert!(client_outcome.is_err());
}

#[tokio::test]
async fn a_superseded_certificate_ends_at_its_cutoff() {
    let mut story = Story::new();
    let (web, db) = story.both().await;
    let (client, server) =
        (web.client_config(story.rule("/db")).unwrap(), db.server_config(story.rule("/web")).unwrap());
    let (_, kept) = handshake(&client, &server).await;
    let peer = peer_id(kept.unwrap().get_ref().1).unwrap();
    let cutoff = story.clock.now().wall.plus(Duration::from_secs(10));
    let message = story.feed.cut_off(peer.serial(), cutoff);
    let mut changes = db.changes();
    story.send(&message);
    changes.changed().await.unwrap();
    db.still_valid(&peer).unwrap();
    story.clock.pass(Duration::from_secs(10));
    assert_eq!(db.still_valid(&peer), Err(Refusal::CutOff { serial: peer.serial(), cutoff, now: cutoff }));
}

#[tokio::test]
async fn a_stale_feed_refuses_everybody_until_it_is_heard_again() {
    let story = Story::new();
    let (web, db) = story.both().await;
    let (client, server) =
        (web.client_config(story.rule("/db")).unwrap(), db.server_config(story.rule("/web")).unwrap());
    let (kept, _) = handshake(&client, &server).await;
    let peer = peer_id(kept.unwrap().get_ref().1).unwrap();
    story.clock.pass(Duration::from_secs(30));
    web.still_valid(&peer).unwrap();
    story.clock.pass(Duration::from_secs(1));
    let stale = Refusal::FeedStale { age: Duration::from_secs(31), limit: Duration::from_secs(30) };
    assert_eq!(web.still_valid(&peer), Err(stale.clone()));
    let (client_outcome, server_outcome) = handshake(&client, &server).await;
    assert!(refusal(client_outcome).contains(&stale.to_string()));
    assert!(server_outcome.is_err());
    story.beat();
    until(&web, || web.check_fresh().is_ok()).await;
    until(&db, || db.check_fresh().is_ok()).await;
    web.still_valid(&peer).unwrap();
    let (client_outcome, server_outcome) = handshake(&client, &server).await;
    assert!(client_outcome.is_ok() && server_outcome.is_ok());
}

#[tokio::test]
async fn an_expired_peer_is_refused_in_handshakes_and_on_kept_connections() {
    let story = Story::new();
    let (web, db) = story.both().await;
    let (client, server) =
        (web.client_config(story.rule("/db")).unwrap(), db.server_config(story.rule("/web")).unwrap());
    let (kept, _) = handshake(&client, &server).await;
    let peer = peer_id(kept.unwrap().get_ref().1).unwrap();
    story.clock.pass(Duration::from_secs(3601));
    story.beat();
    until(&web, || web.check_fresh().is_ok()).await;
    assert!(matches!(web.still_valid(&peer), Err(Refusal::Expired { .. })));
    assert!(matches!(web.identity(), Err(Refusal::Expired { .. })));
    let (client_outcome, server_outcome) = handshake(&client, &server).await;
    assert!(client_outcome.is_err() && server_outcome.is_err());
}

#[tokio::test]
async fn a_root_that_leaves_the_bundle_takes_its_peers_with_it() {
    let story = Story::new();
    let (web, db) = story.both().await;
    let (client, server) =
        (web.client_config(story.rule("/db")).unwrap(), db.server_config(story.rule("/web")).unwrap());
    let (kept, _) = handshake(&client, &server).await;
    let peer = peer_id(kept.unwrap().get_ref().1).unwrap();
    let next = World::new("example.org");
    // First both roots: nothing changes for those under the old one.
    let identity = web.identity().unwrap();
    let mut changes = web.changes();
    story.host.publisher.set_bundle(2, [next.roots(), story.world.roots()].concat());
    changes.changed().await.unwrap();
    web.still_valid(&peer).unwrap();
    assert_eq!(web.identity().unwrap(), identity);
    // Then the new root alone.
    story.host.publisher.set_bundle(3, next.roots());
    until(&web, || web.still_valid(&peer).is_err()).await;
    assert!(matches!(web.still_valid(&peer), Err(Refusal::Untrusted(_))));
    let (client_outcome, _) = handshake(&client, &server).await;
    assert!(client_outcome.is_err());
    // And peers below it are accepted.
    for (agent, path) in [(&web, "/web"), (&db, "/db")] {
        let serial = story.host.deliver(&next, path).serial;
        until(agent, || agent.identity().is_ok_and(|identity| identity.serial == serial)).await;
    }
    let (client_outcome, server_outcome) = handshake(&client, &server).await;
    assert!(client_outcome.is_ok() && server_outcome.is_ok());
}

#[tokio::test]
async fn an_identity_that_is_taken_away_ends_everything() {
    let story = Story::new();
    let web = story.agent("web").await;
    story.host.publisher.withdraw(&name("/web"));
    story.host.publisher.withdraw(&name("/db"));
    until(&web, || web.identity().is_err()).await;
    assert_eq!(web.identity(), Err(Refusal::NoBundle));
    story.host.deliver(&story.world, "/web");
    until(&web, || web.identity().is_ok()).await;
}

#[tokio::test]
async fn a_follower_that_is_too_far_behind_begins_again() {
    let mut story = Story::new();
    let web = story.agent("web").await;
    let serial = web.identity().unwrap().serial;
    story.host.stop().await;
    // What was revoked meanwhile is in a snapshot only.
    let _never_sent = story.feed.revoke(vec![serial], story.clock.now().wall);
    story.feed.grow();
    story.clock.pass(Duration::from_secs(1));
    let (as_of, body) = story.feed.snapshot(story.clock.now().wall);
    story.host.publisher.relay().set_snapshot(as_of, body);
    story.host.start();
    until(&web, || web.identity().is_err()).await;
    assert_eq!(web.identity(), Err(Refusal::Revoked { serial }));
}

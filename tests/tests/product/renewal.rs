//! Renewal (T-43): a live certificate, a new key, and nobody else's.

use brevet_tests::host::{Host, agent_of, new_key, rule};
use brevet_tests::server::PROFILE;
use enroll_client::check::Whose;
use identity::SpiffeId;

use super::server;

#[tokio::test(flavor = "multi_thread")]
async fn only_the_newest_certificate_of_the_asker_is_renewed_and_only_with_a_new_key() {
    let server = server();
    let host = Host::new(&server.trust());
    let first = host.enrol(&server.token("web-1"), &new_key()).await.unwrap();
    host.present(&first);

    assert_eq!(rule(host.renew(first.checked.serial(), &first.key, first.as_host()).await), "key-reused");
    let key = new_key();
    let second = host.renew(first.checked.serial(), &key, first.as_host()).await.unwrap();
    let again = host.renew(first.checked.serial(), &key, first.as_host()).await.unwrap();
    assert_eq!(again.checked.serial(), second.checked.serial(), "the answer that was lost");
    assert_eq!(rule(host.renew(first.checked.serial(), &new_key(), first.as_host()).await), "superseded");
    host.present(&second);
    let third = host.renew(second.checked.serial(), &new_key(), first.as_host()).await.unwrap();
    assert_eq!(third.checked.supersedes(), Some(second.checked.serial()));

    let other = Host::new(&server.trust());
    let others = other.enrol(&server.token("web-2"), &new_key()).await.unwrap();
    other.present(&others);
    let stolen = other.renew(third.checked.serial(), &new_key(), third.as_host()).await;
    assert_eq!(rule(stolen), "certificate-of-another");
    let used_by_another = other.renew(others.checked.serial(), &third.key, others.as_host()).await;
    assert_eq!(rule(used_by_another), "key-of-another");
    server.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_gets_its_own_agents_and_no_other_hosts() {
    let server = server();
    server.add_agent("web", "10m");
    let (a, b) = (Host::new(&server.trust()), Host::new(&server.trust()));
    let on_a = a.enrol(&server.token("a"), &new_key()).await.unwrap();
    let on_b = b.enrol(&server.token("b"), &new_key()).await.unwrap();
    a.present(&on_a);
    b.present(&on_b);
    let web_of_a: SpiffeId = format!("{}/agent/web", on_a.checked.spiffe_id()).parse().unwrap();

    let list: protocol::agents::AgentList = serde_json::from_str(&a.upstream.agents().await.unwrap().list).unwrap();
    assert_eq!(list.agents.iter().map(|agent| &agent.spiffe_id).collect::<Vec<_>>(), [&web_of_a]);
    let whose = || agent_of(on_a.checked.host(), "web", &web_of_a);
    let web = a.agent("web", &new_key(), whose()).await.unwrap();
    let renewed = a.renew(web.checked.serial(), &new_key(), whose()).await.unwrap();

    assert_eq!(rule(a.agent("db", &new_key(), whose()).await), "agent-unknown");
    assert_eq!(rule(b.renew(renewed.checked.serial(), &new_key(), whose()).await), "certificate-of-another");
    // Whatever b asks for under that name is below b.
    let web_of_b: SpiffeId = format!("{}/agent/web", on_b.checked.spiffe_id()).parse().unwrap();
    let got = b.agent("web", &new_key(), agent_of(on_b.checked.host(), "web", &web_of_b)).await.unwrap();
    assert_eq!(*got.checked.spiffe_id(), web_of_b);

    let _removed = server.admin(&["agent", "remove", "web", "--profile", PROFILE]);
    assert_eq!(rule(a.renew(renewed.checked.serial(), &new_key(), whose()).await), "agent-unknown");
    server.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_stands_after_a_kill_and_is_answered_again() {
    let mut server = server();
    let host = Host::new(&server.trust());
    let (token, key) = (server.token("web-1"), new_key());
    let before = host.enrol(&token, &key).await.unwrap();
    server.kill();
    server.run();
    let after = host.enrol(&token, &key).await.unwrap();
    assert_eq!(after.checked.serial(), before.checked.serial());
    assert!(matches!(before.as_host(), Whose::Host { .. }));
    server.verify();
    assert!(server.stop(), "SIGTERM ends it well");
}

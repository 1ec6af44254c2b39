//! Agents, of which several hosts may have the same.

use identity::Serial;
use ledger::entry::{CertificateAuthorised, Predicate};

use super::world::{World, rule, spiffe_id};

const SHARED: &str = "/service/web";

/// The shared agent on two hosts: what the one was given, and the other.
fn shared(world: &mut World) -> [CertificateAuthorised; 2] {
    [1, 2].map(|number| {
        let (host, _) = world.enrol(number);
        let certificate = world.agent(host, "shared", SHARED);
        assert_eq!(rule(&world.authorise(certificate.clone())), "granted");
        certificate
    })
}

fn renewal(world: &mut World, of: &CertificateAuthorised, renews: Serial) -> CertificateAuthorised {
    let ledger::entry::Subject::Agent { host, agent } = &of.subject else { panic!("no agent") };
    CertificateAuthorised { supersedes: Some(renews), ..world.agent(*host, agent, of.spiffe_id.path()) }
}

#[test]
fn hosts_share_an_identity_but_no_certificate() {
    let mut world = World::new();
    let [one, two] = shared(&mut world);
    let of_another = renewal(&mut world, &two, one.serial);
    assert_eq!(rule(&world.authorise(of_another)), "certificate-of-another");
    for own in [&one, &two] {
        let own = renewal(&mut world, own, own.serial);
        assert_eq!(rule(&world.authorise(own)), "granted");
    }
    let mut with_its_key = renewal(&mut world, &two, two.serial);
    with_its_key.key = one.key;
    assert_eq!(rule(&world.authorise(with_its_key)), "key-of-another");
}

#[test]
fn a_host_is_revoked_with_its_agents_and_no_others() {
    let mut world = World::new();
    let [one, two] = shared(&mut world);
    // Its own certificate and that of its agent.
    assert_eq!(world.revoke(Predicate::Host(super::world::host(1))), 2);
    let revoked = renewal(&mut world, &one, one.serial);
    assert_eq!(rule(&world.authorise(revoked)), "certificate-revoked");
    let spared = renewal(&mut world, &two, two.serial);
    assert_eq!(rule(&world.authorise(spared)), "granted");
}

#[test]
fn an_agent_is_revoked_wherever_it_runs() {
    let mut world = World::new();
    shared(&mut world);
    assert_eq!(world.revoke(Predicate::Agent(spiffe_id(SHARED))), 2);
    assert_eq!(world.revoke(Predicate::Agent(spiffe_id(SHARED))), 0);
}

#[test]
fn no_agent_is_given_the_id_of_a_host() {
    let mut world = World::new();
    let (host, _) = world.enrol(1);
    world.enrol(2);
    for path in ["/host/1", "/host/2"] {
        let agent = world.agent(host, "web", path);
        assert_eq!(rule(&world.authorise(agent)), "id-of-host");
    }
    let unknown = world.agent(host, "db", "/host/1/agent/db");
    assert_eq!(rule(&world.authorise(unknown)), "agent-unknown");
}

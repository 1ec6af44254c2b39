//! Hosts and agents that have certificates already. Knows how they get them.

use std::net::SocketAddr;
use std::sync::Arc;

use brevet_tests::host::{Got, Host, agent_of, new_key};
use brevet_tests::server::{PROFILE, Server};
use enroll_client::check::Whose;
use enroll_client::key::PrivateKey;
use enroll_client::pins::Pins;
use identity::{KeyKind, Lifetime, Serial, SpiffeId};
use rustls::ClientConfig;

use super::connection;

/// All hosts with their agents.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) pins: Arc<Pins>,
    pub(crate) address: SocketAddr,
    hosts: Vec<(Got, Vec<Agent>)>,
}

/// An agent whose certificate is renewed.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) serial: Serial,
    pub(crate) whose: Whose,
}

impl Fleet {
    /// Enrols hosts with one token each, and gets a first certificate for each of their agents.
    pub(crate) async fn enrol(server: &Server, hosts: usize, agents: usize, key: KeyKind, lifetime: Lifetime) -> Self {
        let names: Vec<String> = (0..agents).map(|number| format!("agent-{number}")).collect();
        let (kind, lifetime) = (key.to_string(), lifetime.to_string());
        for name in &names {
            let add =
                ["agent", "add", name, "--profile", PROFILE, "--uid", "1", "--key", &kind, "--lifetime", &lifetime];
            let _added = server.admin(&add);
        }
        let trust = server.trust();
        let mut fleet = Vec::new();
        for number in 0..hosts {
            let host = Host::new(&trust);
            let own = host.enrol(&server.token(&format!("host-{number}")), &new_key()).await.expect("enrolled");
            host.present(&own);
            let mut certified = Vec::new();
            for name in &names {
                let id: SpiffeId = format!("{}/agent/{name}", own.checked.spiffe_id()).parse().expect("an id");
                let whose = agent_of(own.checked.host(), name, &id);
                let new = PrivateKey::generate(key).expect("a key");
                let got = host.agent(name, &new, whose.clone()).await.expect("a first certificate");
                certified.push(Agent { serial: got.checked.serial(), whose });
            }
            fleet.push((own, certified));
        }
        let address = server.url.trim_start_matches("https://").parse().expect("an address");
        let pins = Arc::new(Pins::from_trust_file(&trust).expect("a trust file"));
        Self { pins, address, hosts: fleet }
    }

    /// Divides the agents among workers; all of one worker's are of one host, in whose name it speaks.
    pub(crate) fn share(self, workers: usize) -> Vec<(Arc<ClientConfig>, Vec<Agent>)> {
        let hosts = self.hosts.len();
        let mut shares = Vec::new();
        for (number, (own, agents)) in self.hosts.into_iter().enumerate() {
            // The first hosts take one more where it does not come out even.
            let of_host = workers / hosts + usize::from(number < workers % hosts);
            let config = connection::config(&self.pins, &own);
            let mut shared: Vec<Vec<Agent>> = (0..of_host).map(|_| Vec::new()).collect();
            for (place, agent) in agents.into_iter().enumerate() {
                if let Some(place) = place.checked_rem(of_host) {
                    shared[place].push(agent);
                }
            }
            shares.extend(shared.into_iter().map(|agents| (Arc::clone(&config), agents)));
        }
        shares
    }
}

//! One place for a host and its agent: asks for one thing after another until the server is gone, and asks again for what was
//! lost. Knows the messages; remembers through [`Outside`].

use std::sync::Arc;

use brevet_tests::host::{Got, Host, agent_of, new_key};
use enroll_client::check::Whose;
use enroll_client::key::PrivateKey;
use enroll_client::upstream::UpstreamError;
use identity::{KeyHash, SpiffeId};

use super::chance::Chance;
use super::outside::Outside;
use super::recorder::Revocation;

/// A place for a host.
#[derive(Debug)]
pub(crate) struct Slot {
    chance: Chance,
    host: Host,
    own: Option<Arc<Got>>,
    agent: Option<Got>,
    lost: Option<Wish>,
}

/// Something to ask for. Asked again it is the same to the octet that counts: token, predecessor, key.
#[derive(Debug)]
enum Wish {
    Enrol { token: String, key: PrivateKey },
    Renew { key: PrivateKey },
    Agent { key: PrivateKey },
    RevokeAgent,
    RevokeHost,
}

impl Slot {
    pub(crate) fn new(chance: Chance, outside: &Outside) -> Self {
        Self { chance, host: outside.host(), own: None, agent: None, lost: None }
    }

    /// Asks until an answer is lost, or nothing is left to ask for.
    pub(crate) async fn work(mut self, outside: Arc<Outside>) -> Self {
        while self.lost.is_none() {
            let Some(wish) = self.wish(&outside) else { break };
            self.lost = self.ask(wish, &outside).await;
        }
        self
    }

    /// The key of the certificate that was asked for and not answered.
    pub(crate) fn lost_key(&self) -> Option<KeyHash> {
        match self.lost.as_ref()? {
            Wish::Enrol { key, .. } | Wish::Renew { key } | Wish::Agent { key } => Some(key.hash()),
            Wish::RevokeAgent | Wish::RevokeHost => None,
        }
    }

    /// Asks again for what was lost, over new connections. It must be answered now.
    pub(crate) async fn retry(&mut self, outside: &Outside) {
        self.host = outside.host();
        if let Some(own) = &self.own {
            self.host.present(own);
        }
        if let Some(wish) = self.lost.take() {
            let lost = self.ask(wish, outside).await;
            assert!(lost.is_none(), "no answer from a server that runs: {lost:?}");
        }
    }

    fn wish(&mut self, outside: &Outside) -> Option<Wish> {
        let dice = self.chance.below(20);
        match (&self.own, &self.agent) {
            (None, _) => outside.token().map(|token| Wish::Enrol { token, key: new_key() }),
            (Some(_), Some(_)) if dice < 2 => Some(Wish::RevokeAgent),
            (Some(_), _) if dice == 2 => Some(Wish::RevokeHost),
            (Some(_), _) if dice < 10 => Some(Wish::Renew { key: new_key() }),
            (Some(_), _) => Some(Wish::Agent { key: new_key() }),
        }
    }

    /// Asks; gives the wish back when no answer came.
    async fn ask(&mut self, wish: Wish, outside: &Outside) -> Option<Wish> {
        match &wish {
            Wish::Enrol { token, key } => {
                let Some(got) = answered(self.host.enrol(token, key).await) else { return Some(wish) };
                self.take_own(got, outside);
            }
            Wish::Renew { key } => {
                let own = self.own.as_ref().expect("a host");
                let renewed = self.host.renew(own.checked.serial(), key, own.as_host()).await;
                let Some(got) = answered(renewed) else { return Some(wish) };
                self.take_own(got, outside);
            }
            Wish::Agent { key } => {
                let whose = self.agents();
                let got = match &self.agent {
                    Some(agent) => self.host.renew(agent.checked.serial(), key, whose).await,
                    None => self.host.agent(super::super::AGENT, key, whose).await,
                };
                let Some(got) = answered(got) else { return Some(wish) };
                outside.remember(|recorder| recorder.certificate(&got));
                self.agent = Some(got);
            }
            Wish::RevokeAgent => {
                let serial = self.agent.as_ref().expect("an agent").checked.serial();
                if !self.revoke("--serial", &serial.to_string(), outside).await {
                    return Some(wish);
                }
            }
            Wish::RevokeHost => {
                let id = self.own.as_ref().expect("a host").checked.host();
                if !self.revoke("--host", &id.to_string(), outside).await {
                    return Some(wish);
                }
                self.own = None;
            }
        }
        None
    }

    fn take_own(&mut self, got: Got, outside: &Outside) {
        outside.remember(|recorder| recorder.certificate(&got));
        self.host.present(&got);
        self.own = Some(Arc::new(got));
    }

    /// Revokes; the agent's certificate is revoked either way. Tells whether that was answered.
    async fn revoke(&mut self, which: &str, what: &str, outside: &Outside) -> bool {
        let Some(revoked) = outside.revoke(which, what).await else { return false };
        let host = self.own.as_ref().expect("a host");
        let mut of = Vec::new();
        if let Some(agent) = &self.agent {
            of.push(Revocation { host: Arc::clone(host), serial: agent.checked.serial(), whose: self.agents() });
        }
        if which == "--host" {
            of.push(Revocation { host: Arc::clone(host), serial: host.checked.serial(), whose: host.as_host() });
        }
        let (index, receipt) = (revoked.index.expect("an index"), revoked.receipt.expect("a receipt"));
        outside.remember(|recorder| recorder.revocation(index, &receipt.entry.0, of));
        self.agent = None;
        true
    }

    fn agents(&self) -> Whose {
        let own = &self.own.as_ref().expect("a host").checked;
        let id: SpiffeId = format!("{}/agent/{}", own.spiffe_id(), super::super::AGENT).parse().unwrap();
        agent_of(own.host(), super::super::AGENT, &id)
    }
}

/// The answer, if one came. A server that runs refuses nothing of this.
fn answered(result: Result<Got, UpstreamError>) -> Option<Got> {
    match result {
        Ok(got) => Some(got),
        Err(UpstreamError::NoAnswer(_) | UpstreamError::TooSlow { .. }) => None,
        Err(error) => panic!("{error:?}"),
    }
}

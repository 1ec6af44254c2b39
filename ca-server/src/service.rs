//! What the routes share: the ledger, the rules in force, attestors, authorities, counters. Knows no HTTP.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::rand;
use identity::{HostId, RequestId, Timestamp, TrustDomain};
use ledger::entry::{Actor, RequestRefused};

use crate::agents_in_force::AgentsInForce;
use crate::attestation::Attestors;
use crate::attestation::nonce::Nonces;
use crate::committer::{Asked, CommitError, Handle, Recorded};
use crate::decide::Command;
use crate::decide::approve::TwoPersons;
use crate::decide::refused::Refused;
use crate::draft::Draft;
use crate::followers::Followers;
use crate::heartbeats::Heartbeats;
use crate::issuing::Issuing;
use crate::live::Live;
use crate::refusals::Refusals;
use crate::rules_in_force::{Ready, RulesError, RulesInForce};
use crate::views::Views;

/// Reads the wall clock. Only the composition root makes one that does so for real.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the routes share.
pub struct Service {
    /// The way to change State.
    pub committer: Handle,
    /// Profiles and policies in force.
    pub rules: RulesInForce,
    /// Agents in force.
    pub agents: AgentsInForce,
    /// Who checks evidence.
    pub attestors: Attestors,
    /// The server's nonces.
    pub nonces: Nonces,
    /// Authorities and their keys.
    pub issuing: Issuing,
    /// Refusals that are summed up.
    pub refusals: Refusals,
    /// What followers of the feed have said they applied.
    pub followers: Followers,
    /// The feed's heartbeats.
    pub heartbeats: Heartbeats,
    /// The views, once they are open. They answer questions; no decision reads them.
    pub views: OnceLock<Arc<Views>>,
    /// What stays as it is while the server runs.
    pub fixed: Fixed,
    /// The clock.
    pub clock: Clock,
}

/// What stays as it is while the server runs.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// The trust domain.
    pub trust_domain: TrustDomain,
    /// Octets of `trust.json`, which clients that have only a token fetch.
    pub trust: Arc<[u8]>,
    /// Whether loading a policy needs two admins.
    pub policy_needs: TwoPersons,
}

/// The system gives no random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NoRandom;

impl Service {
    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The ledger as it stands.
    #[must_use]
    pub fn live(&self) -> &Live {
        self.committer.live()
    }

    /// Reads State at `now`. State is held for as long as `read` runs: look up, copy out, let go.
    pub fn read<T>(&self, now: Timestamp, read: impl FnOnce(&Draft<'_>) -> T) -> T {
        let state = self.live().state();
        read(&Draft::over(&state, now))
    }

    /// The rules in force now.
    ///
    /// # Errors
    /// [`RulesError`]; nothing can be permitted then.
    pub fn rules(&self) -> Result<Arc<Ready>, RulesError> {
        let in_force = self.read(self.now(), |draft| draft.policy());
        self.rules.at(in_force)
    }

    /// Has a command decided and recorded.
    ///
    /// # Errors
    /// [`CommitError`].
    pub async fn submit(&self, actor: Actor, request: RequestId, command: Command) -> Result<Recorded, CommitError> {
        let recorded = self.committer.submit(Asked { actor, request, command }).await?;
        crate::noted::entry(recorded.index());
        Ok(recorded)
    }

    /// Writes a refusal down, or counts it. That it was refused does not hang on this: a ledger that cannot be written
    /// refuses everything anyway.
    pub async fn note_refusal(&self, actor: Actor, address: Option<IpAddr>, operation: &str, rule: &str) {
        let Some(refused) = self.refusals.take(actor, address, operation, rule, self.now()) else { return };
        self.write_refusal(actor, refused).await;
    }

    async fn write_refusal(&self, actor: Actor, refused: RequestRefused) {
        let Ok(request) = new_request() else { return };
        let command = Command::Refused(Box::new(Refused::One(refused)));
        if let Err(error) = self.submit(actor, request, command).await {
            tracing::warn!(error = %crate::api::chain(&error), "a refusal was not recorded");
        }
    }
}

/// A new random id of a request that the server itself makes.
///
/// # Errors
/// [`NoRandom`].
pub fn new_request() -> Result<RequestId, NoRandom> {
    random().map(RequestId::from_bytes)
}

/// A new random id of a host.
///
/// # Errors
/// [`NoRandom`].
pub fn new_host() -> Result<HostId, NoRandom> {
    random().map(HostId::from_bytes)
}

/// Random octets from the system's generator.
///
/// # Errors
/// [`NoRandom`].
pub fn random<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut octets = [0; N];
    rand::fill(&mut octets).map_err(|_| NoRandom)?;
    Ok(octets)
}

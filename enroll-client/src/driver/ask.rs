//! One attempt to get a certificate, from key to checked answer. Knows routes and checks; knows no state.

use std::sync::Arc;

use protocol::agents::AgentRequest;
use protocol::enroll::{BoundKey, EnrollRequest, Issued, RenewRequest};
use protocol::reenrol;
use tokio::sync::Semaphore;

use super::hand::InHand;
use super::parts::Parts;
use crate::check::{self, CheckError, Checked, Expected, Whose};
use crate::evidence::EvidenceError;
use crate::keep::KeepError;
use crate::key::{KeyError, PrivateKey};
use crate::machine::{Ask, Failure, Fault};
use crate::upstream::{Upstream, UpstreamError};

/// Makes attempts, a limited number at a time.
#[derive(Debug)]
pub(super) struct Asker {
    parts: Parts,
    room: Semaphore,
}

/// An answer that passed every check.
#[derive(Debug)]
pub(super) struct Attempted {
    pub(super) issued: Issued,
    pub(super) checked: Arc<Checked>,
}

/// Why an attempt brought nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error("the server's answer is refused")]
    Check(#[from] CheckError),
    #[error(transparent)]
    Keep(#[from] KeepError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("no random numbers")]
    Random,
    #[error("the key roller is stopping")]
    Stopping,
}

impl AskError {
    pub(super) fn failure(&self) -> Failure {
        let fault = match self {
            Self::Upstream(error) => return error.failure(),
            // The server has recorded a certificate; with the same key it answers the same again, and perhaps soundly.
            Self::Check(_) => Fault::Lost,
            // Nothing was sent.
            Self::Evidence(_) | Self::Keep(_) | Self::Key(_) | Self::Random | Self::Stopping => Fault::Busy,
        };
        Failure { fault, retry_after: None }
    }

    /// The rule by which the server decided against it.
    pub(super) fn refusal(&self) -> Option<String> {
        match (self, self.failure().fault) {
            (Self::Upstream(error), Fault::Refused | Fault::Revoked) => error.rule().map(str::to_owned),
            (_, Fault::Refused | Fault::Revoked | Fault::Lost | Fault::Busy | Fault::Anew) => None,
        }
    }

    pub(super) fn is_unauthenticated(&self) -> bool {
        matches!(self, Self::Upstream(error) if error.is_unauthenticated())
    }

    /// Whether the server wants proof of another key than the one that was shown.
    pub(super) fn is_host_bound(&self) -> bool {
        matches!(self, Self::Upstream(error) if error.rule() == Some("host-bound"))
    }
}

impl Asker {
    pub(super) fn new(parts: Parts) -> Self {
        Self { parts, room: Semaphore::new(MAX_ATTEMPTS) }
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.parts
    }

    pub(super) fn upstream(&self) -> &Upstream {
        &self.parts.upstream
    }

    /// Renews a certificate of the host or of an agent, or asks for an agent's first.
    pub(super) async fn ask(&self, ask: Ask, hand: &InHand, whose: Whose) -> Result<Attempted, AskError> {
        let _room = self.room.acquire().await.map_err(|_| AskError::Stopping)?;
        let csr = hand.key.certification_request(None)?.into();
        let (issued, renews) = match (ask, &whose) {
            (Ask::Renew { serial }, _) => {
                let request = RenewRequest { request: hand.request, renews: serial, csr };
                (self.upstream().renew(&request).await?, Some(serial))
            }
            (Ask::First | Ask::Enrol, Whose::Agent { name, .. }) => {
                let request = AgentRequest { request: hand.request, agent: name.to_string(), csr };
                (self.upstream().first(&request).await?, None)
            }
            (Ask::First | Ask::Enrol, Whose::NewHost | Whose::Host { .. }) => {
                return self.enrol(hand, None, whose).await;
            }
        };
        self.check(issued, hand, whose, renews)
    }

    /// Enrols the host with fresh evidence, and with proof of the key it is bound to, if it has one.
    pub(super) async fn enrol(
        &self,
        hand: &InHand,
        bound: Option<&PrivateKey>,
        whose: Whose,
    ) -> Result<Attempted, AskError> {
        // The nonce first: evidence is short-lived, and should not age while we wait for one.
        let nonce = self.upstream().challenge().await?.nonce;
        let csr = hand.key.certification_request(Some(&nonce))?;
        let bound_key = bound.map(|key| prove(key, &nonce, &csr)).transpose()?;
        let shown = self.parts.evidence.read().await?;
        let request = EnrollRequest {
            request: hand.request,
            profile: self.parts.profile.clone(),
            evidence: shown.evidence().clone(),
            nonce,
            csr: csr.into(),
            bound_key,
        };
        let outcome = self.upstream().enroll(&request).await;
        drop(Zeroed(request));
        self.check(outcome?, hand, whose, None)
    }

    fn check(
        &self,
        issued: Issued,
        hand: &InHand,
        whose: Whose,
        renews: Option<identity::Serial>,
    ) -> Result<Attempted, AskError> {
        let expected = Expected { key: hand.key.hash(), whose, renews };
        let checked = check::answer(&issued, &expected, &self.parts.pins, self.parts.clock.now().wall)?;
        Ok(Attempted { issued, checked: Arc::new(checked) })
    }
}

/// A request whose evidence is zeroed when it is dropped.
struct Zeroed(EnrollRequest);

impl Drop for Zeroed {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0.evidence.token);
    }
}

fn prove(key: &PrivateKey, nonce: &str, csr: &[u8]) -> Result<BoundKey, KeyError> {
    let signature = key.sign(&reenrol::signed_octets(nonce, csr))?;
    Ok(BoundKey { spki: key.spki().to_vec().into(), signature: signature.into() })
}

/// Attempts at a time. Ours: a host with a thousand agents comes up in seconds, and is not the one that the server notices.
const MAX_ATTEMPTS: usize = 16;

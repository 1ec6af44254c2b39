//! Revokes superseded certificates whose cutoff has come, where their renewal said so, so that they stand on CRLs too.
//! Who follows the feed refuses them from their cutoff on without this (design, section 5).

use std::time::Duration;

use identity::Timestamp;
use ledger::entry::{Actor, Predicate, RevocationReason};

use crate::decide::Command;
use crate::decide::revoke::Revoke;
use crate::draft::Draft;
use crate::service::{Service, new_request};

/// Works until the ledger ends. What fails is tried again.
pub async fn run(service: &Service) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(until) = service.read(service.now(), due) else { continue };
        let Ok(request) = new_request() else { continue };
        let revoke = Revoke {
            predicate: Predicate::Cutoff(until),
            reason: RevocationReason::Superseded,
            comment: String::new(),
        };
        if let Err(error) = service.submit(Actor::Server, request, Command::Revoke(Box::new(revoke))).await {
            tracing::error!(error = %crate::api::chain(&error), "certificates past their cutoff are not revoked; trying again");
        }
    }
}

/// Up to which time cutoffs have come that are still to be revoked; of very many, only up to the first [`AT_ONCE`].
pub(crate) fn due(draft: &Draft<'_>) -> Option<Timestamp> {
    let now = draft.time().millis();
    let waiting = draft
        .cutoffs()
        .filter(|(serial, row)| row.revoke && row.cutoff_millis <= now && draft.revocation(serial).is_none());
    let mut times: Vec<u64> = waiting.map(|(_, row)| row.cutoff_millis).collect();
    times.sort_unstable();
    times.truncate(AT_ONCE);
    Timestamp::from_millis(*times.last()?).ok()
}

/// A certificate that follows its cutoff onto the CRL this much later is refused by followers already, and has at least
/// ten minutes to live.
const EVERY: Duration = Duration::from_secs(10);

/// Well below what one entry may revoke.
const AT_ONCE: usize = 50_000;

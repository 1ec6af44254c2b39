//! What the driver shows of itself. Knows the shape of the status; changes nothing.

use super::Driver;
use super::hand::Hand;
use crate::check::Whose;
use crate::identities::{IdentityStatus, Phase, Status, TrustStatus};
use crate::machine::Identity;

impl Driver {
    /// Publishes the status.
    pub(super) fn show(&self) {
        let mut host = of(&self.host.hand, "host");
        if let (None, Some(Whose::Host { spiffe_id, .. })) = (&host.spiffe_id, &self.host.known) {
            host.spiffe_id = Some(spiffe_id.clone());
        }
        let status = Status {
            trust_domain: self.asker.parts().pins.trust_domain().clone(),
            trust: TrustStatus {
                alarm: self.trust.alarm().map(str::to_owned),
                checkpoint_size: self.trust.head_size(),
                feed_index: self.trust.cursor().map(|cursor| cursor.index),
                heartbeat: self.trust.beat().map(|beat| beat.time),
                bundle_sequence: self.bundle_sequence,
            },
            host,
            agents: self.agents.iter().map(|(name, agent)| of(&agent.hand, name.as_str())).collect(),
            files: Vec::new(),
        };
        self.publisher.set_status(status);
    }
}

fn of(hand: &Hand, name: &str) -> IdentityStatus {
    let held = hand.machine.held();
    IdentityStatus {
        name: name.to_owned(),
        phase: match hand.machine {
            Identity::Pending(_) => Phase::Pending,
            Identity::Current(_) => Phase::Current,
            Identity::Grace(_) => Phase::Grace,
            Identity::Ended(_) => Phase::Ended,
        },
        spiffe_id: held.map(|held| held.checked().spiffe_id().clone()),
        serial: held.map(|held| held.serial()),
        not_after: held.map(|held| held.ends()),
        renew_at: held.map(|held| held.renew_at()),
        failures: hand.machine.failures(),
        last_failure: hand.last_failure.clone(),
        refused_by: hand.refused_by.clone(),
    }
}

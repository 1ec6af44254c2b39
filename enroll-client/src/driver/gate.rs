//! Who may ask for something: opens and closes the machines' gates. Knows alarm and host; knows no certificate.

use super::Driver;
use crate::machine::{Event, Gate, Now};

impl Driver {
    /// Tells each machine what changed for it.
    pub(super) fn set_gates(&mut self, now: Now) {
        let host = if self.trust.alarm().is_some() { Gate::Alarm } else { Gate::Open };
        if self.gate != host {
            self.gate = host;
            self.step_host(Event::Gate(host), now);
        }
        let agents = self.agents_gate();
        let changed: Vec<_> =
            self.agents.iter().filter(|(_, agent)| agent.gate != agents).map(|(name, _)| name.clone()).collect();
        for name in changed {
            if let Some(agent) = self.agents.get_mut(&name) {
                agent.gate = agents;
            }
            self.step_agent(&name, Event::Gate(agents), now);
        }
    }

    /// The gate of agents as things stand.
    pub(super) fn agents_gate(&self) -> Gate {
        match (self.gate, self.host.hand.machine.held()) {
            (Gate::Alarm, _) => Gate::Alarm,
            (Gate::Open | Gate::NoHost, Some(_)) => Gate::Open,
            (Gate::Open | Gate::NoHost, None) => Gate::NoHost,
        }
    }
}

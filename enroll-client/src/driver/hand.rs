//! One identity in the driver's hands: its machine, the key of the attempt that is out, and the answer that waits to be delivered.

use std::sync::Arc;

use identity::RequestId;

use super::ask::Attempted;
use crate::key::PrivateKey;
use crate::machine::{Command, Event, Gate, Identity, Now, Role};

/// See the module.
#[derive(Debug)]
pub(super) struct Hand {
    pub(super) machine: Identity,
    pub(super) attempt: Option<InHand>,
    pub(super) answer: Option<(PrivateKey, Arc<Attempted>)>,
    pub(super) last_failure: Option<String>,
    pub(super) refused_by: Option<String>,
}

/// The key of an attempt, and what was true when it was made. It stays the same while the answer may be lost.
#[derive(Debug, Clone)]
pub(super) struct InHand {
    pub(super) key: PrivateKey,
    pub(super) request: RequestId,
    /// Size of the ledger's head when the key was made: its entry has at least this index.
    pub(super) floor: u64,
    /// An answer for this key was lost before: the server may have taken it.
    pub(super) is_uncertain: bool,
}

impl Hand {
    pub(super) fn new(role: Role, gate: Gate, seed: [u8; 16]) -> Self {
        Self {
            machine: Identity::new(role, gate, seed),
            attempt: None,
            answer: None,
            last_failure: None,
            refused_by: None,
        }
    }

    pub(super) fn step(&mut self, event: Event, now: Now) -> Vec<Command> {
        let machine = std::mem::replace(&mut self.machine, Identity::gone());
        let (machine, commands) = machine.step(event, now);
        self.machine = machine;
        commands
    }
}

/// A random request id.
pub(super) fn request_id() -> Result<RequestId, getrandom::Error> {
    let mut octets = [0; 16];
    getrandom::fill(&mut octets)?;
    Ok(RequestId::from_bytes(octets))
}

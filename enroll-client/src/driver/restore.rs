//! What was kept, taken up again at the start: every signature is checked anew. Knows files' contents; sends nothing.

use identity::svid::{CertificateFacts, Svid};
use ledger::checkpoint::CheckpointError;
use ledger::feed::{Heartbeat, HeartbeatError};
use protocol::enroll::Issued;

use crate::check::Whose;
use crate::keep::{Directory, Keep, KeepError, KeptHost};
use crate::key::PrivateKey;
use crate::machine::{Beat, Head, Now, Trust};
use crate::pins::Pins;

/// Why the roller cannot take up what was kept. It does not start over by itself: that would hide a loss or a rollback.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The state directory.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// The kept checkpoint is not signed by the ledger's key: another CA's state directory, or somebody wrote in it.
    #[error("the checkpoint in the state directory does not hold under the trust file")]
    Checkpoint(#[source] CheckpointError),
    /// The kept heartbeat is not signed by the ledger's key.
    #[error("feed.json in the state directory does not hold under the trust file")]
    Heartbeat(#[source] HeartbeatError),
}

/// The host's part of it.
#[derive(Debug)]
pub(super) struct Restored {
    pub(super) host: Option<KeptHost>,
    pub(super) unsettled: Vec<PrivateKey>,
}

/// The ledger's part: the newest head of those that are kept and pinned, the newest heartbeat, the alarm.
pub(super) fn trust<D: Directory>(keep: &Keep<D>, pins: &Pins, now: Now) -> Result<Trust, RestoreError> {
    if let Some(alarm) = keep.alarm()? {
        tracing::error!(what = alarm.what, seen = %alarm.seen, "ALARM, kept in alarm.json: nothing new is taken until an operator removes it");
        return Ok(Trust::alarmed(alarm.what));
    }
    let pinned = pins.checkpoint();
    let mut head = Head { size: pinned.size(), root: *pinned.root(), note: pins.signed_checkpoint().clone() };
    if let Some(note) = keep.checkpoint()? {
        let kept = note.open(pins.origin(), pins.ledger_key()).map_err(RestoreError::Checkpoint)?;
        if kept.size() >= head.size {
            head = Head { size: kept.size(), root: *kept.root(), note };
        }
    }
    let beat = match keep.cursor()? {
        None => None,
        Some(kept) => {
            let opened = Heartbeat::open(kept.note.as_bytes(), pins.origin(), pins.ledger_key());
            let Heartbeat { time, size, events: running } = opened.map_err(RestoreError::Heartbeat)?;
            Some(Beat { time, size, running, note: kept.note.into() })
        }
    };
    Ok(Trust::new(head, beat, now))
}

/// The host's part.
pub(super) fn host<D: Directory>(keep: &Keep<D>) -> Result<Restored, RestoreError> {
    Ok(Restored { host: keep.host()?, unsettled: keep.unsettled()? })
}

/// Checks that everything that is kept can be taken up, without doing so.
///
/// # Errors
/// The first thing that cannot.
pub fn check<D: Directory>(keep: &Keep<D>, pins: &Pins) -> Result<(), RestoreError> {
    let epoch = Now { wall: identity::Timestamp::EPOCH, boot: crate::machine::BootTime::default() };
    trust(keep, pins, epoch)?;
    host(keep).map(drop)
}

/// Who the host was, by its kept certificate: it comes back as the same or not at all.
pub(super) fn known(issued: &Issued) -> Option<Whose> {
    let leaf = issued.chain.first()?;
    let facts = CertificateFacts::from_der(&leaf.0).ok()?;
    let svid = Svid::leaf(&facts).ok()?;
    Some(Whose::Host { host: issued.host, spiffe_id: svid.spiffe_id().clone() })
}

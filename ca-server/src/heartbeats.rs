//! Signs the feed's heartbeat every five seconds, once for all followers. Knows the ledger's key; knows no socket.

use std::sync::Arc;
use std::time::Duration;

use ledger::feed::Heartbeat;
use ledger::origin::Origin;
use tokio::sync::watch;

use crate::service::Service;

/// The newest heartbeat, and what it speaks for.
#[derive(Clone, Debug)]
pub struct Beat {
    /// Entries that it speaks for.
    pub size: u64,
    /// The signed note.
    pub note: Arc<str>,
}

/// The newest heartbeat, for every follower.
#[derive(Clone, Debug)]
pub struct Heartbeats(watch::Sender<Option<Beat>>);

impl Default for Heartbeats {
    fn default() -> Self {
        Self(watch::channel(None).0)
    }
}

impl Heartbeats {
    /// Follows the newest heartbeat.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Option<Beat>> {
        self.0.subscribe()
    }

    /// Signs a heartbeat now and then every [`EVERY`], until the process ends. One that cannot be signed is logged; its
    /// followers then notice that the stream is stale.
    pub async fn run(self, service: Arc<Service>, origin: Origin) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match beat(&service, &origin) {
                Ok(beat) => drop(self.0.send_replace(Some(beat))),
                Err(error) => tracing::error!(error = %crate::api::chain(&*error), "no heartbeat was signed"),
            }
        }
    }
}

fn beat(service: &Service, origin: &Origin) -> Result<Beat, Box<dyn std::error::Error>> {
    let heartbeat = service.read(service.now(), |draft| Heartbeat {
        time: draft.time(),
        size: draft.size(),
        events: draft.scalars().feed,
    });
    let note = heartbeat.sign(origin, service.issuing.ledger_key())?;
    Ok(Beat { size: heartbeat.size, note: note.into() })
}

/// How often (design, section 6).
pub const EVERY: Duration = Duration::from_secs(5);

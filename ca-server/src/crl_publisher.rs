//! Keeps the CRLs of every issuer current, the full one and one for each shard: after each revocation within 100 ms, and on
//! schedule. Knows when a CRL is due; its octets come from `issuance`, its number from its entry.
//!
//! A CRL that was recorded but not signed before a crash is simply followed by another with a higher number.

mod due;
mod kept;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use identity::KeyIdentifier;
use ledger::entry::Actor;
use tokio::time::Instant;

use crate::crl_shelf::CrlShelf;
use crate::disk::Disk;
use crate::issuance::Issuer;
use crate::issuance::crl::{AskedCrl, Period, Scope, sign};
use crate::service::{Service, new_request};

/// Keeps CRLs current.
pub struct CrlPublisher {
    service: Arc<Service>,
    disk: Arc<dyn Disk>,
    shelf: Arc<CrlShelf>,
}

/// Why there is no newer CRL; the one before stays, until its nextUpdate.
#[derive(Debug, thiserror::Error)]
#[error("the CRL of {issuer} could not be {step}")]
pub struct CrlFailure {
    issuer: KeyIdentifier,
    step: &'static str,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl CrlPublisher {
    /// A publisher that serves from `shelf`.
    #[must_use]
    pub fn new(service: Arc<Service>, disk: Arc<dyn Disk>, shelf: Arc<CrlShelf>) -> Self {
        Self { service, disk, shelf }
    }

    /// Works until the ledger ends. Failures are logged and tried again.
    pub async fn run(self) {
        self.take_from_disk();
        let mut size = self.service.live().subscribe();
        loop {
            let began = Instant::now();
            for issuer in self.service.issuing.issuers().iter() {
                let due = self.due(issuer);
                // Together, so that they are recorded in one batch.
                for renewed in join_all(due.into_iter().map(|scope| self.renew(issuer, scope))).await {
                    if let Err(failure) = renewed {
                        tracing::error!(error = %crate::api::chain(&failure), "a CRL is not renewed; trying again");
                    }
                }
            }
            tokio::time::sleep_until(began + EVERY).await;
            // Wakes for new entries, and now and then for the schedule.
            if tokio::time::timeout(SCHEDULE, size.changed()).await.is_ok_and(|changed| changed.is_err()) {
                return;
            }
        }
    }

    /// Serves the CRLs of before the restart. Where the newest that was recorded is not there whole, another one is due.
    fn take_from_disk(&self) {
        for issuer in self.service.issuing.issuers().iter() {
            let id = issuer.key_identifier();
            let newest = self.service.read(self.service.now(), |draft| due::recorded(draft, &id));
            for (scope, row) in newest {
                match kept::read(&*self.disk, &id, scope, &row.tbs) {
                    Ok(Some(der)) => self.shelf.put(id, scope, der.into()),
                    Ok(None) => {}
                    Err(error) => tracing::warn!(%error, "the CRL of before the restart cannot be read"),
                }
            }
        }
    }

    /// The CRLs of an issuer that are due, the full one first.
    fn due(&self, issuer: &Issuer) -> Vec<Scope> {
        let id = issuer.key_identifier();
        let missing = |scope: &Scope| self.shelf.newest(&id, *scope).is_none();
        self.service.read(self.service.now(), |draft| due::due(draft, issuer, missing))
    }

    async fn renew(&self, issuer: &Arc<Issuer>, scope: Scope) -> Result<(), CrlFailure> {
        let id = issuer.key_identifier();
        let failed =
            |step| move |source: Box<dyn std::error::Error + Send + Sync>| CrlFailure { issuer: id, step, source };
        let period = Period::starting(self.service.now(), LASTS, issuer).map_err(|e| failed("timed")(e.into()))?;
        let asked = AskedCrl::new(Arc::clone(issuer), scope, period);
        let request = new_request().map_err(|e| failed("requested")(e.into()))?;
        let command = crate::decide::Command::Crl(Box::new(asked.command()));
        let recorded = self.service.submit(Actor::Server, request, command).await;
        let recorded = recorded.map_err(|e| failed("recorded")(e.into()))?;
        let prepared = asked.take().ok_or_else(|| failed("prepared")("nothing was encoded".into()))?;
        let signed = sign(&recorded, &prepared, &self.service.issuing.issuers());
        let signed = signed.map_err(|e| failed("signed")(e.into()))?;
        self.shelf.put(id, scope, signed.der().into());
        kept::write(&*self.disk, &id, scope, signed.der()).map_err(|e| failed("kept on disk")(e.into()))?;
        tracing::info!(issuer = %id, ?scope, number = signed.number(), revoked = prepared.revoked(), "a CRL was signed");
        Ok(())
    }
}

/// A CRL is signed at most this often (design, section 6).
const EVERY: Duration = Duration::from_millis(100);

/// The schedule is looked at this often.
const SCHEDULE: Duration = Duration::from_secs(30);

/// From now to nextUpdate; half of it passes before the next one is signed (security.md, T-46). Design, section 6: at most
/// 24 hours.
const LASTS: Duration = Duration::from_secs(12 * 3600);

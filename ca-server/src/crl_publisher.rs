//! Keeps the full CRL of every issuer current: after each revocation within 100 ms, on schedule, and at start. Knows when
//! a CRL is due; its octets come from `issuance`, its number from its entry.
//!
//! A CRL that was recorded but not signed before a crash is simply followed by another with a higher number.

use std::sync::Arc;
use std::time::Duration;

use identity::KeyIdentifier;
use ledger::entry::Actor;
use tokio::time::Instant;

use crate::crl_shelf::CrlShelf;
use crate::decide::Command;
use crate::disk::{Disk, DiskPath, SyncPoint, whole};
use crate::issuance::Issuer;
use crate::issuance::crl::{AskedCrl, Period, sign};
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
        let mut is_first = true;
        loop {
            let began = Instant::now();
            for issuer in self.service.issuing.issuers().iter() {
                if !is_first && !self.is_due(issuer) {
                    continue;
                }
                if let Err(failure) = self.renew(issuer).await {
                    tracing::error!(error = %crate::api::chain(&failure), "the CRL is not renewed; trying again");
                }
            }
            is_first = false;
            tokio::time::sleep_until(began + EVERY).await;
            // Wakes for new entries, and now and then for the schedule.
            if tokio::time::timeout(SCHEDULE, size.changed()).await.is_ok_and(|changed| changed.is_err()) {
                return;
            }
        }
    }

    /// Serves the CRLs of before the restart until new ones are signed.
    fn take_from_disk(&self) {
        for issuer in self.service.issuing.issuers().iter() {
            let id = issuer.key_identifier();
            match path(&id).and_then(|path| whole::read_whole(&*self.disk, &path, MAX_CRL_OCTETS)) {
                Ok(Some(der)) => self.shelf.put(id, der.into()),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "the CRL of before the restart cannot be read"),
            }
        }
    }

    fn is_due(&self, issuer: &Issuer) -> bool {
        let now = self.service.now();
        self.service.read(now, |draft| match draft.crl(&issuer.key_identifier()) {
            None => true,
            Some(row) => {
                let half = row.next_update.since(row.this_update) / 2;
                draft.scalars().newest_revocation >= row.up_to || now >= row.this_update.plus(half)
            }
        })
    }

    async fn renew(&self, issuer: &Arc<Issuer>) -> Result<(), CrlFailure> {
        let id = issuer.key_identifier();
        let failed =
            |step| move |source: Box<dyn std::error::Error + Send + Sync>| CrlFailure { issuer: id, step, source };
        let period = Period::starting(self.service.now(), LASTS, issuer).map_err(|e| failed("timed")(e.into()))?;
        let asked = AskedCrl::new(Arc::clone(issuer), period);
        let request = new_request().map_err(|e| failed("requested")(e.into()))?;
        let command = Command::Crl(Box::new(asked.command()));
        let recorded = self.service.submit(Actor::Server, request, command).await;
        let recorded = recorded.map_err(|e| failed("recorded")(e.into()))?;
        let prepared = asked.take().ok_or_else(|| failed("prepared")("nothing was encoded".into()))?;
        let signed = sign(&recorded, &prepared, &self.service.issuing.issuers());
        let signed = signed.map_err(|e| failed("signed")(e.into()))?;
        self.shelf.put(id, signed.der().into());
        self.keep(&id, signed.der()).map_err(|e| failed("kept on disk")(e.into()))?;
        tracing::info!(issuer = %id, number = signed.number(), revoked = prepared.revoked(), "a CRL was signed");
        Ok(())
    }

    fn keep(&self, issuer: &KeyIdentifier, der: &[u8]) -> std::io::Result<()> {
        let path = path(issuer)?;
        whole::make_dirs(&*self.disk, &path.parent(), POINTS.name)?;
        whole::write_whole(&*self.disk, &path, der, POINTS)
    }
}

fn path(issuer: &KeyIdentifier) -> std::io::Result<DiskPath> {
    DiskPath::parse(&format!("crl/{issuer}.crl")).map_err(std::io::Error::other)
}

/// A CRL is signed at most this often (design, section 6).
const EVERY: Duration = Duration::from_millis(100);

/// The schedule is looked at this often.
const SCHEDULE: Duration = Duration::from_secs(30);

/// From now to nextUpdate; half of it passes before the next one is signed (security.md, T-46). Design, section 6: at most
/// 24 hours.
const LASTS: Duration = Duration::from_secs(12 * 3600);

/// Octets of a CRL that is read back: a million serials.
const MAX_CRL_OCTETS: usize = 64 * 1024 * 1024;

/// Sync points of a CRL file, for fault injection.
const POINTS: whole::WholePoints =
    whole::WholePoints { content: SyncPoint::new("crl: file"), name: SyncPoint::new("crl: name") };

//! The server's own TLS leaf: issued by its own committer, like everybody's, and renewed in time. Knows when a new one is
//! due; holds its key in memory only, and knows no socket.
//!
//! Nothing is bypassed: a request is made and opened, the grant is prepared and linted, recorded, signed. So the server's
//! leaf is an entry too, is found by monitors, and can be revoked.

use std::sync::Arc;
use std::time::Duration;

use identity::{KeyIdentifier, KeyKind, RequestId, Serial, SerialError, SpiffeId, SpiffeIdError, Timestamp};
use ledger::entry::{Actor, Subject};
use protocol::trust::SERVER_PATH;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::api::chain;
use crate::committer::{Asked, CommitError, Handle};
use crate::csr::make::{MakeError, make};
use crate::csr::{self, CsrError};
use crate::custody::{Custody, KeyError, SoftwareKey};
use crate::decide::Command;
use crate::decision::Grant;
use crate::draft::Draft;
use crate::issuance::{Issuers, PrepareError, SignError, Signed, prepare, sign};
use crate::listeners::{Tls, TlsError};
use crate::service::{Clock, NoRandom, Service, random};
use crate::state::PolicyInForce;
use crate::tls_key::TlsKey;

/// Issues the server's leaf and hands it to the listener.
pub struct OwnLeaf {
    /// The way to the ledger.
    pub committer: Handle,
    /// The issuers whose keys are open now.
    pub issuers: Box<dyn Fn() -> Arc<Issuers> + Send + Sync>,
    /// Where the leaf is shown.
    pub tls: Arc<Tls>,
    /// DNS names of the server, beside its SPIFFE id.
    pub dns_names: Vec<String>,
    /// The clock.
    pub clock: Clock,
}

/// The leaf that is shown now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its serial.
    pub serial: Serial,
    /// Who signed it.
    pub issuer: KeyIdentifier,
    /// When half of its life is over.
    pub renew_at: Timestamp,
    /// Last second of its validity.
    pub not_after: Timestamp,
}

/// Why there is no new leaf. The one before is shown until it ends.
#[derive(Debug, thiserror::Error)]
pub enum OwnLeafError {
    /// The ledger has no trust domain.
    #[error("the ledger has not begun")]
    NotBegun,
    /// Nothing is issued without a policy in force, this neither.
    #[error("no policy is in force")]
    NoPolicy,
    /// No authority signs leaves.
    #[error("no issuing authority is active")]
    NoIssuer,
    /// The active authority's key is not open here.
    #[error("the key of the active issuing authority {issuer} is not open in this process")]
    KeyNotOpen {
        /// Which.
        issuer: KeyIdentifier,
    },
    /// What was decided on changed again and again while it was recorded.
    #[error("policy or issuer changed {attempts} times while the leaf was recorded")]
    Restless {
        /// Attempts.
        attempts: u32,
    },
    /// The trust domain is too long for the server's name in it.
    #[error(transparent)]
    Name(#[from] SpiffeIdError),
    /// No key could be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The request could not be made.
    #[error("the server's own request cannot be made")]
    Make(#[from] MakeError),
    /// Our request is refused as anybody's would be.
    #[error("the server's own request is refused")]
    Request(#[from] CsrError),
    /// The system gives no random numbers.
    #[error(transparent)]
    Random(#[from] NoRandom),
    /// The clock gives no serial.
    #[error(transparent)]
    Serial(#[from] SerialError),
    /// It could not be prepared.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// It was not recorded.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// It was recorded and not signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The listener did not take it.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl OwnLeaf {
    /// For the listener that shows what `tls` holds. `dns_names` stand in the leaf beside its SPIFFE id.
    #[must_use]
    pub fn new(service: &Arc<Service>, tls: Arc<Tls>, dns_names: Vec<String>) -> Self {
        let (committer, clock) = (service.committer.clone(), Arc::clone(&service.clock));
        let service = Arc::clone(service);
        let issuers = Box::new(move || service.issuing.issuers());
        Self { committer, issuers, tls, dns_names, clock }
    }

    /// Issues the first leaf, then keeps one shown until the task is aborted.
    ///
    /// # Errors
    /// The first leaf cannot be had: there is nothing to serve with.
    pub async fn start(self) -> Result<JoinHandle<()>, OwnLeafError> {
        let shown = self.issue().await?;
        tracing::info!(serial = %shown.serial, not_after = %shown.not_after, "the server shows its first leaf");
        Ok(tokio::spawn(async move { self.keep(shown).await }))
    }

    /// Issues a leaf for a new key and shows it.
    ///
    /// # Errors
    /// [`OwnLeafError`]; what was shown before is shown on.
    pub async fn issue(&self) -> Result<Shown, OwnLeafError> {
        // The key is made on a thread that may block: it is tested by the slow implementation too.
        let key = tokio::task::spawn_blocking(|| SoftwareKey::generate(KIND)).await;
        let key: Arc<dyn Custody> = Arc::new(key.map_err(|_| KeyError::Generate { kind: KIND })??);
        for _ in 0..ATTEMPTS {
            let now = (self.clock)();
            let basis = self.basis(now)?;
            match self.record(&key, &basis, now).await {
                Ok(signed) => return self.show(&basis, &signed, key, now),
                Err(OwnLeafError::Commit(CommitError::Refused(refusal))) if refusal.is_stale() => {}
                Err(error) => return Err(error),
            }
        }
        Err(OwnLeafError::Restless { attempts: ATTEMPTS })
    }

    /// Keeps a leaf shown: a new one at half of its life, when another authority signs, and when it was revoked. While that
    /// fails, it tries again and says so.
    async fn keep(&self, mut shown: Shown) {
        loop {
            // By the wall clock: one that is stepped moves the end too.
            sleep(LOOK_EVERY).await;
            if !self.is_due(&shown) {
                continue;
            }
            match self.issue().await {
                Ok(new) => {
                    tracing::info!(serial = %new.serial, not_after = %new.not_after, "the server shows a new leaf");
                    shown = new;
                }
                Err(error) => {
                    self.alarm(&shown, &error);
                    sleep(RETRY_AFTER).await;
                }
            }
        }
    }

    fn is_due(&self, shown: &Shown) -> bool {
        let now = (self.clock)();
        let state = self.committer.live().state();
        let draft = Draft::over(&state, now);
        let issuer_changed = draft.scalars().issuer.is_some_and(|issuer| issuer != shown.issuer);
        issuer_changed || now >= shown.renew_at || draft.revocation(&shown.serial).is_some()
    }

    fn alarm(&self, shown: &Shown, error: &OwnLeafError) {
        let (now, not_after) = ((self.clock)(), shown.not_after);
        let error = chain(error);
        if not_after < now {
            tracing::error!(error, %not_after, "the server's leaf has EXPIRED and cannot be renewed: nobody can connect");
        } else {
            let left_seconds = not_after.since(now).as_secs();
            tracing::error!(error, %not_after, left_seconds, "the server's leaf cannot be renewed");
        }
    }

    /// What the ledger says that a leaf has to rest on now.
    fn basis(&self, now: Timestamp) -> Result<Basis, OwnLeafError> {
        let state = self.committer.live().state();
        let draft = Draft::over(&state, now);
        let domain = draft.trust_domain().ok_or(OwnLeafError::NotBegun)?;
        let policy = draft.policy().ok_or(OwnLeafError::NoPolicy)?;
        let (issuer, _) = draft.active_issuer().ok_or(OwnLeafError::NoIssuer)?;
        let roots = draft.roots().into_iter().map(|(_, row)| row.certificate.clone().into()).collect();
        Ok(Basis { spiffe_id: SpiffeId::from_path(domain, SERVER_PATH)?, policy, issuer, roots })
    }

    async fn record(&self, key: &Arc<dyn Custody>, basis: &Basis, now: Timestamp) -> Result<Signed, OwnLeafError> {
        let opened = csr::open(&make(&**key, None)?)?;
        let issuers = (self.issuers)();
        let issuer = issuers.get(&basis.issuer).ok_or(OwnLeafError::KeyNotOpen { issuer: basis.issuer })?;
        let grant = Grant::server(basis.spiffe_id.clone(), self.dns_names.clone(), basis.policy);
        let prepared = prepare(grant, opened, issuer, now, Serial::new(now, random()?)?)?;
        let command = Command::Authorise(Box::new(prepared.command()));
        let asked = Asked { actor: Actor::Server, request: RequestId::from_bytes(random()?), command };
        let recorded = self.committer.submit(asked).await?;
        Ok(sign(&recorded, &issuers)?)
    }

    fn show(
        &self,
        basis: &Basis,
        signed: &Signed,
        key: Arc<dyn Custody>,
        now: Timestamp,
    ) -> Result<Shown, OwnLeafError> {
        // With the roots: a client that has only pins takes its anchor from what is presented (contract, trust.json).
        let mut shown_chain = signed.chain().map(|der| CertificateDer::from(der.to_vec())).to_vec();
        shown_chain.extend(basis.roots.iter().cloned());
        self.tls.set_leaf(CertifiedKey::new(shown_chain, Arc::new(TlsKey(key))))?;
        let not_after = signed.not_after();
        self.committer.live().meters().issued(&Subject::Server);
        self.committer.live().meters().shows_leaf(not_after);
        let renew_at = now.plus(not_after.since(now) / 2);
        Ok(Shown { serial: signed.serial(), issuer: basis.issuer, renew_at, not_after })
    }
}

/// What a leaf rests on.
struct Basis {
    spiffe_id: SpiffeId,
    policy: PolicyInForce,
    issuer: KeyIdentifier,
    roots: Vec<CertificateDer<'static>>,
}

/// P-256: every TLS library verifies it.
const KIND: KeyKind = KeyKind::P256;
/// A policy load between decision and commit is rare, two in a row are a script, three are a fault.
const ATTEMPTS: u32 = 3;
/// Of leaves that live a day there is half a day left to try; each attempt that is recorded and fails later is an entry.
const RETRY_AFTER: Duration = Duration::from_secs(30);
/// Between two looks at clock and State.
const LOOK_EVERY: Duration = Duration::from_secs(1);

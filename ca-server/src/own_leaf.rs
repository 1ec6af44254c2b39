//! The server's own TLS leaf: issued by its own committer, like everybody's, and swapped while connections go on. Knows
//! when it is due; its key never leaves this process.

use std::sync::Arc;
use std::time::Duration;

use identity::{KeyKind, SpiffeId, Timestamp};
use ledger::entry::Actor;
use protocol::trust::SERVER_PATH;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;

use crate::csr::{self, make};
use crate::custody::SoftwareKey;
use crate::decide::Command;
use crate::decision::Grant;
use crate::issuing::Issuing;
use crate::listeners::Tls;
use crate::service::{Service, new_request};
use crate::tls_key::TlsKey;

/// Keeps the server's leaf current.
pub struct OwnLeaf {
    service: Arc<Service>,
    tls: Arc<Tls>,
    dns_names: Vec<String>,
}

/// Why there is no newer leaf; the one before stays.
#[derive(Debug, thiserror::Error)]
#[error("the server's own leaf: {step}")]
pub struct OwnLeafError {
    step: &'static str,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(step: &'static str) -> impl FnOnce(E) -> OwnLeafError {
    move |source| OwnLeafError { step, source: source.into() }
}

/// The leaf in use.
#[derive(Clone, Copy, Debug)]
struct InUse {
    renew_at: Timestamp,
    issuer: identity::KeyIdentifier,
}

impl OwnLeaf {
    /// For the listener that shows what `tls` holds. `dns_names` stand in the leaf beside its SPIFFE id.
    #[must_use]
    pub fn new(service: Arc<Service>, tls: Arc<Tls>, dns_names: Vec<String>) -> Self {
        Self { service, tls, dns_names }
    }

    /// Gets the first leaf, then renews it at half of its life and when another issuer becomes active.
    ///
    /// # Errors
    /// The first leaf cannot be had: there is nothing to serve with.
    pub async fn start(self) -> Result<tokio::task::JoinHandle<()>, OwnLeafError> {
        let in_use = self.renew().await?;
        Ok(tokio::spawn(self.keep(in_use)))
    }

    async fn keep(self, mut in_use: InUse) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let active = self.service.read(self.service.now(), |draft| draft.active_issuer().map(|(id, _)| id));
            if self.service.now() < in_use.renew_at && active == Some(in_use.issuer) {
                continue;
            }
            match self.renew().await {
                Ok(renewed) => in_use = renewed,
                Err(error) => {
                    tracing::error!(error = %crate::api::chain(&error), "the server's leaf is not renewed; trying again");
                }
            }
        }
    }

    async fn renew(&self) -> Result<InUse, OwnLeafError> {
        let now = self.service.now();
        let key = Arc::new(SoftwareKey::generate(KeyKind::P256).map_err(failed("its key"))?);
        let csr = make::make(&*key, None).map_err(failed("its request"))?;
        let csr = csr::open(&csr).map_err(failed("its request"))?;
        let rules = self.service.rules().map_err(failed("the policy in force"))?;
        let id = SpiffeId::from_path(&self.service.fixed.trust_domain, SERVER_PATH).map_err(failed("its name"))?;
        let grant = Grant::server(id, self.dns_names.clone(), rules.in_force);
        let issuer =
            self.service.read(now, |draft| self.service.issuing.active(draft)).map_err(failed("its issuer"))?;
        let prepared = Issuing::prepare(&issuer, grant, csr, now).map_err(failed("its certificate"))?;
        let command = Command::Authorise(Box::new(prepared.command()));
        let request = new_request().map_err(failed("its request's id"))?;
        let recorded = self.service.submit(Actor::Server, request, command).await.map_err(failed("its entry"))?;
        let signed = self.service.issuing.sign(&recorded).map_err(failed("its signature"))?;
        let mut chain: Vec<CertificateDer<'static>> =
            signed.chain().into_iter().map(|der| CertificateDer::from(der.to_vec())).collect();
        // Clients pin roots by their keys and take the anchor from what is presented.
        let roots = self
            .service
            .read(now, |draft| draft.roots().into_iter().map(|(_, row)| row.certificate.clone()).collect::<Vec<_>>());
        chain.extend(roots.into_iter().map(CertificateDer::from));
        let leaf = CertifiedKey::new(chain, Arc::new(TlsKey(key)));
        self.tls.set_leaf(leaf).map_err(failed("its use"))?;
        let renew_at = now.plus(signed.not_after().since(now) / 2);
        tracing::info!(serial = %signed.serial(), until = %signed.not_after(), "the server's leaf was issued");
        Ok(InUse { renew_at, issuer: issuer.key_identifier() })
    }
}

/// How often it is asked whether the leaf is due, by the wall clock: a clock that is stepped moves the end too.
const LOOK_EVERY: Duration = Duration::from_secs(1);

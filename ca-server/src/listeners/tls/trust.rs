//! Whom a handshake trusts: the roots that State trusts, and the issuers below them. Knows State; knows no TLS.

use std::sync::Arc;
use std::time::Duration;

use ledger::entry::{AuthorityRole, AuthorityState};
use rustls::pki_types::CertificateDer;
use tokio::time::{sleep, timeout};

use super::settings::Tls;
use crate::draft::Draft;
use crate::listeners::Stopping;
use crate::live::Live;

/// Certificates of authorities that a client's certificate may chain to.
///
/// Issuers are State's own: what a client presents beside its leaf is not used. So a compromised issuer stops counting with
/// its entry, although the root above it still stands and although clients may present what it signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Index of the newest entry about authorities.
    pub sequence: u64,
    /// Trusted roots.
    pub roots: Vec<CertificateDer<'static>>,
    /// Issuers that are not compromised and not retired.
    pub issuers: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// As State has it.
    #[must_use]
    pub fn of(draft: &Draft<'_>) -> Self {
        let roots = draft.roots().into_iter().map(|(_, row)| row.certificate.clone().into()).collect();
        let mut issuers: Vec<_> =
            draft.authorities().filter(|(_, row)| row.role == AuthorityRole::Issuer && is_trusted(row.state)).collect();
        issuers.sort_unstable_by_key(|(_, row)| row.number);
        let issuers = issuers.into_iter().map(|(_, row)| row.certificate.clone().into()).collect();
        Self { sequence: draft.scalars().bundle_sequence, roots, issuers }
    }

    /// Whether everything that `older` trusted is trusted here too.
    pub(super) fn contains(&self, older: &Self) -> bool {
        older.roots.iter().all(|root| self.roots.contains(root))
            && older.issuers.iter().all(|issuer| self.issuers.contains(issuer))
    }
}

/// Keeps `tls` to what State trusts, until the word to stop.
pub async fn follow_trust(live: Arc<Live>, tls: Arc<Tls>, mut stopping: Stopping) {
    let mut size = live.subscribe();
    loop {
        let seen = tls.sequence();
        let trust = {
            let state = live.state();
            (state.scalars.bundle_sequence != seen).then(|| Trust::of(&Draft::over(&state, state.time())))
        };
        if let Some(trust) = trust
            && let Err(error) = tls.set_trust(trust)
        {
            // What was trusted before stays: this cannot happen with certificates that the ledger took.
            tracing::error!(error = %error, "the trusted authorities could not be taken into use");
        }
        tokio::select! {
            () = stopping.said() => return,
            changed = timeout(LOOK_AGAIN, size.changed()) => if let Ok(Err(_)) = changed { return },
        }
        sleep(PAUSE).await;
    }
}

fn is_trusted(state: AuthorityState) -> bool {
    match state {
        AuthorityState::Published | AuthorityState::Active | AuthorityState::Retiring => true,
        AuthorityState::Prepared | AuthorityState::Retired | AuthorityState::Compromised => false,
    }
}

/// A batch lands every millisecond under load; one look in so many is enough to be far below the second that a
/// revocation may take (design, section 6).
const PAUSE: Duration = Duration::from_millis(50);
/// Should a word ever be missed.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

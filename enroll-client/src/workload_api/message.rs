//! Makes Workload API messages of what the host holds. Knows field layouts; knows no stream and no peer.

use std::collections::{BTreeSet, HashMap};

use identity::{Serial, SpiffeId};
use rustls_pki_types::CertificateDer;

use super::generated::{X509BundlesResponse, X509svid, X509svidResponse};
use crate::identities::{CurrentIdentity, Snapshot};

/// What a message says, without the key: two messages with equal contents need not both be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contents {
    identities: Vec<(SpiffeId, Serial, String)>,
    bundle: Vec<CertificateDer<'static>>,
}

impl Contents {
    pub(super) fn of(identities: &[&CurrentIdentity], snapshot: &Snapshot) -> Self {
        let facts = |identity: &&CurrentIdentity| (identity.spiffe_id.clone(), identity.serial, identity.hint.clone());
        Self { identities: identities.iter().map(facts).collect(), bundle: snapshot.bundle.clone() }
    }

    /// Of a message about the bundle alone: whose identities it goes to does not show in it.
    pub(super) fn of_bundle(snapshot: &Snapshot) -> Self {
        Self { identities: Vec::new(), bundle: snapshot.bundle.clone() }
    }
}

/// The full state, as SPIFFE Workload API 4.3 asks of every message.
pub(super) fn svids(identities: &[&CurrentIdentity], snapshot: &Snapshot) -> X509svidResponse {
    let bundle = one_after_the_other(&snapshot.bundle);
    // Section 5.2.1: a hint is unique in its message. A second one is left empty, which says nothing.
    let mut hints = BTreeSet::new();
    let svids = identities.iter().map(|identity| X509svid {
        spiffe_id: identity.spiffe_id.to_string(),
        x509_svid: one_after_the_other(&identity.chain),
        x509_svid_key: identity.key_pkcs8.to_vec(),
        bundle: bundle.clone(),
        hint: if hints.insert(identity.hint.as_str()) { identity.hint.clone() } else { String::new() },
    });
    X509svidResponse { svids: svids.collect(), crl: Vec::new(), federated_bundles: HashMap::new() }
}

/// The bundle of the one trust domain we know, under that trust domain's SPIFFE id (section 5.2.2).
pub(super) fn bundles(snapshot: &Snapshot) -> X509BundlesResponse {
    let id = format!("spiffe://{}", snapshot.trust_domain);
    X509BundlesResponse { crl: Vec::new(), bundles: HashMap::from([(id, one_after_the_other(&snapshot.bundle))]) }
}

/// Certificates as the Workload API has them: DER, with nothing between.
fn one_after_the_other(certificates: &[CertificateDer<'static>]) -> Vec<u8> {
    certificates.iter().flat_map(|certificate| certificate.iter().copied()).collect()
}

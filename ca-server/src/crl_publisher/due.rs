//! Which CRLs of an issuer are due. Knows State's rows; signs nothing.

use std::collections::BTreeSet;

use identity::KeyIdentifier;

use crate::draft::Draft;
use crate::issuance::crl::Scope;
use crate::issuance::{Issuer, Shard};
use crate::state::rows::CrlRow;

/// The newest recorded CRL of each scope of an issuer.
pub(super) fn recorded(draft: &Draft<'_>, issuer: &KeyIdentifier) -> Vec<(Scope, CrlRow)> {
    let of_issuer = draft.crls().filter(|(id, _, _)| id == issuer);
    of_issuer.filter_map(|(_, shard, row)| Some((scope(shard)?, row.clone()))).collect()
}

/// The scopes of which a new CRL is due, the full one first: none was signed, half its time has passed, or a certificate
/// was revoked that it does not speak of. `missing` says of which there is none to be served.
///
/// A shard that once had a CRL goes on having one, also when new certificates are spread over fewer.
pub(super) fn due(draft: &Draft<'_>, issuer: &Issuer, missing: impl Fn(&Scope) -> bool) -> Vec<Scope> {
    let id = issuer.key_identifier();
    let mut scopes = BTreeSet::from([Scope::Full]);
    scopes.extend(issuer.publication().shards().map(Scope::Shard));
    scopes.extend(draft.crls().filter(|(of, _, _)| *of == id).filter_map(|(_, shard, _)| scope(shard)));
    let newly = newly_revoked(draft, &id);
    let is_due = |scope: &Scope| match draft.crl(&id, scope.shard()) {
        None => true,
        Some(row) => {
            let half = row.this_update.plus(row.next_update.since(row.this_update) / 2);
            missing(scope) || draft.time() >= half || newly.iter().any(|(of, index)| of == scope && *index >= row.up_to)
        }
    };
    scopes.into_iter().filter(is_due).collect()
}

/// Shards with revocations that the full CRL does not speak of yet, or any other one that is older, with the entry.
fn newly_revoked(draft: &Draft<'_>, issuer: &KeyIdentifier) -> BTreeSet<(Scope, u64)> {
    let of_issuer = draft.crls().filter(|(id, _, _)| id == issuer);
    let spoken_of = of_issuer.map(|(_, _, row)| row.up_to).min().unwrap_or(0);
    let Some(number) = draft.authority(issuer).map(|row| row.number) else { return BTreeSet::new() };
    // Revocations are rare beside everything else that wakes the publisher.
    if draft.scalars().newest_revocation < spoken_of {
        return BTreeSet::new();
    }
    let new = draft.revocations().filter(|(_, row)| row.issuer == number && row.index >= spoken_of);
    new.flat_map(|(_, row)| {
        let shard = Shard::of_number(row.shard).map(|shard| (Scope::Shard(shard), row.index));
        shard.into_iter().chain([(Scope::Full, row.index)])
    })
    .collect()
}

fn scope(shard: Option<u32>) -> Option<Scope> {
    match shard {
        None => Some(Scope::Full),
        Some(number) => Shard::of_number(u16::try_from(number).ok()?).map(Scope::Shard),
    }
}

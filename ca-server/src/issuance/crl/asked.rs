//! A CRL that is asked for: the command to the committer, and what it wrote when the number was known. Knows State's rows
//! of revocations; signs nothing.

use std::sync::{Arc, Mutex, PoisonError};

use identity::KeyIdentifier;

use super::{Period, PreparedCrl, Revoked, Scope, prepare};
use crate::decide::crl::AuthoriseCrl;
use crate::draft::Draft;
use crate::issuance::Issuer;
use crate::state::rows::{RevokedRow, seconds};

/// A CRL whose number the committer will find. What was written last stays here for the signing.
#[derive(Debug, Clone)]
pub struct AskedCrl {
    issuer: Arc<Issuer>,
    scope: Scope,
    period: Period,
    written: Arc<Mutex<Option<PreparedCrl>>>,
}

impl AskedCrl {
    /// Asks for a CRL of an issuer.
    #[must_use]
    pub fn new(issuer: Arc<Issuer>, scope: Scope, period: Period) -> Self {
        Self { issuer, scope, period, written: Arc::default() }
    }

    /// The command that has it recorded. Its octets are written by the committer, from exactly the State that precedes the
    /// entry, with the index of the entry as number.
    #[must_use]
    pub fn command(&self) -> AuthoriseCrl {
        let asked = self.clone();
        AuthoriseCrl {
            issuer: self.issuer.key_identifier(),
            shard: self.scope.shard(),
            this_update: self.period.this_update(),
            next_update: self.period.next_update(),
            encode: Arc::new(move |draft, number| asked.write(draft, number)),
        }
    }

    /// What was written, once the command is recorded. Where the committer wrote more than once and recorded an earlier
    /// one, `sign` finds that the octets are not those of the entry; then a new CRL is asked for.
    #[must_use]
    pub fn take(self) -> Option<PreparedCrl> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn write(&self, draft: &Draft<'_>, number: u64) -> Result<(Vec<u8>, u64), String> {
        let revoked =
            revoked_of(draft, &self.issuer.key_identifier(), self.scope).ok_or("the ledger knows no such issuer")?;
        let prepared =
            prepare(&self.issuer, self.scope, number, self.period, revoked).map_err(|error| error.to_string())?;
        let written = (prepared.to_be_signed().to_vec(), prepared.revoked());
        *self.written.lock().unwrap_or_else(PoisonError::into_inner) = Some(prepared);
        Ok(written)
    }
}

/// The revoked certificates of an issuer that a CRL speaks of, in no order; `None` where the ledger knows no such authority.
pub fn revoked_of<'a>(
    draft: &'a Draft<'_>,
    issuer: &KeyIdentifier,
    scope: Scope,
) -> Option<impl Iterator<Item = Revoked> + 'a> {
    let number = draft.authority(issuer)?.number;
    let in_scope = move |row: &RevokedRow| match scope {
        Scope::Full => true,
        Scope::Shard(shard) => row.shard == shard.number(),
    };
    let spoken_of = draft.revocations().filter(move |(_, row)| row.issuer == number && in_scope(row));
    Some(spoken_of.map(|(serial, row)| Revoked {
        serial,
        at: seconds(row.at),
        not_after: seconds(row.not_after),
        reason: row.reason(),
    }))
}

//! What entries that end things change: revocations, evictions, bans, CRLs. Knows no CRL encoding.

use identity::{HostId, Serial, Sha256Hash};
use ledger::entry::{CertificatesRevoked, CrlAuthorised, HostBanned, HostEvicted, HostUnbanned, Predicate};
use ledger::feed::FeedEvent;

use super::{ApplyError, At};
use crate::draft::{Draft, short};
use crate::state::rows::{CrlRow, CutoffRow, HolderRow, RevokedRow, Standing, row_seconds, seconds};

impl Draft<'_> {
    /// Serials of the unexpired, unrevoked certificates that a predicate hits now, sorted.
    #[must_use]
    pub fn hits(&self, predicate: &Predicate) -> Vec<Serial> {
        let mut hits: Vec<Serial> = match predicate {
            Predicate::Serial(serial) => self.certificate(serial).map(|_| *serial).into_iter().collect(),
            Predicate::Agent(spiffe_id) => self.certificates_held(|holder| holder.spiffe_id == *spiffe_id),
            Predicate::Host(host) => self.certificates_held(|holder| holder.party.host() == Some(*host)),
            Predicate::Key(key) => {
                // A person's key is certified again at each login, any other key once.
                let of_person = self.persons().any(|(_, person)| person.key == *key);
                match self.key(key) {
                    Some(known) => self.certificates_where(|row| {
                        row.index == known.index || (of_person && row.holder == known.holder)
                    }),
                    None => Vec::new(),
                }
            }
            Predicate::Cutoff(until) => {
                let due = |row: &CutoffRow| row.revoke && row.cutoff_millis <= until.millis();
                self.cutoffs().filter(|(_, row)| due(row)).map(|(serial, _)| serial).collect()
            }
        };
        hits.retain(|serial| self.revocation(serial).is_none());
        hits.sort_unstable();
        hits
    }

    fn certificates_where(&self, hit: impl Fn(&crate::state::rows::CertificateRow) -> bool) -> Vec<Serial> {
        self.certificates().filter(|(_, row)| hit(row)).map(|(serial, _)| serial).collect()
    }

    fn certificates_held(&self, by: impl Fn(&HolderRow) -> bool) -> Vec<Serial> {
        self.certificates_where(|row| self.holder(row.holder).is_some_and(&by))
    }

    pub(super) fn certificates_revoked(&mut self, at: At<'_>, body: &CertificatesRevoked) -> Result<(), ApplyError> {
        let hits = self.hits(&body.predicate);
        let hit = u64::try_from(hits.len()).unwrap_or(u64::MAX);
        let hit_hash = hash_of_serials(&hits);
        if hit != body.count || hit_hash != body.serials {
            let (said, said_hash) = (body.count, body.serials);
            return Err(ApplyError::RevocationHits { index: at.index, said, said_hash, hit, hit_hash });
        }
        let mut last = at.time;
        for serial in &hits {
            let Some(row) = self.certificate(serial) else { continue };
            last = last.max(seconds(row.not_after));
            let row = RevokedRow {
                index: at.index,
                at: row_seconds(at.time),
                not_after: row.not_after,
                issuer: row.issuer,
                shard: row.shard,
                reason: body.reason.code().unwrap_or(0),
            };
            self.changes.layers.revoked.put(*serial.as_bytes(), row);
        }
        if let Predicate::Key(key) = &body.predicate {
            self.changes.layers.revoked_keys.put(short(key), at.index);
        }
        let scalars = &mut self.changes.scalars;
        scalars.newest_revocation = at.index;
        scalars.counters.revoked = scalars.counters.revoked.saturating_add(hit);
        self.emit(FeedEvent::revoked(at.index, at.bytes, &hits, last));
        Ok(())
    }

    pub(super) fn host_evicted(&mut self, at: At<'_>, body: &HostEvicted) -> Result<(), ApplyError> {
        self.stand(at, body.host, Standing::Evicted)
    }

    pub(super) fn host_banned(&mut self, at: At<'_>, body: &HostBanned) -> Result<(), ApplyError> {
        self.stand(at, body.host, Standing::Banned)
    }

    pub(super) fn host_unbanned(&mut self, at: At<'_>, body: &HostUnbanned) -> Result<(), ApplyError> {
        self.stand(at, body.host, Standing::Evicted)
    }

    fn stand(&mut self, at: At<'_>, host: HostId, standing: Standing) -> Result<(), ApplyError> {
        let base = self.base();
        let row = self.changes.layers.hosts.edit(&base.tables.hosts, *host.as_bytes());
        row.ok_or_else(|| at.unknown("the host"))?.standing = standing;
        Ok(())
    }

    pub(super) fn crl_authorised(&mut self, at: At<'_>, body: &CrlAuthorised) -> Result<(), ApplyError> {
        if self.authority(&body.issuer).is_none() {
            return Err(at.unknown("the issuer"));
        }
        let row = CrlRow {
            index: at.index,
            up_to: body.up_to,
            this_update: body.this_update,
            next_update: body.next_update,
            tbs: body.tbs,
        };
        self.changes.layers.crls.put((*body.issuer.as_bytes(), body.shard), row);
        Ok(())
    }
}

/// SHA-256 over serials, 16 octets each, one after the other; the caller has sorted them.
#[must_use]
pub fn hash_of_serials(serials: &[Serial]) -> Sha256Hash {
    let octets: Vec<u8> = serials.iter().flat_map(|serial| *serial.as_bytes()).collect();
    Sha256Hash::of(&octets)
}

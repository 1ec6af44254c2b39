//! What a recorded certificate changes: it lives, its key is taken, its proof is spent, its predecessor is superseded.
//! Knows no X.509.

use identity::{HostId, Serial, SpiffeId, Timestamp};
use ledger::entry::{CertificateAuthorised, EvidenceUsed, Subject};
use ledger::feed::FeedEvent;

use super::{ApplyError, At};
use crate::draft::{Draft, short};
use crate::state::rows::{
    CertificateRow, CutoffRow, HolderNumberRow, HolderRow, HostRow, KeyRow, Party, ProofRow, Standing, row_seconds,
    seconds,
};

impl Draft<'_> {
    pub(super) fn certificate_authorised(
        &mut self,
        at: At<'_>,
        body: &CertificateAuthorised,
    ) -> Result<(), ApplyError> {
        if self.certificate(&body.serial).is_some() {
            return Err(at.exists("the serial"));
        }
        let issuer = self.authority(&body.issuer).ok_or_else(|| at.unknown("the issuer"))?.number;
        let holder = self.hold(&body.spiffe_id, Party::of(&body.subject), body.not_after);
        let until = row_seconds(body.not_after);
        let row = CertificateRow {
            index: at.index,
            superseded_by: 0,
            holder,
            not_after: until,
            shard: u16::try_from(body.shard).unwrap_or(u16::MAX),
            issuer,
        };
        self.changes.layers.certificates.put(*body.serial.as_bytes(), row);
        let key = KeyRow { index: at.index, holder, at: row_seconds(at.time), until };
        self.changes.layers.keys.put(short(&body.key), key);
        if let Some(evidence) = &body.evidence {
            self.spend_proofs(at, body, evidence);
        }
        if let Subject::Host { host } = body.subject {
            self.host_certified(at, host, body)?;
        }
        let counters = &mut self.changes.scalars.counters;
        counters.certificates = counters.certificates.saturating_add(1);
        match body.supersedes {
            Some(superseded) => self.supersede(at, superseded, body),
            None => Ok(()),
        }
    }

    fn supersede(&mut self, at: At<'_>, serial: Serial, by: &CertificateAuthorised) -> Result<(), ApplyError> {
        let base = self.base();
        let layer = &mut self.changes.layers.certificates;
        let row = layer
            .edit(&base.tables.certificates, *serial.as_bytes())
            .filter(|row| row.superseded_by == 0)
            .ok_or_else(|| at.unknown("an unsuperseded certificate that it supersedes"))?;
        row.superseded_by = at.index;
        let not_after = row.not_after;
        let counters = &mut self.changes.scalars.counters;
        counters.renewals = counters.renewals.saturating_add(1);
        if let Some(cutoff) = by.cutoff {
            let row = CutoffRow { cutoff_millis: cutoff.millis(), not_after, revoke: by.revoke_at_cutoff };
            self.changes.layers.cutoffs.put(*serial.as_bytes(), row);
            self.emit(FeedEvent::superseded(at.index, serial, cutoff, seconds(not_after)));
        }
        Ok(())
    }

    /// The number of the holder, made if it has none that lives; its end is moved to that of the new certificate.
    fn hold(&mut self, spiffe_id: &SpiffeId, party: Party, not_after: Timestamp) -> u32 {
        let known = self.holder_number(spiffe_id, party);
        let number = known.unwrap_or(self.changes.scalars.next_holder);
        if known.is_none() {
            self.changes.scalars.next_holder = number.saturating_add(1);
        }
        let until = row_seconds(not_after).max(self.holder(number).map_or(0, |row| row.until));
        let row = HolderRow { spiffe_id: spiffe_id.clone(), party, until };
        self.changes.layers.holders.put(number, row);
        let row = HolderNumberRow { number, until };
        self.changes.layers.holder_numbers.put((spiffe_id.as_str().to_owned(), party), row);
        number
    }

    fn spend_proofs(&mut self, at: At<'_>, body: &CertificateAuthorised, evidence: &EvidenceUsed) {
        let host = Party::of(&body.subject).host().map(|host| *host.as_bytes());
        let spent = |until| ProofRow { key: body.key, index: at.index, at: at.time, until, host };
        // Remembered for as long as a lost answer may be asked for again, even if the proof runs out before.
        let kept = at.time.plus(crate::decide::LOST_ANSWER_WITHIN);
        let proofs = &mut self.changes.layers.proofs;
        proofs.put(*evidence.proof.as_bytes(), spent(evidence.proof_until.max(kept)));
        proofs.put(*evidence.nonce.as_bytes(), spent(evidence.nonce_until.max(kept)));
    }

    fn host_certified(&mut self, at: At<'_>, id: HostId, body: &CertificateAuthorised) -> Result<(), ApplyError> {
        let row = match (&body.evidence, self.host(&id)) {
            (Some(evidence), known) => HostRow {
                spiffe_id: body.spiffe_id.clone(),
                profile: body.profile.clone().unwrap_or_default(),
                bound_key: body.key,
                newest: *body.serial.as_bytes(),
                not_after: body.not_after,
                attested_at: at.time,
                attestor: evidence.attestor.clone(),
                claims: evidence.claims.clone(),
                standing: Standing::Good,
                index: known.map_or(at.index, |row| row.index),
            },
            (None, Some(known)) => HostRow {
                bound_key: body.key,
                newest: *body.serial.as_bytes(),
                not_after: body.not_after,
                ..known.clone()
            },
            (None, None) => return Err(at.unknown("the host")),
        };
        self.changes.layers.host_ids.put(body.spiffe_id.as_str().to_owned(), *id.as_bytes());
        self.changes.layers.hosts.put(*id.as_bytes(), row);
        Ok(())
    }
}

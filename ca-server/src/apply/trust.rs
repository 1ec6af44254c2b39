//! What entries about the log, authorities, persons and approvals change. Knows no key.

use ledger::entry::{
    ApprovalGiven, AuthorityChanged, AuthorityCreated, AuthorityRole, AuthorityState, LedgerCreated, PersonAdmitted,
    PersonRemoved,
};
use ledger::feed::FeedEvent;

use super::{ApplyError, At};
use crate::draft::Draft;
use crate::state::rows::{ApprovalRow, AuthorityRow, PersonRow};

impl Draft<'_> {
    pub(super) fn ledger_created(&mut self, at: At<'_>, body: &LedgerCreated) -> Result<(), ApplyError> {
        if at.index != 0 {
            return Err(at.exists("the ledger"));
        }
        self.changes.scalars.trust_domain = Some(body.trust_domain.clone());
        self.changes.scalars.origin.clone_from(&body.origin);
        Ok(())
    }

    pub(super) fn authority_created(&mut self, at: At<'_>, body: &AuthorityCreated) -> Result<(), ApplyError> {
        if self.authority(&body.authority).is_some() {
            return Err(at.exists("the authority"));
        }
        let number = self.changes.scalars.next_authority;
        self.changes.scalars.next_authority = number.saturating_add(1);
        let row = AuthorityRow {
            number,
            role: body.role,
            state: body.state,
            key: body.key,
            parent: body.parent,
            not_after: body.not_after,
            certificate: body.certificate.0.clone(),
            index: at.index,
        };
        self.changes.layers.authorities.put(*body.authority.as_bytes(), row);
        if body.role == AuthorityRole::Issuer && body.state == AuthorityState::Active {
            self.changes.scalars.issuer = Some(body.authority);
        }
        self.bundle_changed(at);
        Ok(())
    }

    pub(super) fn authority_changed(&mut self, at: At<'_>, body: &AuthorityChanged) -> Result<(), ApplyError> {
        let base = self.base();
        let layer = &mut self.changes.layers.authorities;
        let row = layer
            .edit(&base.tables.authorities, *body.authority.as_bytes())
            .filter(|row| row.state == body.from)
            .ok_or_else(|| at.unknown("the authority in that state"))?;
        row.state = body.to;
        row.index = at.index;
        let is_issuer = row.role == AuthorityRole::Issuer;
        let scalars = &mut self.changes.scalars;
        if is_issuer && body.to == AuthorityState::Active {
            scalars.issuer = Some(body.authority);
        } else if scalars.issuer == Some(body.authority) {
            scalars.issuer = None;
        }
        self.bundle_changed(at);
        Ok(())
    }

    pub(super) fn person_admitted(&mut self, at: At<'_>, body: &PersonAdmitted) -> Result<(), ApplyError> {
        if self.person(&body.person).is_some() {
            return Err(at.exists("the person"));
        }
        self.spend(at, &body.approvals)?;
        let row = PersonRow { role: body.role, key: body.key, removed: false, index: at.index };
        self.changes.layers.persons.put(*body.person.as_bytes(), row);
        Ok(())
    }

    pub(super) fn person_removed(&mut self, at: At<'_>, body: &PersonRemoved) -> Result<(), ApplyError> {
        let base = self.base();
        let row = self.changes.layers.persons.edit(&base.tables.persons, *body.person.as_bytes());
        row.ok_or_else(|| at.unknown("the person"))?.removed = true;
        Ok(())
    }

    pub(super) fn approval_given(&mut self, at: At<'_>, body: &ApprovalGiven) -> Result<(), ApplyError> {
        if self.person(&body.person).is_none() {
            return Err(at.unknown("the person"));
        }
        let row =
            ApprovalRow { person: body.person, action: body.action.clone(), scope: body.scope, expires: body.expires };
        self.changes.layers.approvals.put(at.index, row);
        Ok(())
    }

    /// Takes away the approvals that an entry spends.
    pub(super) fn spend(&mut self, at: At<'_>, approvals: &[u64]) -> Result<(), ApplyError> {
        for &index in approvals {
            if self.approval(index).is_none() {
                return Err(at.unknown("an approval that it spends"));
            }
            self.changes.layers.approvals.delete(index);
        }
        Ok(())
    }

    fn bundle_changed(&mut self, at: At<'_>) {
        self.changes.scalars.bundle_sequence = at.index;
        self.emit(FeedEvent::bundle_changed(at.index));
    }
}

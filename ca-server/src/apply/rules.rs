//! What entries about policy, agents and join tokens change. Knows no policy language.

use ledger::entry::{AgentAdded, AgentRemoved, PolicyLoaded, TokenCreated, TokenRevoked};
use ledger::feed::FeedEvent;

use super::{ApplyError, At};
use crate::draft::Draft;
use crate::state::PolicyInForce;
use crate::state::rows::{AgentRow, TokenRow};

impl Draft<'_> {
    pub(super) fn policy_loaded(&mut self, at: At<'_>, body: &PolicyLoaded) -> Result<(), ApplyError> {
        self.spend(at, &body.approvals)?;
        self.changes.scalars.policy = Some(PolicyInForce { index: at.index, bundle: body.bundle });
        self.emit(FeedEvent::agents_changed(at.index));
        Ok(())
    }

    pub(super) fn agent_added(&mut self, at: At<'_>, body: &AgentAdded) -> Result<(), ApplyError> {
        let row = AgentRow {
            id: body.id.clone(),
            selectors: body.selectors.clone(),
            key: body.key,
            lifetime: body.lifetime,
            cutoff: body.cutoff.clone(),
            index: at.index,
        };
        self.changes.layers.agents.put((body.profile.clone(), body.agent.clone()), row);
        self.changes.scalars.newest_agents = at.index;
        self.emit(FeedEvent::agents_changed(at.index));
        Ok(())
    }

    pub(super) fn agent_removed(&mut self, at: At<'_>, body: &AgentRemoved) -> Result<(), ApplyError> {
        if self.agent(&body.profile, &body.agent).is_none() {
            return Err(at.unknown("the agent"));
        }
        self.changes.layers.agents.delete((body.profile.clone(), body.agent.clone()));
        self.changes.scalars.newest_agents = at.index;
        self.emit(FeedEvent::agents_changed(at.index));
        Ok(())
    }

    pub(super) fn token_created(&mut self, at: At<'_>, body: &TokenCreated) -> Result<(), ApplyError> {
        if self.token(&body.token).is_some() {
            return Err(at.exists("the token"));
        }
        let row = TokenRow {
            secret: body.secret,
            profile: body.profile.clone(),
            claims: body.claims.clone(),
            expires: body.expires,
            index: at.index,
            revoked: false,
        };
        self.changes.layers.tokens.put(*body.token.as_bytes(), row);
        Ok(())
    }

    pub(super) fn token_revoked(&mut self, at: At<'_>, body: &TokenRevoked) -> Result<(), ApplyError> {
        let base = self.base();
        let row = self.changes.layers.tokens.edit(&base.tables.tokens, *body.token.as_bytes());
        row.ok_or_else(|| at.unknown("the token"))?.revoked = true;
        Ok(())
    }
}

//! What each policy says to a request by itself. Knows Cedar; slower than a decision and only for explanations.

use cedar_policy::AuthorizationError;

use super::PolicySet;
use super::encode::Tags;
use crate::request::Request;

/// One policy and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyEffect {
    /// Its id.
    pub rule: String,
    /// The text that it stands in.
    pub text: String,
    /// Whether it forbids; it permits otherwise.
    pub forbids: bool,
    /// What it says.
    pub outcome: Outcome,
}

/// What a policy says to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is about other actions.
    OtherAction,
    /// It is about the action, and a condition does not hold.
    Passes,
    /// It applies.
    Applies,
    /// It cannot be evaluated, which denies.
    Fails(String),
}

impl PolicySet {
    /// What each policy says, sorted by id.
    ///
    /// # Errors
    /// What keeps the request from being put to the policies at all.
    pub fn effects(&self, request: &Request<'_>) -> Result<Vec<PolicyEffect>, String> {
        let encoded = self.vocabulary.encode(request, Tags::Read)?;
        let slice = self.slices.get(&request.action);
        let mut effects = Vec::with_capacity(self.rules.len());
        for (id, rule) in &self.rules {
            let mut outcome = Outcome::OtherAction;
            if slice.is_some_and(|slice| slice.policies.policy(rule.policy.id()).is_some()) {
                let alone = cedar_policy::PolicySet::from_policies([rule.policy.clone()]).map_err(|e| e.to_string())?;
                let response = self.authorizer.is_authorized(&encoded.request, &alone, &encoded.entities);
                let failed = response.diagnostics().errors().next();
                let applies = response.diagnostics().reason().next().is_some();
                outcome = match failed {
                    Some(AuthorizationError::PolicyEvaluationError(error)) => Outcome::Fails(error.inner().to_string()),
                    None if applies => Outcome::Applies,
                    None => Outcome::Passes,
                };
            }
            effects.push(PolicyEffect { rule: id.clone(), text: rule.text.clone(), forbids: rule.forbids(), outcome });
        }
        Ok(effects)
    }
}

//! What the policies say to one request. Knows the names of rules; knows no policy language.

use std::fmt;

use identity::Sha256Hash;

use crate::action::Action;
use crate::wanted::Wanted;

/// The answer. There is no third: whatever is not permitted is denied.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Permit(Permit),
    /// It may not.
    Deny(Denial),
}

/// Proof that the policies permit one thing. Only [`crate::PolicySet::decide`] makes it, and what it permits stands in it, so
/// that a permit for one identity cannot be spent on another (T-04). It cannot be copied: one decision, one grant.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    pub(crate) action: Action,
    pub(crate) identity: Option<Wanted>,
    pub(crate) rules: Vec<String>,
    pub(crate) bundle: Sha256Hash,
}

/// Why not. At least one of the three holds something: `rules`, `errors`, or `none_matched`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Ids of the policies that forbid it, sorted.
    pub rules: Vec<String>,
    /// Policies that could not be evaluated, and what could not be built. One is enough to deny.
    pub errors: Vec<Fault>,
    /// Whether it is denied because no policy permits it.
    pub none_matched: bool,
}

/// An error that denies. It is ours or the policies' author's, never the asker's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A policy could not be evaluated.
    #[error("policy `{rule}` could not be evaluated: {message}")]
    Policy {
        /// Its id.
        rule: String,
        /// What the evaluator says.
        message: String,
    },
    /// The request does not fit the schema, so that no policy was asked.
    #[error("the request does not fit the schema: {message}")]
    Request {
        /// In what way.
        message: String,
    },
}

impl Permit {
    /// The action that is permitted.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// The identity that is permitted, exactly as it was asked for; absent for actions that issue none.
    #[must_use]
    pub fn identity(&self) -> Option<&Wanted> {
        self.identity.as_ref()
    }

    /// Ids of the policies that permit it, sorted; never empty.
    #[must_use]
    pub fn rules(&self) -> &[String] {
        &self.rules
    }

    /// SHA-256 of the bundle under which it was permitted: that of the `policy-loaded` entry in force.
    #[must_use]
    pub fn bundle(&self) -> Sha256Hash {
        self.bundle
    }
}

impl Verdict {
    /// The permit, if it is one.
    ///
    /// # Errors
    /// The denial, if it is not.
    pub fn into_result(self) -> Result<Permit, Denial> {
        match self {
            Self::Permit(permit) => Ok(permit),
            Self::Deny(denial) => Err(denial),
        }
    }

    /// Whether it permits.
    #[must_use]
    pub fn is_permit(&self) -> bool {
        matches!(self, Self::Permit(_))
    }

    /// Ids of the deciding policies: those that permit, or those that forbid or failed.
    #[must_use]
    pub fn rules(&self) -> Vec<&str> {
        match self {
            Self::Permit(permit) => permit.rules.iter().map(String::as_str).collect(),
            Self::Deny(denial) => {
                let failed = denial.errors.iter().filter_map(Fault::rule);
                denial.rules.iter().map(String::as_str).chain(failed).collect()
            }
        }
    }
}

impl Denial {
    pub(crate) fn unbuilt(message: String) -> Self {
        Self { rules: Vec::new(), errors: vec![Fault::Request { message }], none_matched: false }
    }

    /// The name of the rule that a refusal shows to the asker: the first that forbids or failed, [`OUTSIDE_SCHEMA`], or
    /// [`NO_POLICY_PERMITS`].
    #[must_use]
    pub fn rule(&self) -> &str {
        let failed = self.errors.iter().find_map(Fault::rule);
        let otherwise = if self.errors.is_empty() { NO_POLICY_PERMITS } else { OUTSIDE_SCHEMA };
        self.rules.first().map(String::as_str).or(failed).unwrap_or(otherwise)
    }
}

impl Fault {
    /// The policy that failed.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Policy { rule, .. } => Some(rule),
            Self::Request { .. } => None,
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for rule in &self.rules {
            write!(f, "{between}policy `{rule}` forbids it")?;
            between = "; ";
        }
        for error in &self.errors {
            write!(f, "{between}{error}")?;
            between = "; ";
        }
        if self.none_matched {
            write!(f, "{between}no policy permits it")?;
        }
        Ok(())
    }
}

impl std::error::Error for Denial {}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permit(permit) => write!(f, "permitted by {}", permit.rules.join(", ")),
            Self::Deny(denial) => write!(f, "denied: {denial}"),
        }
    }
}

/// What stands for the rule's name where a request is denied because nothing permits it.
pub const NO_POLICY_PERMITS: &str = "no-policy-permits";
/// What stands for the rule's name where a request could not be put to the policies at all.
pub const OUTSIDE_SCHEMA: &str = "request-outside-schema";

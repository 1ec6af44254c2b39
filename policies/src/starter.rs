//! The profiles and policies that we ship, with their cases. Knows their texts; `ca-server init` puts the first in force.

use std::collections::BTreeMap;

use crate::bundle::{Bundle, BundleError};

/// A set to start from: least privilege, and usable as it is.
#[derive(Clone, Copy, Debug)]
pub struct Starter {
    /// Its name.
    pub name: &'static str,
    /// For whom it is.
    pub summary: &'static str,
    /// The TOML of its profiles.
    pub profiles: &'static str,
    /// Its Cedar texts by file name.
    pub policies: &'static [(&'static str, &'static str)],
    /// The table of its cases.
    pub cases: &'static str,
}

/// Hosts that enrol with join tokens.
pub const DEFAULT: Starter = Starter {
    name: "default",
    summary: "hosts that enrol with join tokens",
    profiles: include_str!("../starter/default/profiles.toml"),
    policies: &[
        ("hosts.cedar", include_str!("../starter/default/hosts.cedar")),
        ("agents.cedar", include_str!("../starter/shared/agents.cedar")),
        ("operators.cedar", include_str!("../starter/shared/operators.cedar")),
    ],
    cases: include_str!("../starter/default/cases.toml"),
};

/// Pods that enrol with service-account tokens of a Kubernetes cluster.
pub const KUBERNETES: Starter = Starter {
    name: "kubernetes",
    summary: "pods that enrol with service-account tokens",
    profiles: include_str!("../starter/kubernetes/profiles.toml"),
    policies: &[
        ("hosts.cedar", include_str!("../starter/kubernetes/hosts.cedar")),
        ("agents.cedar", include_str!("../starter/shared/agents.cedar")),
        ("operators.cedar", include_str!("../starter/shared/operators.cedar")),
    ],
    cases: include_str!("../starter/kubernetes/cases.toml"),
};

/// EC2 instances that enrol with their instance identity documents.
pub const AWS: Starter = Starter {
    name: "aws",
    summary: "EC2 instances that enrol with instance identity documents",
    profiles: include_str!("../starter/aws/profiles.toml"),
    policies: &[
        ("hosts.cedar", include_str!("../starter/aws/hosts.cedar")),
        ("agents.cedar", include_str!("../starter/shared/agents.cedar")),
        ("operators.cedar", include_str!("../starter/shared/operators.cedar")),
    ],
    cases: include_str!("../starter/aws/cases.toml"),
};

/// All sets.
pub const ALL: [Starter; 3] = [DEFAULT, KUBERNETES, AWS];

impl Starter {
    /// The set as a bundle.
    ///
    /// # Errors
    /// None that a test has not seen: the texts are constants.
    pub fn bundle(&self) -> Result<Bundle, BundleError> {
        let policies: BTreeMap<String, String> =
            self.policies.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Bundle::new(self.profiles, policies)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::cases;

    #[track_caller]
    fn check(starter: &Starter) {
        let set = starter.bundle().unwrap().check().unwrap_or_else(|problems| {
            panic!("{}: {}", starter.name, problems.iter().map(|p| format!("\n{p}")).collect::<String>())
        });
        let results = cases::run(&set, "cases.toml", starter.cases).unwrap_or_else(|problems| {
            panic!("{}: {}", starter.name, problems.iter().map(|p| format!("\n{p}")).collect::<String>())
        });
        let failed: Vec<String> = results.iter().filter(|r| !r.holds()).map(ToString::to_string).collect();
        assert!(failed.is_empty(), "{}:\n{}", starter.name, failed.join("\n"));

        let mut silent: BTreeSet<String> = set.rules().map(str::to_owned).collect();
        for result in &results {
            if let crate::explain::Answer::Decided(verdict) = &result.trace.answer {
                for rule in verdict.rules() {
                    silent.remove(rule);
                }
            }
        }
        assert!(silent.is_empty(), "{}: no case shows what {silent:?} do", starter.name);
    }

    #[test]
    fn every_case_holds_and_every_policy_has_one() {
        ALL.iter().for_each(check);
    }
}

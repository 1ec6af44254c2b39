//! The claims that attestors are known to make, with their types. Knows names and meanings; knows no evidence.
//!
//! A claim that stands here is an attribute of `context.claims` in policies, with its type, so that a misspelt name is
//! refused when the policies are loaded. A claim that does not stand here (a cloud's free tags, for example) can still be
//! read in policies, as a tag: `context.claims.hasTag("tag.team")`. Every claim, known or not, is also a tag, whose value is a set
//! of texts.

/// One claim that is known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// The only kind of value it may have.
    pub kind: Kind,
    /// What it says.
    pub meaning: &'static str,
}

/// The kinds of values; [`super::ClaimValue`] has one variant for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// An integer.
    Number,
    /// Yes or no.
    Bool,
    /// Several texts.
    List,
}

impl Kind {
    /// How the schema of the policies writes it.
    #[must_use]
    pub fn cedar_type(self) -> &'static str {
        match self {
            Self::Text => "String",
            Self::Number => "Long",
            Self::Bool => "Bool",
            Self::List => "Set<String>",
        }
    }

    /// Whether a value is of this kind.
    #[must_use]
    pub fn holds(self, value: &super::ClaimValue) -> bool {
        use super::ClaimValue as Value;
        matches!(
            (self, value),
            (Self::Text, Value::Text(_))
                | (Self::Number, Value::Number(_))
                | (Self::Bool, Value::Bool(_))
                | (Self::List, Value::List(_))
        )
    }
}

/// The known claim of this name.
#[must_use]
pub fn known(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|claim| claim.name == name)
}

/// All that are known. A name is added here together with the attestor that makes it; none is ever taken away or given
/// another kind, because policies in force name them.
pub const KNOWN: &[Known] = &[
    text("name", "join token: the host's name, set by who made the token"),
    text("token", "join token: its public id"),
    text("cluster", "Kubernetes: the cluster's name in the server's configuration"),
    text("namespace", "Kubernetes: the pod's namespace"),
    text("service_account", "Kubernetes: the service account's name"),
    text("service_account_uid", "Kubernetes: its unique id, which a recreated account does not get again"),
    text("pod", "Kubernetes: the pod's name"),
    text("pod_uid", "Kubernetes: the pod's unique id"),
    text("node", "Kubernetes: the node's name, where the token says so"),
    text("node_uid", "Kubernetes: the node's unique id, where the token says so"),
    text("partition", "AWS: the partition of the region (aws, aws-cn, aws-us-gov, ...)"),
    text("account_id", "AWS: the account that owns the instance, 12 digits"),
    text("region", "AWS: the region, by whose key the document is signed"),
    text("availability_zone", "AWS: the zone, where the document says so"),
    text("instance_id", "AWS: the instance's id, which no other gets again"),
    text("instance_type", "AWS: the instance's type, where the document says so"),
    text("image_id", "AWS: the image that it was started from, where the document says so"),
    text("architecture", "AWS: of its processor, where the document says so"),
    text("private_ip", "AWS: its address in its network, where the document says so"),
    text("pending_time", "AWS: when it was last started, as the document writes it"),
];

const fn text(name: &'static str, meaning: &'static str) -> Known {
    Known { name, kind: Kind::Text, meaning }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::{RESERVED_NAME, is_claim_name};

    #[test]
    fn known_names_are_claim_names_and_stand_once() {
        for (index, claim) in KNOWN.iter().enumerate() {
            assert!(is_claim_name(claim.name) && claim.name != RESERVED_NAME, "{}", claim.name);
            assert_eq!(KNOWN.iter().position(|other| other.name == claim.name), Some(index), "{} twice", claim.name);
            assert!(!claim.meaning.is_empty());
        }
    }
}

//! Profiles and policies as one document: what a `policy-loaded` entry names by SHA-256, and what the server restores from.
//! Knows the form and its limits; knows no file.

use std::collections::BTreeMap;

use identity::Sha256Hash;
use serde::{Deserialize, Serialize};

use crate::engine::PolicySet;
use crate::problem::Problem;

/// The texts of profiles and policies, as they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    form: Form,
}

/// The canonical form: members in this order, texts by name, no white space between tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    v: u32,
    policies: BTreeMap<String, String>,
    profiles: String,
}

/// Octets that are no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Too long.
    #[error("a bundle has at most {limit} octets, this one has {length}")]
    TooLong {
        /// Octets given.
        length: usize,
        /// Octets allowed.
        limit: usize,
    },
    /// Not of the form.
    #[error("the octets are no bundle")]
    Form(#[source] serde_json::Error),
    /// A later version.
    #[error("the bundle has version {found}, this program reads {wanted}")]
    Version {
        /// What the bundle says.
        found: u32,
        /// What is read.
        wanted: u32,
    },
    /// The form is right and the octets are not the canonical ones, so that one bundle would have two hashes.
    #[error("the octets are not the canonical form of the bundle, from octet {at} on")]
    NotCanonical {
        /// The first octet that differs.
        at: usize,
    },
    /// A name that is none of a text.
    #[error("`{}` names no policy text: a-z, 0-9, `-`, `_`, then .cedar, at most {MAX_TEXT_NAME_OCTETS} octets", name.escape_debug())]
    TextName {
        /// The name.
        name: String,
    },
    /// Too many texts.
    #[error("a bundle has at most {limit} policy texts, this one has {count}")]
    TooMany {
        /// Texts given.
        count: usize,
        /// Texts allowed.
        limit: usize,
    },
}

impl Bundle {
    /// Makes a bundle of texts: the TOML of the profiles, and Cedar texts by file name, such as `hosts.cedar`.
    ///
    /// # Errors
    /// [`BundleError`] where a limit is passed or a name is none. What the texts say is checked by [`Bundle::check`].
    pub fn new(profiles: &str, policies: BTreeMap<String, String>) -> Result<Self, BundleError> {
        let bundle = Self { form: Form { v: VERSION, policies, profiles: profiles.to_owned() } };
        bundle.form.limits()?;
        let length = bundle.to_bytes().len();
        if length > MAX_BUNDLE_OCTETS {
            return Err(BundleError::TooLong { length, limit: MAX_BUNDLE_OCTETS });
        }
        Ok(bundle)
    }

    /// Reads the canonical octets.
    ///
    /// # Errors
    /// [`BundleError`] for anything else, also for other octets of the same meaning.
    pub fn from_bytes(octets: &[u8]) -> Result<Self, BundleError> {
        if octets.len() > MAX_BUNDLE_OCTETS {
            return Err(BundleError::TooLong { length: octets.len(), limit: MAX_BUNDLE_OCTETS });
        }
        let form: Form = serde_json::from_slice(octets).map_err(BundleError::Form)?;
        if form.v != VERSION {
            return Err(BundleError::Version { found: form.v, wanted: VERSION });
        }
        form.limits()?;
        let bundle = Self { form };
        let canonical = bundle.to_bytes();
        if canonical != octets {
            let at = canonical.iter().zip(octets).take_while(|(one, other)| one == other).count();
            return Err(BundleError::NotCanonical { at });
        }
        Ok(bundle)
    }

    /// The canonical octets.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Strings and a map of strings always have a JSON form.
        serde_json::to_vec(&self.form).unwrap_or_default()
    }

    /// SHA-256 of the canonical octets: its name.
    #[must_use]
    pub fn digest(&self) -> Sha256Hash {
        Sha256Hash::of(&self.to_bytes())
    }

    /// The TOML of the profiles.
    #[must_use]
    pub fn profiles(&self) -> &str {
        &self.form.profiles
    }

    /// The Cedar texts by name.
    #[must_use]
    pub fn policies(&self) -> &BTreeMap<String, String> {
        &self.form.policies
    }

    /// Reads and checks all of it.
    ///
    /// # Errors
    /// Every [`Problem`], with its place and what to do.
    pub fn check(&self) -> Result<PolicySet, Vec<Problem>> {
        PolicySet::load(self)
    }
}

impl Form {
    fn limits(&self) -> Result<(), BundleError> {
        if self.policies.len() > MAX_TEXTS {
            return Err(BundleError::TooMany { count: self.policies.len(), limit: MAX_TEXTS });
        }
        match self.policies.keys().find(|name| !is_text_name(name)) {
            Some(name) => Err(BundleError::TextName { name: name.clone() }),
            None => Ok(()),
        }
    }
}

fn is_text_name(name: &str) -> bool {
    let stem = name.strip_suffix(".cedar").unwrap_or_default();
    !stem.is_empty()
        && name.len() <= MAX_TEXT_NAME_OCTETS
        && stem
            .bytes()
            .all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || matches!(octet, b'-' | b'_'))
}

/// The version of the form.
const VERSION: u32 = 1;
/// Octets of a bundle. 500 policies of 1 KiB fit; Cedar reads and checks them in 50 ms (libraries.md, section 4).
pub const MAX_BUNDLE_OCTETS: usize = 1024 * 1024;
/// Policies of a bundle: evaluation is linear in their number, 426 µs for 501 (libraries.md, section 4).
pub const MAX_POLICIES: usize = 500;
/// Profiles of a bundle: one per class of hosts; their templates are compared with each other, 20,000 pairs.
pub const MAX_PROFILES: usize = 200;
/// Policy texts of a bundle: files that somebody keeps an overview of.
pub const MAX_TEXTS: usize = 100;
/// Octets of the name of a policy text.
pub const MAX_TEXT_NAME_OCTETS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle() -> Bundle {
        let texts =
            [("b.cedar", "// \u{e9}\n"), ("a.cedar", "")].map(|(name, text)| (name.to_owned(), text.to_owned()));
        Bundle::new("# none\n", texts.into()).unwrap()
    }

    #[track_caller]
    fn check_refused(octets: &str, part: &str) {
        let error = Bundle::from_bytes(octets.as_bytes()).unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        let shown = format!("{error}: {source}");
        assert!(shown.contains(part), "{shown}");
    }

    #[test]
    fn octets_read_back() {
        let octets = bundle().to_bytes();
        let text = r##"{"v":1,"policies":{"a.cedar":"","b.cedar":"// é\n"},"profiles":"# none\n"}"##;
        assert_eq!(String::from_utf8(octets.clone()).unwrap(), text);
        assert_eq!(Bundle::from_bytes(&octets).unwrap(), bundle());
        assert_eq!(bundle().digest(), Sha256Hash::of(text.as_bytes()));
    }

    /// T-13: members that stand twice, and every other second form of one bundle.
    #[test]
    fn other_octets_of_the_same_meaning() {
        check_refused(r#"{"v":1,"policies":{},"profiles":""} "#, "not the canonical form of the bundle, from octet 35");
        check_refused(r#"{"v":1,"profiles":"","policies":{}}"#, "not the canonical");
        check_refused(r#"{"v":1,"policies":{"a.cedar":"","a.cedar":""},"profiles":""}"#, "not the canonical");
        check_refused(r#"{"v":1,"policies":{},"profiles":"\u0061"}"#, "not the canonical");
        check_refused(r#"{"v":1,"v":1,"policies":{},"profiles":""}"#, "duplicate field");
    }

    #[test]
    fn what_is_no_bundle() {
        check_refused("", "EOF");
        check_refused("[]", "no bundle");
        check_refused(r#"{"v":2,"policies":{},"profiles":""}"#, "version 2, this program reads 1");
        check_refused(r#"{"v":1,"policies":{},"profiles":"","x":1}"#, "unknown field `x`");
        check_refused(r#"{"v":1,"policies":{"../a.cedar":""},"profiles":""}"#, "names no policy text");
        check_refused(r#"{"v":1,"policies":{".cedar":""},"profiles":""}"#, "names no policy text");
        check_refused(r#"{"v":1,"policies":{"a":""},"profiles":""}"#, "names no policy text");
        check_refused(&" ".repeat(MAX_BUNDLE_OCTETS + 1), "at most 1048576 octets");
    }

    #[test]
    fn a_bundle_over_its_limits() {
        assert!(matches!(
            Bundle::new(&"#".repeat(MAX_BUNDLE_OCTETS), BTreeMap::new()),
            Err(BundleError::TooLong { limit: MAX_BUNDLE_OCTETS, .. })
        ));
        let many = (0..=MAX_TEXTS).map(|n| (format!("t{n}.cedar"), String::new())).collect();
        assert!(matches!(Bundle::new("", many), Err(BundleError::TooMany { count: 101, limit: 100 })));
    }
}

//! Which profile a host enrols under. Knows names only; knows no claim and no policy.
//!
//! The evidence names its attestor, and a join token fixes the profile. Where it does not, the requester may name one, and
//! where it names none the attestor's only profile is taken. A requester's wish chooses among the profiles of the attestor
//! that checked its evidence; whether it may have that profile is for the policies to say.

use super::Profile;

/// No profile is picked. The asker is told the rule and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PickRefusal {
    /// No profile takes evidence of this attestor.
    #[error("no profile takes evidence of attestor `{attestor}`; an admin adds one to the profiles and loads them")]
    NoneForAttestor {
        /// The attestor.
        attestor: String,
    },
    /// Several do, and neither the evidence nor the requester says which.
    #[error("attestor `{attestor}` serves the profiles {}; name one of them in the request", list(profiles))]
    Several {
        /// The attestor.
        attestor: String,
        /// Its profiles, in order.
        profiles: Vec<String>,
    },
    /// There is no such profile.
    #[error("there is no profile `{}`; attestor `{attestor}` serves {}", profile.escape_debug(), list(profiles))]
    Unknown {
        /// The attestor.
        attestor: String,
        /// The name asked for, or fixed by the evidence.
        profile: String,
        /// The attestor's profiles, in order.
        profiles: Vec<String>,
    },
    /// The profile takes evidence of another attestor.
    #[error("profile `{profile}` takes evidence of attestor `{wanted}`, this is evidence of `{attestor}`")]
    OtherAttestor {
        /// The profile.
        profile: String,
        /// The attestor whose evidence it takes.
        wanted: String,
        /// The attestor of this evidence.
        attestor: String,
    },
    /// The evidence fixes one profile and the requester names another.
    #[error("the evidence is good for profile `{fixed}` only, the request names `{}`; name `{fixed}` or none", asked.escape_debug())]
    Fixed {
        /// The profile of the evidence.
        fixed: String,
        /// The profile of the request.
        asked: String,
    },
}

impl PickRefusal {
    /// The name of the rule that a refusal shows.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self {
            Self::NoneForAttestor { .. } | Self::Several { .. } | Self::Unknown { .. } => "one-profile-is-meant",
            Self::OtherAttestor { .. } | Self::Fixed { .. } => "profile-is-that-of-the-evidence",
        }
    }
}

/// What evidence and requester say of the profile.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The attestor that checked the evidence, by its name in the server's configuration.
    pub attestor: &'a str,
    /// The profile that the evidence fixes: that of a join token.
    pub fixed: Option<&'a str>,
    /// The profile that the requester names; mere wish.
    pub asked: Option<&'a str>,
}

/// Picks the profile.
///
/// # Errors
/// [`PickRefusal`] where not exactly one profile is meant, with what to do.
pub fn pick<'a>(profiles: impl IntoIterator<Item = &'a Profile>, wish: Wish<'_>) -> Result<&'a Profile, PickRefusal> {
    let attestor = || wish.attestor.to_owned();
    if let (Some(fixed), Some(asked)) = (wish.fixed, wish.asked)
        && fixed != asked
    {
        return Err(PickRefusal::Fixed { fixed: fixed.to_owned(), asked: asked.to_owned() });
    }
    let all: Vec<&Profile> = profiles.into_iter().collect();
    let served: Vec<&Profile> = all.iter().copied().filter(|p| p.attestor().as_str() == wish.attestor).collect();
    let names = || served.iter().map(|profile| profile.name().to_string()).collect();
    match (wish.fixed.or(wish.asked), served.as_slice()) {
        (Some(named), _) => match all.iter().find(|profile| profile.name().as_str() == named) {
            None => Err(PickRefusal::Unknown { attestor: attestor(), profile: named.to_owned(), profiles: names() }),
            Some(profile) if profile.attestor().as_str() != wish.attestor => Err(PickRefusal::OtherAttestor {
                profile: named.to_owned(),
                wanted: profile.attestor().to_string(),
                attestor: attestor(),
            }),
            Some(profile) => Ok(profile),
        },
        (None, []) => Err(PickRefusal::NoneForAttestor { attestor: attestor() }),
        (None, [only]) => Ok(only),
        (None, _) => Err(PickRefusal::Several { attestor: attestor(), profiles: names() }),
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::file::ProfilesFile;

    const PROFILES: [(&str, &str); 4] =
        [("build", "join-token"), ("deploy", "join-token"), ("pods", "kubernetes"), ("spare", "other")];

    fn profiles() -> Vec<Profile> {
        let text: String = PROFILES
            .iter()
            .map(|(name, attestor)| {
                format!("[[profile]]\nname = '{name}'\nattestor = '{attestor}'\nhost_id = '/{name}/{{name}}'\n")
            })
            .collect();
        let file: ProfilesFile = toml::from_str(&text).unwrap();
        file.profiles.iter().map(|profile| Profile::check(profile.as_ref()).unwrap()).collect()
    }

    #[track_caller]
    fn check(attestor: &str, fixed: Option<&str>, asked: Option<&str>, wanted: &str) {
        let profiles = profiles();
        let shown = match pick(&profiles, Wish { attestor, fixed, asked }) {
            Ok(profile) => profile.name().to_string(),
            Err(refusal) => refusal.to_string(),
        };
        assert_eq!(shown, wanted);
    }

    #[test]
    fn one_profile_is_meant() {
        check("kubernetes", None, None, "pods");
        check("join-token", Some("deploy"), None, "deploy");
        check("join-token", Some("deploy"), Some("deploy"), "deploy");
        check("join-token", None, Some("build"), "build");
    }

    #[test]
    fn none_or_several_are_meant() {
        check(
            "tpm",
            None,
            None,
            "no profile takes evidence of attestor `tpm`; an admin adds one to the profiles and loads them",
        );
        check(
            "join-token",
            None,
            None,
            "attestor `join-token` serves the profiles build, deploy; name one of them in the request",
        );
        check("kubernetes", None, Some("po\nds"), "there is no profile `po\\nds`; attestor `kubernetes` serves pods");
    }

    /// T-12: what the requester names never outweighs what the evidence says.
    #[test]
    fn the_evidence_outweighs_the_wish() {
        check(
            "join-token",
            Some("build"),
            Some("deploy"),
            "the evidence is good for profile `build` only, the request names `deploy`; name `build` or none",
        );
        check(
            "kubernetes",
            None,
            Some("build"),
            "profile `build` takes evidence of attestor `join-token`, this is evidence of `kubernetes`",
        );
        check(
            "kubernetes",
            Some("build"),
            None,
            "profile `build` takes evidence of attestor `join-token`, this is evidence of `kubernetes`",
        );
    }
}

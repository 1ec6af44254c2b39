//! The vocabulary of the policies: which things there are, what they are made of, and what can be asked of them. Knows Cedar's
//! schema language; decides nothing.
//!
//! The schema is built in. Only two lists in it differ: the profiles are those of the bundle, so that a policy which names a
//! profile that is not there is refused when it is loaded; the claims are those of the [catalogue](crate::claims::catalogue).

use std::fmt::Write as _;

use cedar_policy::Schema;

use crate::action::{Action, Group};
use crate::claims::catalogue::KNOWN;
use crate::name::Name;
use crate::request::Role;

/// The namespace of all types and actions.
pub const NAMESPACE: &str = "Brevet";

/// The schema, as text in Cedar's own form, for policies beside these profiles.
#[must_use]
pub fn text<'a>(profiles: impl IntoIterator<Item = &'a Name>) -> String {
    let profiles = quoted(profiles.into_iter().map(Name::as_str));
    let roles = quoted(Role::ALL.into_iter().map(Role::as_str));
    let mut out = format!("namespace {NAMESPACE} {{\n");
    out.push_str(&ENTITIES.replace("PROFILES", &profiles).replace("ROLES", &roles).replace("CLAIMS", &claims()));
    for group in Group::ALL {
        line(&mut out, &format!("action {:?};", group.as_str()));
    }
    for action in Action::ALL {
        let askers = action.askers().iter().map(|asker| asker.as_str()).collect::<Vec<_>>().join(", ");
        line(
            &mut out,
            &format!(
                "action {:?} in [{:?}] appliesTo {{ principal: [{askers}], resource: [{}], context: {{{}}} }};",
                action.as_str(),
                action.group().as_str(),
                resource(*action),
                context(*action),
            ),
        );
    }
    out.push_str("}\n");
    out
}

/// The schema, read. Names of profiles are checked before they come here, so the only error is one of ours.
pub(crate) fn read(text: &str) -> Result<Schema, String> {
    Schema::from_cedarschema_str(text).map(|(schema, _warnings)| schema).map_err(|error| error.to_string())
}

fn line(out: &mut String, text: &str) {
    let _infallible = writeln!(out, "  {text}");
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

fn claims() -> String {
    let mut out = String::new();
    for claim in KNOWN {
        let _infallible =
            write!(out, "    // {}\n    {:?}?: {},\n", claim.meaning, claim.name, claim.kind.cedar_type());
    }
    out
}

/// The type of what an action is done to.
fn resource(action: Action) -> &'static str {
    match action {
        Action::Enrol | Action::Reenrol | Action::Renew | Action::IssueAgent | Action::RenewAgent => "Identity",
        Action::CreateToken | Action::AddAgent => "Profile",
        Action::EvictHost | Action::BanHost | Action::UnbanHost => "Host",
        Action::ReadOwnAgents
        | Action::FollowFeed
        | Action::AcknowledgeFeed
        | Action::ReadStatus
        | Action::ReadLedger
        | Action::ReadPolicy
        | Action::ListHosts
        | Action::ListAgents
        | Action::ListCertificates
        | Action::ListTokens
        | Action::ListPersons
        // What ends something can be asked for after the profile has gone, so the profile is a fact and not the resource.
        | Action::RevokeToken
        | Action::RemoveAgent
        | Action::Revoke
        | Action::LoadPolicy
        | Action::ChangeAuthority
        | Action::RemovePerson
        | Action::PlaceHold
        | Action::AdmitPerson
        | Action::Approve
        | Action::LiftHold
        | Action::Destroy => "Server",
    }
}

/// The facts that come with an action.
fn context(action: Action) -> &'static str {
    match action {
        Action::Enrol | Action::Reenrol => "attestor: String, fixed_profile?: Profile, claims: Claims",
        Action::Renew => "attestor?: String, fixed_profile?: Profile, claims?: Claims",
        Action::CreateToken => "lifetime_seconds: Long, claims: Claims",
        Action::AddAgent => {
            "agent: String, id: String, uid?: Long, gid?: Long, executable?: String, lifetime_seconds: Long"
        }
        Action::RemoveAgent => "profile: String, agent: String",
        Action::RevokeToken => "profile: String",
        Action::Revoke => "by: String, reason: String, count: Long",
        Action::ChangeAuthority => "to: String",
        Action::AdmitPerson | Action::RemovePerson => "role: Role",
        Action::Approve => "action: String",
        Action::IssueAgent
        | Action::RenewAgent
        | Action::ReadOwnAgents
        | Action::FollowFeed
        | Action::AcknowledgeFeed
        | Action::ReadStatus
        | Action::ReadLedger
        | Action::ReadPolicy
        | Action::ListHosts
        | Action::ListAgents
        | Action::ListCertificates
        | Action::ListTokens
        | Action::ListPersons
        | Action::EvictHost
        | Action::BanHost
        | Action::UnbanHost
        | Action::LoadPolicy
        | Action::PlaceHold
        | Action::LiftHold
        | Action::Destroy => "",
    }
}

const ENTITIES: &str = r#"  // The profiles of this bundle.
  entity Profile enum [PROFILES];
  // As what persons are admitted.
  entity Role enum [ROLES];

  // A machine or pod. Its entity id is its SPIFFE id; path is that id below the trust domain.
  entity Host in [Profile] { "id": String, "path": String, "profile": Profile };
  // A process with an identity of its own. Its entity id is its SPIFFE id.
  entity Agent { "id": String, "path": String };
  // An admin or auditor. The entity id is the person's random id.
  entity Person in [Role] { "role": Role };
  // Root on the admin socket: Brevet::Local::"root".
  entity Local;

  // The certificate authority itself: Brevet::Server::"ca".
  entity Server;
  // The identity that is asked for, whole. Its entity id is its SPIFFE id; agent is there for an agent's.
  entity Identity in [Profile] {
    "id": String, "path": String, "profile": Profile, "agent"?: String,
    "key_kind": String, "lifetime_seconds": Long, "dns_names": Set<String>
  };
  // What checked evidence says, or a join token stands for. Every claim is also a tag, known or not; a tag's value is a set.
  entity Claims {
CLAIMS  } tags Set<String>;

"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        read(&text(&["build", "pods"].map(|name| Name::parse(name).unwrap()))).unwrap()
    }

    /// The table of actions and the schema say the same, so that no action can be asked for by somebody it does not list.
    #[test]
    fn the_schema_has_exactly_the_actions_of_the_table() {
        let schema = schema();
        let mut named: Vec<String> = schema.actions().map(|uid| uid.id().unescaped().to_owned()).collect();
        named.sort();
        let groups = Group::ALL.into_iter().map(Group::as_str);
        let mut wanted: Vec<String> =
            Action::ALL.iter().map(|action| action.as_str()).chain(groups).map(str::to_owned).collect();
        wanted.sort();
        assert_eq!(named, wanted);
    }

    #[test]
    fn each_action_has_its_askers() {
        let schema = schema();
        for action in Action::ALL {
            let uid = format!("Brevet::Action::{:?}", action.as_str()).parse().unwrap();
            let mut askers: Vec<_> =
                schema.principals_for_action(&uid).unwrap().map(|name| name.basename().to_owned()).collect();
            let mut wanted: Vec<_> = action.askers().iter().map(|asker| asker.as_str().to_owned()).collect();
            askers.sort();
            wanted.sort();
            assert_eq!(askers, wanted, "{action}");
            assert_eq!(schema.resources_for_action(&uid).unwrap().count(), 1, "{action}");
        }
    }

    #[test]
    fn the_schema_says_what_claims_mean() {
        let text = text(&[Name::parse("build").unwrap()]);
        for claim in KNOWN {
            assert!(text.contains(claim.meaning), "{}", claim.name);
        }
    }
}

//! Deciding: what is permitted, and that every error denies.

use std::collections::BTreeMap;

use identity::{KeyKind, Lifetime, PersonId, SpiffeId, TrustDomain};

use super::*;
use crate::agent::file::AgentRuleFile;
use crate::claims::Claims;
use crate::name::Name;
use crate::request::{Act, Evidence, Host, Operator, Read, Role};
use crate::verdict::{NO_POLICY_PERMITS, OUTSIDE_SCHEMA};
use crate::wanted::Wanted;

mod loading;
mod random;

const PROFILES: &str = "[[profile]]\nname = 'host'\nattestor = 'join-token'\nhost_id = '/host/{name}'\n\
                        [[profile]]\nname = 'other'\nattestor = 'join-token'\nhost_id = '/other/{name}'\n";
const PERMIT_ALL: &str = "@id(\"all\") permit(principal, action, resource);\n";

fn load(profiles: &str, policies: &str) -> Result<PolicySet, Vec<Problem>> {
    let texts = BTreeMap::from([("a.cedar".to_owned(), policies.to_owned())]);
    Bundle::new(profiles, texts).unwrap().check()
}

fn set(policies: &str) -> PolicySet {
    load(PROFILES, policies).unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn id(path: &str) -> SpiffeId {
    SpiffeId::parse(&format!("spiffe://example.org{path}")).unwrap()
}

/// What a host with these claims would get, under the first profile.
fn wanted(set: &PolicySet, claims: &Claims) -> Wanted {
    let profile = set.profiles().profile("host").unwrap();
    Wanted::host(profile, &TrustDomain::parse("example.org").unwrap(), claims, KeyKind::P256).unwrap()
}

fn enrol(set: &PolicySet, claims: &Claims) -> Verdict {
    let attestor = name("join-token");
    set.decide(&Request::enrol(Evidence { attestor: &attestor, fixed_profile: None, claims }, &wanted(set, claims)))
}

fn web(name: &str) -> Claims {
    Claims::from_pairs([("name", name)]).unwrap()
}

#[track_caller]
fn check_enrol(policies: &str, claims: &Claims, wanted: &str) {
    assert_eq!(enrol(&set(policies), claims).to_string(), wanted);
}

#[test]
fn nothing_is_permitted_by_default() {
    let verdict = enrol(&set(""), &web("web-1"));
    assert_eq!(verdict.to_string(), "denied: no policy permits it");
    let Verdict::Deny(denial) = verdict else { panic!() };
    assert_eq!((denial.rule(), denial.none_matched, denial.errors.len()), (NO_POLICY_PERMITS, true, 0));
}

/// T-04: a permit holds what it permits, and under which bundle.
#[test]
fn a_permit_holds_what_it_permits() {
    let set = set(PERMIT_ALL);
    let permit = enrol(&set, &web("web-1")).into_result().unwrap();
    assert_eq!(permit.action(), Action::Enrol);
    assert_eq!(permit.identity(), Some(&wanted(&set, &web("web-1"))));
    assert_eq!(permit.rules(), ["all"]);
    assert_eq!(permit.bundle(), set.digest());
}

#[test]
fn a_forbid_outweighs_a_permit() {
    let forbid = "@id(\"not-web\") @advice(\"take another name\") forbid(principal, action, resource) \
                  when { context has claims && context.claims has name && context.claims.name == \"web-1\" };";
    // A forbid about all actions has to fit all of them; one about enrolment fits that.
    let forbid = forbid.replace("action, resource", "action == Brevet::Action::\"enrol\", resource");
    let both = format!("{PERMIT_ALL}{forbid}").replace("context has claims && ", "");
    check_enrol(&both, &web("web-1"), "denied: policy `not-web` forbids it");
    check_enrol(&both, &web("web-2"), "permitted by all");
    assert_eq!(set(&both).advice("not-web"), Some("take another name"));
    assert_eq!(set(&both).advice("all"), None);
}

/// Libraries, section 4: Cedar passes over a policy that fails. Here it denies, permit or forbid, and is named.
#[test]
fn a_policy_that_fails_denies() {
    let overflow = "context.claims has name && resource.lifetime_seconds * 9223372036854775807 > 0";
    for effect in ["permit", "forbid"] {
        let failing = format!(
            "@id(\"failing\") {effect}(principal, action == Brevet::Action::\"enrol\", resource) when {{ {overflow} }};"
        );
        let verdict = enrol(&set(&format!("{PERMIT_ALL}{failing}")), &web("web-1"));
        let Verdict::Deny(denial) = &verdict else { panic!("{verdict}") };
        assert_eq!((denial.rule(), denial.none_matched, denial.rules.len()), ("failing", false, 0));
        assert!(verdict.to_string().contains("policy `failing` could not be evaluated"), "{verdict}");
        assert_eq!(verdict.rules(), ["failing"]);

        // About another action, it is not asked, and cannot fail.
        let elsewhere = failing.replace("enrol", "reenrol");
        check_enrol(&format!("{PERMIT_ALL}{elsewhere}"), &web("web-1"), "permitted by all");
    }
}

#[test]
fn a_failing_policy_beside_a_forbid_names_both() {
    let texts = format!(
        "{PERMIT_ALL}@id(\"no\") forbid(principal, action, resource);\n\
         @id(\"failing\") permit(principal, action == Brevet::Action::\"enrol\", resource) \
         when {{ resource.lifetime_seconds * 9223372036854775807 > 0 }};"
    );
    assert_eq!(enrol(&set(&texts), &web("web-1")).rules(), ["no", "failing"]);
}

/// A claim of another type than the catalogue says denies, whatever the policies say.
#[test]
fn a_claim_of_the_wrong_type_denies() {
    let claims = Claims::from_pairs([("name", "web-1".into()), ("node", crate::ClaimValue::Number(7))]).unwrap();
    let Verdict::Deny(denial) = enrol(&set(PERMIT_ALL), &claims) else { panic!() };
    assert_eq!(denial.rule(), OUTSIDE_SCHEMA);
    assert!(denial.to_string().contains("claim `node` is a number"), "{denial}");
}

#[test]
fn every_claim_is_a_tag() {
    let claims = Claims::from_pairs([
        ("name", crate::ClaimValue::from("web-1")),
        ("tag.team", "red".into()),
        ("tag.size", 7.into()),
        ("tag.spot", true.into()),
        ("tag.groups", vec!["a".to_owned(), "b".to_owned()].into()),
    ])
    .unwrap();
    for (tag, value) in
        [("name", "web-1"), ("tag.team", "red"), ("tag.size", "7"), ("tag.spot", "true"), ("tag.groups", "b")]
    {
        let policy = format!(
            "@id(\"tagged\") permit(principal, action == Brevet::Action::\"enrol\", resource) \
             when {{ context.claims.hasTag({tag:?}) && context.claims.getTag({tag:?}).contains({value:?}) }};"
        );
        check_enrol(&policy, &claims, "permitted by tagged");
        check_enrol(&policy.replace(value, "none of it"), &claims, "denied: no policy permits it");
    }
}

/// T-04, and issue 2: whatever the policies say, a host gets no identity but its own, and no agent's as its own.
#[test]
fn no_policy_gives_somebody_elses_identity() {
    let set = set(PERMIT_ALL);
    let wanted = wanted(&set, &web("web-2"));
    let rule = AgentRuleFile {
        name: "web".to_owned(),
        profile: "host".to_owned(),
        id: "{host}/agent/web".to_owned(),
        selectors: crate::agent::file::SelectorsFile { uid: Some(1), ..Default::default() },
        key: None,
        lifetime: None,
        cutoff: None,
    };
    let rule = AgentRule::check(&rule).unwrap();
    let (own_id, other_profile, host_profile) = (id("/host/web-1"), name("other"), name("host"));
    let agent =
        Wanted::agent(&rule, set.profiles().profile("host").unwrap(), &own_id, &web("web-1"), KeyKind::P256).unwrap();
    let host = Host { id: &own_id, profile: &host_profile };
    for (request, part) in [
        (Request::renew(host, &wanted, None), "asks for the identity"),
        (Request::renew(host, &agent, None), "is the identity of agent `web`"),
        (Request::issue_agent(host, &wanted), "is the identity of a host"),
        (Request::renew_agent(Host { profile: &other_profile, ..host }, &agent), "the host is of profile `other`"),
    ] {
        let Verdict::Deny(denial) = set.decide(&request) else { panic!("{part}") };
        assert_eq!(denial.rule(), OUTSIDE_SCHEMA);
        assert!(denial.to_string().contains(part), "{denial}");
    }
    assert!(set.decide(&Request::issue_agent(host, &agent)).is_permit());
}

/// Design, section 4: no policy lets root approve, lift a hold, destroy or admit.
#[test]
fn no_policy_makes_root_a_person() {
    let set = set(PERMIT_ALL);
    let person = Operator::Person { id: PersonId::from_bytes([7; 16]), role: Role::Auditor };
    for act in [Act::Approve(Action::LoadPolicy), Act::LiftHold, Act::Destroy, Act::AdmitPerson(Role::Admin)] {
        let Verdict::Deny(denial) = set.decide(&Request::operate(Operator::Local, act)) else { panic!("{act:?}") };
        assert!(denial.to_string().contains("cannot be asked for by Brevet::Local"), "{denial}");
        assert!(set.decide(&Request::operate(person, act)).is_permit(), "{act:?}");
    }
}

/// Every kind of request once.
fn with_every_request(set: &PolicySet, check: impl Fn(&[Request<'_>])) {
    let (claims, host_profile, host_id) = (web("web-1"), name("host"), id("/host/web-1"));
    let host = Host { id: &host_id, profile: &host_profile };
    let evidence = Evidence { attestor: &host_profile, fixed_profile: Some(&host_profile), claims: &claims };
    let wanted = wanted(set, &claims);
    let rule = AgentRule::check(&AgentRuleFile {
        name: "web".to_owned(),
        profile: "host".to_owned(),
        id: "{host}/agent/web".to_owned(),
        selectors: crate::agent::file::SelectorsFile { uid: Some(1), gid: Some(2), executable: Some("/w".to_owned()) },
        key: None,
        lifetime: None,
        cutoff: None,
    })
    .unwrap();
    let profile = set.profiles().profile("host").unwrap();
    let agent = Wanted::agent(&rule, profile, &host_id, &claims, KeyKind::P256).unwrap();
    let mut requests = vec![
        Request::enrol(evidence, &wanted),
        Request::reenrol(evidence, &wanted),
        Request::renew(host, &wanted, None),
        Request::renew(host, &wanted, Some(evidence)),
        Request::issue_agent(host, &agent),
        Request::renew_agent(host, &agent),
        Request::read_own_agents(host),
        Request::follow_feed_as_host(host),
        Request::follow_feed_as_agent(agent.id()),
        Request::acknowledge_feed(host),
    ];
    let acts = [
        Act::Read(Read::Status),
        Act::Read(Read::Ledger),
        Act::Read(Read::Policy),
        Act::Read(Read::Hosts),
        Act::Read(Read::Agents),
        Act::Read(Read::Certificates),
        Act::Read(Read::Tokens),
        Act::Read(Read::Persons),
        Act::CreateToken { profile: &host_profile, lifetime: Lifetime::parse("1h").unwrap(), claims: &claims },
        Act::RevokeToken { profile: &host_profile },
        Act::AddAgent(&rule),
        Act::RemoveAgent { profile: &host_profile, agent: rule.name() },
        Act::EvictHost(host),
        Act::BanHost(host),
        Act::UnbanHost(host),
        Act::Revoke { by: "serial", reason: "unspecified", count: 0 },
        Act::LoadPolicy,
        Act::ChangeAuthority { to: "active" },
        Act::AdmitPerson(Role::Auditor),
        Act::RemovePerson(Role::Admin),
        Act::Approve(Action::Destroy),
        Act::PlaceHold,
        Act::LiftHold,
        Act::Destroy,
    ];
    let person = Operator::Person { id: PersonId::from_bytes([7; 16]), role: Role::Admin };
    requests.extend(acts.map(|act| Request::operate(person, act)));
    let asked: std::collections::BTreeSet<Action> = requests.iter().map(Request::action).collect();
    assert!(asked.iter().eq(Action::ALL.iter()), "{asked:?}");
    check(&requests);
}

/// With a policy that permits all, every kind of request is permitted: each fits the schema.
#[test]
fn every_request_fits_the_schema() {
    let set = set(PERMIT_ALL);
    with_every_request(&set, |requests| {
        for request in requests {
            let verdict = set.decide(request);
            assert!(verdict.is_permit(), "{}: {verdict}", request.action());
        }
    });
}

/// Policies are kept by action. What is kept for one is what Cedar would find among all of them.
#[test]
fn policies_are_asked_about_their_actions_only() {
    let name_of = |name: &str| name.replace('_', "-");
    let mut text = PERMIT_ALL.to_owned();
    for action in Action::ALL {
        let id = name_of(action.as_str());
        text.push_str(&format!("@id(\"{id}\") permit(principal, action == Brevet::Action::\"{action}\", resource);\n"));
    }
    for group in crate::action::Group::ALL {
        let (id, group) = (name_of(group.as_str()), group.as_str());
        text.push_str(&format!(
            "@id(\"group-{id}\") permit(principal, action in Brevet::Action::\"{group}\", resource);\n\
             @id(\"list-{id}\") permit(principal, action in [Brevet::Action::\"{group}\"], resource);\n"
        ));
    }
    let set = set(&text);
    with_every_request(&set, |requests| {
        for request in requests {
            let (action, group) = (name_of(request.action().as_str()), name_of(request.action().group().as_str()));
            let mut wanted = vec!["all".to_owned(), action, format!("group-{group}"), format!("list-{group}")];
            wanted.sort();
            assert_eq!(set.decide(request).rules(), wanted);

            let all =
                cedar_policy::PolicySet::from_policies(set.rules.values().map(|rule| rule.policy.clone())).unwrap();
            let encoded = set.vocabulary.encode(request, Tags::Read).unwrap();
            let response = Authorizer::new().is_authorized(&encoded.request, &all, &encoded.entities);
            let mut found: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
            found.sort();
            assert_eq!(found, wanted);
        }
    });
}

/// A profile that is not in the bundle is outside the schema, and so is a count that Cedar cannot hold.
#[test]
fn facts_outside_the_schema_deny() {
    let set = set(PERMIT_ALL);
    let (gone, claims) = (name("gone"), Claims::new());
    let person = Operator::Person { id: PersonId::from_bytes([7; 16]), role: Role::Admin };
    let lifetime = Lifetime::parse("1h").unwrap();
    for act in [
        Act::CreateToken { profile: &gone, lifetime, claims: &claims },
        Act::Revoke { by: "serial", reason: "unspecified", count: u64::MAX },
    ] {
        let Verdict::Deny(denial) = set.decide(&Request::operate(person, act)) else { panic!("{act:?}") };
        assert_eq!(denial.rule(), OUTSIDE_SCHEMA, "{denial}");
    }
}

/// What ends something works after the profile has gone; what gives something does not.
#[test]
fn a_profile_that_has_gone_can_be_cleared_up() {
    let set =
        set(&format!("{PERMIT_ALL}@id(\"host\") permit(principal in Brevet::Profile::\"host\", action, resource);"));
    let (gone, host_id) = (name("gone"), id("/host/web-1"));
    let host = Host { id: &host_id, profile: &gone };
    let person = Operator::Person { id: PersonId::from_bytes([7; 16]), role: Role::Admin };
    for act in [
        Act::RevokeToken { profile: &gone },
        Act::RemoveAgent { profile: &gone, agent: &gone },
        Act::EvictHost(host),
        Act::BanHost(host),
    ] {
        assert_eq!(set.decide(&Request::operate(person, act)).to_string(), "permitted by all");
    }
    assert_eq!(set.decide(&Request::read_own_agents(host)).to_string(), "permitted by all");
}

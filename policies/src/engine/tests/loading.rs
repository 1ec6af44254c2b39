//! Loading: what is refused, with its place and what to do.

use super::*;

#[track_caller]
fn check_refused(policies: &str, wanted: &str) {
    let problems = load(PROFILES, policies).unwrap_err();
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(shown.iter().any(|problem| problem.contains(wanted)), "{shown:#?}");
}

#[track_caller]
fn check_profiles_refused(profiles: &str, wanted: &str) {
    let problems = load(profiles, PERMIT_ALL).unwrap_err();
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(shown.iter().any(|problem| problem.starts_with(wanted)), "{shown:#?}");
}

#[test]
fn policies_that_are_refused() {
    check_refused("permit(principal, action, resource);", "a.cedar:1:1: a policy has no @id; write @id(");
    check_refused(&format!("{PERMIT_ALL}{PERMIT_ALL}"), "@id all stands in a.cedar already; ids are unique");
    check_refused("\n\n  @id(\"A b\")\npermit(principal, action, resource);", "a.cedar:3:3: @id: a name consists of");
    check_refused("@id(\"a\") @note(\"x\") permit(principal, action, resource);", "@note is not known");
    check_refused("@id(\"a\") @advice(\"\") permit(principal, action, resource);", "@advice has 1 to 200 octets");
    check_refused(
        "@id(\"a\") permit(principal == ?principal, action, resource);",
        "is a template, which nothing links",
    );
    check_refused("@id(\"a\") permit(principal, action, resource)", "a.cedar:1:");
    check_refused("@id(\"a\")\npermit(principal, actoin, resource);", "a.cedar:2:19:");
}

/// What strict validation catches: names that are not there, types that do not fit, and policies that never apply.
#[test]
fn policies_outside_the_schema() {
    let policy = |scope: &str, when: &str| format!("@id(\"a\")\npermit({scope}) when {{ {when} }};");
    let enrol = "principal, action == Brevet::Action::\"enrol\", resource";
    check_refused(&policy(enrol, "context.claims has nmespace && context.claims.nmespace == \"a\""), "a.cedar:");
    check_refused(&policy(enrol, "context.claims.namespace == \"a\""), "a.cedar:2:71: ");
    check_refused(&policy(enrol, "resource.lifetime_seconds == \"1h\""), "a.cedar:2:");
    check_refused(&policy(enrol, "resource.profile == Brevet::Profile::\"gone\""), "gone");
    check_refused(&policy("principal in Brevet::Role::\"amdin\", action, resource", "true"), "amdin");
    check_refused(&policy("principal, action == Brevet::Action::\"enroll\", resource", "true"), "enroll");
    check_refused(&policy("principal is Brevet::Hots, action, resource", "true"), "Hots");
    check_refused(&policy(enrol, "principal.namespace == \"a\""), "namespace");
    // Root is no principal of what only persons may do: such a policy never applies.
    let root = "principal is Brevet::Local, action == Brevet::Action::\"lift_hold\", resource";
    check_refused(&policy(root, "true"), "a.cedar:");
    // T-36: a Cyrillic letter in a Latin word.
    check_refused(&policy(enrol, "principal.id like \"spiffe://ex\u{430}mple.org/*\""), "a.cedar:2:");
}

#[test]
fn profiles_that_are_refused() {
    let one = "[[profile]]\nname = 'host'\nattestor = 'join-token'\nhost_id = '/host/{name}'\n";
    check_profiles_refused("", "profiles.toml: there is no profile; without one no host can enrol");
    check_profiles_refused("[[profile]\n", "profiles.toml:1:");
    check_profiles_refused(&format!("{one}lifetime = '1h'\n"), "profiles.toml:5:1: unknown field `lifetime`");
    check_profiles_refused(&format!("{one}grace = '2d'\n"), "profiles.toml:5:1: grace: is 2d, at most 1d");
    check_profiles_refused(&one.replace("/host", "host"), "profiles.toml:4:1: host_id: a template begins with `/`");
    check_profiles_refused(&format!("{one}{one}"), "profiles.toml:8:1: profile `host` stands twice");
    // T-11: two clusters with the same names.
    let twin = one.replace("'host'", "'twin'").replace("join-token", "cluster-b").replace("{name}", "{pod}");
    check_profiles_refused(&format!("{one}{twin}"), "profiles.toml:8:1: hosts of profile `twin`");
    let many: String =
        (0..201).map(|n| format!("[[profile]]\nname = 'p{n}'\nattestor = 'a'\nhost_id = '/p{n}/{{name}}'\n")).collect();
    check_profiles_refused(&many, "profiles.toml: 201 profiles, at most 200 are taken");
}

#[test]
fn more_policies_than_are_taken() {
    let many: String = (0..501).map(|n| format!("@id(\"p{n}\") permit(principal, action, resource);\n")).collect();
    check_refused(&many, "bundle: 501 policies, at most 500 are taken");
}

/// Every problem of a bundle is told at once.
#[test]
fn problems_of_all_texts_are_told() {
    let texts = BTreeMap::from([
        ("a.cedar".to_owned(), "permit(principal, action, resource);".to_owned()),
        ("b.cedar".to_owned(), "nonsense".to_owned()),
    ]);
    let problems = Bundle::new("[[profile]]\nname = 'X'\nattestor = 'a'\nhost_id = '/h/{n}'\n", texts).unwrap().check();
    let texts: Vec<String> = problems.unwrap_err().into_iter().map(|problem| problem.text).collect();
    assert_eq!(texts, ["profiles.toml", "a.cedar", "b.cedar"]);
}

/// A text that would end the process by recursion is refused, and one at the limits is decided, on a thread of 2 MiB, which
/// is what tokio gives its workers.
#[test]
fn deep_policies_do_not_end_the_process() {
    std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(|| {
            let policy = |when: &str| {
                format!(
                    "@id(\"deep\") permit(principal, action == Brevet::Action::\"enrol\", resource) when {{ {when} }};"
                )
            };
            let parens = |depth: usize| policy(&format!("{}true{}", "(".repeat(depth), ")".repeat(depth)));
            let chain = |terms: usize| policy(&format!("resource.id != \"\"{}", "&&resource.id!=\"\"".repeat(terms)));
            let ifs = |terms: usize| policy(&format!("{}true", "if resource.id==\"\" then false else ".repeat(terms)));
            check_enrol(&parens(11), &web("web-1"), "permitted by deep");
            check_enrol(&chain(17), &web("web-1"), "permitted by deep");
            check_enrol(&ifs(17), &web("web-1"), "permitted by deep");
            check_refused(&parens(12), "more than 12 brackets are open; make several policies of it");
            check_refused(&parens(100_000), "more than 12 brackets are open");
            check_refused(&chain(18), "an expression is deeper than 20");
            check_refused(&chain(40_000), "an expression is deeper than 20");
            check_refused(&ifs(25_000), "an expression is deeper than 20");
        })
        .unwrap()
        .join()
        .unwrap();
}

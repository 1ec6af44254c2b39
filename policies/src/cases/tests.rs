//! The form of case tables, and that a case which does not hold says why.

use std::collections::BTreeMap;

use super::*;
use crate::bundle::Bundle;

const HEAD: &str = "trust_domain = 'example.org'\n[[agent]]\nname = 'web'\nprofile = 'host'\nid = '{host}/agent/web'\n\
                    selectors = { uid = 1 }\n";

fn set() -> PolicySet {
    let profiles = "[[profile]]\nname = 'host'\nattestor = 'join-token'\nhost_id = '/host/{name}'\n";
    let text = "@id(\"enrol\") permit(principal, action == Brevet::Action::\"enrol\", resource);\n\
                @id(\"not-b\") forbid(principal, action == Brevet::Action::\"enrol\", resource) when { principal.path == \"/host/b\" };\n\
                @id(\"fails\") permit(principal, action == Brevet::Action::\"revoke\", resource) when { context.count * 2 > 0 };";
    Bundle::new(profiles, BTreeMap::from([("a.cedar".to_owned(), text.to_owned())])).unwrap().check().unwrap()
}

fn table(ask: &str, expect: &str) -> String {
    format!("{HEAD}[[case]]\nname = 'the case'\nask = {{ {ask} }}\nexpect = {{ {expect} }}\n")
}

const ENROL: &str = "action = 'enrol', attestor = 'join-token', claims = { name = 'a' }";

#[track_caller]
fn check_holds(ask: &str, expect: &str) {
    let results = run(&set(), "t.toml", &table(ask, expect)).unwrap();
    assert!(results[0].holds(), "{}", results[0]);
    assert_eq!(results[0].to_string(), "ok      the case");
}

#[track_caller]
fn check_fails(ask: &str, expect: &str, wanted: &str) {
    let results = run(&set(), "t.toml", &table(ask, expect)).unwrap();
    assert_eq!((results.len(), results[0].holds()), (1, false));
    let shown = results[0].to_string();
    assert!(shown.starts_with("FAILED  the case (line 7)") && shown.contains(wanted), "{shown}");
}

#[track_caller]
fn check_refused(table: &str, wanted: &str) {
    let problems = run(&set(), "t.toml", table).unwrap_err();
    let shown = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(shown.contains(wanted), "{shown}");
}

#[test]
fn cases_that_hold() {
    check_holds(ENROL, "permit = ['enrol'], id = 'spiffe://example.org/host/a', says = 'by enrol'");
    check_holds(&ENROL.replace("'a'", "'b'"), "deny = ['not-b']");
    check_holds(&ENROL.replace("enrol", "reenrol"), "deny = []");
    check_holds(&ENROL.replace("'a'", "'a/b'"), "refuse = 'claims-fit-the-profile', says = 'U+002F'");
    let count = "action = 'revoke', as = 'admin', by = 'host', reason = 'unspecified', count = 9223372036854775807";
    check_holds(count, "deny = ['fails'], says = 'could not be evaluated'");
}

#[test]
fn cases_that_do_not() {
    check_fails(ENROL, "deny = []", "expected deny, as no policy permits it, came permit by enrol");
    check_fails(ENROL, "deny = ['enrol']", "expected deny by enrol, came permit by enrol");
    check_fails(ENROL, "permit = ['enrol', 'other']", "expected permit by enrol, other, came permit by enrol");
    check_fails(
        ENROL,
        "permit = ['enrol'], id = 'spiffe://example.org/host/b'",
        "expected id spiffe://example.org/host/b",
    );
    check_fails(ENROL, "permit = ['enrol'], says = 'nothing'", "expected an answer with `nothing`");
    check_fails(ENROL, "refuse = 'x'", "expected refuse by x, came permit by enrol");
    // The steps stand below.
    check_fails(ENROL, "deny = []", "policy    not-b (a.cedar): does not apply");
    check_fails(ENROL, "deny = []", "identity  spiffe://example.org/host/a");
}

#[test]
fn tables_that_cannot_be_run() {
    check_refused("", "missing field `trust_domain`");
    check_refused("trust_domain = 'example.org'\ncase = []", "there is no case");
    check_refused(&table("action = 'fly'", "deny = []"), "t.toml:9:");
    check_refused(&table(ENROL, ""), "exactly one of permit, deny and refuse");
    check_refused(&table(ENROL, "permit = ['enrol'], deny = []"), "exactly one of permit, deny and refuse");
    check_refused(&table(ENROL, "permit = []"), "without one nothing is permitted");
    check_refused(&table("action = 'enrol'", "deny = []"), "t.toml:7:1: the case: action `enrol` needs `attestor`");
    check_refused(&table(&format!("{ENROL}, count = 1"), "deny = []"), "action `enrol` has no use for `count`");
    check_refused(&table(&format!("{ENROL}, as = 'admin'"), "deny = []"), "action `enrol` has no use for `as`");
    check_refused(&table("action = 'load_policy'", "deny = []"), "action `load_policy` needs `as`");
    check_refused(&table(&ENROL.replace("name = 'a'", "'Name' = 'a'"), "deny = []"), "`Name` is no claim name");
    let twice = table(ENROL, "permit = ['enrol']");
    let twice = format!("{twice}{}", &twice[HEAD.len()..]);
    check_refused(&twice, "t.toml:11:1: a case `the case` is there already");
    let agent = HEAD.replace("'{host}/agent/web'", "'/host/web'");
    check_refused(&table(ENROL, "permit = ['enrol']").replace(HEAD, &agent), "could get the id of a host");
    check_refused(&"#".repeat(MAX_TABLE_OCTETS + 1), "at most 1048576 octets");
}

//! Defaults, limits and refusals of one profile, from the TOML that an operator writes.

use identity::{KeyKind, Lifetime, TrustDomain};

use super::file::ProfilesFile;
use super::*;

const LEAST: &str = "name = 'build'\nattestor = 'join-token'\nhost_id = '/host/{name}'\n";

fn read(text: &str) -> Result<Profile, Vec<ProfileError>> {
    let file: ProfilesFile = toml::from_str(&format!("[[profile]]\n{text}")).unwrap();
    Profile::check(file.profiles[0].as_ref())
}

#[track_caller]
fn check_refused(line: &str, field: &'static str, part: &str) {
    let key = line.split(' ').next().unwrap();
    let rest: String = LEAST.lines().filter(|l| !l.starts_with(key)).map(|l| format!("{l}\n")).collect();
    let errors = read(&format!("{rest}{line}")).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].field, field);
    assert!(errors[0].to_string().contains(part), "{}", errors[0]);
}

#[track_caller]
fn check_unreadable(text: &str, part: &str) {
    let error = toml::from_str::<ProfilesFile>(text).unwrap_err().to_string();
    assert!(error.contains(part), "{error}");
}

fn lifetime(text: &str) -> Lifetime {
    Lifetime::parse(text).unwrap()
}

#[test]
fn defaults_are_those_of_the_design() {
    let profile = read(LEAST).unwrap();
    assert_eq!((profile.name().as_str(), profile.attestor().as_str()), ("build", "join-token"));
    assert_eq!(profile.host_id().as_str(), "/host/{name}");
    assert_eq!(profile.host_lifetime(), lifetime("1h"));
    assert!(profile.key_kinds().eq(KeyKind::ALL));
    assert_eq!(profile.reenrol_within(), lifetime("7d"));
    assert_eq!(profile.reattest_after(), None);
    assert_eq!(profile.grace(), lifetime("5m"));
    assert_eq!(profile.cutoff(), Cutoff::Expire);
    assert_eq!(profile.max_staleness(), lifetime("30s"));
    assert!(profile.dns_names().is_empty() && !profile.keep_evidence());
}

#[test]
fn every_field_is_taken() {
    let profile = read(&format!(
        "{LEAST}host_lifetime = '90s'\nkey_kinds = ['ed25519']\nreenrol_within = '1d'\nreattest_after = '12h'\ngrace = '30s'\n\
         cutoff = 'revoke'\nmax_staleness = '1m'\ndns_names = ['{{name}}.hosts.example.org']\nkeep_evidence = true\n"
    ))
    .unwrap();
    assert_eq!(profile.host_lifetime(), lifetime("90s"));
    assert!(profile.allows_key(KeyKind::Ed25519) && !profile.allows_key(KeyKind::P256));
    assert_eq!(profile.reenrol_within(), lifetime("1d"));
    assert_eq!(profile.reattest_after(), Some(lifetime("12h")));
    assert_eq!(profile.grace(), lifetime("30s"));
    assert_eq!(profile.cutoff(), Cutoff::Revoke);
    assert_eq!(profile.max_staleness(), lifetime("1m"));
    assert!(profile.keep_evidence());
    let claims = Claims::from_pairs([("name", "web-1")]).unwrap();
    assert_eq!(profile.render_dns_names(&claims).unwrap(), ["web-1.hosts.example.org"]);
    let id = profile.render_host(&TrustDomain::parse("example.org").unwrap(), &claims).unwrap();
    assert_eq!(id.as_str(), "spiffe://example.org/host/web-1");
}

#[test]
fn values_out_of_their_limits() {
    check_refused("name = 'Build'", "name", "U+0042");
    check_refused("attestor = ''", "attestor", "missing");
    check_refused("host_id = '/host/../{name}'", "host_id", "`..`");
    check_refused("host_lifetime = '25h'", "host_lifetime", "is 25h, at most 1d");
    check_refused("host_lifetime = '4s'", "host_lifetime", "is 4s, at least 5s");
    check_refused("key_kinds = []", "key_kinds", "lets no host in");
    check_refused("key_kinds = ['p256', 'p256']", "key_kinds", "`p256` stands twice");
    check_refused("reenrol_within = '91d'", "reenrol_within", "at most 90d");
    check_refused("reattest_after = '59m'", "reattest_after", "is 59m, at least 1h");
    check_refused("grace = '2d'", "grace", "at most 1d");
    check_refused("max_staleness = '9s'", "max_staleness", "at least 10s");
    check_refused("max_staleness = '2h'", "max_staleness", "at most 1h");
    check_refused("dns_names = ['{name}.org']", "dns_names", "last two labels");
    check_refused("dns_names = ['a.example.org', 'a.example.org']", "dns_names", "twice");
    let many: Vec<String> = (0..17).map(|n| format!("'a{n}.example.org'")).collect();
    check_refused(&format!("dns_names = [{}]", many.join(", ")), "dns_names", "17 names, at most 16");
}

#[test]
fn every_wrong_field_is_told_at_once() {
    let errors = read("name = ''\nattestor = 'A'\nhost_id = 'x'\ngrace = '2d'").unwrap_err();
    let fields: Vec<_> = errors.iter().map(|error| error.field).collect();
    assert_eq!(fields, ["name", "attestor", "host_id", "grace"]);
}

/// T-31: what is not known is refused, not passed over.
#[test]
fn unknown_and_misshapen_fields() {
    check_unreadable("[[profile]]\nname = 'a'\nlifetime = '1h'", "unknown field `lifetime`");
    check_unreadable("[profiles]\n", "unknown field `profiles`");
    check_unreadable(&format!("[[profile]]\n{LEAST}cutoff = 'later'"), "expire, refuse or revoke");
    check_unreadable(&format!("[[profile]]\n{LEAST}host_lifetime = 3600"), "string");
    check_unreadable(&format!("[[profile]]\n{LEAST}key_kinds = ['rsa']"), "neither p256 nor ed25519");
    check_unreadable(&format!("[[profile]]\n{LEAST}name = 'b'"), "duplicate");
    check_unreadable("[[profile]]\nname = 'a'\nattestor = 'b'", "missing field `host_id`");
}

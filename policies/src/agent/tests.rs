//! Agent rules: each field, the finding of a rule for a host, and rules beside each other.

use identity::SpiffeId;

use super::beside;
use super::*;
use crate::profile::file::ProfilesFile;
use crate::profile::set::Profiles;

const WEB: &str = "name = 'web'\nprofile = 'build'\nid = '{host}/agent/web'\nselectors = { uid = 1000 }\n";

fn read(text: &str) -> Result<AgentRule, Vec<AgentRuleError>> {
    AgentRule::check(&toml::from_str(text).unwrap())
}

fn rule(name: &str, profile: &str, id: &str) -> AgentRule {
    read(&format!("name = '{name}'\nprofile = '{profile}'\nid = '{id}'\nselectors = {{ uid = 1 }}")).unwrap()
}

fn id(path: &str) -> SpiffeId {
    SpiffeId::parse(&format!("spiffe://example.org{path}")).unwrap()
}

#[track_caller]
fn check_refused(line: &str, field: &'static str, part: &str) {
    let key = line.split(' ').next().unwrap();
    let rest: String = WEB.lines().filter(|l| !l.starts_with(key)).map(|l| format!("{l}\n")).collect();
    let errors = read(&format!("{rest}{line}")).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].field, field);
    assert!(errors[0].to_string().contains(part), "{}", errors[0]);
}

#[test]
fn defaults() {
    let rule = read(WEB).unwrap();
    assert_eq!((rule.name().as_str(), rule.profile().as_str()), ("web", "build"));
    assert_eq!((rule.key_kind(), rule.lifetime().seconds(), rule.own_cutoff()), (KeyKind::P256, 3600, None));
    assert_eq!(rule.selectors().to_string(), "uid 1000");
}

#[test]
fn every_field_is_taken_and_written() {
    let text = "name = 'web'\nprofile = 'build'\nid = '/s/{name}'\nkey = 'ed25519'\nlifetime = '1m'\ncutoff = 'revoke'\n\
                selectors = { uid = 0, gid = 7, executable = '/usr/bin/web' }";
    let rule = read(text).unwrap();
    assert_eq!(rule.to_file(), toml::from_str(text).unwrap());
    assert_eq!(AgentRule::check(&rule.to_file()), Ok(rule.clone()));
    assert_eq!(rule.selectors().to_string(), "uid 0, gid 7, executable /usr/bin/web");
    assert_eq!(rule.selectors().executable(), Some("/usr/bin/web"));
}

#[test]
fn fields_that_do_not_stand() {
    check_refused("name = 'a/b'", "name", "U+002F");
    check_refused("profile = ''", "profile", "missing");
    check_refused("id = '{host}'", "id", "not its host's");
    check_refused("lifetime = '25h'", "lifetime", "at most 1d");
    check_refused("selectors = { gid = 4294967295 }", "selectors", "nobody in particular");
    for path in ["web", "/", "/usr//web", "/usr/../web", "/usr/./web", "/usr/web/", "/a\\nb", "/a\\u0000"] {
        check_refused(
            &format!("selectors = {{ uid = 1, executable = \"{path}\" }}"),
            "selectors",
            "not absolute and plain",
        );
    }
    let long = format!("/{}", "x".repeat(1024));
    check_refused(&format!("selectors = {{ uid = 1, executable = '{long}' }}"), "selectors", "at most 1024");
}

/// T-60: nobody is picked by the path of an executable alone.
#[test]
fn an_executable_alone_selects_nobody() {
    check_refused("selectors = { executable = '/usr/bin/web' }", "selectors", "uid or a gid is needed");
    check_refused("selectors = {}", "selectors", "uid or a gid is needed");
}

#[test]
fn unknown_fields_are_refused() {
    for text in [format!("{WEB}user = 'root'"), WEB.replace("uid", "user"), WEB.replace("1000", "-1")] {
        assert!(toml::from_str::<AgentRuleFile>(&text).is_err(), "{text}");
    }
}

#[track_caller]
fn check_find(host: &str, profile: &str, asked: &str, wanted: Option<&str>) {
    let rules = [
        rule("web", "build", "{host}/agent/web"),
        rule("web", "pods", "{host}/agent/web"),
        rule("by-claim", "build", "/service/{name}"),
    ];
    let claims = Claims::from_pairs([("name", host)]).unwrap();
    let profile = Name::parse(profile).unwrap();
    let found = find(&rules, &profile, &id(&format!("/host/{host}")), &claims, &id(asked));
    assert_eq!(found.as_ref().map(|rule| rule.name().as_str()).ok(), wanted);
    if let Err(refusal) = found {
        assert_eq!(refusal.rule(), "agent-not-listed");
        assert!(refusal.to_string().contains("ca-server agent add"));
    }
}

/// Issue 2, done when: host A asking for host B's agent is refused by rule name.
#[test]
fn a_host_finds_only_its_own_agents() {
    check_find("a", "build", "/host/a/agent/web", Some("web"));
    check_find("a", "build", "/service/a", Some("by-claim"));
    check_find("a", "build", "/host/b/agent/web", None);
    check_find("a", "build", "/service/b", None);
    check_find("a", "build", "/host/a", None);
    check_find("a", "build", "/host/a/agent/Web", None);
    check_find("a", "pods", "/service/a", None);
    check_find("a", "gone", "/host/a/agent/web", None);
}

fn profiles() -> Profiles {
    let text = "[[profile]]\nname = 'build'\nattestor = 'join-token'\nhost_id = '/host/{name}'\nkey_kinds = ['p256']\n\
                [[profile]]\nname = 'deploy'\nattestor = 'join-token'\nhost_id = '/deploy/{name}'\n\
                [[profile]]\nname = 'pods'\nattestor = 'kubernetes'\nhost_id = '/pods/{pod_uid}'\n\
                [[profile]]\nname = 'deep'\nattestor = 'kubernetes'\nhost_id = '/deep/{a}/agent/{b}'\n";
    let file: ProfilesFile = toml::from_str(text).unwrap();
    let mut profiles = Profiles::default();
    for profile in &file.profiles {
        profiles.insert(Profile::check(profile.as_ref()).unwrap()).unwrap();
    }
    profiles
}

#[track_caller]
fn check_beside(rule: &AgentRule, others: &[AgentRule], wanted: &str) {
    let shown = match beside::check(rule, &profiles(), others) {
        Ok(()) => "stands".to_owned(),
        Err(conflicts) => conflicts[0].to_string(),
    };
    assert!(shown.contains(wanted), "{shown}");
}

#[test]
fn rules_beside_profiles() {
    check_beside(&rule("web", "build", "{host}/agent/web"), &[], "stands");
    check_beside(&rule("web", "gone", "{host}/agent/web"), &[], "there is no profile `gone`");
    check_beside(&rule("web", "build", "/host/web"), &[], "could get the id of a host of profile `build`");
    check_beside(&rule("web", "build", "/pods/{name}"), &[], "could get the id of a host of profile `pods`");
    check_beside(&rule("web", "build", "/deep/x/agent/web"), &[], "could get the id of a host of profile `deep`");
    let ed25519 = read(&format!("{WEB}key = 'ed25519'")).unwrap();
    check_beside(&ed25519, &[], "profile `build` allows no ed25519 keys");
}

/// T-11: one name vouched for by two attestors is two things.
#[test]
fn rules_beside_rules() {
    let web = rule("web", "build", "{host}/agent/web");
    let service = rule("s", "build", "/service/{name}");
    check_beside(&web, std::slice::from_ref(&web), "stands");
    check_beside(&web, &[rule("web", "pods", "{host}/agent/web")], "stands");
    check_beside(&web, &[rule("other", "build", "{host}/agent/web")], "agents `web`");
    check_beside(&service, &[rule("s", "deploy", "/service/{name}")], "stands");
    check_beside(&service, &[rule("s", "pods", "/service/{service_account}")], "different attestors");
    check_beside(&rule("s", "build", "/service/one"), &[rule("s", "pods", "/service/one")], "stands");
    check_beside(&service, &[rule("s", "gone", "/service/{name}")], "stands");
}

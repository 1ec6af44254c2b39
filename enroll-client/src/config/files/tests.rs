//! What `[[files]]` may say.

use super::*;
use crate::config::{ConfigFile, SAMPLE, Surroundings};
use crate::delivery::{CommandOrder, Reload, Signal, SignalOrder};

#[track_caller]
fn check(text: &str) -> Result<Vec<Order>, String> {
    let text = format!(
        "state_dir = \"/s\"\nsocket = \"/x\"\nevidence = {{ kind = \"kubernetes\", file = \"/token\" }}\n{text}"
    );
    let file: ConfigFile = toml::from_str(&text).map_err(|error| error.to_string())?;
    file.check(&Surroundings::default()).map(|config| config.files).map_err(|error| crate::report::chain(&error))
}

fn entry(more: &str) -> String {
    format!("[[files]]\nagent = \"web\"\ndirectory = \"/run/web\"\n{more}\n")
}

#[test]
fn defaults() {
    let orders = check(&entry("")).unwrap();
    let expected = Order {
        agent: Agent::Name(AgentName::parse("web").unwrap()),
        directory: "/run/web".into(),
        names: Layout::Separate.names(),
        permissions: Permissions { owner: None, group: None, key_mode: 0o600 },
        allow_disk: false,
        others_may_write: false,
        when_ended: WhenEnded::Remove,
        grace: Duration::from_secs(30),
        reload: None,
    };
    assert_eq!(orders, [expected]);
    assert_eq!(check("").unwrap(), []);
}

#[test]
fn everything_said() {
    let more = "layout = \"nginx\"\nnames = { key = \"k.pem\" }\nowner = \"root\"\ngroup = \"33\"\nmode = \"0640\"\n\
                allow_disk = true\nothers_may_write = true\nwhen_ended = \"keep\"\ngrace_seconds = 3600";
    let [order] = <[Order; 1]>::try_from(check(&entry(more)).unwrap()).unwrap();
    assert_eq!(order.names.to_string(), "k.pem, tls.crt, ca.crt");
    assert_eq!(order.permissions, Permissions { owner: Some(0), group: Some(33), key_mode: 0o640 });
    assert!(order.allow_disk && order.others_may_write);
    assert_eq!((order.when_ended, order.grace.as_secs()), (WhenEnded::Keep, 3600));
    let by_id = check(&entry("").replace("\"web\"", "\"spiffe://example.org/web\"")).unwrap();
    assert!(matches!(&by_id[0].agent, Agent::SpiffeId(id) if id.as_str() == "spiffe://example.org/web"));
}

#[track_caller]
fn check_refused(more: &str, expected: &str) {
    let text = check(&entry(more)).unwrap_err();
    assert!(text.contains(expected), "{text}");
}

#[test]
fn reloads() {
    let [order] = <[Order; 1]>::try_from(check(&entry("reload = { command = [\"/x\", \"-s\"] }")).unwrap()).unwrap();
    let command = CommandOrder { program: "/x".into(), arguments: vec!["-s".into()], limit: Duration::from_secs(30) };
    assert_eq!(order.reload, Some(Reload::Command(command)));
    let signal = "reload = { signal = \"HUP\", pid_file = \"/p\", executable = \"/x\", user = \"root\" }";
    let [order] = <[Order; 1]>::try_from(check(&entry(signal)).unwrap()).unwrap();
    let signal =
        SignalOrder { signal: Signal::Hup, pid_file: Some("/p".into()), executable: "/x".into(), user: Some(0) };
    assert_eq!(order.reload, Some(Reload::Signal(signal)));
}

#[test]
fn what_is_wrong_is_named() {
    check_refused("layout = \"apache\"", "[[files]] number 1: layout \"apache\" is not \"separate\", \"nginx\" or");
    check_refused("names = { key = \"../key\" }", "\"../key\" is no name for a file");
    check_refused("names = { key = \"cert.pem\" }", "two files of the set are called \"cert.pem\"");
    check_refused("names = { crl = \"crl.pem\" }", "unknown field `crl`");
    check_refused("owner = \"no-such-user\"", "/etc/passwd has no \"no-such-user\"");
    check_refused("group = \"no-such-group\"", "/etc/group has no \"no-such-group\"");
    check_refused("owner = 7", "invalid type: integer");
    for mode in ["0644", "0660", "0604", "0000", "4600", "0700"] {
        check_refused(&format!("mode = \"{mode}\""), "of a key is not one of 0400, 0600, 0440, 0640");
    }
    for mode in ["", "0o600", "08", "-600", "06000", "rw", " 600"] {
        check_refused(&format!("mode = \"{mode}\""), "is not octal");
    }
    check_refused("layout = \"postgresql\"\nowner = \"105\"\nmode = \"0640\"", "PostgreSQL refuses a key of mode 0640");
    check_refused("when_ended = \"burn\"", "when_ended \"burn\" is not \"remove\" or \"keep\"");
    check_refused("grace_seconds = 3601", "grace_seconds \"3601\" is not");
    check_refused("grace_seconds = -1", "invalid value");
    for (reload, expected) in [
        ("", "reload has neither signal nor command"),
        ("signal = \"HUP\", command = [\"/x\"]", "reload has both signal and command"),
        ("signal = \"HUP\"", "reload has a signal without executable"),
        ("signal = \"KILL\", executable = \"/x\"", "reload.signal \"KILL\" is not"),
        ("signal = \"HUP\", executable = \"x\"", "the path \"x\" is not absolute"),
        ("signal = \"HUP\", executable = \"/x\", pid_file = \"x\"", "the path \"x\" is not absolute"),
        ("signal = \"HUP\", executable = \"/x\", user = \"no-such-user\"", "has no \"no-such-user\""),
        ("signal = \"HUP\", executable = \"/x\", timeout_seconds = 1", "reload has a signal with timeout_seconds"),
        ("command = []", "reload has a command without a program"),
        ("command = \"/x -s reload\"", "invalid type: string"),
        ("command = [\"nginx\"]", "the path \"nginx\" is not absolute"),
        ("command = [\"/x\", \"a\\u0000b\"]", "is not text without a zero octet"),
        ("command = [\"/x\"], user = \"root\"", "reload has a command with pid_file, executable or user"),
        ("command = [\"/x\"], timeout_seconds = 0", "reload.timeout_seconds \"0\" is not from 1 to 300"),
        ("command = [\"/x\"], timeout_seconds = 301", "reload.timeout_seconds \"301\" is not from 1 to 300"),
        ("shell = \"x\"", "unknown field `shell`"),
    ] {
        check_refused(&format!("reload = {{ {reload} }}"), expected);
    }
    let narrowed = format!("agents = [\"db\"]\n{}", entry(""));
    assert!(check(&narrowed).unwrap_err().contains("the agent web is not one of agents"));
    check_refused("allowdisk = true", "unknown field `allowdisk`");
    let two = format!("{}{}", entry(""), entry("").replace("/run/web", "/run//web/"));
    assert!(check(&two).unwrap_err().contains("[[files]] number 2: the directory /run/web is another one's already"));
    let relative = entry("").replace("/run/web", "run/web");
    assert!(check(&relative).unwrap_err().contains("the directory run/web is not an absolute path"));
    let nobody = entry("").replace("\"web\"", "\"we/b\"");
    assert!(check(&nobody).unwrap_err().contains("the agent \"we/b\" is neither a name nor a SPIFFE id"));
    let many: String = (0..257).map(|n| entry("").replace("/run/web", &format!("/run/web{n}"))).collect();
    assert!(check(&many).unwrap_err().contains("there are 257, and at most 256 are allowed"));
}

/// The part of the sample that stands as a comment is a configuration too, with the defaults that it says.
#[test]
fn the_sample_shows_every_member() {
    let (_, part) = SAMPLE.split_once("# [[files]]\n").unwrap();
    let lines = part.lines().take_while(|line| line.starts_with('#'));
    let text: Vec<_> = lines.filter_map(|line| line.strip_prefix("#   ")).collect();
    for member in [
        "agent",
        "directory",
        "layout",
        "names",
        "owner",
        "group",
        "mode",
        "allow_disk",
        "others_may_write",
        "when_ended",
        "grace_seconds",
        "reload",
    ] {
        assert_eq!(text.iter().filter(|line| line.starts_with(&format!("{member} = "))).count(), 1, "{member}");
    }
    let orders = check(&format!("[[files]]\n{}", text.join("\n"))).unwrap();
    assert_eq!((orders[0].grace, orders[0].when_ended), (Duration::from_secs(30), WhenEnded::Remove));
}

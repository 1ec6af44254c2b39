//! Templates against what evidence has said elsewhere (T-03, T-36), and against random claims.

use identity::{SpiffeId, TrustDomain};
use proptest::prelude::*;

use super::*;
use crate::claims::ClaimValue;

const ALLOWED: &str = "a-z, A-Z, 0-9, `.`, `-` and `_`";

fn domain() -> TrustDomain {
    TrustDomain::parse("example.org").unwrap()
}

fn claims(name: &str, value: impl Into<ClaimValue>) -> Claims {
    Claims::from_pairs([(name, value)]).unwrap()
}

#[track_caller]
fn check_host(template: &str, value: &str, wanted: &str) {
    let id = HostTemplate::parse(template).unwrap().render(&domain(), &claims("name", value)).unwrap();
    assert_eq!(id.as_str(), wanted);
}

#[track_caller]
fn check_agent(template: &str, wanted: &str) {
    let host = SpiffeId::parse("spiffe://example.org/host/web-1").unwrap();
    let id = AgentTemplate::parse(template).unwrap().render(&host, &claims("name", "web-1")).unwrap();
    assert_eq!(id.as_str(), wanted);
}

#[track_caller]
fn check_template_refused(template: &str, wanted: TemplateError) {
    assert_eq!(HostTemplate::parse(template), Err(wanted));
}

#[track_caller]
fn check_value_refused(value: impl Into<ClaimValue>, wanted: &RenderError) {
    let template = HostTemplate::parse("/host/x-{name}").unwrap();
    assert_eq!(template.render(&domain(), &claims("name", value)).as_ref(), Err(wanted));
    let host = SpiffeId::parse("spiffe://example.org/host/web-1").unwrap();
    let shown = wanted.to_string();
    assert!(shown.contains("`name`"), "the refusal names the claim: {shown}");
    let agent = AgentTemplate::parse("{host}/agent/{name}").unwrap();
    assert!(agent.render(&host, &Claims::new()).is_err());
}

#[test]
fn ids_that_stand() {
    check_host("/host/{name}", "web-1", "spiffe://example.org/host/web-1");
    check_host("/host/a_{name}.b/c", "0..0", "spiffe://example.org/host/a_0..0.b/c");
    check_agent("{host}/agent/web", "spiffe://example.org/host/web-1/agent/web");
    check_agent("/service/{name}/web", "spiffe://example.org/service/web-1/web");
    check_agent("/service/web", "spiffe://example.org/service/web");
}

#[test]
fn host_templates_that_do_not() {
    let text = |text: &str| text.to_owned();
    let character = |segment: &str, character| TemplateError::Character {
        segment: segment.to_owned(),
        character,
        allowed: ALLOWED,
    };
    check_template_refused("", TemplateError::NotAbsolute);
    check_template_refused("host/{name}", TemplateError::NotAbsolute);
    check_template_refused("{host}/{name}", TemplateError::NotAbsolute);
    check_template_refused("/", TemplateError::EmptySegment);
    check_template_refused("/host//{name}", TemplateError::EmptySegment);
    check_template_refused("/host/{name}/", TemplateError::EmptySegment);
    check_template_refused("/host/../{name}", TemplateError::DotSegment { segment: text("..") });
    check_template_refused("/host/./{name}", TemplateError::DotSegment { segment: text(".") });
    check_template_refused("/h%2e/{name}", character("h%2e", '%'));
    check_template_refused("/h*/{name}", character("h*", '*'));
    check_template_refused("/h\u{43e}st/{name}", character("h\u{43e}st", '\u{43e}'));
    check_template_refused("/host/{a}-{b}", TemplateError::TwoPlaceholders { segment: text("{a}-{b}") });
    check_template_refused("/host/{name", TemplateError::Brace { segment: text("{name") });
    check_template_refused("/host/name}", TemplateError::Brace { segment: text("name}") });
    check_template_refused("/host/{name}}", TemplateError::Brace { segment: text("{name}}") });
    check_template_refused("/host/{}", TemplateError::ClaimName { name: text("") });
    check_template_refused("/host/{Name}", TemplateError::ClaimName { name: text("Name") });
    check_template_refused("/host/{host}", TemplateError::HostNotInFront);
    check_template_refused("/{name}", TemplateError::FirstSegment);
    check_template_refused("/brevet/{name}", TemplateError::ReservedSegment { segment: text("brevet") });
    check_template_refused("/host/web", TemplateError::NoClaim);
    let long = format!("/host/{{name}}/{}", "x".repeat(1024));
    check_template_refused(&long, TemplateError::TooLong { length: long.len(), limit: MAX_TEMPLATE_OCTETS });
}

#[test]
fn agent_templates_that_do_not() {
    for (template, wanted) in [
        ("{host}", TemplateError::HostItself),
        ("{host}web", TemplateError::NotAbsolute),
        ("{host}/", TemplateError::EmptySegment),
        ("{host}/{host}/web", TemplateError::HostNotInFront),
        ("/brevet/server", TemplateError::ReservedSegment { segment: "brevet".to_owned() }),
        ("/{name}/web", TemplateError::FirstSegment),
    ] {
        assert_eq!(AgentTemplate::parse(template), Err(wanted), "{template}");
    }
}

/// T-03: what tags, instance names and service accounts have held elsewhere.
#[test]
fn values_that_do_not() {
    let claim = || "name".to_owned();
    let character = |character: char, at| RenderError::Character { claim: claim(), character, at, allowed: ALLOWED };
    check_value_refused("", &RenderError::Empty { claim: claim() });
    check_value_refused(".", &RenderError::Dots { claim: claim(), value: ".".to_owned() });
    check_value_refused("..", &RenderError::Dots { claim: claim(), value: "..".to_owned() });
    check_value_refused("../..", &character('/', 2));
    check_value_refused("a/b", &character('/', 1));
    check_value_refused("%2e%2e", &character('%', 0));
    check_value_refused("a%2fb", &character('%', 1));
    check_value_refused("a\0b", &character('\0', 1));
    check_value_refused("a\nb", &character('\n', 1));
    check_value_refused("*", &character('*', 0));
    check_value_refused("a+b", &character('+', 1));
    check_value_refused("a,b", &character(',', 1));
    check_value_refused("a b", &character(' ', 1));
    check_value_refused("{name}", &character('{', 0));
    check_value_refused("a\\b", &character('\\', 1));
    check_value_refused("a?b", &character('?', 1));
    check_value_refused("a#b", &character('#', 1));
    check_value_refused("user@a", &character('@', 4));
    check_value_refused("a:1", &character(':', 1));
    // Homoglyphs: Cyrillic a, full-width full stop and solidus, one dot leader.
    check_value_refused("\u{430}dmin", &character('\u{430}', 0));
    check_value_refused("\u{ff0e}\u{ff0e}", &character('\u{ff0e}', 0));
    check_value_refused("a\u{ff0f}b", &character('\u{ff0f}', 1));
    check_value_refused("\u{2024}\u{2024}", &character('\u{2024}', 0));
    check_value_refused("a\u{200b}", &character('\u{200b}', 1));
    check_value_refused("x".repeat(254), &RenderError::TooLong { claim: claim(), length: 254, limit: 253 });
    check_value_refused(7, &RenderError::NotText { claim: claim(), kind: "number" });
    check_value_refused(true, &RenderError::NotText { claim: claim(), kind: "bool" });
    check_value_refused(vec!["a".to_owned()], &RenderError::NotText { claim: claim(), kind: "list" });
    let template = HostTemplate::parse("/host/{name}").unwrap();
    let missing = template.render(&domain(), &claims("other", "v"));
    assert_eq!(missing, Err(RenderError::NoSuchClaim { claim: claim() }));
}

/// T-03: each octet as a whole value, in front, in the middle and behind.
#[test]
fn every_octet_in_each_position() {
    let template = HostTemplate::parse("/host/{name}").unwrap();
    for octet in 0..=255_u8 {
        let character = char::from(octet);
        let inner = octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
        for (value, stands) in [
            (format!("{character}"), inner && octet != b'.'),
            (format!("{character}a"), inner),
            (format!("a{character}a"), inner),
            (format!("a{character}"), inner),
        ] {
            let rendered = template.render(&domain(), &claims("name", value.as_str()));
            assert_eq!(rendered.is_ok(), stands, "{octet:#04x} in {value:?}");
        }
    }
}

/// T-36: an id of more than 2048 octets is refused, though each value is short enough.
#[test]
fn an_id_over_2048_octets() {
    let template: String = (0..10).map(|_| "/{name}").collect();
    let template = HostTemplate::parse(&format!("/host{template}")).unwrap();
    let refused = template.render(&domain(), &claims("name", "x".repeat(253)));
    assert!(matches!(refused, Err(RenderError::Id(_))), "{refused:?}");
}

#[test]
fn templates_that_could_meet() {
    let host = |text: &str| HostTemplate::parse(text).unwrap();
    for (one, other, meet) in [
        ("/host/{name}", "/host/{pod}", true),
        ("/host/{name}", "/node/{name}", false),
        ("/host/{name}", "/host/{name}/x", false),
        ("/k8s/a/{name}", "/k8s/b/{name}", false),
        ("/k8s/a/{name}", "/k8s/{cluster}/{name}", true),
        ("/h/a-{name}", "/h/b-{name}", false),
        ("/h/a-{name}", "/h/a-b-{name}", true),
        ("/h/{name}-x", "/h/{name}-y", false),
        ("/h/x{name}y/{b}", "/h/xy/{b}", false),
        ("/h/x{name}y/{b}", "/h/xzy/{b}", true),
    ] {
        assert_eq!(host(one).overlaps(&host(other)), meet, "{one} and {other}");
        assert_eq!(host(other).overlaps(&host(one)), meet, "{other} and {one}");
    }
    let agent = AgentTemplate::parse("{host}/agent/web").unwrap();
    let own = host("/host/{name}");
    assert!(agent.overlaps_host(&own, &host("/host/{a}/{b}/{c}")));
    assert!(!agent.overlaps_host(&own, &own));
    let twin = AgentTemplate::parse("/host/{name}/agent/{pod}").unwrap();
    assert!(agent.overlaps(&own, &twin, &host("/other/{name}")));
}

proptest! {
    /// Whatever the claims say, an id lies below the trust domain and the template's literal part, with as many segments as the
    /// template, and each of them is a SPIFFE segment that is the value as it was given.
    #[test]
    fn no_claim_leaves_its_segment(one in ".{0,40}", two in "[a-zA-Z0-9._/%-]{0,12}") {
        let claims = Claims::from_pairs([("a", one.as_str()), ("b", two.as_str())]).unwrap();
        let host = HostTemplate::parse("/k8s/ns-{a}/{b}").unwrap();
        if let Ok(id) = host.render(&domain(), &claims) {
            prop_assert_eq!(id.trust_domain(), &domain());
            let segments: Vec<&str> = id.path().split('/').collect();
            let (a, b) = (format!("ns-{one}"), two.clone());
            prop_assert_eq!(&segments, &["", "k8s", a.as_str(), b.as_str()]);
            prop_assert!(segments.iter().skip(1).all(|segment| SpiffeId::is_segment(segment)));
            let agent = AgentTemplate::parse("{host}/agent/{b}").unwrap().render(&id, &claims).unwrap();
            prop_assert_eq!(agent.as_str(), format!("{id}/agent/{two}"));
        }
    }

    /// Two sets of claims that differ where the template looks never render one id.
    #[test]
    fn different_claims_have_different_ids(one in proptest::array::uniform2("[a-b.-]{1,4}"), two in proptest::array::uniform2("[a-b.-]{1,4}")) {
        let template = HostTemplate::parse("/k8s/{a}/x-{b}").unwrap();
        let render = |[a, b]: &[String; 2]| {
            template.render(&domain(), &Claims::from_pairs([("a", a.as_str()), ("b", b.as_str())]).unwrap())
        };
        if let (Ok(first), Ok(second)) = (render(&one), render(&two)) {
            prop_assert_eq!(first == second, one == two);
        }
    }

    /// Any text at all is read or refused; what is read renders only whole SPIFFE ids.
    #[test]
    fn any_template_is_judged(text in "(/|\\{host\\}|\\{|\\}|a|b\\.|\\.\\.|%2e|\\{a\\}|-){0,12}", value in "[a-z./]{0,5}") {
        let claims = Claims::from_pairs([("a", value)]).unwrap();
        if let Ok(template) = HostTemplate::parse(&text)
            && let Ok(id) = template.render(&domain(), &claims)
        {
            prop_assert_eq!(SpiffeId::parse(id.as_str()), Ok(id.clone()));
            prop_assert!(!id.path().starts_with("/brevet"));
        }
        if let Ok(template) = AgentTemplate::parse(&text) {
            let host = SpiffeId::parse("spiffe://example.org/host/h").unwrap();
            if let Ok(id) = template.render(&host, &claims) {
                prop_assert_eq!(SpiffeId::parse(id.as_str()), Ok(id.clone()));
                prop_assert_ne!(id, host);
            }
        }
    }
}

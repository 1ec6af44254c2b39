//! Which configurations of a cluster are taken.

use super::*;

fn sound() -> KubernetesFile {
    KubernetesFile {
        name: "prod-eu".to_owned(),
        issuer: "https://kubernetes.default.svc.cluster.local".to_owned(),
        audience: "brevet".to_owned(),
        mode: None,
        jwks_url: Some("https://api.example.org:6443/openid/v1/jwks".to_owned()),
        jwks_file: None,
        jwks_ca_file: None,
        jwks_reach: None,
        api_url: None,
        api_ca_file: None,
        api_reach: None,
        api_token_file: None,
        max_life_seconds: None,
        clock_skew_seconds: None,
    }
}

#[track_caller]
fn check(change: impl FnOnce(&mut KubernetesFile), wanted: Result<(), &str>) {
    let mut file = sound();
    change(&mut file);
    let found = file.check().map(drop).map_err(|error| error.to_string());
    match (&found, wanted) {
        (Ok(()), Ok(())) => {}
        (Err(found), Err(wanted)) if found.contains(wanted) => {}
        _ => panic!("{found:?}, wanted {wanted:?}"),
    }
}

fn set(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn the_defaults() {
    let config = sound().check().unwrap();
    assert_eq!((config.max_life(), config.clock_skew()), (DEFAULT_MAX_LIFE, Duration::ZERO));
    assert!(matches!(config.proof(), Proof::Keys(Location::Url { reach: Reach::Public, ca_file: None, .. })));
}

#[test]
fn names_and_texts() {
    for bad in ["", "Prod", "a b", "a/b", "..", "-", "a_b", "é", &"a".repeat(65)] {
        check(|file| file.name = bad.to_owned(), Err("of a cluster is not taken"));
    }
    check(|file| file.name = "a".repeat(64), Ok(()));
    check(|file| file.issuer = String::new(), Err("issuer of cluster prod-eu has 0 octets"));
    check(|file| file.audience = "a".repeat(513), Err("audience of cluster prod-eu has 513 octets"));
    check(|file| file.audience = file.issuer.clone(), Err("every pod's default token would do"));
}

/// A token must say of which cluster it is.
#[test]
fn clusters_beside_each_other() {
    let named =
        |name: &str, audience: &str| KubernetesFile { name: name.to_owned(), audience: audience.to_owned(), ..sound() };
    let all = |files: [KubernetesFile; 2]| KubernetesConfig::all(files.into()).map(|all| all.len());
    assert_eq!(all([named("a", "brevet-a"), named("b", "brevet-b")]).unwrap(), 2);
    assert!(matches!(all([named("a", "brevet"), named("b", "brevet")]), Err(ConfigError::Alike { .. })));
    assert!(matches!(all([named("a", "brevet-a"), named("a", "brevet-b")]), Err(ConfigError::NameTwice { .. })));
}

/// T-25: where the keys are is said once, without doubt.
#[test]
fn one_place_for_the_keys() {
    check(|file| file.jwks_url = None, Err("exactly one of jwks_url and jwks_file"));
    check(|file| file.jwks_file = Some("keys.json".into()), Err("exactly one"));
    let from_file = |file: &mut KubernetesFile| (file.jwks_url, file.jwks_file) = (None, Some("keys.json".into()));
    check(from_file, Ok(()));
    check(
        |file| (from_file(file), file.jwks_ca_file = Some("ca.pem".into())).1,
        Err("jwks_ca_file of cluster prod-eu has no effect"),
    );
    check(
        |file| (from_file(file), file.jwks_reach = Some(Reach::Public)).1,
        Err("jwks_reach of cluster prod-eu has no effect"),
    );
}

#[test]
fn addresses() {
    check(|file| file.jwks_url = set("keys"), Err("no URL"));
    check(|file| file.jwks_url = set("https://user:secret@example.org/"), Err("name or password"));
    check(|file| file.jwks_url = set("ftp://example.org/"), Err("https is needed"));
    check(|file| file.jwks_url = set("file:///etc/passwd"), Err("https is needed"));
    check(|file| file.jwks_url = set("http://example.org/"), Err("http is for"));
    check(|file| file.jwks_url = set("https://127.0.0.1/"), Err("not of the kind"));
    check(|file| file.jwks_url = set("https://[::1]/"), Err("not of the kind"));
    check(|file| file.jwks_url = set("https://10.0.0.1/"), Err("not of the kind"));
    check(|file| file.jwks_url = set("https://169.254.169.254/"), Err("not of the kind"));
    check(|file| file.jwks_url = set("https://2130706433/"), Err("not of the kind"));
    check(|file| file.jwks_url = set("https://0x7f.1/"), Err("not of the kind"));
    for (reach, url, wanted) in [
        (Reach::Private, "https://10.0.0.1/", Ok(())),
        (Reach::Private, "https://127.0.0.1/", Err("not of the kind")),
        (Reach::Private, "https://169.254.169.254/", Err("not of the kind")),
        (Reach::Private, "http://10.0.0.1/", Err("http is for")),
        (Reach::Loopback, "https://[::1]:8443/", Ok(())),
        (Reach::Loopback, "http://127.0.0.1:8080/", Ok(())),
        (Reach::Loopback, "https://8.8.8.8/", Err("not of the kind")),
    ] {
        check(|file| (file.jwks_url, file.jwks_reach) = (set(url), Some(reach)), wanted);
    }
}

#[test]
fn numbers() {
    check(|file| file.max_life_seconds = Some(599), Err("600 to 86400"));
    check(|file| file.max_life_seconds = Some(600), Ok(()));
    check(|file| file.max_life_seconds = Some(86_401), Err("600 to 86400"));
    check(|file| file.clock_skew_seconds = Some(60), Ok(()));
    check(|file| file.clock_skew_seconds = Some(61), Err("0 to 60"));
}

#[test]
fn unknown_keys_are_refused() {
    let text = r#"
        name = "a"
        issuer = "i"
        audience = "b"
        jwks_file = "keys.json"
    "#;
    assert!(toml::from_str::<KubernetesFile>(text).unwrap().check().is_ok());
    let misspelt = format!("{text}\njwks_ca = \"ca.pem\"");
    assert!(toml::from_str::<KubernetesFile>(&misspelt).unwrap_err().to_string().contains("unknown field `jwks_ca`"));
    let link_local = format!("{text}\njwks_reach = \"link-local\"");
    assert!(toml::from_str::<KubernetesFile>(&link_local).is_err());
}

fn reviewed(file: &mut KubernetesFile) {
    file.mode = Some(Mode::TokenReview);
    file.jwks_url = None;
    file.api_url = set("https://api.example.org:6443");
    file.api_ca_file = Some("ca.pem".into());
    file.api_token_file = Some("token".into());
}

/// The address that a review goes to.
#[track_caller]
fn check_reviews(api_url: &str, wanted: &str) {
    let mut file = sound();
    reviewed(&mut file);
    file.api_url = set(api_url);
    let config = file.check().unwrap();
    let Proof::Review(server) = config.proof() else { panic!("no review") };
    assert_eq!(server.reviews.as_str(), wanted);
}

#[test]
fn an_api_server() {
    check(reviewed, Ok(()));
    let path = "/apis/authentication.k8s.io/v1/tokenreviews";
    check_reviews("https://api.example.org:6443", &format!("https://api.example.org:6443{path}"));
    check_reviews("https://api.example.org/", &format!("https://api.example.org{path}"));
    check_reviews("https://r.example.org/k8s/c-1/", &format!("https://r.example.org/k8s/c-1{path}"));
}

#[test]
fn what_a_review_needs_and_what_is_of_the_other_mode() {
    let with = |change: fn(&mut KubernetesFile)| move |file: &mut KubernetesFile| (reviewed(file), change(file)).1;
    check(with(|file| file.api_url = None), Err("needs api_url"));
    check(with(|file| file.api_ca_file = None), Err("needs api_ca_file"));
    check(with(|file| file.api_token_file = None), Err("needs api_token_file"));
    check(with(|file| file.jwks_file = Some("keys".into())), Err("jwks_file of cluster prod-eu has no effect"));
    check(with(|file| file.jwks_reach = Some(Reach::Public)), Err("jwks_reach of cluster prod-eu has no effect"));
    check(with(|file| file.mode = None), Err("api_url of cluster prod-eu has no effect"));
    check(|file| file.api_token_file = Some("token".into()), Err("api_token_file of cluster prod-eu has no effect"));
    check(with(|file| file.api_url = set("http://127.0.0.1:1/")), Err("not of the kind"));
    check(with(|file| file.api_url = set("http://api.example.org/")), Err("https is needed"));
    check(with(|file| file.api_url = set("https://api.example.org/?a=b")), Err("no query"));
    check(with(|file| file.api_url = set("https://api.example.org/#a")), Err("no query"));
    check(with(|file| file.api_url = set("https://a:b@api.example.org/")), Err("name or password"));
    check(with(|file| file.api_url = set("https://10.0.0.1/")), Err("not of the kind"));
    check(with(|file| (file.api_url = set("https://10.0.0.1/"), file.api_reach = Some(Reach::Private)).1), Ok(()));
    check(with(|file| file.api_url = set("https://169.254.169.254/")), Err("not of the kind"));
}

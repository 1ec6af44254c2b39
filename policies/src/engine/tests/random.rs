//! Deciding on random claims: what is permitted is what the policies say, below the trust domain, and nothing panics.

use proptest::prelude::*;

use super::*;
use crate::claims::ClaimValue;
use crate::starter;

fn value() -> impl Strategy<Value = ClaimValue> {
    prop_oneof![
        6 => "agents|default|web|kube-system|[a-z./%-]{0,6}".prop_map(ClaimValue::Text),
        1 => any::<i32>().prop_map(|number| ClaimValue::Number(number.into())),
        1 => any::<bool>().prop_map(ClaimValue::Bool),
        1 => proptest::collection::vec("[a-z]{0,3}", 0..3).prop_map(ClaimValue::List),
    ]
}

fn claims() -> impl Strategy<Value = Claims> {
    let name = prop_oneof![
        3 => Just("namespace".to_owned()),
        3 => Just("service_account".to_owned()),
        3 => Just("pod_uid".to_owned()),
        1 => "[a-z]{1,3}(\\.[a-z]{1,3})?",
    ];
    proptest::collection::btree_map(name, value(), 0..8)
        .prop_map(|pairs| Claims::from_pairs(pairs.into_iter().filter(|(name, _)| name != "host")).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// T-03, T-36: a pod is let in only where the starter set for Kubernetes says so, and only under the id of its claims.
    #[test]
    fn pods_are_let_in_by_the_list_only(claims in claims()) {
        thread_local!(static SET: PolicySet = starter::KUBERNETES.bundle().unwrap().check().unwrap());
        SET.with(|set| {
            let domain = TrustDomain::parse("example.org").unwrap();
            let (profile, attestor) = (set.profiles().profile("pod").unwrap(), name("kubernetes"));
            let Ok(wanted) = Wanted::host(profile, &domain, &claims, KeyKind::P256) else { return Ok(()) };
            let evidence = Evidence { attestor: &attestor, fixed_profile: None, claims: &claims };
            let verdict = set.decide(&Request::enrol(evidence, &wanted));
            let [namespace, account, uid] =
                ["namespace", "service_account", "pod_uid"].map(|claim| claims.text(claim).unwrap().to_owned());
            let known = claims.iter().all(|(name, value)| {
                crate::claims::catalogue::known(name).is_none_or(|known| known.kind.holds(value))
            });
            prop_assert_eq!(verdict.is_permit(), known && namespace == "agents" && account != "default", "{}", verdict);
            if let Verdict::Permit(permit) = &verdict {
                let id = permit.identity().unwrap().id();
                prop_assert_eq!(id.as_str(), format!("spiffe://example.org/k8s/agents/{account}/{uid}"));
            }
            Ok(())
        })?;
    }

    /// Texts that are no policies are refused without a panic, each with a problem.
    #[test]
    fn any_text_is_read_or_refused(text in "(@id\\(\"[a-c]\"\\)|permit|forbid|\\(|\\)|principal|action|resource|,|;|when|\\{|\\}|true|==|\"|context\\.claims|//|\n| |[a-z\u{430}]){0,30}") {
        let mut problems = Vec::new();
        let rules = load::rules(&BTreeMap::from([("a.cedar".to_owned(), text.clone())]), &mut problems);
        prop_assert!(rules.keys().all(|rule| Name::parse(rule).is_ok()));
        let says_nothing = text.lines().all(|line| line.split("//").next().unwrap_or_default().trim().is_empty());
        prop_assert!(!problems.is_empty() || !rules.is_empty() || says_nothing, "{text:?}");
    }
}

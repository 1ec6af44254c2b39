//! How long a decision takes, and how long a bundle takes to load. Target: 25 µs for a decision with 20 policies.
//!
//! `cargo bench -p brevet-policies`. In the worst case all 20 policies are about the action that is asked for; in the usual one
//! half a dozen are, because policies are kept by action.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use identity::{KeyKind, PersonId, TrustDomain};
use policies::request::{Act, Evidence, Host, Operator, Request, Role};
use policies::{Bundle, Claims, Name, PolicySet, Wanted, starter};

/// The starter set for Kubernetes and as many more policies about enrolment as make `count`.
fn set(count: usize) -> PolicySet {
    let shipped = starter::KUBERNETES.bundle().unwrap();
    let more: String = (shipped.check().unwrap().rules().count()..count)
        .map(|n| {
            let effect = if n % 2 == 0 { "permit" } else { "forbid" };
            format!(
                "@id(\"more-{n}\") {effect}(principal is Brevet::Host, action == Brevet::Action::\"enrol\", resource) when {{ \
                 context.claims has namespace && context.claims.namespace == \"team-{n}\" && \
                 principal.path like \"/k8s/team-{n}/*\" }};\n"
            )
        })
        .collect();
    let mut texts = shipped.policies().clone();
    texts.insert("more.cedar".to_owned(), more);
    Bundle::new(shipped.profiles(), texts).unwrap().check().unwrap()
}

/// Twenty policies, all of them about enrolment.
fn all_about_enrolment() -> PolicySet {
    let shipped = starter::KUBERNETES.bundle().unwrap();
    let text: String = (0..20)
        .map(|n| {
            let namespace = if n == 0 { "agents".to_owned() } else { format!("team-{n}") };
            format!(
                "@id(\"rule-{n}\") permit(principal is Brevet::Host, action == Brevet::Action::\"enrol\", resource) when {{ \
                 context.claims has namespace && context.claims.namespace == \"{namespace}\" }};\n"
            )
        })
        .collect();
    Bundle::new(shipped.profiles(), BTreeMap::from([("a.cedar".to_owned(), text)])).unwrap().check().unwrap()
}

fn claims() -> Claims {
    Claims::from_pairs([
        ("cluster", "eu-1"),
        ("namespace", "agents"),
        ("service_account", "web"),
        ("service_account_uid", "5f1e6a9e-0b7f-4f6b-9c1d-1f1a2b3c4d5e"),
        ("pod", "web-7d9c5b6f8-x2x4z"),
        ("pod_uid", "0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9"),
        ("node", "node-17"),
        ("node_uid", "91a2b3c4-d5e6-4f70-8192-a3b4c5d6e7f8"),
    ])
    .unwrap()
}

fn decisions(criterion: &mut Criterion) {
    let (set, worst) = (set(20), all_about_enrolment());
    assert_eq!((set.rules().count(), worst.rules().count()), (20, 20));
    let (claims, domain, attestor) =
        (claims(), TrustDomain::parse("example.org").unwrap(), Name::parse("kubernetes").unwrap());
    let profile = set.profiles().profile("pod").unwrap();
    let wanted = Wanted::host(profile, &domain, &claims, KeyKind::P256).unwrap();
    let evidence = Evidence { attestor: &attestor, fixed_profile: None, claims: &claims };
    let host = Host { id: wanted.id(), profile: wanted.profile() };
    let admin = Operator::Person { id: PersonId::from_bytes([7; 16]), role: Role::Admin };
    let revoke = Act::Revoke { by: "host", reason: "key-compromise", count: 3 };

    let mut group = criterion.benchmark_group("decide, 20 policies");
    let mut measure = |name: &str, set: &PolicySet, request: &Request<'_>| {
        assert!(set.decide(request).is_permit(), "{name}: {}", set.decide(request));
        group.bench_function(name, |bencher| bencher.iter(|| set.decide(black_box(request))));
    };
    measure("enrol, 8 claims, all 20 about it", &worst, &Request::enrol(evidence, &wanted));
    measure("enrol, 8 claims, 9 about it", &set, &Request::enrol(evidence, &wanted));
    measure("renew", &set, &Request::renew(host, &wanted, None));
    measure("follow the feed", &set, &Request::follow_feed_as_host(host));
    measure("revoke, by an admin", &set, &Request::operate(admin, revoke));
    group.finish();

    criterion.bench_function("render id and names", |bencher| {
        bencher.iter(|| Wanted::host(black_box(profile), &domain, &claims, KeyKind::P256));
    });
}

fn loading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10);
    let shipped = starter::DEFAULT.bundle().unwrap();
    group.bench_function("the default starter set", |bencher| bencher.iter(|| black_box(&shipped).check().unwrap()));
    group.bench_function("500 policies", |bencher| bencher.iter(|| set(black_box(500))));
    group.finish();
}

criterion_group!(benches, decisions, loading);
criterion_main!(benches);

//! What a certificate costs, beside the bare operations in it, and what a CRL costs.
//!
//! `cargo bench -p ca-server --bench issue`. Compare within one run only: the machine is shared and noisy.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    dead_code,
    missing_docs,
    unreachable_pub
)]

#[path = "../tests/support/authority.rs"]
mod authority;

use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ca_server::csr;
use ca_server::custody::{Custody, SoftwareKey};
use ca_server::decide::Command;
use ca_server::decide::crl::AuthoriseCrl;
use ca_server::issuance::crl::{self, Period, Revoked, Scope};
use ca_server::issuance::{prepare, sign};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use identity::{KeyKind, Serial};
use ledger::entry::RevocationReason;
use pki_test_fixtures::authority::request::sound;

use authority::{Authority, grant, leaf_key, now, serial};

const HOST: &str = "spiffe://example.org/host/0123456789abcdef";

/// The bare operations: the floor.
fn bare(criterion: &mut Criterion, kind: KeyKind) {
    let mut group = criterion.benchmark_group(format!("bare {kind}"));
    let key = SoftwareKey::generate(kind).unwrap();
    // As long as the information of a request, and as a to-be-signed leaf.
    let (short, long) = ([7; 130], [7; 560]);
    let signature = key.sign(&short).unwrap();
    group.bench_function("verify", |b| b.iter(|| key.public_key().verify(black_box(&short), &signature).unwrap()));
    group.bench_function("sign", |b| b.iter(|| key.sign(black_box(&long)).unwrap()));
    group.bench_function("verify + sign", |b| {
        b.iter(|| {
            key.public_key().verify(black_box(&short), &signature).unwrap();
            key.sign(black_box(&long)).unwrap()
        });
    });
    group.finish();
}

/// The steps of one certificate, and all of them.
fn steps(criterion: &mut Criterion, kind: KeyKind) {
    let mut group = criterion.benchmark_group(format!("certificate {kind}"));
    let authority = Authority::new(kind, kind);
    let request = sound(leaf_key(kind), None).der;
    let (grant, now, serial) = (grant(HOST, &[]), now(), serial());
    let recorded = authority.record(Command::Authorise(Box::new(authority.prepare(kind, HOST, &[]).command())));
    group.bench_function("open the request", |b| b.iter(|| csr::open(black_box(&request)).unwrap()));
    group.bench_function("prepare (write, read back, judge)", |b| {
        b.iter_batched(
            || (grant.clone(), csr::open(&request).unwrap()),
            |(grant, csr)| prepare(grant, csr, &authority.issuer, now, serial).unwrap(),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("sign (read the entry, sign, read back)", |b| {
        b.iter(|| sign(black_box(&recorded), &authority.issuers).unwrap());
    });
    group.bench_function("open + prepare + sign", |b| {
        b.iter(|| {
            let csr = csr::open(black_box(&request)).unwrap();
            let prepared = prepare(grant.clone(), csr, &authority.issuer, now, serial).unwrap();
            (prepared, sign(&recorded, &authority.issuers).unwrap())
        });
    });
    // What it costs to search a leaf for the 8 KiB of names that somebody sent along.
    let names: Vec<Vec<u8>> = (0..400).map(|number| format!("{number:03}.example.net").into_bytes()).collect();
    let loaded = loaded(&names);
    group.bench_function("open + prepare, of 8 KiB of names", |b| {
        b.iter(|| prepare(grant.clone(), csr::open(&loaded).unwrap(), &authority.issuer, now, serial).unwrap());
    });
    group.finish();
}

/// A request that asks for these DNS names.
fn loaded(names: &[Vec<u8>]) -> Vec<u8> {
    use pki_test_fixtures::der::{bit_string, element, integer, octet_string, oid, sequence, set};
    let key = SoftwareKey::generate(KeyKind::P256).unwrap();
    let names: Vec<Vec<u8>> = names.iter().map(|name| element(0x82, name)).collect();
    let names = sequence(&names.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let extension = sequence(&[&oid(&[2, 5, 29, 17]), &octet_string(&names)]);
    let attribute = sequence(&[&oid(&[1, 2, 840, 113_549, 1, 9, 14]), &set(&[&sequence(&[&extension])])]);
    let spki = key.public_key().spki_der();
    let info = sequence(&[&integer(&[0]), &sequence(&[]), spki, &element(0xa0, &attribute)]);
    let signature = bit_string(&key.sign(&info).unwrap());
    sequence(&[&info, key.public_key().signature_algorithm_der(), &signature])
}

/// A CRL of 100,000 entries.
fn list(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("crl of 100,000");
    group.sample_size(20);
    let authority = Authority::new(KeyKind::P256, KeyKind::P256);
    let period = Period::starting(now(), Duration::from_secs(3600), &authority.issuer).unwrap();
    let start = now();
    // In the order of a hash table: none.
    let revoked: Vec<Revoked> = (0..100_000_u64)
        .map(|number| {
            let place = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut random = [0; 10];
            random[..8].copy_from_slice(&place.to_be_bytes());
            let issued = start.minus(Duration::from_millis(place % 86_400_000));
            Revoked {
                serial: Serial::new(issued, random).unwrap(),
                at: issued.plus(Duration::from_secs(60)),
                not_after: start.plus(Duration::from_secs(3600)),
                reason: RevocationReason::KeyCompromise,
            }
        })
        .collect();
    group.bench_function("write", |b| {
        b.iter(|| crl::prepare(&authority.issuer, Scope::Full, 7, period, revoked.iter().copied()).unwrap());
    });
    // Recorded as a CRL of these entries would be; the ledger itself knows none of them.
    let (issuer, list, written) = (Arc::clone(&authority.issuer), revoked.clone(), Arc::new(Mutex::new(None)));
    let kept = Arc::clone(&written);
    let recorded = authority.record(Command::Crl(Box::new(AuthoriseCrl {
        shard: None,
        issuer: issuer.key_identifier(),
        this_update: period.this_update(),
        next_update: period.next_update(),
        encode: Arc::new(move |_, number| {
            let prepared = crl::prepare(&issuer, Scope::Full, number, period, list.iter().copied()).unwrap();
            let parts = (prepared.to_be_signed().to_vec(), prepared.revoked());
            *kept.lock().unwrap() = Some(prepared);
            Ok(parts)
        }),
    })));
    let prepared = written.lock().unwrap().take().unwrap();
    group.bench_function("hash, sign, verify, read back", |b| {
        b.iter(|| crl::sign(&recorded, black_box(&prepared), &authority.issuers).unwrap());
    });
    group.finish();
}

fn all(criterion: &mut Criterion) {
    for kind in KeyKind::ALL {
        bare(criterion, kind);
        steps(criterion, kind);
    }
    list(criterion);
}

criterion_group!(benches, all);
criterion_main!(benches);

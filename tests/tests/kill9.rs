//! `kill -9` of the real server under enrolments, renewals and revocations. What it answered is remembered out here, and must be
//! so after every restart. Knows the server by its answers only.
//!
//! `cargo test -p brevet-tests --test kill9 -- --nocapture`. `BREVET_ROUNDS` kills (default 5, `tests/long` 200); the seed of the
//! moments is printed, and `BREVET_SEED` repeats it. The load itself is not repeated: the scheduler has a hand in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod kill9 {
    pub(crate) mod chance;
    pub(crate) mod fleet;
    pub(crate) mod outside;
    pub(crate) mod recorder;
}

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use brevet_tests::server::Server;

use kill9::chance::Chance;
use kill9::fleet::Slot;
use kill9::outside::Outside;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_answered_before_a_kill_stands_after_it() {
    let rounds = number("BREVET_ROUNDS").unwrap_or(5);
    let seed = number("BREVET_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("{rounds} rounds, BREVET_SEED={seed}");
    let mut chance = Chance::new(seed);
    let program = Path::new(env!("CARGO_BIN_EXE_ca-server"));
    let mut server = Server::start(program, "");
    server.add_agent(AGENT, "12h");
    let outside = Arc::new(Outside::new(program, &server));
    let mut slots: Vec<Slot> =
        (0..SLOTS).map(|number| Slot::new(Chance::new(seed ^ number.wrapping_add(1)), &outside)).collect();

    let mut unheard = 0;
    for round in 1..=rounds {
        outside.top_up(&server, round);
        unheard += one_round(&mut server, &outside, &mut slots, &mut chance, round).await;
    }
    println!("{unheard} requests were recorded but not answered before a kill, and answered after it");
    assert!(unheard > 0 || rounds < ENOUGH_TO_HIT, "no kill fell between commit and answer");
    let (certificates, revocations) = outside.recorder().counts();
    assert!(certificates > 0 && revocations > 0, "{certificates} certificates, {revocations} revocations: no load");
    outside.revocations_hold(usize::MAX).await;
    server.verify();
    assert!(server.stop(), "SIGTERM ends it well");
}

/// Load, kill, restart, and every check. Gives how many requests were recorded although nobody heard of it.
async fn one_round(
    server: &mut Server,
    outside: &Arc<Outside>,
    slots: &mut Vec<Slot>,
    chance: &mut Chance,
    round: u64,
) -> usize {
    let until = outside.recorder().answers() + 5 + chance.below(60);
    let moment = Duration::from_micros(chance.below(30_000));
    let at_work: Vec<_> =
        std::mem::take(slots).into_iter().map(|slot| tokio::spawn(slot.work(Arc::clone(outside)))).collect();
    outside.answered(until).await;
    // The moment of the kill is what the test is about: nothing tells it but the clock.
    tokio::time::sleep(moment).await;
    server.kill();
    for slot in at_work {
        slots.push(slot.await.expect("a slot"));
    }

    let restart = Instant::now();
    server.run();
    let restart = restart.elapsed();
    server.verify();
    let before = outside.ledger();
    outside.recorder().holds(&before);
    outside.revocations_hold(ASKED_EACH_ROUND).await;

    let lost: Vec<_> = slots.iter().filter_map(Slot::lost_key).collect();
    let recorded = lost.iter().filter(|key| before.has_key(key)).count();
    for slot in slots.iter_mut() {
        slot.retry(outside).await;
    }
    // Keys are unique in the ledger: whoever asked again got the certificate of before, or the first one for that key.
    outside.recorder().holds(&outside.ledger());
    let (answers, (certificates, revocations)) = {
        let recorder = outside.recorder();
        (recorder.answers(), recorder.counts())
    };
    println!(
        "round {round}: {answers} answers; {certificates} certificates, {revocations} revocations remembered; {} requests without an answer, \
         {recorded} of them recorded; {} entries; served again after {restart:.1?}",
        lost.len(),
        before.size(),
    );
    recorded
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// The agent that hosts ask for.
const AGENT: &str = "web";
/// About one kill in two falls between a commit and its answer.
const ENOUGH_TO_HIT: u64 = 50;
/// Tasks that ask at once.
const SLOTS: u64 = 6;
/// Revocations that are asked about after each restart, the newest; at the end all are.
const ASKED_EACH_ROUND: usize = 100;

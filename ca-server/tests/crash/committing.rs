//! The committer before logs that are first, late, silent or full, and before rules that panic. Knows the real log beneath them.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use ca_server::committer::{Asked, CommitError};
use ca_server::decide::Command;
use ca_server::decide::crl::AuthoriseCrl;
use ca_server::decide::refused::Refused;
use ca_server::disk::Disk;
use ca_server::log::{Batch, Head, Limits, Log, LogError, Outcome, Segments};
use ca_server::refusal::Refusal;
use identity::{BatchId, KeyHash, RequestId, Timestamp};
use ledger::entry::{Actor, EntryBytes, RequestRefused};

use crate::chance::Chance;
use crate::faulty_disk::{Effect, Fault, FaultyDisk};
use crate::fleet::Fleet;
use crate::key::TestKey;
use crate::life::{Life, OPTIONS};

/// What a log does with a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trick {
    /// Lands it, and the answer is lost.
    LandsSilently,
    /// Drops it, and the answer is lost.
    DropsSilently,
    /// Keeps it for later, and the answer is lost; it lands before the next batch.
    LandsLate,
    /// Lands it only if it has at most so many entries.
    HoldsOnly(usize),
}

/// A log that plays tricks, one per batch, and then none.
struct Tricky {
    log: Arc<Segments>,
    tricks: Mutex<VecDeque<Trick>>,
    kept: Mutex<Option<Batch>>,
    limits: Limits,
}

impl Log for Tricky {
    fn head(&self) -> Result<Head, LogError> {
        self.log.head()
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn commit(&self, batch: &Batch) -> Result<Outcome, LogError> {
        if let Some(late) = self.kept.lock().unwrap().take() {
            assert!(matches!(self.log.commit(&late), Ok(Outcome::Landed)));
        }
        match self.tricks.lock().unwrap().pop_front() {
            Some(Trick::LandsSilently) => self.log.commit(batch).map(|_| Outcome::Unknown),
            Some(Trick::DropsSilently) => Ok(Outcome::Unknown),
            Some(Trick::LandsLate) => {
                *self.kept.lock().unwrap() = Some(batch.clone());
                Ok(Outcome::Unknown)
            }
            Some(Trick::HoldsOnly(most)) => {
                assert!(batch.entries.len() <= most);
                self.log.commit(batch)
            }
            None => self.log.commit(batch),
        }
    }

    fn find(&self, batch: BatchId) -> Result<Option<Range<u64>>, LogError> {
        self.log.find(batch)
    }

    fn first(&self) -> u64 {
        self.log.first()
    }

    fn read(&self, from: u64) -> Result<Option<Vec<EntryBytes>>, LogError> {
        self.log.read(from)
    }

    fn forget(&self, index: u64) -> Result<(), LogError> {
        self.log.forget(index)
    }
}

/// A log, one life over it that has begun the ledger, and what commands are made of.
struct Bench {
    log: Arc<Segments>,
    fleet: Fleet,
    clock: Arc<AtomicU64>,
}

impl Bench {
    fn new() -> Self {
        let disk: Arc<dyn Disk> = Arc::new(FaultyDisk::new(1));
        let log = Arc::new(Segments::open(disk, OPTIONS, &mut |_| Ok(())).unwrap());
        let clock = Arc::new(AtomicU64::new(1_795_000_000_000));
        let mut bench = Self { log, fleet: Fleet { chance: Chance::seeded(2) }, clock };
        let mut life = bench.life([]);
        let begin = bench.fleet.begin(life.now(), &TestKey::new());
        life.turn(vec![begin]).unwrap().remove(0).unwrap();
        bench
    }

    fn life(&self, tricks: impl IntoIterator<Item = Trick>) -> Life {
        self.life_within(tricks, self.log.limits())
    }

    /// A replica of its own: its own State, over the one log.
    fn life_within(&self, tricks: impl IntoIterator<Item = Trick>, limits: Limits) -> Life {
        let tricks = Mutex::new(tricks.into_iter().collect());
        let log = Tricky { log: Arc::clone(&self.log), tricks, kept: Mutex::new(None), limits };
        Life::start_over(FaultyDisk::new(9), Arc::new(log), &self.clock).unwrap()
    }

    fn enrolment(&mut self, life: &Life) -> Asked {
        let command = life.draft(|draft| self.fleet.enrol(draft));
        self.fleet.asked(Actor::Stranger, command)
    }
}

/// The same request, with another public key.
fn with_key(asked: &Asked, octet: u8) -> Asked {
    let Command::Authorise(authorise) = &asked.command else { panic!("an enrolment") };
    let mut authorise = authorise.clone();
    authorise.certificate.key = KeyHash::of(&[octet]);
    let mut serial = *authorise.certificate.serial.as_bytes();
    serial[15] ^= octet;
    authorise.certificate.serial = identity::Serial::from_bytes(serial).unwrap();
    Asked { actor: asked.actor, request: RequestId::from_bytes([octet; 16]), command: Command::Authorise(authorise) }
}

/// A command that is always granted, as often as it comes.
fn refusal() -> Command {
    let refused = RequestRefused { operation: "renew".to_owned(), rule: "superseded".to_owned() };
    Command::Refused(Box::new(Refused::One(refused)))
}

fn same(asked: &Asked) -> Asked {
    Asked { actor: asked.actor, request: asked.request, command: asked.command.clone() }
}

// T-05, forced into one batch: 100 uses of one proof with 100 keys are one certificate.
#[test]
fn one_proof_with_a_hundred_keys_in_one_batch_is_one_certificate() {
    let mut bench = Bench::new();
    let mut life = bench.life([]);
    let asked = bench.enrolment(&life);
    let before = life.live.head().size;
    let answers = life.turn((0..100).map(|octet| with_key(&asked, octet)).collect()).unwrap();
    assert_eq!(life.live.head().size, before + 1);
    assert!(answers[0].is_ok());
    let refused = |answer: &Result<_, _>| matches!(answer, Err(CommitError::Refused(Refusal::ProofUsed { .. })));
    assert_eq!(answers.iter().filter(|answer| refused(answer)).count(), 99);
}

// T-05: 100 repeats with one key are that one certificate, in one batch and later.
#[test]
fn one_proof_with_one_key_is_one_certificate_however_often() {
    let mut bench = Bench::new();
    let mut life = bench.life([]);
    let asked = bench.enrolment(&life);
    let mut answers = life.turn((0..50).map(|_| same(&asked)).collect()).unwrap();
    answers.extend(life.turn((0..50).map(|_| same(&asked)).collect()).unwrap());
    let first = answers[0].as_ref().unwrap()[0].clone();
    for answer in &answers {
        let recorded = &answer.as_ref().unwrap()[0];
        assert_eq!((recorded.index(), recorded.entry()), (first.index(), first.entry()));
        assert_eq!(
            recorded.receipt().check(&crate::key::origin(), TestKey::new().verifier()).unwrap().index(),
            first.index()
        );
    }
}

// T-05 on two machines: whoever loses decides anew, against the State that has the other's entry.
#[test]
fn two_committers_make_one_certificate_of_one_proof() {
    let mut bench = Bench::new();
    let (mut one, mut two) = (bench.life([]), bench.life([]));
    let asked = bench.enrolment(&one);
    let before = one.live.head().size;
    assert!(one.turn(vec![with_key(&asked, 1)]).unwrap()[0].is_ok());
    let answer = two.turn(vec![with_key(&asked, 2)]).unwrap().remove(0);
    assert!(matches!(answer, Err(CommitError::Refused(Refusal::ProofUsed { .. }))));
    assert_eq!(bench.log.head().unwrap().size, before + 1);
    assert!(two.turn(vec![with_key(&asked, 1)]).unwrap()[0].as_ref().unwrap()[0].index() == before);
}

#[test]
fn a_lost_batch_is_decided_anew_and_lands() {
    let mut bench = Bench::new();
    let (mut one, mut two) = (bench.life([]), bench.life([]));
    for round in 0..5 {
        let (first, second) = (bench.enrolment(&one), bench.enrolment(&two));
        let first = one.turn(vec![first]).unwrap().remove(0).unwrap().remove(0);
        let second = two.turn(vec![second]).unwrap().remove(0).unwrap().remove(0);
        assert_eq!(second.index(), first.index() + 1, "round {round}");
        second.receipt().check(&crate::key::origin(), TestKey::new().verifier()).unwrap();
        let third = bench.enrolment(&one);
        assert_eq!(one.turn(vec![third]).unwrap().remove(0).unwrap()[0].index(), second.index() + 1);
        assert_eq!(one.live.head(), bench.log.head().unwrap());
    }
}

/// Whatever became of the silent batch: each command is recorded once, and each is answered.
#[track_caller]
fn check_silent(tricks: &[Trick]) {
    let mut bench = Bench::new();
    let mut life = bench.life(tricks.iter().copied());
    let before = life.live.head().size;
    // Nothing in State would tell a second one of these from the first.
    let asked = (0..3).map(|_| bench.fleet.asked(Actor::Server, refusal())).collect();
    let answers = life.turn(asked).unwrap();
    let indices: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.unwrap().remove(0))
        .map(|recorded| {
            recorded.receipt().check(&crate::key::origin(), TestKey::new().verifier()).unwrap();
            recorded.index()
        })
        .collect();
    assert_eq!(indices, [before, before + 1, before + 2]);
    assert_eq!(bench.log.head().unwrap().size, before + 3);
    assert_eq!(life.live.state().size(), before + 3);
    let rebuilt = bench.life([]);
    assert_eq!(rebuilt.live.state().digests(), life.live.state().digests());
}

#[test]
fn a_batch_whose_answer_is_lost_is_found_or_decided_anew() {
    check_silent(&[Trick::LandsSilently]);
    check_silent(&[Trick::DropsSilently]);
    check_silent(&[Trick::DropsSilently, Trick::DropsSilently, Trick::LandsSilently]);
    check_silent(&[Trick::LandsLate]);
    check_silent(&[Trick::LandsLate, Trick::DropsSilently]);
    check_silent(&[Trick::DropsSilently, Trick::LandsLate]);
}

#[test]
fn what_does_not_fit_into_a_batch_comes_with_the_next_in_order() {
    let mut bench = Bench::new();
    let limits = Limits { entries: 4, octets: bench.log.limits().octets };
    let mut life = bench.life_within([Trick::HoldsOnly(4), Trick::HoldsOnly(4), Trick::HoldsOnly(4)], limits);
    let before = life.live.head().size;
    let asked: Vec<_> = (0..10).map(|_| bench.enrolment(&life)).collect();
    let answers = life.turn(asked).unwrap();
    let indices: Vec<_> = answers.into_iter().map(|answer| answer.unwrap()[0].index()).collect();
    assert_eq!(indices, (before..before + 10).collect::<Vec<_>>());
}

// T-34: nothing is issued past a rule that panicked, and everybody is told.
#[test]
fn a_panic_in_a_rule_halts_the_committer_and_answers_everybody() {
    let mut bench = Bench::new();
    let mut life = bench.life([]);
    let issuer = life.draft(|draft| draft.active_issuer().unwrap().0);
    let now = life.now();
    let panics = Command::Crl(Box::new(AuthoriseCrl {
        issuer,
        shard: None,
        this_update: now,
        next_update: now,
        encode: Arc::new(|_, _| panic!("a rule that was not thought through")),
    }));
    let before = life.live.head();
    let asked = vec![bench.enrolment(&life), bench.fleet.asked(Actor::Server, panics), bench.enrolment(&life)];
    let later = bench.enrolment(&life);
    for answer in life.turn(asked).unwrap().into_iter().chain(life.turn(vec![later]).unwrap()) {
        assert!(matches!(answer, Err(CommitError::Halted(_))), "{answer:?}");
    }
    assert_eq!(life.live.head(), before);
    assert!(life.live.halted().is_some());
}

#[test]
fn a_broken_log_ends_the_committer_and_nobody_is_told_yes() {
    let disk = FaultyDisk::new(1);
    let clock = Arc::new(AtomicU64::new(1_795_000_000_000));
    let mut fleet = Fleet { chance: Chance::seeded(2) };
    let mut life = Life::start(disk.clone(), &clock).unwrap();
    let begin = fleet.begin(life.now(), &TestKey::new());
    life.turn(vec![begin]).unwrap();
    disk.set_fault(Fault::Error { at: 2, effect: Effect::Failed });
    let enrolment = life.draft(|draft| fleet.enrol(draft));
    let again = life.draft(|draft| fleet.enrol(draft));
    assert!(life.turn(vec![fleet.asked(Actor::Stranger, enrolment)]).is_err());
    // The disk works again, and yet a second fdatasync is not tried.
    assert!(life.turn(vec![fleet.asked(Actor::Stranger, again)]).is_err());
}

#[test]
fn a_full_disk_is_an_answer_and_passes() {
    let disk = FaultyDisk::new(1);
    let clock = Arc::new(AtomicU64::new(1_795_000_000_000));
    let mut fleet = Fleet { chance: Chance::seeded(2) };
    let mut life = Life::start(disk.clone(), &clock).unwrap();
    disk.set_fault(Fault::Error { at: 1, effect: Effect::Failed });
    let begin = fleet.begin(life.now(), &TestKey::new());
    let answers = life.turn(vec![same(&begin)]).unwrap();
    assert!(matches!(answers[0], Err(CommitError::Full(_))), "{answers:?}");
    assert!(life.turn(vec![begin]).unwrap()[0].is_ok());
}

#[test]
fn time_never_falls_even_when_the_clock_does() {
    let mut bench = Bench::new();
    let mut life = bench.life([]);
    let newest = life.live.state().time();
    let asked = bench.enrolment(&life);
    bench.clock.store(1_600_000_000_000, std::sync::atomic::Ordering::Relaxed);
    let recorded = life.turn(vec![asked]).unwrap().remove(0).unwrap().remove(0);
    let time = recorded.entry().decode().unwrap().time;
    assert!(time >= newest && time > Timestamp::from_millis(1_600_000_000_000).unwrap());
}

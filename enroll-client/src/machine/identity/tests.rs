//! The life of an identity, move by move. The clock is a number here.

use std::sync::Arc;
use std::time::Duration;

use identity::{Serial, Timestamp};

use super::*;

mod promises;

/// Seconds since the test began, on both clocks.
fn now(seconds: u64) -> Now {
    at(seconds * 1000, 0)
}

/// Milliseconds since the test began, and how far the wall clock was set forward since.
fn at(boot_millis: u64, wall_ahead_millis: i64) -> Now {
    let wall = (START + boot_millis).checked_add_signed(wall_ahead_millis).unwrap();
    Now { wall: Timestamp::from_millis(wall).unwrap(), boot: boot(boot_millis) }
}

fn boot(millis: u64) -> BootTime {
    BootTime::after_start(Duration::from_millis(millis))
}

/// Serial number `n`, whose last octets put the renewal exactly at half its life.
fn serial(n: u8) -> Serial {
    Serial::from_bytes([1, n, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0x80, 0, 0, 0]).unwrap()
}

/// A certificate whose life began at `from` and takes 100 s.
fn checked(n: u8, from: u64) -> Arc<Checked> {
    Arc::new(Checked::sample(serial(n), now(from).wall, now(from + 100).wall, None))
}

fn successor(n: u8, from: u64, of: u8, cutoff: Option<u64>) -> Arc<Checked> {
    let supersedes = Some((serial(of), cutoff.map(|cutoff| now(cutoff).wall)));
    Arc::new(Checked::sample(serial(n), now(from).wall, now(from + 100).wall, supersedes))
}

fn failure(attempt: u64, fault: Fault) -> Event {
    Event::Failed { attempt, failure: Failure { fault, retry_after: None } }
}

fn answer(attempt: u64, checked: &Arc<Checked>) -> Event {
    Event::Answered { attempt, checked: Arc::clone(checked) }
}

/// A machine and what it said, one line per command.
struct Play {
    machine: Option<Identity>,
}

impl Play {
    fn new(role: Role) -> Self {
        Self { machine: Some(Identity::new(role, Gate::Open, [7; 16])) }
    }

    /// A machine that delivered serial 1, whose life began at 0, at that moment.
    fn current(role: Role) -> Self {
        let mut play = Self::new(role);
        play.step(Event::Tick, now(0));
        play.step(answer(1, &checked(1, 0)), now(0));
        play
    }

    fn step(&mut self, event: Event, now: Now) -> Vec<String> {
        let (machine, commands) = self.machine.take().unwrap().step(event, now);
        self.machine = Some(machine);
        commands.iter().map(line).collect()
    }

    #[track_caller]
    fn check(&mut self, event: Event, now: Now, expected: &[&str]) {
        assert_eq!(self.step(event, now), expected);
    }

    #[track_caller]
    fn check_state(&self, state: &str, wake: Option<u64>) {
        let machine = self.machine.as_ref().unwrap();
        let found = match machine {
            Identity::Pending(_) => "pending",
            Identity::Current(_) => "current",
            Identity::Grace(_) => "grace",
            Identity::Ended(_) => "ended",
        };
        assert_eq!((found, machine.wake_at()), (state, wake.map(boot)));
    }
}

fn line(command: &Command) -> String {
    let number = |serial: &Serial| serial.as_bytes()[1];
    match command {
        Command::Ask(Asked { attempt, ask, key }) => {
            let ask = match ask {
                Ask::Enrol => "enrol".to_owned(),
                Ask::First => "first".to_owned(),
                Ask::Renew { serial } => format!("renew {}", number(serial)),
            };
            format!("ask {attempt}: {ask}, {key:?} key")
        }
        Command::Deliver(checked) => format!("deliver {}", number(&checked.serial())),
        Command::Withdraw { serial, why } => format!("withdraw {}: {why:?}", number(serial)),
        Command::Forget { serial } => format!("forget {}", number(serial)),
    }
}

#[test]
fn a_life() {
    let mut play = Play::new(Role::Host);
    play.check(Event::Tick, now(0), &["ask 1: enrol, Fresh key"]);
    play.check(Event::Tick, now(1), &[]);
    play.check(answer(1, &checked(1, 1)), now(1), &["deliver 1"]);
    play.check_state("current", Some(51_000));
    play.check(Event::Tick, now(50), &[]);
    play.check(Event::Tick, now(51), &["ask 2: renew 1, Fresh key"]);
    play.check(answer(2, &successor(2, 51, 1, None)), now(51), &["deliver 2"]);
    play.check_state("grace", Some(101_000));
    // Its own half comes as the one before ends.
    play.check(Event::Tick, now(101), &["forget 1", "ask 3: renew 2, Fresh key"]);
    play.check_state("current", Some(151_000));
    play.check(Event::Removed, now(102), &["withdraw 2: Removed"]);
    play.check_state("ended", None);
    play.check(answer(3, &checked(3, 102)), now(102), &[]);
}

#[test]
fn an_agent_waits_for_its_host() {
    let mut play = Play { machine: Some(Identity::new(Role::Agent, Gate::NoHost, [7; 16])) };
    play.check(Event::Tick, now(0), &[]);
    play.check_state("pending", None);
    play.check(Event::Gate(Gate::Open), now(5), &["ask 1: first, Fresh key"]);
}

/// T-65: the same key while the answer may be lost, another after a refusal or when the server no longer repeats itself.
#[test]
fn keys_of_attempts() {
    let mut play = Play::new(Role::Agent);
    play.check(Event::Tick, now(0), &["ask 1: first, Fresh key"]);
    play.check(failure(1, Fault::Lost), now(0), &[]);
    play.check(Event::Tick, now(2), &["ask 2: first, Same key"]);
    play.check(failure(2, Fault::Busy), now(2), &[]);
    play.check(Event::Tick, now(539), &["ask 3: first, Same key"]);
    play.check(failure(3, Fault::Lost), now(539), &[]);
    play.check(Event::Tick, now(700), &["ask 4: first, Fresh key"]);
    play.check(failure(4, Fault::Refused), now(700), &[]);
    play.check(Event::Tick, now(720), &["ask 5: first, Fresh key"]);
}

/// T-65: an answer that never comes is given up; when it comes after all, it is an old one.
#[test]
fn an_overdue_answer_is_a_lost_one() {
    let mut play = Play::new(Role::Agent);
    play.check(Event::Tick, now(0), &["ask 1: first, Fresh key"]);
    play.check_state("pending", Some(60_000));
    play.check(Event::Tick, now(60), &[]);
    play.check(answer(1, &checked(1, 0)), now(60), &[]);
    play.check(Event::Tick, now(61), &["ask 2: first, Same key"]);
    play.check(answer(2, &checked(1, 0)), now(61), &["deliver 1"]);
}

/// T-43, T-65: a renewal that cannot succeed any more goes back to evidence (host) or to the host's certificate (agent).
#[test]
fn a_superseded_certificate_is_not_renewed_for_ever() {
    for (role, anew) in [(Role::Host, "enrol"), (Role::Agent, "first")] {
        let mut play = Play::current(role);
        play.check(Event::Tick, now(50), &["ask 2: renew 1, Fresh key"]);
        play.check(failure(2, Fault::Anew), now(50), &[]);
        play.check(Event::Tick, now(57), &[&format!("ask 3: {anew}, Fresh key")]);
        play.check(answer(3, &checked(2, 57)), now(57), &["deliver 2"]);
        play.check_state("grace", Some(100_000));
        play.check(Event::Tick, now(107), &["forget 1", "ask 4: renew 2, Fresh key"]);
    }
}

/// T-65: the server is away until the end: tries to the last second, then nothing is handed out, and it still tries.
#[test]
fn expiry_takes_away_and_goes_on_trying() {
    let mut play = Play::current(Role::Host);
    let mut tries = 0;
    let mut millis = 50_000;
    while millis < 100_000 {
        let said = play.step(Event::Tick, at(millis, 0));
        if let [asked] = said.as_slice() {
            assert!(asked.contains("renew 1, "), "{asked}");
            tries += 1;
            play.step(failure(1 + tries, Fault::Lost), at(millis, 0));
        }
        millis = play.machine.as_ref().unwrap().wake_at().unwrap().elapsed().as_millis().try_into().unwrap();
    }
    assert!(tries > 15, "{tries}");
    assert_eq!(millis, 100_000);
    play.check(Event::Tick, at(99_999, 0), &[]);
    let said = play.step(Event::Tick, at(100_000, 0));
    assert_eq!(said.first().unwrap(), "withdraw 1: Expired");
    let wake = play.machine.as_ref().unwrap().wake_at().unwrap();
    assert!(wake.since(boot(100_000)) <= Duration::from_secs(300), "{wake:?}");
}

/// T-65: grace, then cutoff, to the millisecond: the one before is forgotten at its cutoff, and no later.
#[test]
fn grace_ends_at_the_cutoff() {
    let mut play = Play::current(Role::Agent);
    play.step(Event::Tick, now(50));
    play.check(answer(2, &successor(2, 50, 1, Some(60))), now(50), &["deliver 2"]);
    play.check_state("grace", Some(60_000));
    play.check(Event::Tick, at(59_999, 0), &[]);
    play.check(Event::Tick, at(60_000, 0), &["forget 1"]);
    play.check_state("current", Some(100_000));
}

/// T-65: the renewal's answer was lost, and the feed tells of the cutoff: at that millisecond the agent has no key any more.
#[test]
fn a_cutoff_of_what_is_handed_out_takes_it_away() {
    let mut play = Play::current(Role::Agent);
    let cut = Event::CutOff { serial: serial(1), at: now(30).wall };
    play.check(cut, now(20), &["ask 2: renew 1, Fresh key"]);
    play.check(failure(2, Fault::Lost), now(20), &[]);
    play.step(Event::Tick, now(22));
    play.check(Event::Tick, at(29_999, 0), &[]);
    play.check(Event::Tick, at(30_000, 0), &["withdraw 1: CutOff"]);
    play.check_state("pending", Some(82_000));
    // What was asked in time is still answered.
    play.check(answer(3, &successor(2, 20, 1, Some(30))), now(31), &["deliver 2"]);
}

/// A cutoff that is already over when it is heard of takes away at once; one after the end changes nothing.
#[test]
fn cutoffs_in_the_past_and_after_the_end() {
    let mut play = Play::current(Role::Agent);
    play.check(Event::CutOff { serial: serial(9), at: now(1).wall }, now(20), &[]);
    let said = play.step(Event::CutOff { serial: serial(1), at: now(19).wall }, now(20));
    assert_eq!(said.first().unwrap(), "withdraw 1: CutOff");
    let mut play = Play::current(Role::Agent);
    play.step(Event::CutOff { serial: serial(1), at: now(900).wall }, now(20));
    let said = play.step(Event::Tick, now(100));
    assert_eq!(said.first().unwrap(), "withdraw 1: Expired");
}

#[test]
fn revoked_ends_at_once() {
    let mut play = Play::current(Role::Agent);
    play.check(Event::Revoked(serial(9)), now(20), &[]);
    play.check(Event::Revoked(serial(1)), now(20), &["withdraw 1: Revoked"]);
    play.check_state("ended", None);
    play.check(Event::Tick, now(1000), &[]);
    // Told by the refusal of a renewal, before the feed.
    let mut play = Play::current(Role::Agent);
    play.step(Event::Tick, now(50));
    play.check(failure(9, Fault::Revoked), now(50), &[]);
    play.check(failure(2, Fault::Revoked), now(50), &["withdraw 1: Revoked"]);
    // The one in its grace was revoked: the new one stays.
    let mut play = Play::current(Role::Agent);
    play.step(Event::Tick, now(50));
    play.step(answer(2, &successor(2, 50, 1, None)), now(50));
    play.check(Event::Revoked(serial(1)), now(51), &["forget 1"]);
    play.check_state("current", Some(100_000));
}

/// In an alarm nothing new is taken, not even what was asked before, and what is held is handed out until it ends.
#[test]
fn an_alarm_takes_nothing_new() {
    let mut play = Play::current(Role::Host);
    play.step(Event::Tick, now(50));
    play.check(Event::Gate(Gate::Alarm), now(51), &[]);
    play.check(answer(2, &successor(2, 50, 1, None)), now(51), &[]);
    play.check_state("current", Some(100_000));
    play.check(Event::Tick, now(100), &["withdraw 1: Expired"]);
    play.check_state("pending", None);
    play.check(Event::Tick, now(1000), &[]);
}

/// T-52: set back, the renewal and the end come when they would have come; set forward past the end, it is over at once.
#[test]
fn clock_steps() {
    let mut play = Play::current(Role::Agent);
    play.check(Event::Tick, at(20_000, -3_600_000), &[]);
    play.check(Event::Tick, at(50_000, -3_600_000), &["ask 2: renew 1, Fresh key"]);
    let said = play.step(Event::Tick, at(100_000, -3_600_000));
    assert_eq!(said.first().unwrap(), "withdraw 1: Expired");

    let mut play = Play::current(Role::Agent);
    let said = play.step(Event::Tick, at(20_000, 86_400_000));
    assert_eq!(said, ["withdraw 1: Expired", "ask 2: first, Fresh key"]);

    // Five minutes fast, and the certificate's half is over when it comes: no storm of renewals.
    let mut play = Play::new(Role::Agent);
    play.step(Event::Tick, at(0, 60_000));
    play.check(answer(1, &checked(1, 0)), at(0, 60_000), &["deliver 1"]);
    play.check_state("current", Some(10_000));
    play.check(Event::Tick, at(9_999, 60_000), &[]);
    play.check(Event::Tick, at(10_000, 60_000), &["ask 2: renew 1, Fresh key"]);
}

/// A renewal's time is fixed once: neither ticks nor a restart move it.
#[test]
fn renewal_time_is_fixed_once() {
    let mut play = Play::current(Role::Host);
    for second in 1..50 {
        play.check(Event::Tick, now(second), &[]);
        play.check_state("current", Some(50_000));
    }
    let mut play = Play::new(Role::Host);
    play.check(Event::Restored(checked(1, 0)), now(30), &["deliver 1"]);
    play.check_state("current", Some(50_000));
}

/// T-65: killed between sending a renewal and its answer: at the next start it is asked again at once, not at half its life.
#[test]
fn a_renewal_that_was_cut_short() {
    let mut play = Play::new(Role::Host);
    play.check(Event::RenewNow, now(1), &["ask 1: enrol, Fresh key"]);
    let mut play = Play::new(Role::Host);
    play.check(Event::Restored(checked(1, 0)), now(1), &["deliver 1"]);
    play.check(Event::RenewNow, now(1), &["ask 1: renew 1, Fresh key"]);
    play.check(failure(1, Fault::Lost), now(1), &[]);
    play.check(Event::RenewNow, now(1), &[]);
}

#[test]
fn what_has_ended_is_not_delivered() {
    let mut play = Play::new(Role::Host);
    play.check(Event::Restored(checked(1, 0)), now(100), &["ask 1: enrol, Fresh key"]);
    play.check(answer(1, &checked(2, 0)), now(100), &[]);
    play.check_state("pending", Some(100_507));
}

/// When the tests begin, in milliseconds since 1970.
const START: u64 = 1_900_000_000_000;

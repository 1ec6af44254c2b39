//! What a machine keeps under random events, clock steps included.

use std::sync::Arc;
use std::time::Duration;

use identity::{Serial, Timestamp};
use proptest::prelude::*;

use super::super::*;
use super::{at, boot, serial};

fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![Just(Fault::Lost), Just(Fault::Busy), Just(Fault::Refused), Just(Fault::Anew), Just(Fault::Revoked)]
}

/// A random move; the test fills in the attempt that is out and the serials that exist.
#[derive(Debug, Clone, Copy)]
enum Move {
    Wait { millis: u64, wake: bool },
    Set { millis: i64 },
    Gate(Gate),
    Answer { old: bool, life: u64, cutoff: Option<u64>, same: bool },
    Fail { old: bool, fault: Fault, retry_after: Option<u64> },
    Revoke { back: usize },
    CutOff { back: usize, after: u64 },
    Remove,
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        8 => (0_u64..40_000, any::<bool>()).prop_map(|(millis, wake)| Move::Wait { millis, wake }),
        1 => (-4_000_000_i64..4_000_000).prop_map(|millis| Move::Set { millis }),
        2 => prop_oneof![4 => Just(Gate::Open), 1 => Just(Gate::NoHost), 1 => Just(Gate::Alarm)].prop_map(Move::Gate),
        6 => (proptest::bool::weighted(0.1), 0_u64..120, proptest::option::of(0_u64..60), proptest::bool::weighted(0.05))
            .prop_map(|(old, life, cutoff, same)| Move::Answer { old, life, cutoff, same }),
        4 => (proptest::bool::weighted(0.1), any_fault(), proptest::option::of(0_u64..100_000))
            .prop_map(|(old, fault, retry_after)| Move::Fail { old, fault, retry_after }),
        1 => (0_usize..4).prop_map(|back| Move::Revoke { back }),
        1 => (0_usize..4, 0_u64..60).prop_map(|(back, after)| Move::CutOff { back, after }),
        1 => proptest::bool::weighted(0.05).prop_map(|remove| if remove { Move::Remove } else { Move::Gate(Gate::Open) }),
    ]
}

/// What an observer of the commands knows; it keeps the machine to its promises.
struct Watched {
    machine: Identity,
    boot_millis: u64,
    wall_ahead: i64,
    out: Option<u64>,
    handed: Option<(Serial, Timestamp)>,
    answered: Vec<Arc<Checked>>,
    /// Handed out, or in its grace.
    alive: Vec<Serial>,
    gate: Gate,
}

impl Watched {
    fn now(&self) -> Now {
        at(self.boot_millis, self.wall_ahead)
    }

    fn step(&mut self, event: Event) {
        let now = self.now();
        let (machine, commands) = self.machine.clone().step(event, now);
        self.machine = machine;
        for command in commands {
            match command {
                Command::Ask(asked) => {
                    assert_eq!(self.gate, Gate::Open, "asked through a closed gate");
                    self.out = Some(asked.attempt);
                }
                Command::Deliver(checked) => {
                    assert!(self.answered.iter().any(|a| Arc::ptr_eq(a, &checked)), "delivered what nobody answered");
                    assert!(!self.alive.contains(&checked.serial()), "delivered twice");
                    assert!(checked.not_after() > now.wall, "delivered an expired one");
                    assert_ne!(self.gate, Gate::Alarm, "took something new in an alarm");
                    self.alive.push(checked.serial());
                    self.handed = Some((checked.serial(), checked.not_after()));
                }
                Command::Withdraw { serial, .. } => {
                    assert_eq!(self.handed.map(|(serial, _)| serial), Some(serial), "withdrew another");
                    self.handed = None;
                    self.alive.retain(|alive| *alive != serial);
                }
                Command::Forget { serial } => {
                    assert_ne!(self.handed.map(|(serial, _)| serial), Some(serial), "forgot what is handed out");
                    self.alive.retain(|alive| *alive != serial);
                }
            }
        }
        assert_eq!(self.machine.held().map(Held::serial), self.handed.map(|(serial, _)| serial), "two truths");
        assert!(self.handed.is_none_or(|(_, not_after)| not_after > now.wall), "hands out an expired one");
    }

    fn play(&mut self, next: Move, n: u8) {
        let known = |back: usize| self.answered.iter().rev().nth(back).map_or(serial(255), |checked| checked.serial());
        let event = match next {
            Move::Wait { millis, wake } => {
                let to_wake = self.machine.wake_at().map(|wake| wake.since(boot(self.boot_millis)).as_millis());
                let millis = if wake { to_wake.and_then(|m| u64::try_from(m).ok()).unwrap_or(millis) } else { millis };
                self.boot_millis += millis;
                Event::Tick
            }
            Move::Set { millis } => {
                self.wall_ahead += millis;
                Event::Tick
            }
            Move::Gate(gate) => {
                self.gate = gate;
                Event::Gate(gate)
            }
            Move::Answer { old, life, cutoff, same } => {
                let wall = self.now().wall;
                let supersedes = (known(0), cutoff.map(|cutoff| wall.plus(Duration::from_secs(cutoff))));
                let not_after = wall.plus(Duration::from_secs(life));
                let new = Arc::new(Checked::sample(serial(n), wall, not_after, Some(supersedes)));
                let checked = self.answered.last().filter(|_| same).cloned().unwrap_or(new);
                self.answered.push(Arc::clone(&checked));
                Event::Answered { attempt: self.out.unwrap_or(0).saturating_sub(old.into()), checked }
            }
            Move::Fail { old, fault, retry_after } => Event::Failed {
                attempt: self.out.unwrap_or(0).saturating_sub(old.into()),
                failure: Failure { fault, retry_after: retry_after.map(Duration::from_secs) },
            },
            Move::Revoke { back } => Event::Revoked(known(back)),
            Move::CutOff { back, after } => {
                Event::CutOff { serial: known(back), at: self.now().wall.plus(Duration::from_secs(after)) }
            }
            Move::Remove => Event::Removed,
        };
        self.step(event);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// T-43, T-52, T-65: whatever happens, it never has two, never hands out an expired or unchecked one, takes nothing in an
    /// alarm; and if from some moment on the gate is open and all attempts fail, it asks again within bounded time, for ever.
    #[test]
    fn promises(host in any::<bool>(), moves in proptest::collection::vec(any_move(), 1..60)) {
        let role = if host { Role::Host } else { Role::Agent };
        let mut watched = Watched {
            machine: Identity::new(role, Gate::Open, [7; 16]),
            boot_millis: 1_000_000,
            wall_ahead: 0,
            out: None,
            handed: None,
            answered: Vec::new(),
            alive: Vec::new(),
            gate: Gate::Open,
        };
        for (n, next) in moves.into_iter().enumerate() {
            watched.play(next, u8::try_from(n).unwrap());
        }
        watched.play(Move::Gate(Gate::Open), 100);
        let mut asked = 0;
        // A renewal is at most 120 s off, a wait at most an hour and a quarter (Retry-After).
        let mut until = watched.boot_millis + 4_500_001 + 120_000;
        while asked < 5 && !matches!(watched.machine, Identity::Ended(_)) {
            let wake = watched.machine.wake_at();
            prop_assert!(wake.is_some(), "stuck in {:?}", watched.machine);
            let wake = u64::try_from(wake.unwrap().elapsed().as_millis()).unwrap();
            watched.boot_millis = watched.boot_millis.max(wake + 1);
            prop_assert!(watched.boot_millis <= until, "asks too late");
            let before = watched.out;
            watched.step(Event::Tick);
            if watched.out != before {
                asked += 1;
                watched.play(Move::Fail { old: false, fault: Fault::Lost, retry_after: None }, 0);
                until = watched.boot_millis + 300_001;
            }
        }
    }
}

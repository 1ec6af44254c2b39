//! An honest ledger never raises an alarm, however its statements are delayed; one that was cut back raises one.

use proptest::prelude::*;

use super::*;

/// What an honest ledger does next.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// So many entries are written, of which the last is an event or not.
    Write { entries: u64, is_event: bool },
    /// Time passes, in seconds.
    Pass(u64),
    /// We ask for a certificate; its receipt is made with the checkpoint of so many steps ago.
    Ask { behind: usize },
    /// A heartbeat is signed.
    Beat,
    /// The stream brings what it has: events and heartbeats, in order.
    Deliver(usize),
    /// A snapshot is asked for, as it was so many steps ago.
    Snapshot { behind: usize },
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_u64..5, any::<bool>()).prop_map(|(entries, is_event)| Step::Write { entries, is_event }),
        2 => (0_u64..40).prop_map(Step::Pass),
        2 => (0_usize..3).prop_map(|behind| Step::Ask { behind }),
        3 => Just(Step::Beat),
        4 => (1_usize..4).prop_map(Step::Deliver),
        1 => (0_usize..3).prop_map(|behind| Step::Snapshot { behind }),
    ]
}

/// The ledger, and what it has sent and nobody has read yet.
struct World {
    trust: Option<Trust>,
    seconds: u64,
    size: u64,
    running: RunningHash,
    /// Size, events and time of earlier moments, newest last.
    past: Vec<(u64, RunningHash)>,
    stream: std::collections::VecDeque<TrustEvent>,
}

impl World {
    fn new() -> Self {
        let trust = Some(Trust::new(head_of(10), None, now(0)));
        let past = vec![(10, RunningHash::default())];
        Self { trust, seconds: 0, size: 10, running: RunningHash::default(), past, stream: Default::default() }
    }

    fn tell(&mut self, event: TrustEvent) {
        let (trust, commands) = self.trust.take().unwrap().step(event, now(self.seconds));
        if commands.iter().any(|command| matches!(command, TrustCommand::Resync)) {
            // The driver opens another stream, after a snapshot.
            self.stream.clear();
        }
        self.trust = Some(trust);
    }

    fn earlier(&self, behind: usize) -> (u64, RunningHash) {
        *self.past.iter().rev().nth(behind).unwrap_or(self.past.first().unwrap())
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Write { entries, is_event } => {
                self.size += entries;
                if is_event {
                    let event = FeedEvent::agents_changed(self.size - 1);
                    self.running.extend(&event);
                    self.stream.push_back(TrustEvent::Event { event, told: Told::AgentsChanged });
                }
                self.past.push((self.size, self.running));
            }
            Step::Pass(seconds) => {
                // A stream is never a minute late: the follower would have given it up.
                self.step(Step::Deliver(1000));
                self.seconds += seconds;
            }
            Step::Ask { behind } => {
                let floor = self.trust.as_ref().unwrap().head_size();
                self.size += 1;
                self.past.push((self.size, self.running));
                // A receipt's checkpoint covers its entry; one that is asked for again may come with a newer.
                let (size, _) = self.earlier(behind);
                let (index, head) = (self.size - 1, head_of(self.size.max(size)));
                self.tell(recorded(head, index, floor));
            }
            Step::Beat => {
                let beat = beat(self.seconds, self.size, self.running);
                self.stream.push_back(TrustEvent::Heartbeat(beat));
            }
            Step::Deliver(count) => {
                for _ in 0..count {
                    if let Some(event) = self.stream.pop_front() {
                        self.tell(event);
                    }
                }
            }
            Step::Snapshot { behind } => {
                let (size, running) = self.earlier(behind);
                let seen = Seen { as_of: size - 1, running, note: "s".into(), revoked: vec![], cutoffs: vec![] };
                self.tell(TrustEvent::Snapshot(seen));
            }
        }
    }
}

/// The one head of this size.
fn head_of(size: u64) -> Head {
    head(size, u8::try_from(size % 251).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn an_honest_ledger_raises_no_alarm(steps in proptest::collection::vec(any_step(), 1..80)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
            prop_assert_eq!(world.trust.as_ref().unwrap().alarm(), None);
        }
    }

    /// Put back to an earlier state and run on, it is found out by the first certificate that we get from it.
    #[test]
    fn a_ledger_that_was_cut_back_raises_an_alarm(
        steps in proptest::collection::vec(any_step(), 1..40),
        back in 1_u64..10,
    ) {
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.step(step));
        world.step(Step::Ask { behind: 0 });
        prop_assert_eq!(world.trust.as_ref().unwrap().alarm(), None);
        let floor = world.trust.as_ref().unwrap().head_size();
        world.size = floor.saturating_sub(back).max(1);
        let index = world.size - 1;
        let other = head(world.size, 252);
        world.tell(recorded(other, index, floor));
        prop_assert!(world.trust.as_ref().unwrap().alarm().is_some());
    }
}

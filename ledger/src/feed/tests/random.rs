//! Random histories: a follower agrees with the log, whatever is left out shows; and octets that mean nothing.

use proptest::{collection::vec, option, prelude::*, sample::Index};

use super::*;

#[derive(Clone, Debug)]
enum Act {
    Issue { host: u8, supersedes: Option<u8> },
    Revoke(u8),
    RevokeHost(u8),
    News,
    NoEvent,
    Pass(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0_u8..6, option::of(any::<u8>())).prop_map(|(host, supersedes)| Act::Issue { host, supersedes }),
        2 => any::<u8>().prop_map(Act::Revoke),
        1 => (0_u8..8).prop_map(Act::RevokeHost),
        1 => Just(Act::News),
        1 => Just(Act::NoEvent),
        1 => (1_u64..3000).prop_map(Act::Pass),
    ]
}

/// A server with this history.
fn play(acts: &[Act]) -> Server {
    let mut server = Server::new();
    let mut issued: u8 = 0;
    server.write(AgentRemoved { agent: "web".into(), profile: "p".into() });
    for act in acts {
        match act {
            Act::Issue { host, supersedes } => {
                let live: Vec<Serial> =
                    server.live.iter().filter(|(_, (_, end))| *end >= server.now).map(|(serial, _)| *serial).collect();
                let old = supersedes.and_then(|number| live.get(usize::from(number) % live.len().max(1)));
                let old = old.map(|serial| (serial.as_bytes()[15], Duration::from_secs(300)));
                issued += 1;
                server.issue(issued, *host, old);
            }
            Act::Revoke(number) => server.revoke(Predicate::Serial(serial(number % 60))),
            Act::RevokeHost(number) => server.revoke(Predicate::Host(host(*number))),
            Act::News => server.write(AgentRemoved { agent: "web".into(), profile: "p".into() }),
            Act::NoEvent => {
                let token = token_revoked(0).decode().unwrap();
                server.write(token.body);
            }
            Act::Pass(seconds) => server.pass(Duration::from_secs(*seconds)),
        }
    }
    server
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_follower_agrees_with_the_log(acts in vec(act(), 0..50), start in any::<Index>()) {
        let server = play(&acts);
        let mut state = follow(&server.events);
        state.heartbeat(&server.signed_heartbeat()).unwrap();
        // Another one, from a snapshot somewhere on the way.
        let start = start.index(server.entries.len());
        let mut early = FeedLog::new();
        server.entries[..=start].iter().for_each(|entry| drop(early.take(entry).unwrap()));
        let mut late = follower();
        let time = server.entries[start].decode().unwrap().time;
        late.adopt(&early.snapshot(time).unwrap().sign(&origin(), &signer()).unwrap()).unwrap();
        server.events.iter().for_each(|event| drop(late.apply(event).unwrap()));
        late.heartbeat(&server.signed_heartbeat()).unwrap();
        let snapshot = server.log.snapshot(server.now).unwrap();
        for number in 0..60 {
            let serial = serial(number);
            let revoked = snapshot.revoked.iter().any(|row| row.serial == serial);
            for state in [&state, &late] {
                let is_revoked = matches!(state.standing(&serial, server.now), Standing::Revoked { .. });
                // A follower may remember longer; it never forgets earlier.
                prop_assert!(is_revoked || !revoked, "{}", number);
            }
        }
    }

    #[test]
    fn whatever_is_left_out_shows(acts in vec(act(), 1..40), left_out in any::<Index>()) {
        let server = play(&acts);
        let mut events = server.events.clone();
        events.remove(left_out.index(events.len()));
        prop_assert!(follow(&events).heartbeat(&server.signed_heartbeat()).is_err());
    }

    #[test]
    fn a_changed_octet_of_an_event_is_refused_or_shows(
        acts in vec(act(), 1..20),
        which in any::<Index>(),
        place in any::<Index>(),
    ) {
        let server = play(&acts);
        let mut events = server.events.clone();
        let event = which.get(&events).clone();
        let mut data = event.data.into_bytes();
        let place = place.index(data.len());
        data[place] ^= 1;
        let which = which.index(events.len());
        events[which].data = String::from_utf8(data).unwrap();
        let mut state = follower();
        let taken = events.iter().try_for_each(|event| state.apply(event).map(drop));
        prop_assert!(taken.is_err() || state.heartbeat(&server.signed_heartbeat()).is_err());
    }

    #[test]
    fn nonsense_never_panics(text in "(.|\n){0,200}", id in option::of("[0-9]{0,20}")) {
        for kind in [EventKind::Revoked, EventKind::Superseded, EventKind::AgentsChanged, EventKind::BundleChanged] {
            let event = FeedEvent { index: 0, kind, data: text.clone() };
            let says_nothing = text == "{}";
            prop_assert!(event.read().is_err() || says_nothing);
        }
        prop_assert!(Heartbeat::open(text.as_bytes(), &origin(), signer().verifier()).is_err());
        let snapshot = SignedSnapshot { document: text.clone(), note: text.clone() };
        prop_assert!(snapshot.open(&origin(), signer().verifier()).is_err());
        drop(FeedMessage::from_fields(id.as_deref(), "agents-changed", &text));
        prop_assert!(FeedMessage::from_fields(id.as_deref(), &text, "").is_err());
    }
}

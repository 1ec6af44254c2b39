//! Counts refusals, so that nobody can fill the ledger with them: ten a minute of a known requester are entries, the
//! rest, and all those of strangers, are summed up once a minute. Knows no socket and no clock.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use identity::Timestamp;
use ledger::entry::{Actor, RefusalGroup, RefusalsSummed, RequestRefused};

/// Refusals that were not written one by one.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    since: Option<Timestamp>,
    written: HashMap<Actor, Window>,
    summed: BTreeMap<String, BTreeMap<String, u64>>,
    others: u64,
}

#[derive(Debug)]
struct Window {
    began: Timestamp,
    entries: u32,
}

impl Refusals {
    /// Takes a refusal: gives back what to write if it deserves an entry of its own, else counts it.
    pub fn take(
        &self,
        actor: Actor,
        address: Option<IpAddr>,
        operation: &str,
        rule: &str,
        now: Timestamp,
    ) -> Option<RequestRefused> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if is_known(actor) && counts.may_write(actor, now) {
            return Some(RequestRefused { operation: operation.to_owned(), rule: rule.to_owned() });
        }
        counts.since.get_or_insert(now);
        let source = if is_known(actor) { actor.to_string() } else { prefix(address) };
        counts.count(source, rule);
        None
    }

    /// What was counted since the last time, if anything was.
    pub fn sum_up(&self, now: Timestamp) -> Option<RefusalsSummed> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.written.retain(|_, window| now.since(window.began) < WINDOW);
        let since = counts.since.take()?;
        let groups = std::mem::take(&mut counts.summed)
            .into_iter()
            .map(|(source, rules)| RefusalGroup { source, rules })
            .collect();
        let others = std::mem::take(&mut counts.others);
        Some(RefusalsSummed { since, until: now, groups, others })
    }
}

impl Counts {
    fn may_write(&mut self, actor: Actor, now: Timestamp) -> bool {
        let window = self.written.entry(actor).or_insert(Window { began: now, entries: 0 });
        if now.since(window.began) >= WINDOW {
            *window = Window { began: now, entries: 0 };
        }
        let may = window.entries < ENTRIES_PER_WINDOW;
        window.entries = window.entries.saturating_add(1);
        may
    }

    fn count(&mut self, source: String, rule: &str) {
        let known = self.summed.contains_key(&source);
        if !known && self.summed.len() >= MAX_GROUPS {
            self.others = self.others.saturating_add(1);
            return;
        }
        let count = self.summed.entry(source).or_default().entry(rule.to_owned()).or_insert(0);
        *count = count.saturating_add(1);
    }
}

fn is_known(actor: Actor) -> bool {
    match actor {
        Actor::Host(_) | Actor::Person(_) | Actor::Local => true,
        Actor::Stranger | Actor::Server => false,
    }
}

/// The network that an address is in: enough to find a source of trouble, too little to name a person's machine.
fn prefix(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(address)) => {
            let network = Ipv4Addr::from_bits(address.to_bits() & V4_PREFIX);
            format!("{network}/24")
        }
        Some(IpAddr::V6(address)) => {
            let network = Ipv6Addr::from_bits(address.to_bits() & V6_PREFIX);
            format!("{network}/56")
        }
    }
}

/// Entries that a known requester's refusals may make in a [`WINDOW`] (design, section 1).
const ENTRIES_PER_WINDOW: u32 = 10;

/// See [`ENTRIES_PER_WINDOW`].
const WINDOW: Duration = Duration::from_secs(60);

/// Sources that one summary names: at 140 octets each they fit an entry.
const MAX_GROUPS: usize = 64;

const V4_PREFIX: u32 = u32::MAX << 8;
const V6_PREFIX: u128 = u128::MAX << 72;

#[cfg(test)]
mod tests {
    use super::*;
    use identity::HostId;

    fn at(second: u64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn a_known_requester_gets_ten_entries_a_minute_and_the_rest_is_summed() {
        let refusals = Refusals::default();
        let host = Actor::Host(HostId::from_bytes([7; 16]));
        let entries = (0..25).filter(|_| refusals.take(host, None, "renew", "superseded", at(0)).is_some()).count();
        assert_eq!(entries, 10);
        let sum = refusals.sum_up(at(1)).unwrap();
        assert_eq!(sum.groups.len(), 1);
        assert_eq!(sum.groups[0].source, host.to_string());
        assert_eq!(sum.groups[0].rules["superseded"], 15);
        assert!(refusals.sum_up(at(2)).is_none(), "counted twice");
        assert!(refusals.take(host, None, "renew", "superseded", at(59)).is_none());
        assert!(refusals.take(host, None, "renew", "superseded", at(60)).is_some(), "a new minute");
    }

    #[track_caller]
    fn check_source(address: &str, source: &str) {
        let refusals = Refusals::default();
        assert!(refusals.take(Actor::Stranger, Some(address.parse().unwrap()), "enroll", "x", at(0)).is_none());
        assert_eq!(refusals.sum_up(at(1)).unwrap().groups[0].source, source);
    }

    #[test]
    fn strangers_are_counted_by_network() {
        check_source("192.0.2.77", "192.0.2.0/24");
        check_source("::ffff:192.0.2.77", "192.0.2.0/24");
        check_source("2001:db8:1:2ff:3::4", "2001:db8:1:200::/56");
    }

    #[test]
    fn no_number_of_sources_makes_an_entry_too_long() {
        let refusals = Refusals::default();
        for network in 0..100_000_u32 {
            let address = IpAddr::V4(Ipv4Addr::from_bits(network << 8));
            refusals.take(Actor::Stranger, Some(address), "enroll", "token-not-in-force", at(0));
        }
        let sum = refusals.sum_up(at(1)).unwrap();
        assert_eq!(sum.groups.len(), MAX_GROUPS);
        assert_eq!(sum.others, 100_000 - u64::try_from(MAX_GROUPS).unwrap());
        assert!(serde_json::to_vec(&sum).unwrap().len() < 15_000);
    }
}

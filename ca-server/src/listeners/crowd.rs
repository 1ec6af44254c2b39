//! Who is connected, and whether there is a seat for one more. Knows addresses and identities; knows no socket.
//!
//! Strangers, that is everybody before the handshake and whoever shows no certificate, have their own seats, and each
//! address only some of them: a flood from anywhere takes no seat from a host that is known, and a flood from one address
//! takes none from other strangers (T-58).

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use identity::SpiffeId;
use tokio::time::Instant;

use super::limits::Limits;

/// Who is connected to one listener.
#[derive(Debug)]
pub(super) struct Crowd {
    limits: Limits,
    seats: Mutex<Seats>,
    turned_away: Mutex<TurnedAway>,
}

/// Connections that found no seat, since it was last said.
#[derive(Debug, Default)]
struct TurnedAway {
    connections: u64,
    said: Option<Instant>,
}

#[derive(Debug, Default)]
struct Seats {
    strangers: usize,
    known: usize,
    addresses: HashMap<IpAddr, usize>,
    identities: HashMap<SpiffeId, usize>,
}

/// A seat, taken until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    crowd: Arc<Crowd>,
    holder: Holder,
}

#[derive(Debug)]
enum Holder {
    Stranger(Option<IpAddr>),
    Known(SpiffeId),
}

/// Why there is no seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Full {
    /// Too many strangers.
    #[error("{limit} peers without a certificate are connected already")]
    Strangers {
        /// The limit.
        limit: usize,
    },
    /// Too many strangers from there.
    #[error("{limit} peers without a certificate are connected from there already")]
    Address {
        /// The limit.
        limit: usize,
    },
    /// Too many that are known.
    #[error("{limit} peers with a certificate are connected already")]
    Known {
        /// The limit.
        limit: usize,
    },
    /// Too many with that identity.
    #[error("{limit} peers with that identity are connected already")]
    Identity {
        /// The limit.
        limit: usize,
    },
}

impl Crowd {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, seats: Mutex::default(), turned_away: Mutex::default() })
    }

    /// A seat for somebody at `address` who has shown nothing yet.
    pub(super) fn enter(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Seat, Full> {
        let source = address.map(source);
        let mut seats = self.lock();
        if seats.strangers >= self.limits.strangers {
            return Err(Full::Strangers { limit: self.limits.strangers });
        }
        if let Some(source) = source
            && !take(&mut seats.addresses, source, self.limits.per_address)
        {
            return Err(Full::Address { limit: self.limits.per_address });
        }
        seats.strangers = seats.strangers.saturating_add(1);
        Ok(Seat { crowd: Arc::clone(self), holder: Holder::Stranger(source) })
    }

    /// Says that somebody found no seat: once in a while, so that a flood of connections is none of the log.
    pub(super) fn turn_away(&self, full: Full, address: IpAddr) {
        let mut turned_away = self.turned_away.lock().unwrap_or_else(PoisonError::into_inner);
        turned_away.connections = turned_away.connections.saturating_add(1);
        if turned_away.said.is_none_or(|said| said.elapsed() >= SAID_EVERY) {
            tracing::warn!(%full, %address, connections = turned_away.connections, "connections were dropped");
            *turned_away = TurnedAway { connections: 0, said: Some(Instant::now()) };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// The seat of a peer that has shown a certificate: among the known, no longer among strangers.
    pub(super) fn recognise(mut self, identity: &SpiffeId) -> Result<Self, Full> {
        let limits = self.crowd.limits;
        {
            let mut seats = self.crowd.lock();
            if seats.known >= limits.known {
                return Err(Full::Known { limit: limits.known });
            }
            if !take(&mut seats.identities, identity.clone(), limits.per_identity) {
                return Err(Full::Identity { limit: limits.per_identity });
            }
            seats.known = seats.known.saturating_add(1);
            seats.release(&self.holder);
        }
        self.holder = Holder::Known(identity.clone());
        Ok(self)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.crowd.lock().release(&self.holder);
    }
}

impl Seats {
    fn release(&mut self, holder: &Holder) {
        match holder {
            Holder::Stranger(source) => {
                self.strangers = self.strangers.saturating_sub(1);
                if let Some(source) = source {
                    give_back(&mut self.addresses, source);
                }
            }
            Holder::Known(identity) => {
                self.known = self.known.saturating_sub(1);
                give_back(&mut self.identities, identity);
            }
        }
    }
}

fn take<K: Eq + Hash>(taken: &mut HashMap<K, usize>, key: K, limit: usize) -> bool {
    let count = taken.entry(key).or_insert(0);
    let free = *count < limit;
    if free {
        *count = count.saturating_add(1);
    }
    free
}

fn give_back<K: Eq + Hash>(taken: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = taken.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            taken.remove(key);
        }
    }
}

/// Whom an address counts as: itself, or for IPv6 its network of 64 bits, all of which one customer usually has (RFC 6177).
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

/// An operator wants to know within a minute.
const SAID_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use identity::SpiffeId;

    use super::{Crowd, Full, Seat};
    use crate::listeners::Limits;

    fn crowd() -> Arc<Crowd> {
        Crowd::new(Limits { strangers: 5, known: 3, per_address: 3, per_identity: 2, ..Limits::API })
    }

    fn enter(crowd: &Arc<Crowd>, address: &str) -> Result<Seat, Full> {
        crowd.enter(Some(address.parse().unwrap()))
    }

    #[track_caller]
    fn check_full(result: Result<Seat, Full>, full: Full) {
        assert_eq!(result.err(), Some(full));
    }

    #[test]
    fn one_address_takes_only_its_share_t58() {
        let crowd = crowd();
        let flood: Vec<_> = (0..3).map(|_| enter(&crowd, "192.0.2.1").unwrap()).collect();
        check_full(enter(&crowd, "192.0.2.1"), Full::Address { limit: 3 });
        let _other = enter(&crowd, "192.0.2.2").unwrap();
        drop(flood);
        assert!(enter(&crowd, "192.0.2.1").is_ok());
    }

    #[test]
    fn a_network_of_64_bits_is_one_address() {
        let crowd = crowd();
        let addresses = ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:0:0:1"];
        let _seats: Vec<_> = addresses.iter().map(|address| enter(&crowd, address).unwrap()).collect();
        check_full(enter(&crowd, "2001:db8::4"), Full::Address { limit: 3 });
        assert!(enter(&crowd, "2001:db8:0:1::4").is_ok());
    }

    #[test]
    fn mapped_addresses_are_what_they_map() {
        let crowd = crowd();
        let _seats: Vec<_> = (1..4).map(|_| enter(&crowd, "::ffff:192.0.2.1").unwrap()).collect();
        check_full(enter(&crowd, "192.0.2.1"), Full::Address { limit: 3 });
        assert!(enter(&crowd, "::ffff:192.0.2.2").is_ok());
    }

    #[test]
    fn strangers_take_no_seat_of_the_known_t58() {
        let crowd = crowd();
        let [a, b] = ["a", "b"].map(|name| SpiffeId::parse(&format!("spiffe://example.org/{name}")).unwrap());
        let first = enter(&crowd, "192.0.2.1").unwrap().recognise(&a).unwrap();
        let _flood: Vec<_> = (1..6).map(|n| enter(&crowd, &format!("198.51.100.{n}")).unwrap()).collect();
        check_full(enter(&crowd, "192.0.2.1"), Full::Strangers { limit: 5 });
        drop(_flood);
        let _second = enter(&crowd, "192.0.2.1").unwrap().recognise(&a).unwrap();
        check_full(enter(&crowd, "192.0.2.1").unwrap().recognise(&a), Full::Identity { limit: 2 });
        let _third = enter(&crowd, "192.0.2.1").unwrap().recognise(&b).unwrap();
        check_full(enter(&crowd, "192.0.2.1").unwrap().recognise(&b), Full::Known { limit: 3 });
        drop(first);
        assert!(enter(&crowd, "192.0.2.1").unwrap().recognise(&b).is_ok());
    }

    #[test]
    fn all_seats_come_back() {
        let crowd = crowd();
        let id = SpiffeId::parse("spiffe://example.org/a").unwrap();
        for _ in 0..100 {
            drop(enter(&crowd, "192.0.2.1").unwrap().recognise(&id).unwrap());
            drop(crowd.enter(None).unwrap());
        }
        let seats = crowd.lock();
        assert_eq!((seats.strangers, seats.known, seats.addresses.len(), seats.identities.len()), (0, 0, 0, 0));
    }
}

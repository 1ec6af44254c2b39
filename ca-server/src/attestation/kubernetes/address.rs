//! Which addresses a key set may be fetched from (T-25). Knows the registries of special addresses; opens no
//! connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Deserialize;

/// The one kind of addresses that an operator says a server has. An address of another kind is refused, whatever a name
/// server answers: so nobody who controls a name makes us ask a machine inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// Addresses of the internet.
    Public,
    /// Addresses of one's own networks: RFC 1918, RFC 6598, RFC 4193.
    Private,
    /// This machine.
    Loopback,
}

impl Reach {
    /// Whether the address is of this kind.
    #[must_use]
    pub fn allows(self, address: IpAddr) -> bool {
        let found = match address {
            IpAddr::V4(address) => reach_of_v4(address),
            IpAddr::V6(address) => reach_of_v6(address),
        };
        found == Some(self)
    }
}

/// None: an address that is never asked, such as link-local ones, behind which clouds keep their metadata.
/// RFC 6890 and the IANA registry of special-purpose IPv4 addresses.
fn reach_of_v4(address: Ipv4Addr) -> Option<Reach> {
    match address.octets() {
        [127, ..] => Some(Reach::Loopback),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Some(Reach::Private),
        // This network, link-local, protocol assignments, documentation, 6to4 relays, benchmarks, multicast, reserved.
        [0, ..]
        | [169, 254, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [224..=255, ..] => None,
        _ => Some(Reach::Public),
    }
}

/// The IANA registry of special-purpose IPv6 addresses. An IPv4 address inside counts as that address.
fn reach_of_v6(address: Ipv6Addr) -> Option<Reach> {
    if address == Ipv6Addr::LOCALHOST {
        return Some(Reach::Loopback);
    }
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        reach_of_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // Mapped (RFC 4291) and translated (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0xfc00..=0xfdff, ..] => Some(Reach::Private),
        // Protocol assignments with Teredo and ORCHID, documentation, 6to4.
        [0x2001, 0..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => None,
        [0x2000..=0x3fff, ..] => Some(Reach::Public),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reach: Option<Reach>, addresses: &[&str]) {
        for text in addresses {
            let address: IpAddr = text.parse().unwrap();
            for asked in [Reach::Public, Reach::Private, Reach::Loopback] {
                assert_eq!(asked.allows(address), reach == Some(asked), "{asked:?} {address}");
            }
        }
    }

    /// T-25.
    #[test]
    fn addresses_by_kind() {
        check(Some(Reach::Loopback), &["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"]);
        check(
            Some(Reach::Private),
            &[
                "10.0.0.1",
                "172.16.0.1",
                "172.31.255.255",
                "192.168.1.1",
                "100.64.0.1",
                "fd00::1",
                "::ffff:10.1.2.3",
                "64:ff9b::a00:1",
            ],
        );
        check(
            Some(Reach::Public),
            &[
                "8.8.8.8",
                "172.15.0.1",
                "172.32.0.1",
                "100.63.0.1",
                "100.128.0.1",
                "192.0.1.1",
                "2606:4700::1",
                "64:ff9b::808:808",
            ],
        );
        let special = [
            "0.0.0.0",
            "169.254.169.254",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "::7f00:1",
        ];
        check(None, &special);
    }
}

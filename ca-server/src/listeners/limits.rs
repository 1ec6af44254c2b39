//! What a connection may take: time and seats. Knows figures and where they come from.

use std::time::Duration;

/// The limits of one listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From accepting a connection to the end of its TLS handshake.
    pub handshake: Duration,
    /// From the first octet of a request's head to its last; for the first request, from the handshake on.
    pub head: Duration,
    /// From the first wait for a request's body to its end.
    pub body: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// That a peer may take no octet of what we have for it.
    pub stuck: Duration,
    /// That a connection is kept at all; a little less for some, so that a fleet does not come back all at once.
    pub age: Duration,
    /// That is left for requests in work when a connection has to end.
    pub grace: Duration,
    /// Connections of peers that have shown no certificate, those in their handshake included.
    pub strangers: usize,
    /// Connections of peers with a certificate.
    pub known: usize,
    /// Strangers from one IPv4 address, or one IPv6 network of 64 bits.
    pub per_address: usize,
    /// Connections with certificates of one identity.
    pub per_identity: usize,
}

impl Limits {
    /// Of the TLS listener.
    pub const API: Self = Self {
        handshake: HANDSHAKE,
        head: HEAD,
        body: BODY,
        idle: IDLE,
        stuck: STUCK,
        age: AGE,
        grace: GRACE,
        strangers: STRANGERS,
        known: KNOWN,
        per_address: PER_ADDRESS,
        per_identity: PER_IDENTITY,
    };

    /// Of the public listener: everybody is a stranger, and nothing is worth a long stay.
    pub const PUBLIC: Self = Self { idle: PUBLIC_IDLE, strangers: PUBLIC_STRANGERS, known: 0, ..Self::API };

    /// Of the admin socket. A load of policies takes seconds of an operator's script, not more.
    pub const ADMIN: Self = Self { strangers: ADMIN_SEATS, known: 0, per_address: ADMIN_SEATS, ..Self::API };

    /// The same limits where the process may have only `files` open: a listener takes at most half of them for peers that
    /// it knows and an eighth for strangers, so that the ledger never lacks one.
    #[must_use]
    pub fn within(self, files: u64) -> Self {
        let files = usize::try_from(files).unwrap_or(usize::MAX);
        Self { strangers: self.strangers.min(files / 8), known: self.known.min(files / 2), ..self }
    }
}

/// security.md, T-58: 5 s. Measured: a mutual handshake with X25519MLKEM768 takes 0.3 ms of CPU and two round trips.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// security.md, T-58: 5 s.
const HEAD: Duration = Duration::from_secs(5);
/// security.md, T-58: 10 s. For 1.5 MiB of policies that is 1.3 Mbit/s.
const BODY: Duration = Duration::from_secs(10);
/// A client that renews many agents keeps its connection between two of them; 75 s is what nginx keeps.
const IDLE: Duration = Duration::from_secs(75);
/// Files are fetched one after the other or not at all.
const PUBLIC_IDLE: Duration = Duration::from_secs(15);
/// Six heartbeats of the feed (design, section 6: every 5 s): a follower that took none of them is gone.
const STUCK: Duration = Duration::from_secs(30);
/// The default life of a leaf (design, section 4): nobody speaks longer on a certificate than it was meant to live.
const AGE: Duration = Duration::from_secs(3600);
/// A commit waits for a disk, not for people; systemd waits 90 s before it kills.
const GRACE: Duration = Duration::from_secs(10);
/// targets.md: 10,000 followers, and a fifth for their renewals. 20 kB each: 240 MB.
const KNOWN: usize = 12_288;
/// 5 s of handshakes at 400 new connections a second and core, which is what 2 cores can do beside their work (targets.md).
const STRANGERS: usize = 4_096;
/// A sixteenth of all: no address keeps the others out. Hosts behind one NAT are strangers only until their handshake.
const PER_ADDRESS: usize = 256;
/// A host has two or three, an agent one; a load generator with one identity up to a thousand (targets.md).
const PER_IDENTITY: usize = 1_024;
/// A CRL of 100,000 entries for each at once is 3.7 MB from one buffer; what each costs is its socket.
const PUBLIC_STRANGERS: usize = 1_024;
/// Operators and their scripts.
const ADMIN_SEATS: usize = 64;

#[cfg(test)]
mod tests {
    use super::Limits;

    #[test]
    fn few_files_leave_half_for_the_rest() {
        let limits = Limits::API.within(1024);
        assert_eq!((limits.strangers, limits.known), (128, 512));
        assert_eq!(Limits::API.within(u64::MAX), Limits::API);
    }
}

//! Where what verifiers fetch is published: CRLs and the certificates of authorities. Knows URLs and shards; knows no
//! route and no socket.

use std::fmt;

use identity::{KeyIdentifier, Serial};

/// The base of the addresses that stand in certificates (the `public` listener, as verifiers reach it), and how many
/// shards new certificates are spread over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    base: String,
    shards: u16,
}

/// Why a text is no base of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublicationError {
    /// Not plain HTTP.
    #[error("the public URL must begin with http:// (to fetch a CRL over TLS, a verifier would need a CRL first)")]
    Scheme,
    /// Longer than it may be.
    #[error("the public URL has {octets} octets, {limit} are allowed")]
    TooLong {
        /// How long it is.
        octets: usize,
        /// How long it may be.
        limit: usize,
    },
    /// No host.
    #[error("the public URL names no host")]
    Host,
    /// A port that is none.
    #[error("{port:?} is not a port")]
    Port {
        /// What stands after the colon.
        port: String,
    },
    /// A character that has no place in a host, a port or a plain path.
    #[error("the public URL may have no {character:?}")]
    Character {
        /// Which.
        character: char,
    },
    /// A number of shards over which certificates do not spread evenly.
    #[error("{shards} shards: 1, 2, 4, 8, 16, 32, 64, 128 or {MAX_SHARDS} divide an octet evenly")]
    Shards {
        /// How many were asked for.
        shards: u16,
    },
    /// A path with a segment that is empty, `.` or `..`, or with an end in `/`.
    #[error("the public URL's path has an empty or dotted segment")]
    Path,
}

/// The CRL on which a certificate would stand, fixed when it is issued (design, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(u16);

impl Publication {
    /// Takes the base of all addresses, `http://host[:port][/path]`, and the number of shards, a power of two up to
    /// [`MAX_SHARDS`]. RFC 5280, section 8, warns of https and ldaps here.
    ///
    /// # Errors
    /// [`PublicationError`].
    pub fn parse(base: &str, shards: u16) -> Result<Self, PublicationError> {
        if !shards.is_power_of_two() || shards > MAX_SHARDS {
            return Err(PublicationError::Shards { shards });
        }
        if base.len() > MAX_BASE_OCTETS {
            return Err(PublicationError::TooLong { octets: base.len(), limit: MAX_BASE_OCTETS });
        }
        let rest = base.strip_prefix("http://").ok_or(PublicationError::Scheme)?;
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        check_authority(authority)?;
        check_path(path)?;
        Ok(Self { base: base.to_owned(), shards })
    }

    /// The shard of a new certificate: the last octet of its serial, which is random, so that shards fill evenly.
    #[must_use]
    pub fn shard_of(&self, serial: &Serial) -> Shard {
        let [.., last] = serial.as_bytes();
        // A power of two, so that this is the remainder.
        Shard(u16::from(*last) & self.shards.saturating_sub(1))
    }

    /// The shards of new certificates.
    pub fn shards(&self) -> impl Iterator<Item = Shard> + use<> {
        (0..self.shards).map(Shard)
    }

    /// Where the CRL of one shard of an issuer is. The same name stands in the CRL (RFC 5280, section 5.2.5).
    #[must_use]
    pub fn crl_url(&self, issuer: &KeyIdentifier, shard: Shard) -> String {
        format!("{}/crl/{issuer}/{shard}.crl", self.base)
    }

    /// Where an authority's certificate is, DER (RFC 5280, section 4.2.2.1: `.cer`).
    #[must_use]
    pub fn certificate_url(&self, authority: &KeyIdentifier) -> String {
        format!("{}/authority/{authority}.cer", self.base)
    }

    /// The base.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.base
    }
}

impl Shard {
    /// The shard with this number; `None` from [`MAX_SHARDS`] on.
    #[must_use]
    pub const fn of_number(number: u16) -> Option<Self> {
        if number < MAX_SHARDS { Some(Self(number)) } else { None }
    }

    /// Its number, below [`MAX_SHARDS`].
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl std::str::FromStr for Shard {
    type Err = NoShard;

    fn from_str(text: &str) -> Result<Self, NoShard> {
        let digits = text.len() == 2 && text.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'));
        match u16::from_str_radix(text, 16) {
            Ok(number) if digits => Ok(Self(number)),
            _ => Err(NoShard),
        }
    }
}

/// Two lower-case hexadecimal digits are a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a shard has two lower-case hexadecimal digits")]
pub struct NoShard;

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}", self.0)
    }
}

fn check_authority(authority: &str) -> Result<(), PublicationError> {
    // An IPv6 address stands in brackets: RFC 3986, section 3.2.2.
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or(PublicationError::Host)?,
        None => authority.find(':').map_or((authority, ""), |at| authority.split_at(at)),
    };
    let bracketed = authority.starts_with('[');
    let in_host = |character: char| {
        if bracketed {
            character.is_ascii_hexdigit() || character == ':'
        } else {
            character.is_ascii_alphanumeric() || matches!(character, '.' | '-')
        }
    };
    if host.is_empty() {
        return Err(PublicationError::Host);
    }
    if let Some(character) = host.chars().find(|character| !in_host(*character)) {
        return Err(PublicationError::Character { character });
    }
    let Some(port) = port.strip_prefix(':') else {
        return if port.is_empty() { Ok(()) } else { Err(PublicationError::Port { port: port.to_owned() }) };
    };
    let digits = !port.is_empty() && port.bytes().all(|octet| octet.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(1..) if digits => Ok(()),
        _ => Err(PublicationError::Port { port: port.to_owned() }),
    }
}

fn check_path(path: &str) -> Result<(), PublicationError> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_' | '/');
    if let Some(character) = path.chars().find(|character| !allowed(*character)) {
        return Err(PublicationError::Character { character });
    }
    let mut segments = path.split('/').skip(1);
    if segments.any(|segment| matches!(segment, "" | "." | "..")) { Err(PublicationError::Path) } else { Ok(()) }
}

/// Shards of an issuer's CRL, at most. With 1,000,000 certificates all revoked, each then has 150 kB instead of the 37 MB
/// of one CRL, and a verifier that meets a few agents fetches a few of them.
pub const MAX_SHARDS: u16 = 256;

/// Octets of the base: the address stands twice in each certificate, and each certificate stands in the ledger.
const MAX_BASE_OCTETS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lie_below_the_base() {
        let publication = Publication::parse("http://ca.example.org:8080/pki", 16).unwrap();
        let issuer = KeyIdentifier::from_bytes([0xab; 20]);
        let serial = Serial::from_bytes([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0c]).unwrap();
        let id = "ab".repeat(20);
        assert_eq!(
            publication.crl_url(&issuer, publication.shard_of(&serial)),
            format!("http://ca.example.org:8080/pki/crl/{id}/0c.crl")
        );
        assert_eq!(publication.certificate_url(&issuer), format!("http://ca.example.org:8080/pki/authority/{id}.cer"));
    }

    #[test]
    fn plain_addresses_are_taken() {
        for base in [
            "http://ca",
            "http://127.0.0.1:8080",
            "http://[::1]",
            "http://[2001:db8::1]:80",
            "http://ca.example.org/a/b-c_d.e",
        ] {
            assert_eq!(Publication::parse(base, 1).unwrap().as_str(), base);
        }
    }

    #[track_caller]
    fn check_refused(base: &str, expected: PublicationError) {
        assert_eq!(Publication::parse(base, 1), Err(expected));
    }

    #[test]
    fn shards_divide_an_octet() {
        let shards = |shards| Publication::parse("http://ca", shards).map(|publication| publication.shards().count());
        for number in [1, 2, 16, 256] {
            assert_eq!(shards(number), Ok(usize::from(number)));
        }
        for number in [0, 3, 24, 257, 512] {
            assert_eq!(shards(number), Err(PublicationError::Shards { shards: number }));
        }
        let serial = |last| Serial::from_bytes([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]).unwrap();
        let of = |shards, last| Publication::parse("http://ca", shards).unwrap().shard_of(&serial(last)).number();
        for last in 0..=255 {
            assert_eq!([1, 16, 256].map(|shards| of(shards, last)), [0, u16::from(last) % 16, u16::from(last)]);
        }
    }

    #[test]
    fn a_shard_has_one_name() {
        for number in 0..MAX_SHARDS {
            let shard = Shard::of_number(number).unwrap();
            assert_eq!(shard.to_string().parse(), Ok(shard));
        }
        assert_eq!(Shard::of_number(MAX_SHARDS), None);
        for text in ["", "1", "001", "0A", "+1", "g0", "0c.crl"] {
            assert_eq!(text.parse::<Shard>(), Err(NoShard), "{text:?}");
        }
    }

    #[test]
    fn other_addresses_are_refused() {
        use PublicationError::{Character, Host, Path, Port, Scheme, TooLong};
        check_refused("https://ca.example.org", Scheme);
        check_refused("ca.example.org", Scheme);
        check_refused("HTTP://ca", Scheme);
        check_refused("http://", Host);
        check_refused("http:///path", Host);
        check_refused("http://:80", Host);
        check_refused("http://[]", Host);
        check_refused("http://[::1", Host);
        check_refused("http://ca:", Port { port: String::new() });
        check_refused("http://ca:0", Port { port: "0".to_owned() });
        check_refused("http://ca:65536", Port { port: "65536".to_owned() });
        check_refused("http://ca:+80", Port { port: "+80".to_owned() });
        check_refused("http://[::1]x", Port { port: "x".to_owned() });
        check_refused("http://user@ca", Character { character: '@' });
        check_refused("http://c a", Character { character: ' ' });
        check_refused("http://cä", Character { character: 'ä' });
        check_refused("http://ca/a?b", Character { character: '?' });
        check_refused("http://ca/a#b", Character { character: '#' });
        check_refused("http://ca/%2e", Character { character: '%' });
        check_refused("http://ca/\n", Character { character: '\n' });
        check_refused("http://ca/", Path);
        check_refused("http://ca/a/", Path);
        check_refused("http://ca/a//b", Path);
        check_refused("http://ca/../b", Path);
        check_refused(&format!("http://{}", "a".repeat(194)), TooLong { octets: 201, limit: 200 });
    }
}

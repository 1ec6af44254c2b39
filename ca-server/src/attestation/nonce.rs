//! The server's nonces: handed out before evidence is shown, brought back in the request for a certificate (T-40).
//! Knows one key and the clock it is given; knows no evidence and remembers nothing.
//!
//! A nonce is `base64url(body || HMAC-SHA-256(key, domain || body))` with a body of
//!
//! | octets | what |
//! |---|---|
//! | 1 | version, 1 |
//! | 8 | name of the key: tells another server's nonce, or one of before a restart, from a forged one |
//! | 8 | when it was made, milliseconds since 1970 |
//! | 16 | random |
//!
//! So the server keeps nothing for a stranger who only asks. That a nonce is used once is the committer's work, by
//! [`CheckedNonce::proof`].

use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::{Sha256Hash, Timestamp};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Makes nonces and checks them. The key lives as long as the process, in its memory only.
pub struct Nonces {
    key: hmac::Key,
    key_name: [u8; KEY_NAME_OCTETS],
}

/// A nonce to hand out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce {
    /// What the client puts into its request as challengePassword.
    pub text: String,
    /// Not taken at or after this.
    pub expires: Timestamp,
}

/// A nonce that is ours, in time, and stands in the request itself: whoever signed the request had it before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckedNonce {
    proof: Sha256Hash,
    expires: Timestamp,
}

/// Why a nonce is not taken. All of it is the asker's, save [`NonceError::Random`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NonceError {
    /// The request has no challengePassword.
    #[error("the certificate request carries no challengePassword; the nonce belongs there")]
    Missing,
    /// The request has another one.
    #[error("the challengePassword of the certificate request is not the nonce that came with it")]
    Mismatch,
    /// Not of this form: cut off, lengthened, or other characters.
    #[error("the nonce has {found} characters of base64url, {wanted} are needed")]
    Malformed {
        /// Characters that can stand in a nonce, from its start.
        found: usize,
        /// Characters of a nonce.
        wanted: usize,
    },
    /// A version that this server does not make.
    #[error("the nonce has version {found}, this server makes {wanted}")]
    Version {
        /// In the nonce.
        found: u8,
        /// Ours.
        wanted: u8,
    },
    /// Made by another server, or by this one before it was started again.
    #[error("the nonce was made by another server, or before this one was started")]
    OtherServer,
    /// Says that it is ours, and is not.
    #[error("the nonce is not one that this server made")]
    Forged,
    /// Too old.
    #[error("the nonce expired at {expires}, it is {now}")]
    Expired {
        /// Now.
        now: Timestamp,
        /// Its end.
        expires: Timestamp,
    },
    /// Made after now: our clock went back.
    #[error("the nonce was made at {made}, it is {now}")]
    Future {
        /// Now.
        now: Timestamp,
        /// When it says that it was made.
        made: Timestamp,
    },
    /// The system gives no random numbers. Ours, not the asker's.
    #[error("the system gives no random numbers")]
    Random,
}

impl Nonces {
    /// A new key from the system's random numbers.
    ///
    /// # Errors
    /// [`NonceError::Random`].
    pub fn new() -> Result<Self, NonceError> {
        let mut secret = Zeroizing::new([0_u8; KEY_OCTETS]);
        aws_lc_rs::rand::fill(secret.as_mut_slice()).map_err(|_| NonceError::Random)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_slice());
        let mut key_name = [0; KEY_NAME_OCTETS];
        for (to, from) in key_name.iter_mut().zip(hmac::sign(&key, KEY_NAME_DOMAIN).as_ref()) {
            *to = *from;
        }
        Ok(Self { key, key_name })
    }

    /// A nonce made at `now`.
    ///
    /// # Errors
    /// [`NonceError::Random`].
    pub fn mint(&self, now: Timestamp) -> Result<Nonce, NonceError> {
        let mut random = [0_u8; RANDOM_OCTETS];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| NonceError::Random)?;
        let mut octets = vec![VERSION];
        octets.extend(self.key_name);
        octets.extend(now.millis().to_be_bytes());
        octets.extend(random);
        let tag = self.tag(&octets);
        octets.extend(tag.as_ref());
        Ok(Nonce { text: URL_SAFE_NO_PAD.encode(octets), expires: now.plus(NONCE_LIFE) })
    }

    /// Checks the nonce that came with a request against the challengePassword inside the request, then the nonce
    /// itself.
    ///
    /// # Errors
    /// The first reason found not to take it.
    pub fn check(&self, nonce: &str, challenge: Option<&str>, now: Timestamp) -> Result<CheckedNonce, NonceError> {
        let challenge = challenge.ok_or(NonceError::Missing)?;
        if !bool::from(nonce.as_bytes().ct_eq(challenge.as_bytes())) {
            return Err(NonceError::Mismatch);
        }
        let Body { signed, tag, version, key_name, made } = Body::of(nonce)?;
        if version != VERSION {
            return Err(NonceError::Version { found: version, wanted: VERSION });
        }
        if key_name != self.key_name {
            return Err(NonceError::OtherServer);
        }
        if !bool::from(self.tag(&signed).as_ref().ct_eq(&tag)) {
            return Err(NonceError::Forged);
        }
        // From here on the nonce is what we wrote, so its time is a time.
        let made = Timestamp::from_millis(made).map_err(|_| NonceError::Forged)?;
        let expires = made.plus(NONCE_LIFE);
        if made > now {
            return Err(NonceError::Future { now, made });
        }
        if now >= expires {
            return Err(NonceError::Expired { now, expires });
        }
        Ok(CheckedNonce { proof: Sha256Hash::of(&[PROOF_DOMAIN, &signed].concat()), expires })
    }

    fn tag(&self, body: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(TAG_DOMAIN);
        context.update(body);
        context.sign()
    }
}

/// The parts of a nonce, not yet believed.
struct Body {
    signed: Vec<u8>,
    tag: [u8; TAG_OCTETS],
    version: u8,
    key_name: [u8; KEY_NAME_OCTETS],
    made: u64,
}

impl Body {
    fn of(text: &str) -> Result<Self, NonceError> {
        let malformed = || NonceError::Malformed {
            found: text.bytes().take_while(|octet| is_base64url(*octet)).count(),
            wanted: NONCE_CHARACTERS,
        };
        if text.len() != NONCE_CHARACTERS {
            return Err(malformed());
        }
        let octets = URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed())?;
        let (signed, tag) = octets.split_last_chunk().ok_or_else(malformed)?;
        let (version, rest) = signed.split_first().ok_or_else(malformed)?;
        let (key_name, rest) = rest.split_first_chunk().ok_or_else(malformed)?;
        let (made, _random) = rest.split_first_chunk().ok_or_else(malformed)?;
        let made = u64::from_be_bytes(*made);
        Ok(Self { signed: signed.to_vec(), tag: *tag, version: *version, key_name: *key_name, made })
    }
}

fn is_base64url(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_'
}

impl CheckedNonce {
    /// What is spent: the same for each use of this nonce.
    #[must_use]
    pub const fn proof(&self) -> Sha256Hash {
        self.proof
    }

    /// Until when its use must be remembered; from then on it is refused for its age.
    #[must_use]
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }
}

impl NonceError {
    /// The name of the rule that was broken, for refusals, counters and tests.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Missing => "nonce-missing",
            Self::Mismatch => "nonce-mismatch",
            Self::Malformed { .. } => "nonce-malformed",
            Self::Version { .. } => "nonce-version",
            Self::OtherServer => "nonce-of-another-server",
            Self::Forged => "nonce-forged",
            Self::Expired { .. } => "nonce-expired",
            Self::Future { .. } => "nonce-from-the-future",
            Self::Random => "random-unavailable",
        }
    }

    /// What the asker can do.
    #[must_use]
    pub const fn fix(&self) -> &'static str {
        match self {
            Self::Missing | Self::Mismatch => {
                "put the nonce of POST /v1/challenge into the certificate request as challengePassword, and send both"
            }
            Self::Malformed { .. } => "send the nonce exactly as POST /v1/challenge gave it",
            Self::Version { .. } | Self::OtherServer | Self::Forged | Self::Expired { .. } | Self::Future { .. } => {
                "ask this server for a new nonce (POST /v1/challenge) and make a new certificate request with it"
            }
            Self::Random => "try again; if it stays, the server's operator must look at its log",
        }
    }

    /// Whether it is our fault and not the asker's.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        matches!(self, Self::Random)
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonces").field("key_name", &hex::encode(self.key_name)).finish_non_exhaustive()
    }
}

/// How long a nonce may be brought back: time to make a key and to fetch evidence, on a slow machine too.
pub const NONCE_LIFE: Duration = Duration::from_secs(300);
/// Characters of a nonce: 65 octets in base64url. A challengePassword has at most 255 (RFC 2985, appendix A).
pub const NONCE_CHARACTERS: usize = 87;

const VERSION: u8 = 1;
/// As many as SHA-256 gives: RFC 2104, section 3.
const KEY_OCTETS: usize = 32;
const KEY_NAME_OCTETS: usize = 8;
/// 128 bits: two nonces of one millisecond are never the same.
const RANDOM_OCTETS: usize = 16;
const TAG_OCTETS: usize = 32;
const KEY_NAME_DOMAIN: &[u8] = b"brevet-nonce-key-name/v1\0";
const TAG_DOMAIN: &[u8] = b"brevet-nonce/v1\0";
const PROOF_DOMAIN: &[u8] = b"brevet-nonce-proof/v1\0";

#[cfg(test)]
mod tests;

//! RSA keys that are too short, of too small an exponent, or of primes too close (RFC 8017). Knows PKCS#1 v1.5
//! with SHA-256.

use aws_lc_rs::digest::{SHA256, digest};
use num_bigint::BigUint;

use super::{below, fixed};
use crate::der;

/// An RSA key of any strength. Not secret.
pub struct RsaKey {
    n: BigUint,
    e: BigUint,
    d: BigUint,
    octets: usize,
}

impl RsaKey {
    /// Two random primes of `bits / 2` each, with the exponent `e`.
    #[must_use]
    pub fn generate(bits: u64, e: u32) -> Self {
        Self::from_primes(bits, e, |_, e| prime_from(&random_odd(bits / 2), e))
    }

    /// Two primes next to each other: factored at once by Fermat's method.
    #[must_use]
    pub fn generate_close(bits: u64) -> Self {
        Self::from_primes(bits, 65_537, |p, e| prime_from(&(p + 2_u8), e))
    }

    fn from_primes(bits: u64, e: u32, other: impl FnOnce(&BigUint, &BigUint) -> BigUint) -> Self {
        let e = BigUint::from(e);
        let p = prime_from(&random_odd(bits / 2), &e);
        let q = other(&p, &e);
        let d = e.modinv(&((&p - 1_u8) * (&q - 1_u8))).expect("the primes were chosen for this exponent");
        let n = p * q;
        assert_eq!(n.bits(), bits, "both primes have their two highest bits set");
        let octets = n.to_bytes_be().len();
        RsaKey { n, e, d, octets }
    }

    /// SubjectPublicKeyInfo (RFC 3279, section 2.3.1).
    #[must_use]
    pub fn spki(&self) -> Vec<u8> {
        let key = der::sequence(&[&der::integer(&self.modulus()), &der::integer(&self.exponent())]);
        let algorithm = der::sequence(&[&der::oid(&[1, 2, 840, 113_549, 1, 1, 1]), &der::null()]);
        der::sequence(&[&algorithm, &der::bit_string(&key)])
    }

    /// The modulus, big-endian.
    #[must_use]
    pub fn modulus(&self) -> Vec<u8> {
        self.n.to_bytes_be()
    }

    /// The exponent, big-endian.
    #[must_use]
    pub fn exponent(&self) -> Vec<u8> {
        self.e.to_bytes_be()
    }

    /// A sound signature, RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2.1).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let algorithm = der::sequence(&[&der::oid(&[2, 16, 840, 1, 101, 3, 4, 2, 1]), &der::null()]);
        let info = der::sequence(&[&algorithm, &der::octet_string(digest(&SHA256, message).as_ref())]);
        let padding = vec![0xff; self.octets - info.len() - 3];
        let block = [vec![0, 1], padding, vec![0], info].concat();
        fixed(&BigUint::from_bytes_be(&block).modpow(&self.d, &self.n), self.octets)
    }
}

/// An odd number of exactly `bits`, its two highest bits set, so that the product of two has twice as many.
fn random_odd(bits: u64) -> BigUint {
    let mut number = below(&(BigUint::from(1_u8) << bits));
    for bit in [0, bits - 1, bits - 2] {
        number.set_bit(bit, true);
    }
    number
}

/// The first prime at or above `start` for which `e` can be inverted.
fn prime_from(start: &BigUint, e: &BigUint) -> BigUint {
    let mut candidate = start.clone();
    while !(is_prime(&candidate) && e.modinv(&(&candidate - 1_u8)).is_some()) {
        candidate += 2_u8;
    }
    candidate
}

/// Small factors, then Miller-Rabin with eight random bases: plenty for numbers that nobody chose to mislead.
fn is_prime(number: &BigUint) -> bool {
    if SMALL_PRIMES.iter().any(|prime| number % *prime == BigUint::ZERO) {
        return false;
    }
    let less_one = number - 1_u8;
    let twos = less_one.trailing_zeros().expect("an odd number above one");
    let odd = &less_one >> twos;
    (0..8).all(|_| {
        let mut power = (below(&(number - 3_u8)) + 2_u8).modpow(&odd, number);
        power == BigUint::from(1_u8)
            || (0..twos).any(|_| {
                let found = power == less_one;
                power = &power * &power % number;
                found
            })
    })
}

const SMALL_PRIMES: [u32; 30] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127,
];

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RsaPublicKeyComponents};

    use super::RsaKey;

    /// Another implementation agrees that key and signature are sound.
    #[track_caller]
    fn check_sound(key: &RsaKey) {
        let public = RsaPublicKeyComponents { n: key.modulus(), e: key.exponent() };
        let signature = key.sign(b"message");
        public.verify(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, b"message", &signature).unwrap();
        public.verify(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, b"another", &signature).unwrap_err();
    }

    #[test]
    fn signatures_are_sound() {
        check_sound(&RsaKey::generate(1024, 65_537));
        check_sound(&RsaKey::generate(1024, 3));
        check_sound(&RsaKey::generate_close(1024));
    }
}

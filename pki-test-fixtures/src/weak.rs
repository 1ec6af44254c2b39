//! Keys that no sound library makes: short RSA, foreign curves, points that are on no curve. Knows arithmetic;
//! guards no secret: nothing here runs in constant time, and nothing needs to.

pub mod curve;
pub mod rsa;

use num_bigint::BigUint;

/// A number below `bound`, at random.
pub(crate) fn below(bound: &BigUint) -> BigUint {
    let mut octets = vec![0; bound.to_bytes_be().len() + 8];
    aws_lc_rs::rand::fill(&mut octets).expect("the system has random numbers");
    BigUint::from_bytes_be(&octets) % bound
}

/// Big-endian, in exactly `octets`.
pub(crate) fn fixed(number: &BigUint, octets: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    let mut out = vec![0; octets - bytes.len()];
    out.extend(bytes);
    out
}

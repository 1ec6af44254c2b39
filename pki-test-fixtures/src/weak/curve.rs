//! ECDSA over any short Weierstrass curve (SEC 1), for the curves that Brevet must refuse. Knows P-256, P-224,
//! P-384 and secp256k1 by their parameters.

use aws_lc_rs::digest::{SHA256, digest};
use num_bigint::BigUint;

use super::{below, fixed};
use crate::der;

/// y² = x³ + ax + b over the field of p, with a base point of order n (SEC 2).
pub struct Curve {
    p: BigUint,
    a: BigUint,
    b: BigUint,
    g: Point,
    n: BigUint,
    octets: usize,
    oid: &'static [u64],
}

/// A point other than infinity.
type Point = (BigUint, BigUint);

/// A key on such a curve. Not secret.
pub struct CurveKey {
    curve: Curve,
    scalar: BigUint,
    point: Point,
}

impl Curve {
    /// NIST P-256: the right curve, for requests that are wrong in another way.
    #[must_use]
    pub fn p256() -> Self {
        let parameters = [
            "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
            "ffffffff00000001000000000000000000000000fffffffffffffffffffffffc",
            "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
            "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
            "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
            "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        ];
        Self::from_hex(&[1, 2, 840, 10045, 3, 1, 7], 32, parameters)
    }

    /// NIST P-224.
    #[must_use]
    pub fn p224() -> Self {
        let parameters = [
            "ffffffffffffffffffffffffffffffff000000000000000000000001",
            "fffffffffffffffffffffffffffffffefffffffffffffffffffffffe",
            "b4050a850c04b3abf54132565044b0b7d7bfd8ba270b39432355ffb4",
            "b70e0cbd6bb4bf7f321390b94a03c1d356c21122343280d6115c1d21",
            "bd376388b5f723fb4c22dfe6cd4375a05a07476444d5819985007e34",
            "ffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3d",
        ];
        Self::from_hex(&[1, 3, 132, 0, 33], 28, parameters)
    }

    /// NIST P-384.
    #[must_use]
    pub fn p384() -> Self {
        let parameters = [
            "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
            "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000fffffffc",
            "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
            "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7",
            "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
            "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        ];
        Self::from_hex(&[1, 3, 132, 0, 34], 48, parameters)
    }

    /// secp256k1.
    #[must_use]
    pub fn secp256k1() -> Self {
        let parameters = [
            "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
            "00",
            "07",
            "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
            "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        ];
        Self::from_hex(&[1, 3, 132, 0, 10], 32, parameters)
    }

    fn from_hex(oid: &'static [u64], octets: usize, parameters: [&str; 6]) -> Self {
        let [p, a, b, x, y, n] =
            parameters.map(|text| BigUint::parse_bytes(text.as_bytes(), 16).expect("a hexadecimal number"));
        Curve { p, a, b, g: (x, y), n, octets, oid }
    }

    /// The curve spelled out where its name should stand (RFC 3279, section 2.3.5; CVE-2020-0601).
    fn explicit_parameters(&self) -> Vec<u8> {
        let field = der::sequence(&[&der::oid(&[1, 2, 840, 10045, 1, 1]), &der::integer(&self.p.to_bytes_be())]);
        let a = der::octet_string(&fixed(&self.a, self.octets));
        let b = der::octet_string(&fixed(&self.b, self.octets));
        let base = der::octet_string(&self.encoded(&self.g));
        let order = der::integer(&self.n.to_bytes_be());
        let one = der::integer(&[1]);
        der::sequence(&[&one, &field, &der::sequence(&[&a, &b]), &base, &order, &one])
    }

    /// 04 || x || y.
    fn encoded(&self, (x, y): &Point) -> Vec<u8> {
        [vec![4], fixed(x, self.octets), fixed(y, self.octets)].concat()
    }

    fn add(&self, one: &Point, other: &Point) -> Point {
        let p = &self.p;
        let (rise, run) = if one == other {
            (&one.0 * &one.0 * 3_u8 + &self.a, &one.1 * 2_u8)
        } else {
            (&other.1 + p - &one.1, &other.0 + p - &one.0)
        };
        let slope = rise * run.modinv(p).expect("multiples of a base point of prime order, none of them infinity") % p;
        let x = (&slope * &slope + p * 2_u8 - &one.0 - &other.0) % p;
        let y = (slope * (&one.0 + p - &x) + p - &one.1) % p;
        (x, y)
    }

    /// Double and add.
    fn multiply(&self, scalar: &BigUint) -> Point {
        let mut product: Option<Point> = None;
        for bit in (0..scalar.bits()).rev() {
            product = product.map(|at| self.add(&at, &at));
            if scalar.bit(bit) {
                product = Some(product.map_or_else(|| self.g.clone(), |at| self.add(&at, &self.g)));
            }
        }
        product.expect("a scalar above zero")
    }
}

impl CurveKey {
    /// A new key on `curve`.
    #[must_use]
    pub fn generate(curve: Curve) -> Self {
        let scalar = below(&(&curve.n - 1_u8)) + 1_u8;
        let point = curve.multiply(&scalar);
        CurveKey { curve, scalar, point }
    }

    /// SubjectPublicKeyInfo with the curve by name.
    #[must_use]
    pub fn spki(&self) -> Vec<u8> {
        spki_of(&der::oid(self.curve.oid), &self.curve.encoded(&self.point))
    }

    /// The same point under the name of another curve.
    #[must_use]
    pub fn spki_named(&self, other: &Curve) -> Vec<u8> {
        spki_of(&der::oid(other.oid), &self.curve.encoded(&self.point))
    }

    /// SubjectPublicKeyInfo with the curve spelled out.
    #[must_use]
    pub fn spki_with_explicit_parameters(&self) -> Vec<u8> {
        spki_of(&self.curve.explicit_parameters(), &self.curve.encoded(&self.point))
    }

    /// SubjectPublicKeyInfo of a point whose y is one too large, so that it lies beside the curve.
    #[must_use]
    pub fn spki_off_the_curve(&self) -> Vec<u8> {
        let beside = (self.point.0.clone(), (&self.point.1 + 1_u8) % &self.curve.p);
        spki_of(&der::oid(self.curve.oid), &self.curve.encoded(&beside))
    }

    /// SubjectPublicKeyInfo of the point at infinity.
    #[must_use]
    pub fn spki_of_infinity(&self) -> Vec<u8> {
        spki_of(&der::oid(self.curve.oid), &[0])
    }

    /// SubjectPublicKeyInfo of the same point, compressed (SEC 1, section 2.3.3): one key in two forms.
    #[must_use]
    pub fn spki_compressed(&self) -> Vec<u8> {
        let sign = if self.point.1.bit(0) { 3 } else { 2 };
        spki_of(&der::oid(self.curve.oid), &[vec![sign], fixed(&self.point.0, self.curve.octets)].concat())
    }

    /// A sound ECDSA signature with SHA-256, in DER (SEC 1, section 4.1.3).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let n = &self.curve.n;
        // Of the hash, only as many leftmost bits count as the order has.
        let number = BigUint::from_bytes_be(digest(&SHA256, message).as_ref()) >> 256_u64.saturating_sub(n.bits());
        loop {
            let k = below(&(n - 1_u8)) + 1_u8;
            let r = self.curve.multiply(&k).0 % n;
            let s = k.modinv(n).expect("n is prime") * (&number + &r * &self.scalar) % n;
            if r.bits() > 0 && s.bits() > 0 {
                return der::sequence(&[&der::integer(&r.to_bytes_be()), &der::integer(&s.to_bytes_be())]);
            }
        }
    }
}

fn spki_of(parameters: &[u8], point: &[u8]) -> Vec<u8> {
    let algorithm = der::sequence(&[&der::oid(&[1, 2, 840, 10045, 2, 1]), parameters]);
    der::sequence(&[&algorithm, &der::bit_string(point)])
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256K1_SHA256_ASN1, ECDSA_P384_SHA256_ASN1, EcdsaVerificationAlgorithm,
        UnparsedPublicKey,
    };
    use num_bigint::BigUint;

    use super::{Curve, CurveKey};

    /// Another implementation agrees that key and signature are sound.
    #[track_caller]
    fn check_sound(curve: Curve, by: &'static EcdsaVerificationAlgorithm) {
        let key = CurveKey::generate(curve);
        let signature = key.sign(b"message");
        let point = key.curve.encoded(&key.point);
        UnparsedPublicKey::new(by, &point).verify(b"message", &signature).unwrap();
        UnparsedPublicKey::new(by, &point).verify(b"another", &signature).unwrap_err();
    }

    #[test]
    fn signatures_are_sound() {
        check_sound(Curve::p256(), &ECDSA_P256_SHA256_ASN1);
        check_sound(Curve::p384(), &ECDSA_P384_SHA256_ASN1);
        check_sound(Curve::secp256k1(), &ECDSA_P256K1_SHA256_ASN1);
    }

    /// No library at hand signs on P-224, so its parameters are checked by what they must give.
    #[test]
    fn p224_has_its_order() {
        let curve = Curve::p224();
        let last = curve.multiply(&(&curve.n - 1_u8));
        assert_eq!(last.0, curve.g.0, "n - 1 times the base point is its mirror image");
        assert_eq!((last.1 + &curve.g.1) % &curve.p, BigUint::ZERO);
    }
}

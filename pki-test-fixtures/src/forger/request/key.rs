//! Requests for keys that must not be certified, or that nobody proved to hold (T-38). Encoding and attributes
//! are always sound; so is the signature, where a key can sign at all.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};

use super::{RequestForger, ecdsa_sha256};
use crate::der;
use crate::forger::flaws;
use crate::weak::curve::{Curve, CurveKey};
use crate::weak::rsa::RsaKey;

flaws! {
    /// Keys that must not be certified (T-38), and signatures that prove nothing.
    RequestForger, keys:

    /// RSA of 1024 bits.
    fn key_is_rsa_1024(&self) { self.of_rsa(&RsaKey::generate(1024, 65_537)) }
    /// RSA of 1024 bits with exponent 3.
    fn key_is_rsa_with_exponent_3(&self) { self.of_rsa(&RsaKey::generate(1024, 3)) }
    /// RSA whose primes are neighbours.
    fn key_is_rsa_of_close_primes(&self) { self.of_rsa(&RsaKey::generate_close(1024)) }
    /// RSA of 2048 bits: sound, but no kind that leaves may have.
    fn key_is_rsa_2048(&self) {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key");
        let spki = pair.public_key().as_der().expect("SubjectPublicKeyInfo");
        self.of_key(spki.as_ref(), &rsa_sha256(), |body| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), body, &mut signature).expect("an RSA signature");
            signature
        })
    }
    /// P-224.
    fn key_is_on_p224(&self) { self.of_curve(Curve::p224()) }
    /// P-384: sound, but no kind that leaves may have.
    fn key_is_on_p384(&self) { self.of_curve(Curve::p384()) }
    /// secp256k1.
    fn key_is_on_secp256k1(&self) { self.of_curve(Curve::secp256k1()) }
    /// A secp256k1 key under the name of P-256.
    fn key_is_of_another_curve_than_it_says(&self) {
        let key = CurveKey::generate(Curve::secp256k1());
        self.of_key(&key.spki_named(&Curve::p256()), &ecdsa_sha256(), |body| key.sign(body))
    }
    /// A P-256 point that is on no curve.
    fn key_is_off_the_curve(&self) { self.of_spki(&self.key.spki_off_the_curve()) }
    /// The point at infinity.
    fn key_is_infinity(&self) { self.of_spki(&self.key.spki_of_infinity()) }
    /// P-256, all parameters spelled out (CVE-2020-0601).
    fn key_has_explicit_parameters(&self) { self.of_spki(&self.key.spki_with_explicit_parameters()) }
    /// P-256, compressed: the same key with another hash.
    fn key_is_compressed(&self) { self.of_spki(&self.key.spki_compressed()) }
    /// NULL where the curve's name should stand.
    fn key_has_no_curve(&self) {
        let algorithm = der::sequence(&[&der::oid(&[1, 2, 840, 10045, 2, 1]), &der::null()]);
        self.of_spki(&der::sequence(&[&algorithm, &der::bit_string(&[4; 65])]))
    }
    /// Ed25519 with a key of 31 octets.
    fn key_is_a_short_ed25519(&self) { self.of_edwards(&[7; 31], &[0; 64]) }
    /// Ed25519 with the neutral point as key, for which one signature holds over any message.
    fn key_is_ed25519_of_small_order(&self) {
        let mut neutral = [0; 32];
        neutral[0] = 1;
        self.of_edwards(&neutral, &[neutral, [0; 32]].concat())
    }
    /// X25519: a key that cannot sign.
    fn key_cannot_sign(&self) {
        let algorithm = der::sequence(&[&der::oid(&[1, 3, 101, 110])]);
        self.of_key(&der::sequence(&[&algorithm, &der::bit_string(&[9; 32])]), &algorithm, |_| vec![0; 64])
    }

    /// Signed by another key than the one inside.
    fn signed_by_another_key(&self) { self.by(&ecdsa_sha256(), |body| self.other.sign(body)) }
    /// Nothing where the signature should be.
    fn signature_is_empty(&self) { self.by(&ecdsa_sha256(), |_| Vec::new()) }
    /// r and s are zero.
    fn signature_is_zeros(&self) { self.by(&ecdsa_sha256(), |_| vec![0x30, 6, 2, 1, 0, 2, 1, 0]) }
    /// The signature is over other octets.
    fn signature_is_of_another_request(&self) { self.by(&ecdsa_sha256(), |_| self.key.sign(b"another request")) }
    /// SHA-1 by name.
    fn signature_is_with_sha1(&self) {
        self.by(&der::sequence(&[&der::oid(&[1, 2, 840, 10045, 4, 1])]), |body| self.key.sign(body))
    }
    /// The algorithm is RSA, the key is not.
    fn signature_algorithm_is_of_another_key(&self) { self.by(&rsa_sha256(), |body| self.key.sign(body)) }
    /// No algorithm that anybody knows.
    fn signature_algorithm_is_unknown(&self) {
        self.by(&der::sequence(&[&der::oid(&[1, 2, 3, 4])]), |body| self.key.sign(body))
    }
    /// NULL parameters, which ECDSA must not have (RFC 5758, section 3.2).
    fn signature_algorithm_has_null_parameters(&self) {
        self.by(&der::sequence(&[&der::oid(&[1, 2, 840, 10045, 4, 3, 2]), &der::null()]), |body| self.key.sign(body))
    }
}

impl RequestForger {
    fn of_rsa(&self, key: &RsaKey) -> Vec<u8> {
        self.of_key(&key.spki(), &rsa_sha256(), |body| key.sign(body))
    }

    fn of_curve(&self, curve: Curve) -> Vec<u8> {
        let key = CurveKey::generate(curve);
        self.of_key(&key.spki(), &ecdsa_sha256(), |body| key.sign(body))
    }

    fn of_edwards(&self, point: &[u8], signature: &[u8]) -> Vec<u8> {
        let algorithm = der::sequence(&[&der::oid(&[1, 3, 101, 112])]);
        self.of_key(&der::sequence(&[&algorithm, &der::bit_string(point)]), &algorithm, |_| signature.to_vec())
    }

    /// The forger's key in a form that it should not have, signed by it.
    fn of_spki(&self, spki: &[u8]) -> Vec<u8> {
        self.of_key(spki, &ecdsa_sha256(), |body| self.key.sign(body))
    }

    /// The forger's key, signed in a way that proves nothing.
    fn by(&self, algorithm: &[u8], sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
        self.of_key(&self.key.spki(), algorithm, sign)
    }
}

/// sha256WithRSAEncryption (RFC 4055, section 5).
fn rsa_sha256() -> Vec<u8> {
    der::sequence(&[&der::oid(&[1, 2, 840, 113_549, 1, 1, 11]), &der::null()])
}

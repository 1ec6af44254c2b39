//! Tokens with a false signature or algorithm (T-22). Knows keys; the claims are always genuine.

use aws_lc_rs::hmac;
use serde_json::json;

use super::TokenForger;
use crate::cluster::{Algorithm, TokenKey};
use crate::forger::flaws;
use crate::jws;

flaws! {
    /// False signatures and algorithms (T-22).
    TokenForger<'_>, signatures:

    /// `alg` is `none` and nothing is signed.
    fn alg_is_none(&self) { self.unsigned("none") }
    /// The same with a capital.
    fn alg_is_none_capitalised(&self) { self.unsigned("None") }
    /// The same in capitals.
    fn alg_is_none_in_capitals(&self) { self.unsigned("NONE") }
    /// The same in mixed case.
    fn alg_is_none_in_mixed_case(&self) { self.unsigned("nOnE") }
    /// `alg` is `none` over a good signature.
    fn alg_is_none_but_signed(&self) { self.signed("none", self.ec().kid(), |input| self.ec().sign(input)) }
    /// There is no `alg`.
    fn alg_is_missing(&self) { self.under(&json!({ "kid": self.cluster.key().kid() })) }
    /// `alg` is null.
    fn alg_is_null(&self) { self.with_header("alg", json!(null)) }
    /// `alg` is the right one in lower case.
    fn alg_is_in_lower_case(&self) { self.with_header("alg", self.cluster.key().algorithm().name().to_lowercase()) }
    /// HMAC with the public key's PEM as the secret.
    fn hs256_with_public_pem(&self) { self.mac(self.rsa().public_pem().as_bytes()) }
    /// HMAC with the public key's modulus as the secret.
    fn hs256_with_modulus(&self) { self.mac(&self.rsa().modulus()) }
    /// HMAC with an empty secret.
    fn hs256_with_nothing(&self) { self.mac(&[]) }
    /// RS512 by the RS256 key.
    fn rs512_on_an_rs256_key(&self) { self.signed("RS512", self.rsa().kid(), |input| self.rsa().sign_rs512(input)) }
    /// PS256 by the RS256 key.
    fn ps256_on_an_rs256_key(&self) { self.signed("PS256", self.rsa().kid(), |input| self.rsa().sign_ps256(input)) }
    /// The EC key, said to be RS256.
    fn rs256_on_an_ec_key(&self) { self.signed("RS256", self.ec().kid(), |input| self.ec().sign(input)) }
    /// The RSA key, said to be ES256.
    fn es256_on_an_rsa_key(&self) { self.signed("ES256", self.rsa().kid(), |input| self.rsa().sign(input)) }
    /// The signature of the RSA key under the EC key's id.
    fn rsa_signature_under_the_ec_key(&self) { self.signed("ES256", self.ec().kid(), |input| self.rsa().sign(input)) }
    /// A good ECDSA signature, in DER.
    fn ecdsa_signature_in_der(&self) { self.signed("ES256", self.ec().kid(), |input| self.ec().sign_es256_der(input)) }
    /// r and s are zero (CVE-2022-21449).
    fn ecdsa_signature_of_zeros(&self) { self.signed("ES256", self.ec().kid(), |_| vec![0; 64]) }
    /// Zeros in DER.
    fn ecdsa_signature_of_zeros_in_der(&self) {
        self.signed("ES256", self.ec().kid(), |_| vec![0x30, 6, 2, 1, 0, 2, 1, 0])
    }
    /// r and s are the order of the curve.
    fn ecdsa_signature_of_the_order(&self) {
        self.signed("ES256", self.ec().kid(), |_| [P256_ORDER, P256_ORDER].concat())
    }
    /// One octet too many.
    fn ecdsa_signature_is_long(&self) {
        self.signed("ES256", self.ec().kid(), |input| [self.ec().sign(input), vec![0]].concat())
    }
    /// An RSA signature of one.
    fn rsa_signature_of_one(&self) { self.signed("RS256", self.rsa().kid(), |_| [vec![0; 255], vec![1]].concat()) }
    /// RSA with one octet missing.
    fn rsa_signature_is_short(&self) {
        self.signed("RS256", self.rsa().kid(), |input| self.rsa().sign(input)[1..].to_vec())
    }
    /// No signature under a good header.
    fn signature_is_empty(&self) { self.signed("ES256", self.ec().kid(), |_| Vec::new()) }
    /// One bit of the signature is another.
    fn signature_has_a_bit_flipped(&self) {
        self.signed("ES256", self.ec().kid(), |input| {
            let mut signature = self.ec().sign(input);
            signature[40] ^= 0x10;
            signature
        })
    }
    /// The signature of a genuine token under other claims.
    fn claims_were_changed_after_signing(&self) {
        let genuine = self.cluster.token(self.pod, self.now);
        let mut claims = self.claims();
        claims["kubernetes.io"]["namespace"] = json!("kube-system");
        claims["sub"] = json!(format!("system:serviceaccount:kube-system:{}", self.pod.service_account));
        let payload = serde_json::Value::Object(claims).to_string();
        let parts: Vec<&str> = genuine.split('.').collect();
        format!("{}.{}.{}", parts[0], jws::base64url(payload.as_bytes()), parts[2]).into_bytes()
    }
    /// A stranger's EC key under the cluster's key id.
    fn signed_by_a_stranger(&self) { self.signed("ES256", self.ec().kid(), |input| self.own_ec.sign(input)) }
    /// A stranger's RSA key under the cluster's key id.
    fn signed_by_a_strangers_rsa_key(&self) { self.signed("RS256", self.rsa().kid(), |input| self.own_rsa.sign(input)) }
    /// A stranger's key, given along in `jwk` (CVE-2018-0114).
    fn jwk_is_embedded(&self) {
        let header = json!({ "alg": "ES256", "kid": self.own_ec.kid(), "jwk": self.own_ec.jwk() }).to_string();
        jws::compact(header.as_bytes(), self.text().as_bytes(), |input| self.own_ec.sign(input)).into_bytes()
    }
}

impl TokenForger<'_> {
    fn rsa(&self) -> &TokenKey {
        self.cluster.key_of(Algorithm::Rs256)
    }

    fn ec(&self) -> &TokenKey {
        self.cluster.key_of(Algorithm::Es256)
    }

    fn unsigned(&self, alg: &str) -> Vec<u8> {
        self.signed(alg, self.ec().kid(), |_| Vec::new())
    }

    fn mac(&self, secret: &[u8]) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        self.signed("HS256", self.rsa().kid(), |input| hmac::sign(&key, input).as_ref().to_vec())
    }
}

/// The order of P-256 (SEC 2, section 2.4.2), big-endian.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

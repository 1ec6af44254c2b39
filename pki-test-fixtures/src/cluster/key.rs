//! The keys of a cluster's token signer. Knows RS256 and ES256 (RFC 7518), and how Kubernetes names a key;
//! knows no claim. Signs by other algorithms too, because the forger asks for that.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use serde_json::{Value, json};

use crate::jws::base64url;

/// What a cluster signs its tokens with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits: the default of every distribution.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

impl Algorithm {
    /// As it stands in the header and in the JWKS.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Es256 => "ES256",
        }
    }
}

/// One signing key with its key id.
pub struct TokenKey {
    kid: String,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

impl TokenKey {
    /// A new key. Its id is what Kubernetes uses: base64url of the SHA-256 of the SubjectPublicKeyInfo.
    #[must_use]
    pub fn generate(algorithm: Algorithm) -> Self {
        let pair = match algorithm {
            Algorithm::Rs256 => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key")),
            Algorithm::Es256 => {
                Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a P-256 key"))
            }
        };
        let kid = base64url(digest(&SHA256, &spki(&pair)).as_ref());
        TokenKey { kid, pair }
    }

    /// Its algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Rsa(_) => Algorithm::Rs256,
            Pair::Ec(_) => Algorithm::Es256,
        }
    }

    /// Its key id.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Its public half as a JWK (RFC 7517), in the shape the API server serves.
    #[must_use]
    pub fn jwk(&self) -> Value {
        match &self.pair {
            Pair::Rsa(pair) => json!({
                "use": "sig", "kty": "RSA", "kid": self.kid, "alg": "RS256",
                "n": base64url(pair.public_key().modulus().big_endian_without_leading_zero()),
                "e": base64url(pair.public_key().exponent().big_endian_without_leading_zero()),
            }),
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({
                    "use": "sig", "kty": "EC", "kid": self.kid, "alg": "ES256", "crv": "P-256",
                    "x": base64url(&point[1..33]), "y": base64url(&point[33..65]),
                })
            }
        }
    }

    /// Its public half with the private one beside it: what must never be served.
    #[must_use]
    pub fn private_jwk(&self) -> Value {
        let mut jwk = self.jwk();
        if let Pair::Ec(pair) = &self.pair {
            let secret: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().expect("the private scalar");
            jwk["d"] = Value::from(base64url(secret.as_ref()));
        }
        jwk
    }

    /// The signature that JWS wants for the key's own algorithm (RFC 7518, sections 3.3 and 3.4).
    #[must_use]
    pub fn sign(&self, input: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => sign_rsa(pair, &RSA_PKCS1_SHA256, input),
            Pair::Ec(pair) => pair.sign(&SystemRandom::new(), input).expect("an ECDSA signature").as_ref().to_vec(),
        }
    }

    /// The same key under RSASSA-PKCS1-v1_5 with SHA-512. Only an RSA key can.
    #[must_use]
    pub fn sign_rs512(&self, input: &[u8]) -> Vec<u8> {
        sign_rsa(self.rsa(), &RSA_PKCS1_SHA512, input)
    }

    /// The same key under RSASSA-PSS with SHA-256. Only an RSA key can.
    #[must_use]
    pub fn sign_ps256(&self, input: &[u8]) -> Vec<u8> {
        sign_rsa(self.rsa(), &RSA_PSS_SHA256, input)
    }

    /// A sound ECDSA signature in DER, as X.509 has it and JWS does not. Only an EC key can.
    #[must_use]
    pub fn sign_es256_der(&self, input: &[u8]) -> Vec<u8> {
        let Pair::Ec(pair) = &self.pair else { panic!("an RSA key makes no ECDSA signature") };
        let secret: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().expect("the private scalar");
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_ASN1_SIGNING,
            secret.as_ref(),
            pair.public_key().as_ref(),
        )
        .expect("the same key again");
        pair.sign(&SystemRandom::new(), input).expect("an ECDSA signature").as_ref().to_vec()
    }

    /// SubjectPublicKeyInfo in PEM: the octets that a confused verifier would take for an HMAC key.
    #[must_use]
    pub fn public_pem(&self) -> String {
        crate::der::pem("PUBLIC KEY", &spki(&self.pair))
    }

    /// The modulus of an RSA key, big-endian.
    #[must_use]
    pub fn modulus(&self) -> Vec<u8> {
        self.rsa().public_key().modulus().big_endian_without_leading_zero().to_vec()
    }

    fn rsa(&self) -> &RsaKeyPair {
        let Pair::Rsa(pair) = &self.pair else { panic!("an EC key makes no RSA signature") };
        pair
    }
}

fn spki(pair: &Pair) -> Vec<u8> {
    match pair {
        Pair::Rsa(pair) => pair.public_key().as_der().expect("RSA SubjectPublicKeyInfo").as_ref().to_vec(),
        Pair::Ec(pair) => pair.public_key().as_der().expect("EC SubjectPublicKeyInfo").as_ref().to_vec(),
    }
}

fn sign_rsa(pair: &RsaKeyPair, encoding: &'static dyn RsaEncoding, input: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), input, &mut signature).expect("an RSA signature");
    signature
}

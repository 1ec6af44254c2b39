//! A region of AWS as its machines see it: it signs instance identity documents, and serves them over IMDSv2. Knows the
//! documents' shape; has no other service of AWS.

pub mod imds;
pub mod message;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaEncoding, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use identity::{Sha256Hash, Timestamp};

use crate::der;
pub use imds::{Imds, ImdsAnswer};
pub use message::{Message, Signer};

/// A machine, as its document describes it.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The account that owns it.
    pub account: String,
    /// Its id.
    pub id: String,
    /// When it was last started.
    pub pending: Timestamp,
}

impl Instance {
    /// A machine of an account.
    #[must_use]
    pub fn new(account: &str, id: &str, pending: Timestamp) -> Self {
        Instance { account: account.to_owned(), id: id.to_owned(), pending }
    }
}

/// A region. Its documents are genuine; what is false about one is the forger's work.
pub struct Region {
    name: String,
    key: RsaKeyPair,
}

impl Region {
    /// A region with a new key of RSA 2,048 bits.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Region { name: name.to_owned(), key: RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key") }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its public key: SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = self.key.public_key().as_der().expect("a public key");
        der.as_ref().to_vec()
    }

    /// Its row in a table of keys, as an operator of an isolated partition writes it.
    #[must_use]
    pub fn row(&self) -> String {
        let spki = self.spki();
        format!(
            "[[region]]\nname = \"{}\"\nspki_sha256 = \"{}\"\nspki = \"{}\"\n",
            self.name,
            Sha256Hash::of(&spki),
            STANDARD.encode(&spki)
        )
    }

    /// The document of a machine as `/latest/dynamic/instance-identity/document` has it: what is signed.
    #[must_use]
    pub fn content(&self, instance: &Instance) -> String {
        let pending = instance.pending.floor_second().to_string().replace(".000Z", "Z");
        let (account, id, region) = (&instance.account, &instance.id, &self.name);
        format!(
            "{{\n  \"accountId\" : \"{account}\",\n  \"architecture\" : \"x86_64\",\n  \
             \"availabilityZone\" : \"{region}a\",\n  \"billingProducts\" : null,\n  \
             \"devpayProductCodes\" : null,\n  \"marketplaceProductCodes\" : null,\n  \
             \"imageId\" : \"ami-0123456789abcdef0\",\n  \"instanceId\" : \"{id}\",\n  \
             \"instanceType\" : \"t3.micro\",\n  \"kernelId\" : null,\n  \"pendingTime\" : \"{pending}\",\n  \
             \"privateIp\" : \"10.0.0.17\",\n  \"ramdiskId\" : null,\n  \"region\" : \"{region}\",\n  \
             \"version\" : \"2017-09-30\"\n}}"
        )
    }

    /// The signed message around any content, to be changed and encoded.
    #[must_use]
    pub fn message(&self, content: &[u8]) -> Message {
        let attributes = message::attributes(content);
        let signature = self.sign(&der::element(0x31, &message::sorted(&attributes).concat()));
        Message::new(content, Signer::new(attributes, signature))
    }

    /// The genuine document of a machine, as `/latest/dynamic/instance-identity/rsa2048` has it.
    #[must_use]
    pub fn document(&self, instance: &Instance) -> String {
        self.message(self.content(instance).as_bytes()).base64()
    }

    /// Signs anything by the region's key.
    #[must_use]
    pub fn sign(&self, octets: &[u8]) -> Vec<u8> {
        self.sign_by(&RSA_PKCS1_SHA256, octets)
    }

    /// Signs anything by the region's key, in any way that RSA can.
    #[must_use]
    pub fn sign_by(&self, encoding: &'static dyn RsaEncoding, octets: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(encoding, &SystemRandom::new(), octets, &mut signature).expect("an RSA signature");
        signature
    }

    /// A self-signed certificate of the region's key, named as AWS names its own.
    #[must_use]
    pub fn certificate(&self) -> Vec<u8> {
        let algorithm = message::sha256_with_rsa();
        let validity = der::sequence(&[&der::element(0x17, b"200101000000Z"), &der::element(0x18, b"21950101000000Z")]);
        let name = message::issuer();
        let tbs = der::sequence(&[&der::integer(message::SERIAL), &algorithm, &name, &validity, &name, &self.spki()]);
        let signature = der::bit_string(&self.sign(&tbs));
        der::sequence(&[&tbs, &algorithm, &signature])
    }
}

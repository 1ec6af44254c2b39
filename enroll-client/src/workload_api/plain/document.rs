//! Identities and bundle as one JSON or PEM document with an entity tag. Knows members and order; knows no request.
//!
//! Keys are in it. What they are written into is large enough from the start and zeroed when the answer is sent; what the kernel and HTTP/2 copy is theirs.

use axum::body::Body;
use bytes::Bytes;
use identity::{Serial, Timestamp};
use rustls_pki_types::CertificateDer;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::wish::Format;
use crate::delivery::pem::{CERTIFICATE, PRIVATE_KEY, pem};
use crate::identities::{CurrentIdentity, Snapshot};

/// An answer that is not written yet.
pub(super) struct Document {
    /// Strong: the same octets, as long as the keys do.
    pub(super) etag: String,
    /// Of the only certificate, if there is one only.
    pub(super) serial: Option<Serial>,
    /// Its end.
    pub(super) not_after: Option<Timestamp>,
    /// Which identities are in it, for the log.
    pub(super) shown: Vec<String>,
    content: Content,
    format: Format,
}

enum Content {
    Identities(IdentitiesDocument),
    Bundle(BundleDocument),
}

#[derive(Serialize)]
struct IdentitiesDocument {
    trust_domain: String,
    identities: Vec<IdentityDocument>,
    bundle_pem: Text,
}

#[derive(Serialize)]
struct IdentityDocument {
    spiffe_id: String,
    hint: String,
    serial: String,
    not_after: String,
    key_pem: Text,
    chain_pem: Text,
}

#[derive(Serialize)]
struct BundleDocument {
    trust_domain: String,
    sequence: u64,
    bundle_pem: Text,
}

/// A PEM text, zeroed when it is dropped.
struct Text(Zeroizing<String>);

impl Serialize for Text {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Document {
    /// Key and certificates of each, and the bundle (JSON); key and chain of the only one, leaf first (PEM).
    pub(super) fn of_identities(chosen: &[&CurrentIdentity], snapshot: &Snapshot, format: Format) -> Self {
        let mut tag = Tag::new(format);
        let only = if let [only] = chosen { Some(only) } else { None };
        let shown = chosen.iter().map(|identity| format!("{} {}", identity.spiffe_id, identity.serial)).collect();
        for identity in chosen {
            tag.add(identity.spiffe_id.as_str().as_bytes());
            tag.add(identity.serial.as_bytes());
            tag.add(identity.hint.as_bytes());
            tag.add(identity.not_after.to_string().as_bytes());
            tag.add_all(&identity.chain);
        }
        // In PEM the bundle is a document of its own.
        if format == Format::Json {
            tag.add_all(&snapshot.bundle);
        }
        let one = |identity: &CurrentIdentity| IdentityDocument {
            spiffe_id: identity.spiffe_id.to_string(),
            hint: identity.hint.clone(),
            serial: identity.serial.to_string(),
            not_after: identity.not_after.to_string(),
            key_pem: Text(pem(PRIVATE_KEY, &[&identity.key_pkcs8[..]])),
            chain_pem: Text(pem(CERTIFICATE, &identity.chain)),
        };
        let content = IdentitiesDocument {
            trust_domain: snapshot.trust_domain.to_string(),
            identities: chosen.iter().map(|identity| one(identity)).collect(),
            bundle_pem: Text(pem(CERTIFICATE, &snapshot.bundle)),
        };
        Self {
            etag: tag.finish(),
            serial: only.map(|identity| identity.serial),
            not_after: only.map(|identity| identity.not_after),
            shown,
            content: Content::Identities(content),
            format,
        }
    }

    /// The roots.
    pub(super) fn of_bundle(snapshot: &Snapshot, format: Format) -> Self {
        let mut tag = Tag::new(format);
        tag.add_all(&snapshot.bundle);
        let content = BundleDocument {
            trust_domain: snapshot.trust_domain.to_string(),
            sequence: snapshot.bundle_sequence,
            bundle_pem: Text(pem(CERTIFICATE, &snapshot.bundle)),
        };
        if format == Format::Json {
            tag.add(content.sequence.to_string().as_bytes());
        }
        let content = Content::Bundle(content);
        Self { etag: tag.finish(), serial: None, not_after: None, shown: Vec::new(), content, format }
    }

    /// The document, written.
    pub(super) fn into_body(self) -> Result<Body, serde_json::Error> {
        let mut written = Zeroizing::new(Vec::with_capacity(self.room()));
        match (&self.content, self.format) {
            (Content::Identities(content), Format::Json) => serde_json::to_writer(&mut *written, content)?,
            (Content::Bundle(content), Format::Json) => serde_json::to_writer(&mut *written, content)?,
            (Content::Identities(content), Format::Pem) => {
                for identity in &content.identities {
                    written.extend_from_slice(identity.key_pem.0.as_bytes());
                    written.extend_from_slice(identity.chain_pem.0.as_bytes());
                }
            }
            (Content::Bundle(content), Format::Pem) => written.extend_from_slice(content.bundle_pem.0.as_bytes()),
        }
        if self.format == Format::Json {
            written.push(b'\n');
        }
        Ok(Body::from(Bytes::from_owner(written)))
    }

    /// More octets than the document has: in JSON a line's end takes two, and nothing else in these texts more than one.
    pub(super) fn room(&self) -> usize {
        let texts = |texts: &[&Text]| texts.iter().map(|text| text.0.len() * 2).sum::<usize>();
        match &self.content {
            Content::Bundle(content) => MEMBERS_OCTETS + content.trust_domain.len() + texts(&[&content.bundle_pem]),
            Content::Identities(content) => {
                let one = |one: &IdentityDocument| {
                    // A hint is an agent's name; were it not, each of its octets could take six.
                    MEMBERS_OCTETS + one.spiffe_id.len() + one.hint.len() * 6 + texts(&[&one.key_pem, &one.chain_pem])
                };
                let all: usize = content.identities.iter().map(one).sum();
                MEMBERS_OCTETS + content.trust_domain.len() + texts(&[&content.bundle_pem]) + all
            }
        }
    }
}

/// A hash of all that distinguishes two documents, save for the keys: a key belongs to its certificate.
struct Tag(Sha256);

impl Tag {
    fn new(format: Format) -> Self {
        let mut tag = Self(Sha256::new());
        tag.add(format.content_type().as_bytes());
        tag
    }

    fn add(&mut self, fact: &[u8]) {
        self.0.update(u64::try_from(fact.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.update(fact);
    }

    fn add_all(&mut self, certificates: &[CertificateDer<'static>]) {
        self.add(&certificates.len().to_be_bytes());
        for certificate in certificates {
            self.add(certificate);
        }
    }

    fn finish(self) -> String {
        let hash = self.0.finalize();
        format!("\"{}\"", hex::encode(hash.get(..TAG_OCTETS).unwrap_or(&hash)))
    }
}

/// Names of members, serial, date and punctuation: below 300 octets.
const MEMBERS_OCTETS: usize = 512;
/// Two documents of one host do not meet by chance in 128 bits.
const TAG_OCTETS: usize = 16;

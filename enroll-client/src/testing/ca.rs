//! Authorities and the answers they give, sound or with one thing changed.

use std::time::Duration;

use identity::svid::{CertificateFacts, to_be_signed};
use identity::{HostId, KeyHash, KeyIdentifier, KeyKind, Serial, SpiffeId, Timestamp, TrustDomain};
use ledger::entry::{Body, CertificateAuthorised, Octets, Subject};
use protocol::agents::{AgentList, SignedAgentList, signed_octets};
use protocol::enroll::Issued;
use protocol::trust::{LedgerTrust, Trust};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber,
};
use rustls_pki_types::CertificateDer;

use super::ledger::Ledger;
use crate::key::PrivateKey;
use crate::pins::Pins;

/// A root, an issuer, a ledger.
pub(crate) struct Ca {
    pub(crate) domain: TrustDomain,
    pub(crate) root: Authority,
    pub(crate) issuer: Authority,
    pub(crate) ledger: Ledger,
    pub(crate) host: HostId,
    serials: u8,
}

/// A certificate of an authority, and its key.
pub(crate) struct Authority {
    pub(crate) der: Vec<u8>,
    pub(crate) issuer: Issuer<'static, KeyPair>,
}

/// What an answer is to hold.
pub(crate) struct Order {
    pub(crate) spki: Vec<u8>,
    pub(crate) path: String,
    pub(crate) subject: Subject,
    pub(crate) supersedes: Option<Serial>,
    pub(crate) cutoff: Option<Timestamp>,
    pub(crate) life: Duration,
}

/// A public key that is only known as SubjectPublicKeyInfo.
struct Spki {
    bits: Vec<u8>,
    kind: KeyKind,
}

impl PublicKeyData for Spki {
    fn der_bytes(&self) -> &[u8] {
        &self.bits
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        match self.kind {
            KeyKind::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            KeyKind::Ed25519 => &rcgen::PKCS_ED25519,
        }
    }
}

impl Ca {
    pub(crate) fn new(domain: &str, now: Timestamp) -> Self {
        let domain = TrustDomain::parse(domain).unwrap();
        let root = Authority::new(&domain, "root", now, 3650, None);
        let issuer = Authority::new(&domain, "issuer", now, 365, Some(&root));
        let ledger = Ledger::new(&format!("{domain}/brevet"), 1);
        Self { domain, root, issuer, ledger, host: HostId::from_bytes([0xaa; 16]), serials: 0 }
    }

    pub(crate) fn id(&self, path: &str) -> SpiffeId {
        SpiffeId::from_path(&self.domain, path).unwrap()
    }

    pub(crate) fn root_key(&self) -> KeyHash {
        CertificateFacts::from_der(&self.root.der).unwrap().key
    }

    pub(crate) fn trust(&self, url: &str) -> Trust {
        Trust {
            v: 1,
            trust_domain: self.domain.clone(),
            url: url.to_owned(),
            server_id: self.id("/brevet/server"),
            root_keys: vec![self.root_key()],
            ledger: LedgerTrust {
                origin: self.ledger.origin().to_string(),
                key: self.ledger.signer.verifier().to_string(),
            },
            checkpoint: self.ledger.checkpoint().to_string(),
        }
    }

    pub(crate) fn pins(&self) -> Pins {
        Pins::from_trust_file(&self.trust("https://ca.example.org:8443").to_bytes().unwrap()).unwrap()
    }

    /// An order for the host's own certificate.
    pub(crate) fn host_order(&self, spki: &[u8]) -> Order {
        Order {
            spki: spki.to_vec(),
            path: "/host/one".into(),
            subject: Subject::Host { host: self.host },
            supersedes: None,
            cutoff: None,
            life: Duration::from_secs(3600),
        }
    }

    /// An order for an agent's certificate.
    pub(crate) fn agent_order(&self, spki: &[u8], agent: &str) -> Order {
        let subject = Subject::Agent { host: self.host, agent: agent.to_owned() };
        Order { path: format!("/host/one/{agent}"), subject, ..self.host_order(spki) }
    }

    /// A sound answer.
    pub(crate) fn issue(&mut self, order: &Order, now: Timestamp) -> Issued {
        self.issue_with(order, now, |_| {}, |_| {})
    }

    /// An answer whose certificate, and whose entry, is changed before it is made.
    pub(crate) fn issue_with(
        &mut self,
        order: &Order,
        now: Timestamp,
        certificate: impl FnOnce(&mut CertificateParams),
        entry: impl FnOnce(&mut CertificateAuthorised),
    ) -> Issued {
        self.serials += 1;
        let serial = Serial::new(now, [self.serials; 10]).unwrap();
        let leaf = self.leaf(order, serial, now, certificate);
        let facts = CertificateFacts::from_der(&leaf).unwrap();
        let mut authorised = CertificateAuthorised {
            subject: order.subject.clone(),
            spiffe_id: self.id(&order.path),
            serial,
            issuer: KeyIdentifier::of_spki_der(&CertificateFacts::from_der(&self.issuer.der).unwrap().spki_der)
                .unwrap(),
            key: facts.key,
            not_before: facts.not_before,
            not_after: facts.not_after,
            profile: None,
            policy: 1,
            rules: vec!["hosts".into()],
            evidence: None,
            supersedes: order.supersedes,
            cutoff: order.cutoff,
            revoke_at_cutoff: false,
            shard: 0,
            tbs: Octets(to_be_signed(&leaf).unwrap().to_vec()),
        };
        entry(&mut authorised);
        let receipt = self.ledger.record(Body::CertificateAuthorised(Box::new(authorised)), now);
        Issued {
            chain: vec![leaf.into(), self.issuer.der.clone().into()],
            roots: vec![self.root.der.clone().into()],
            receipt,
            host: self.host,
        }
    }

    /// The server's own certificate, for a year: tests that let days pass are not about it.
    pub(crate) fn server_pair(&self, now: Timestamp) -> (Vec<CertificateDer<'static>>, PrivateKey) {
        self.pair_for("/brevet/server", now, Duration::from_secs(300 * 86_400))
    }

    /// A list of agents, signed.
    pub(crate) fn sign_list(&self, list: &AgentList) -> SignedAgentList {
        let list = serde_json::to_string(list).unwrap();
        let signature = self.ledger.signer.raw(&signed_octets(&list)).into();
        SignedAgentList { list, signature }
    }

    /// A certificate outside the ledger, as `path`, with its key: leaf, issuer, root.
    pub(crate) fn pair(&self, path: &str, now: Timestamp) -> (Vec<CertificateDer<'static>>, PrivateKey) {
        self.pair_for(path, now, Duration::from_secs(3600))
    }

    fn pair_for(&self, path: &str, now: Timestamp, life: Duration) -> (Vec<CertificateDer<'static>>, PrivateKey) {
        let key = PrivateKey::generate(KeyKind::P256).unwrap();
        let order = Order { path: path.to_owned(), life, ..self.host_order(key.spki()) };
        let leaf = self.leaf(&order, Serial::new(now, [0xee; 10]).unwrap(), now, |_| {});
        let chain = [leaf, self.issuer.der.clone(), self.root.der.clone()];
        (chain.into_iter().map(CertificateDer::from).collect(), key)
    }

    fn leaf(
        &self,
        order: &Order,
        serial: Serial,
        now: Timestamp,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.subject_alt_names = vec![uri(self.id(&order.path).as_str())];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        params.key_identifier_method = identifier(&order.spki);
        params.serial_number = Some(SerialNumber::from_slice(serial.as_bytes()));
        params.not_before = moment(now.minus(Duration::from_secs(60)));
        params.not_after = moment(now.plus(order.life));
        change(&mut params);
        params.signed_by(&Spki::new(&order.spki), &self.issuer.issuer).unwrap().der().to_vec()
    }
}

impl Authority {
    pub(crate) fn new(domain: &TrustDomain, name: &str, now: Timestamp, days: u64, above: Option<&Self>) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, format!("{domain} {name}"));
        params.subject_alt_names = vec![uri(&format!("spiffe://{domain}"))];
        let constraints = above.map_or(BasicConstraints::Unconstrained, |_| BasicConstraints::Constrained(0));
        params.is_ca = IsCa::Ca(constraints);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.key_identifier_method = identifier(&key.subject_public_key_info());
        params.serial_number = Some(SerialNumber::from_slice(&[1, name.len().try_into().unwrap(), 7]));
        params.not_before = moment(now.minus(Duration::from_secs(3600)));
        params.not_after = moment(now.plus(Duration::from_secs(days * 86_400)));
        params.use_authority_key_identifier_extension = above.is_some();
        let certificate = match above {
            Some(above) => params.signed_by(&key, &above.issuer),
            None => params.self_signed(&key),
        };
        Self { der: certificate.unwrap().der().to_vec(), issuer: Issuer::new(params, key) }
    }
}

impl Spki {
    fn new(spki: &[u8]) -> Self {
        // The BIT STRING is the last member: a P-256 point has 65 octets, an Ed25519 key 32.
        let kind = if spki.len() > 80 { KeyKind::P256 } else { KeyKind::Ed25519 };
        let bits = match kind {
            KeyKind::P256 => &spki[spki.len() - 65..],
            KeyKind::Ed25519 => &spki[spki.len() - 32..],
        };
        Self { bits: bits.to_vec(), kind }
    }
}

pub(crate) fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

fn identifier(spki: &[u8]) -> KeyIdMethod {
    KeyIdMethod::PreSpecified(KeyIdentifier::of_spki_der(spki).unwrap().as_bytes().to_vec())
}

pub(crate) fn moment(time: Timestamp) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(time.seconds().try_into().unwrap()).unwrap()
}

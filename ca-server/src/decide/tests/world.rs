//! A ledger that has begun: root, issuer, one admin, one policy, two agents. Each decision that is granted becomes true.

use std::collections::BTreeMap;
use std::time::Duration;

use identity::{
    HostId, KeyHash, KeyIdentifier, KeyKind, Lifetime, PersonId, RequestId, Serial, Sha256Hash, SpiffeId, Timestamp,
    TrustDomain,
};
use ledger::entry::{
    Actor, AgentAdded, AuthorityCreated, AuthorityRole, AuthorityState, Body, CertificateAuthorised, ClaimValue,
    Claims, Entry, EvidenceUsed, LedgerCreated, Octets, PersonAdmitted, PolicyLoaded, Predicate, RevocationReason,
    Role, Selectors, Subject,
};

use super::super::authorise::Authorise;
use super::super::begin::Begin;
use super::super::host::{Change, StandHost};
use super::super::proof::ProofUse;
use super::super::revoke::Revoke;
use super::super::{Command, Decided, authority, decide};
use super::a_week;
use crate::draft::Draft;
use crate::state::State;

pub(super) struct World {
    pub(super) state: State,
    pub(super) now: Timestamp,
    made: u64,
}

const PROFILE: &str = "servers";

impl World {
    pub(super) fn new() -> Self {
        let mut world = Self { state: State::new(), now: start(), made: 0 };
        let begin = Begin {
            bodies: vec![
                Body::from(LedgerCreated {
                    trust_domain: trust_domain(),
                    origin: "example.org/brevet".to_owned(),
                    key: "k".to_owned(),
                }),
                Body::from(authority(ROOT, AuthorityRole::Root)),
                Body::from(authority(ISSUER, AuthorityRole::Issuer)),
                Body::from(PersonAdmitted {
                    person: PersonId::from_bytes([1; 16]),
                    role: Role::Admin,
                    key: Self::person_key(),
                    approvals: Vec::new(),
                }),
                Body::from(PolicyLoaded {
                    bundle: Sha256Hash::of(b"policy"),
                    octets: 1,
                    profiles: vec![PROFILE.to_owned()],
                    policies: vec!["rule".to_owned()],
                    approvals: Vec::new(),
                }),
            ],
        };
        assert_eq!(rule(&world.decide(&Command::Begin(Box::new(begin)))), "granted");
        for (agent, id) in [("web", "{host}/agent/web"), ("shared", "/service/web")] {
            let agent = AgentAdded {
                agent: agent.to_owned(),
                profile: PROFILE.to_owned(),
                id: id.to_owned(),
                selectors: Selectors { uid: Some(1), ..Selectors::default() },
                key: KeyKind::P256,
                lifetime: Lifetime::from_seconds(3600).unwrap(),
                cutoff: None,
            };
            let command = Command::AddAgent(Box::new(super::super::agent::AddAgent { agent }));
            assert_eq!(rule(&world.decide(&command)), "granted");
        }
        world
    }

    /// Decides, and makes it true.
    pub(super) fn decide(&mut self, command: &Command) -> Decided {
        let mut draft = Draft::over(&self.state, self.now);
        let decided = decide(&draft, command);
        if let Decided::New(bodies) = &decided {
            for body in bodies {
                let (actor, request) = (Actor::Server, RequestId::from_bytes([9; 16]));
                let entry = Entry { time: draft.time(), actor, request, salt: [7; 16], body: body.clone() };
                draft.apply(draft.size(), &entry, &entry.encode().unwrap()).unwrap();
            }
            let changes = draft.into_changes();
            self.state.absorb(changes);
        }
        decided
    }

    pub(super) fn authorise(&mut self, certificate: CertificateAuthorised) -> Decided {
        self.authorise_for(certificate, ProofUse::Once)
    }

    /// Decides about a certificate for evidence that may be shown as often as `proof_use` says.
    pub(super) fn authorise_for(&mut self, certificate: CertificateAuthorised, proof_use: ProofUse) -> Decided {
        let authorise = Authorise { certificate, token: None, proof_use, reenrol_within: Some(a_week()) };
        self.decide(&Command::Authorise(Box::new(authorise)))
    }

    /// Revokes; how many it hit.
    pub(super) fn revoke(&mut self, predicate: Predicate) -> u64 {
        let revoke = Revoke { predicate, reason: RevocationReason::KeyCompromise, comment: String::new() };
        let decided = self.decide(&Command::Revoke(Box::new(revoke)));
        let Decided::New(bodies) = decided else { panic!("{decided:?}") };
        let [Body::CertificatesRevoked(body)] = bodies.as_slice() else { panic!("{bodies:?}") };
        body.count
    }

    pub(super) fn stand(&mut self, host: HostId, change: Change) -> Decided {
        self.decide(&Command::StandHost(Box::new(StandHost { host, change, reason: String::new() })))
    }

    pub(super) fn move_issuer(&mut self, to: AuthorityState) {
        let change = authority::ChangeAuthority { authority: ISSUER, to, overridden: None };
        assert_eq!(rule(&self.decide(&Command::ChangeAuthority(Box::new(change)))), "granted");
    }

    /// Enrols host `number`.
    pub(super) fn enrol(&mut self, number: u8) -> (HostId, Serial) {
        let mut certificate = self.host_certificate(number);
        certificate.key = self.key_of(number);
        let serial = certificate.serial;
        assert_eq!(rule(&self.authorise(certificate)), "granted");
        (host(number), serial)
    }

    /// The certificate of host `number` for fresh evidence, with a new key.
    pub(super) fn host_certificate(&mut self, number: u8) -> CertificateAuthorised {
        let name = ("name".to_owned(), ClaimValue::Text("a".to_owned()));
        let evidence = EvidenceUsed {
            attestor: "join-token".to_owned(),
            proof: Sha256Hash::of(&self.unique()),
            proof_until: self.now.plus(Duration::from_secs(300)),
            nonce: Sha256Hash::of(&self.unique()),
            nonce_until: self.now.plus(Duration::from_secs(300)),
            bound_key: None,
            claims: Claims(BTreeMap::from([name])),
        };
        let subject = Subject::Host { host: host(number) };
        CertificateAuthorised { evidence: Some(evidence), ..self.certificate(subject, &path(number)) }
    }

    /// The next certificate of host `number`.
    pub(super) fn renewal(&mut self, host: HostId, number: u8, serial: Serial) -> CertificateAuthorised {
        CertificateAuthorised { supersedes: Some(serial), ..self.certificate(Subject::Host { host }, &path(number)) }
    }

    /// A certificate of an agent on `host`.
    pub(super) fn agent(&mut self, host: HostId, agent: &str, path: &str) -> CertificateAuthorised {
        self.certificate(Subject::Agent { host, agent: agent.to_owned() }, path)
    }

    fn certificate(&mut self, subject: Subject, path: &str) -> CertificateAuthorised {
        let not_before = self.now.floor_second();
        CertificateAuthorised {
            subject,
            spiffe_id: SpiffeId::from_path(&trust_domain(), path).unwrap(),
            serial: Serial::new(self.now, self.unique()).unwrap(),
            issuer: ISSUER,
            key: self.key(),
            not_before,
            not_after: not_before.plus(Duration::from_secs(3600)),
            profile: Some(PROFILE.to_owned()),
            policy: Draft::over(&self.state, self.now).policy().unwrap().index,
            rules: vec!["rule".to_owned()],
            evidence: None,
            supersedes: None,
            cutoff: None,
            revoke_at_cutoff: false,
            shard: 0,
            tbs: Octets(vec![0x30, 0]),
        }
    }

    pub(super) fn due(&self) -> Option<Timestamp> {
        crate::cutoffs::due(&Draft::over(&self.state, self.now))
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
    }

    pub(super) fn ago(&self, seconds: u64) -> Timestamp {
        self.now.minus(Duration::from_secs(seconds))
    }

    /// A key that nobody has.
    pub(super) fn key(&mut self) -> KeyHash {
        KeyHash::of(&self.unique())
    }

    /// The key that host `number` enrols with.
    pub(super) fn key_of(&self, number: u8) -> KeyHash {
        KeyHash::of(&[number])
    }

    pub(super) fn issuer_key() -> KeyHash {
        KeyHash::of(ISSUER.as_bytes())
    }

    pub(super) fn person_key() -> KeyHash {
        KeyHash::of(b"person")
    }

    pub(super) fn issuer_ends() -> Timestamp {
        start().plus(Duration::from_secs(365 * 86_400))
    }

    fn unique(&mut self) -> [u8; 10] {
        self.made += 1;
        let mut octets = [0; 10];
        octets[..8].copy_from_slice(&self.made.to_be_bytes());
        octets
    }
}

/// What was decided, in a word: `granted`, `already` or the rule that refused.
pub(super) fn rule(decided: &Decided) -> &'static str {
    match decided {
        Decided::New(_) => "granted",
        Decided::Already(_) => "already",
        Decided::Refused(refusal) => refusal.rule(),
    }
}

pub(super) fn host(number: u8) -> HostId {
    HostId::from_bytes([number; 16])
}

pub(super) fn path(number: u8) -> String {
    format!("/host/{number}")
}

pub(super) fn spiffe_id(path: &str) -> SpiffeId {
    SpiffeId::from_path(&trust_domain(), path).unwrap()
}

fn trust_domain() -> TrustDomain {
    TrustDomain::parse("example.org").unwrap()
}

fn start() -> Timestamp {
    Timestamp::from_seconds(1_800_000_000).unwrap()
}

fn authority(id: KeyIdentifier, role: AuthorityRole) -> AuthorityCreated {
    AuthorityCreated {
        authority: id,
        role,
        state: AuthorityState::Active,
        key: KeyHash::of(id.as_bytes()),
        parent: None,
        not_after: World::issuer_ends(),
        certificate: Octets(vec![0x30, 0]),
    }
}

const ROOT: KeyIdentifier = KeyIdentifier::from_bytes([1; 20]);
const ISSUER: KeyIdentifier = KeyIdentifier::from_bytes([2; 20]);

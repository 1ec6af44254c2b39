//! Random commands of every kind, most of which the rules grant. Knows State; keeps nothing that is not in it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ca_server::committer::Asked;
use ca_server::decide::approve::{Approve, TwoPersons};
use ca_server::decide::authorise::Authorise;
use ca_server::decide::crl::AuthoriseCrl;
use ca_server::decide::host::{Change, StandHost};
use ca_server::decide::person::{AdmitPerson, RemovePerson, scope_of_admission};
use ca_server::decide::policy::LoadPolicy;
use ca_server::decide::proof::ProofUse;
use ca_server::decide::refused::Refused;
use ca_server::decide::revoke::Revoke;
use ca_server::decide::token::{CreateToken, RevokeToken};
use ca_server::decide::{Command, agent, authority, begin::Begin};
use ca_server::draft::Draft;
use identity::{
    HostId, KeyHash, KeyIdentifier, KeyKind, Lifetime, PersonId, RequestId, Serial, Sha256Hash, SpiffeId, Timestamp,
    TokenId, TrustDomain,
};
use ledger::entry::{
    Actor, AgentAdded, AgentRemoved, AuthorityCreated, AuthorityRole, AuthorityState, Body, CertificateAuthorised,
    ClaimValue, Claims, EvidenceUsed, Kind, LedgerCreated, Octets, PersonAdmitted, PolicyLoaded, Predicate,
    RefusalGroup, RefusalsSummed, RequestRefused, RevocationReason, Role, Selectors, Subject, TokenCreated,
};

use crate::chance::Chance;
use crate::key::{ORIGIN, TestKey};

/// A person's credential key, known beforehand so that admissions can be approved.
pub const NEWCOMER: [u8; 4] = *b"new!";

pub struct Fleet {
    pub chance: Chance,
}

impl Fleet {
    pub fn asked(&mut self, actor: Actor, command: Command) -> Asked {
        Asked { actor, request: RequestId::from_bytes(self.octets()), command }
    }

    /// The first entries of a ledger.
    pub fn begin(&mut self, now: Timestamp, key: &TestKey) -> Asked {
        let bodies = vec![
            Body::from(LedgerCreated {
                trust_domain: TrustDomain::parse("example.org").unwrap(),
                origin: ORIGIN.to_owned(),
                key: key.verifier().to_string(),
            }),
            Body::from(self.authority(now, AuthorityRole::Root, AuthorityState::Active)),
            Body::from(self.authority(now, AuthorityRole::Issuer, AuthorityState::Active)),
            self.person(),
            self.person(),
            Body::from(self.policy()),
        ];
        self.asked(Actor::Local, Command::Begin(Box::new(Begin { bodies })))
    }

    /// Any command.
    pub fn command(&mut self, draft: &Draft<'_>) -> Asked {
        let mut hosts: Vec<HostId> = draft.hosts().map(|(id, _)| id).collect();
        let mut serials: Vec<Serial> = draft.certificates().map(|(serial, _)| serial).collect();
        let mut persons: Vec<PersonId> = draft.persons().map(|(id, _)| id).collect();
        let mut tokens: Vec<TokenId> = draft.tokens().map(|(id, _)| id).collect();
        // Tables have no order, and a round must be the same each time.
        hosts.sort_unstable();
        serials.sort_unstable();
        persons.sort_unstable();
        tokens.sort_unstable();
        let now = draft.time();
        let host = self.pick(&hosts);
        let command = match (self.chance.below(26), host) {
            (0..=5, _) | (6..=13, None) => self.enrol(draft),
            (6..=8, Some(host)) => self.renew(draft, host),
            (9..=12, Some(host)) => self.agent_certificate(draft, host),
            (13, Some(host)) => {
                let change = [Change::Evict, Change::Ban, Change::Unban][self.chance.below(3)];
                Command::StandHost(Box::new(StandHost { host, change, reason: "a reason".to_owned() }))
            }
            (14, _) => Command::CreateToken(Box::new(CreateToken { token: self.token(now) })),
            (15, _) => {
                Command::RevokeToken(RevokeToken { token: self.pick(&tokens).unwrap_or(TokenId::from_bytes([1; 16])) })
            }
            (16 | 17, _) => self.add_agent(),
            (18, _) => Command::RemoveAgent(Box::new(agent::RemoveAgent {
                agent: AgentRemoved { agent: "web".to_owned(), profile: "servers".to_owned() },
            })),
            (19 | 20, _) => self.revoke(draft, &serials, host),
            (21, _) => self.refused(now),
            (22, _) => self.crl(draft),
            (23, _) => self.about_persons(draft, &persons),
            (24, _) => self.about_authorities(draft),
            _ => {
                Command::LoadPolicy(Box::new(LoadPolicy { policy: self.policy(), two_persons: TwoPersons::NotNeeded }))
            }
        };
        let actor = host.filter(|_| self.chance.once_in(2)).map_or(Actor::Server, Actor::Host);
        self.asked(actor, command)
    }

    /// A host enrols for the first time.
    pub fn enrol(&mut self, draft: &Draft<'_>) -> Command {
        let host = HostId::from_bytes(self.octets());
        let path = format!("/host/h{}", self.chance.below(1_000_000));
        let mut certificate = self.certificate(draft, Subject::Host { host }, &path);
        certificate.evidence = Some(self.evidence(draft.time()));
        authorise(certificate)
    }

    fn renew(&mut self, draft: &Draft<'_>, host: HostId) -> Command {
        let row = draft.host(&host).unwrap();
        let mut certificate = self.certificate(draft, Subject::Host { host }, row.spiffe_id.path());
        certificate.supersedes = Serial::from_bytes(row.newest).ok();
        certificate.cutoff = self.chance.once_in(2).then(|| draft.time().plus(Duration::from_secs(60)));
        certificate.revoke_at_cutoff = certificate.cutoff.is_some() && self.chance.once_in(2);
        authorise(certificate)
    }

    fn agent_certificate(&mut self, draft: &Draft<'_>, host: HostId) -> Command {
        let row = draft.host(&host).unwrap();
        // Below the host, or the same for all hosts.
        let path = match self.chance.once_in(2) {
            true => format!("{}/agent/web", row.spiffe_id.path()),
            false => "/service/web".to_owned(),
        };
        authorise(self.certificate(draft, Subject::Agent { host, agent: "web".to_owned() }, &path))
    }

    fn certificate(&mut self, draft: &Draft<'_>, subject: Subject, path: &str) -> CertificateAuthorised {
        let issuer = draft.active_issuer().map_or(KeyIdentifier::from_bytes([0; 20]), |(id, _)| id);
        let octets = 200 + self.chance.below(300);
        let now = draft.time().floor_second();
        CertificateAuthorised {
            subject,
            spiffe_id: SpiffeId::from_path(&TrustDomain::parse("example.org").unwrap(), path).unwrap(),
            serial: Serial::new(draft.time(), self.octets()).unwrap(),
            issuer,
            key: KeyHash::of(&self.octets::<16>()),
            not_before: now,
            not_after: now.plus(Duration::from_secs(3600)),
            profile: Some("servers".to_owned()),
            policy: draft.policy().map_or(0, |policy| policy.index),
            rules: vec!["servers-may-enrol".to_owned()],
            evidence: None,
            supersedes: None,
            cutoff: None,
            revoke_at_cutoff: false,
            shard: self.chance.below(16) as u32,
            tbs: Octets((0..octets).map(|_| self.chance.next() as u8).collect()),
        }
    }

    fn evidence(&mut self, now: Timestamp) -> EvidenceUsed {
        let name = ("name".to_owned(), ClaimValue::Text("a".to_owned()));
        EvidenceUsed {
            attestor: "join-token".to_owned(),
            proof: self.hash(),
            proof_until: now.plus(Duration::from_secs(600)),
            nonce: self.hash(),
            nonce_until: now.plus(Duration::from_secs(300)),
            bound_key: None,
            claims: Claims(BTreeMap::from([name])),
        }
    }

    fn token(&mut self, now: Timestamp) -> TokenCreated {
        TokenCreated {
            token: TokenId::from_bytes(self.octets()),
            secret: self.hash(),
            profile: "servers".to_owned(),
            claims: Claims(BTreeMap::from([("flag".to_owned(), ClaimValue::Flag(true))])),
            expires: now.plus(Duration::from_secs(3600)),
        }
    }

    fn add_agent(&mut self) -> Command {
        Command::AddAgent(Box::new(agent::AddAgent {
            agent: AgentAdded {
                agent: "web".to_owned(),
                profile: "servers".to_owned(),
                id: "{host}/agent/web".to_owned(),
                selectors: Selectors { uid: Some(self.chance.below(5000) as u32), ..Selectors::default() },
                key: KeyKind::P256,
                lifetime: Lifetime::from_seconds(3600).unwrap(),
                cutoff: None,
            },
        }))
    }

    fn revoke(&mut self, draft: &Draft<'_>, serials: &[Serial], host: Option<HostId>) -> Command {
        let serial = self.pick(serials);
        let predicate = match (self.chance.below(6), serial, host) {
            (0, _, Some(host)) => Predicate::Host(host),
            (1, _, Some(host)) => Predicate::Agent(draft.host(&host).unwrap().spiffe_id.clone()),
            (3, _, Some(_)) => {
                let id = SpiffeId::from_path(&TrustDomain::parse("example.org").unwrap(), "/service/web").unwrap();
                Predicate::Agent(id)
            }
            (4, _, _) => Predicate::Cutoff(draft.time()),
            (2, _, _) => Predicate::Key(KeyHash::of(&self.octets::<16>())),
            (_, Some(serial), _) => Predicate::Serial(serial),
            (_, None, _) => Predicate::Key(KeyHash::of(b"some key")),
        };
        Command::Revoke(Box::new(Revoke { predicate, reason: RevocationReason::KeyCompromise, comment: String::new() }))
    }

    fn refused(&mut self, now: Timestamp) -> Command {
        Command::Refused(Box::new(if self.chance.once_in(2) {
            Refused::One(RequestRefused { operation: "renew".to_owned(), rule: "superseded".to_owned() })
        } else {
            let rules = BTreeMap::from([("proof-already-used".to_owned(), 3)]);
            let groups = vec![RefusalGroup { source: "192.0.2.0/24".to_owned(), rules }];
            Refused::Summed(RefusalsSummed { since: now, until: now, groups, others: 0 })
        }))
    }

    fn crl(&mut self, draft: &Draft<'_>) -> Command {
        let now = draft.time().floor_second();
        Command::Crl(Box::new(AuthoriseCrl {
            issuer: draft.active_issuer().map_or(KeyIdentifier::from_bytes([0; 20]), |(id, _)| id),
            shard: self.chance.once_in(2).then(|| self.chance.below(16) as u32),
            this_update: now,
            next_update: now.plus(Duration::from_secs(3600)),
            encode: Arc::new(|draft, number| Ok((number.to_be_bytes().to_vec(), draft.revocations().count() as u64))),
        }))
    }

    /// Two approvals, an admission, a removal.
    fn about_persons(&mut self, draft: &Draft<'_>, persons: &[PersonId]) -> Command {
        let key = KeyHash::of(&NEWCOMER);
        let person = self.pick(persons).unwrap();
        match self.chance.below(6) {
            0..=3 => Command::Approve(Box::new(Approve {
                person,
                action: Kind::PersonAdmitted,
                scope: scope_of_admission(Role::Auditor, &key),
                seen: draft.size(),
                expires: draft.time().plus(Duration::from_secs(600)),
            })),
            4 => Command::AdmitPerson(Box::new(AdmitPerson {
                person: PersonId::from_bytes(self.octets()),
                role: Role::Auditor,
                key,
            })),
            _ => Command::RemovePerson(Box::new(RemovePerson { person, reason: "left".to_owned() })),
        }
    }

    fn about_authorities(&mut self, draft: &Draft<'_>) -> Command {
        let mut prepared: Vec<_> = draft
            .authorities()
            .filter(|(_, row)| row.state == AuthorityState::Prepared)
            .map(|(id, _)| *id.as_bytes())
            .collect();
        prepared.sort_unstable();
        match prepared.first() {
            Some(id) => Command::ChangeAuthority(Box::new(authority::ChangeAuthority {
                authority: KeyIdentifier::from_bytes(*id),
                to: AuthorityState::Published,
                overridden: None,
            })),
            None => Command::CreateAuthority(Box::new(authority::CreateAuthority {
                authority: self.authority(draft.time(), AuthorityRole::Issuer, AuthorityState::Prepared),
            })),
        }
    }

    fn authority(&mut self, now: Timestamp, role: AuthorityRole, state: AuthorityState) -> AuthorityCreated {
        AuthorityCreated {
            authority: KeyIdentifier::from_bytes(self.octets()),
            role,
            state,
            key: KeyHash::of(&self.octets::<16>()),
            parent: None,
            not_after: now.plus(Duration::from_secs(365 * 86_400)),
            certificate: Octets(self.octets::<64>().to_vec()),
        }
    }

    fn person(&mut self) -> Body {
        let person = PersonId::from_bytes(self.octets());
        Body::from(PersonAdmitted {
            person,
            role: Role::Admin,
            key: KeyHash::of(&self.octets::<16>()),
            approvals: Vec::new(),
        })
    }

    fn policy(&mut self) -> PolicyLoaded {
        PolicyLoaded {
            bundle: self.hash(),
            octets: 1000,
            profiles: vec!["servers".to_owned()],
            policies: vec!["servers-may-enrol".to_owned()],
            approvals: Vec::new(),
        }
    }

    fn hash(&mut self) -> Sha256Hash {
        Sha256Hash::from_bytes(self.octets())
    }

    fn octets<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.chance.next() as u8)
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        let place = self.chance.below(from.len().max(1));
        from.get(place).cloned()
    }
}

fn authorise(certificate: CertificateAuthorised) -> Command {
    let reenrol_within = Some(Lifetime::from_seconds(7 * 86_400).unwrap());
    Command::Authorise(Box::new(Authorise { certificate, token: None, proof_use: ProofUse::Once, reenrol_within }))
}

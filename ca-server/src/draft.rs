//! State plus the entries of the commands before this one in the same batch: what a decision is taken against. Knows
//! tables and rows; knows no rule.
//!
//! Every reader goes through a draft, also outside the committer: a draft without changes costs nothing. Rows that have
//! run out at the draft's time are absent to its readers, whether or not they were swept.

use identity::{
    HostId, KeyHash, KeyIdentifier, PersonId, Serial, Sha256Hash, SpiffeId, Timestamp, TokenId, TrustDomain,
};
use ledger::entry::AuthorityRole;

use crate::state::rows::{
    AgentRow, ApprovalRow, AuthorityRow, CertificateRow, CrlRow, CutoffRow, HolderRow, HostRow, KeyRow, Party,
    PersonRow, ProofRow, RevokedRow, Row, TokenRow,
};
use crate::state::{Changes, PolicyInForce, Scalars, State};

/// State with changes laid over it.
#[derive(Debug)]
pub struct Draft<'a> {
    base: &'a State,
    pub(crate) changes: Changes,
    now: Timestamp,
}

impl<'a> Draft<'a> {
    /// A draft without changes. `now` is the clock's; the draft's time is never before that of the newest entry.
    #[must_use]
    pub fn over(base: &'a State, now: Timestamp) -> Self {
        let changes = Changes { scalars: base.scalars.clone(), ..Changes::default() };
        Self { base, changes, now: now.max(base.scalars.time) }
    }

    /// The time that decisions are taken at, and that the next entries will bear.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.now
    }

    /// Entries so far, those of this draft included: the index of the next one.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.changes.scalars.size
    }

    /// The State under the changes, for the fold.
    pub(crate) fn base(&self) -> &'a State {
        self.base
    }

    /// What the draft would make true.
    #[must_use]
    pub fn into_changes(self) -> Changes {
        self.changes
    }

    /// What stands once.
    #[must_use]
    pub fn scalars(&self) -> &Scalars {
        &self.changes.scalars
    }

    /// The trust domain; `None` before entry 0.
    #[must_use]
    pub fn trust_domain(&self) -> Option<&TrustDomain> {
        self.changes.scalars.trust_domain.as_ref()
    }

    /// The policy bundle in force.
    #[must_use]
    pub fn policy(&self) -> Option<PolicyInForce> {
        self.changes.scalars.policy
    }

    /// The authority that signs leaves now.
    #[must_use]
    pub fn active_issuer(&self) -> Option<(KeyIdentifier, &AuthorityRow)> {
        let id = self.changes.scalars.issuer?;
        Some((id, self.authority(&id)?))
    }
}

/// Declares a lookup: the row under a key, if there is one and it has not run out.
macro_rules! lookups {
    ($($(#[$doc:meta])* $name:ident($key:ident: $type:ty) in $table:ident as $raw:expr => $row:ty;)+) => {
        impl Draft<'_> {
            $($(#[$doc])*
            #[must_use]
            pub fn $name(&self, $key: $type) -> Option<&$row> {
                let row = self.changes.layers.$table.get(&self.base.tables.$table, &$raw)?;
                self.lives(row).then_some(row)
            })+
        }
    };
}

lookups! {
    /// A certificate that has not expired.
    certificate(serial: &Serial) in certificates as *serial.as_bytes() => CertificateRow;
    /// A holder by number.
    holder(number: u32) in holders as number => HolderRow;
    /// What is known of a public key.
    key(key: &KeyHash) in keys as short(key) => KeyRow;
    /// The revocation of a certificate.
    revocation(serial: &Serial) in revoked as *serial.as_bytes() => RevokedRow;
    /// The index of the entry that revoked a key for good.
    key_revocation(key: &KeyHash) in revoked_keys as short(key) => u64;
    /// The cutoff of a superseded certificate.
    cutoff(serial: &Serial) in cutoffs as *serial.as_bytes() => CutoffRow;
    /// The use of a proof or nonce.
    proof(proof: &Sha256Hash) in proofs as *proof.as_bytes() => ProofRow;
    /// A host by id.
    host(id: &HostId) in hosts as *id.as_bytes() => HostRow;
    /// A join token by id.
    token(id: &TokenId) in tokens as *id.as_bytes() => TokenRow;
    /// An authority.
    authority(id: &KeyIdentifier) in authorities as *id.as_bytes() => AuthorityRow;
    /// A person.
    person(id: &PersonId) in persons as *id.as_bytes() => PersonRow;
    /// An unspent approval.
    approval(index: u64) in approvals as index => ApprovalRow;
}

impl Draft<'_> {
    /// The agent that hosts of class `profile` may ask for under `name`.
    #[must_use]
    pub fn agent(&self, profile: &str, name: &str) -> Option<&AgentRow> {
        let key = (profile.to_owned(), name.to_owned());
        self.changes.layers.agents.get(&self.base.tables.agents, &key)
    }

    /// All agents as (class, name, row), in the order of class and name.
    #[must_use]
    pub fn agents(&self) -> Vec<(&str, &str, &AgentRow)> {
        let rows = self.changes.layers.agents.rows(&self.base.tables.agents);
        let mut agents: Vec<_> = rows.map(|((profile, name), row)| (profile.as_str(), name.as_str(), row)).collect();
        agents.sort_unstable_by_key(|&(profile, name, _)| (profile, name));
        agents
    }

    /// The host with this identity.
    #[must_use]
    pub fn host_named(&self, spiffe_id: &SpiffeId) -> Option<(HostId, &HostRow)> {
        let raw = self.changes.layers.host_ids.get(&self.base.tables.host_ids, &spiffe_id.as_str().to_owned())?;
        let id = HostId::from_bytes(*raw);
        Some((id, self.host(&id)?))
    }

    /// All hosts, in no order.
    pub fn hosts(&self) -> impl Iterator<Item = (HostId, &HostRow)> {
        let rows = self.changes.layers.hosts.rows(&self.base.tables.hosts);
        rows.map(|(id, row)| (HostId::from_bytes(*id), row))
    }

    /// The number under which this party holds this identity, while one of its certificates lives.
    #[must_use]
    pub fn holder_number(&self, spiffe_id: &SpiffeId, party: Party) -> Option<u32> {
        let layer = &self.changes.layers.holder_numbers;
        let row = layer.get(&self.base.tables.holder_numbers, &(spiffe_id.as_str().to_owned(), party))?;
        self.lives(row).then_some(row.number)
    }

    /// All certificates that have not expired, in no order.
    pub fn certificates(&self) -> impl Iterator<Item = (Serial, &CertificateRow)> {
        let rows = self.changes.layers.certificates.rows(&self.base.tables.certificates);
        rows.filter(|(_, row)| self.lives(*row))
            .filter_map(|(serial, row)| Some((Serial::from_bytes(*serial).ok()?, row)))
    }

    /// All revocations that still stand on CRLs, in no order.
    pub fn revocations(&self) -> impl Iterator<Item = (Serial, &RevokedRow)> {
        let rows = self.changes.layers.revoked.rows(&self.base.tables.revoked);
        rows.filter(|(_, row)| self.lives(*row))
            .filter_map(|(serial, row)| Some((Serial::from_bytes(*serial).ok()?, row)))
    }

    /// The newest CRL of an authority: of a shard, or the full one.
    #[must_use]
    pub fn crl(&self, id: &KeyIdentifier, shard: Option<u32>) -> Option<&CrlRow> {
        self.changes.layers.crls.get(&self.base.tables.crls, &(*id.as_bytes(), shard))
    }

    /// The newest CRLs of all authorities with their shards, in no order.
    pub fn crls(&self) -> impl Iterator<Item = (KeyIdentifier, Option<u32>, &CrlRow)> {
        let rows = self.changes.layers.crls.rows(&self.base.tables.crls);
        rows.map(|((id, shard), row)| (KeyIdentifier::from_bytes(*id), *shard, row))
    }

    /// All cutoffs of certificates that have not expired, in no order.
    pub fn cutoffs(&self) -> impl Iterator<Item = (Serial, &CutoffRow)> {
        let rows = self.changes.layers.cutoffs.rows(&self.base.tables.cutoffs);
        rows.filter(|(_, row)| self.lives(*row))
            .filter_map(|(serial, row)| Some((Serial::from_bytes(*serial).ok()?, row)))
    }

    /// All authorities, in no order.
    pub fn authorities(&self) -> impl Iterator<Item = (KeyIdentifier, &AuthorityRow)> {
        let rows = self.changes.layers.authorities.rows(&self.base.tables.authorities);
        rows.map(|(id, row)| (KeyIdentifier::from_bytes(*id), row))
    }

    /// All persons, in no order.
    pub fn persons(&self) -> impl Iterator<Item = (PersonId, &PersonRow)> {
        let rows = self.changes.layers.persons.rows(&self.base.tables.persons);
        rows.map(|(id, row)| (PersonId::from_bytes(*id), row))
    }

    /// All join tokens that have not expired, in no order.
    pub fn tokens(&self) -> impl Iterator<Item = (TokenId, &TokenRow)> {
        let rows = self.changes.layers.tokens.rows(&self.base.tables.tokens);
        rows.filter(|(_, row)| self.lives(*row)).map(|(id, row)| (TokenId::from_bytes(*id), row))
    }

    /// All unspent approvals, in no order.
    pub fn approvals(&self) -> impl Iterator<Item = (u64, &ApprovalRow)> {
        let rows = self.changes.layers.approvals.rows(&self.base.tables.approvals);
        rows.filter(|(_, row)| self.lives(*row)).map(|(index, row)| (*index, row))
    }

    /// How many rows each table of the State beneath has, those that have run out and are not swept yet among them.
    #[must_use]
    pub fn row_counts(&self) -> Vec<(&'static str, usize)> {
        self.base.tables.row_counts()
    }

    /// Whether `key` is the key of an authority, past or present.
    #[must_use]
    pub fn is_authority_key(&self, key: &KeyHash) -> bool {
        self.authorities().any(|(_, row)| row.key == *key)
    }

    /// The authorities that verifiers trust as roots now.
    #[must_use]
    pub fn roots(&self) -> Vec<(KeyIdentifier, &AuthorityRow)> {
        let mut roots: Vec<_> =
            self.authorities().filter(|(_, row)| row.role == AuthorityRole::Root && is_trusted(row)).collect();
        roots.sort_unstable_by_key(|(_, row)| row.number);
        roots
    }

    fn lives(&self, row: &dyn Row) -> bool {
        row.runs_out().is_none_or(|end| end >= self.now)
    }
}

/// Whether verifiers should trust what the authority signed.
fn is_trusted(row: &AuthorityRow) -> bool {
    use ledger::entry::AuthorityState::{Active, Compromised, Prepared, Published, Retired, Retiring};
    match row.state {
        Published | Active | Retiring => true,
        Prepared | Retired | Compromised => false,
    }
}

/// The first half of a key's hash: 128 bits, enough that no two keys share it by chance or by search.
pub(crate) fn short(key: &KeyHash) -> [u8; 16] {
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(key.as_bytes()) {
        *to = *from;
    }
    half
}

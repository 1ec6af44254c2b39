//! All that decisions may read, folded from the ledger's entries. Knows no disk, socket, key or clock.
//!
//! State is restored from a snapshot and the entries after it, and differs in nothing from a State folded from entry 0.
//! It is read and changed through a [`Draft`](crate::draft::Draft), which lays uncommitted changes over it.

mod json;
pub mod rows;
pub(crate) mod tables;

use std::collections::VecDeque;

use identity::{KeyIdentifier, Sha256Hash, Timestamp, TrustDomain};
use ledger::feed::{FeedEvent, RunningHash};
use serde::{Deserialize, Serialize};

use rows::{
    AgentRow, ApprovalRow, AuthorityRow, CertificateRow, CrlRow, CutoffRow, HolderNumberRow, HolderRow, HostRow,
    KeyRow, Party, PersonRow, ProofRow, RevokedRow, Row, TokenRow,
};

tables::tables! {
    /// Certificates by serial.
    certificates: [u8; 16] => CertificateRow,
    /// Holders by number.
    holders: u32 => HolderRow,
    /// Numbers of holders by SPIFFE id and party.
    holder_numbers: (String, Party) => HolderNumberRow,
    /// Certified keys, by the first 16 octets of their hash.
    keys: [u8; 16] => KeyRow,
    /// Revoked certificates by serial.
    revoked: [u8; 16] => RevokedRow,
    /// Keys that no certificate may have any more, by the first 16 octets of their hash: the revoking entry.
    revoked_keys: [u8; 16] => u64,
    /// Cutoffs of superseded certificates by serial.
    cutoffs: [u8; 16] => CutoffRow,
    /// Spent proofs and nonces by their hash.
    proofs: [u8; 32] => ProofRow,
    /// Hosts by id.
    hosts: [u8; 16] => HostRow,
    /// Ids of hosts by SPIFFE id.
    host_ids: String => [u8; 16],
    /// Join tokens by id.
    tokens: [u8; 16] => TokenRow,
    /// Agents by class and name.
    agents: (String, String) => AgentRow,
    /// Authorities by key identifier.
    authorities: [u8; 20] => AuthorityRow,
    /// The newest CRL of each authority and shard, and of each authority the full one.
    crls: ([u8; 20], Option<u32>) => CrlRow,
    /// Persons by id.
    persons: [u8; 16] => PersonRow,
    /// Unspent approvals by index.
    approvals: u64 => ApprovalRow,
}

/// All that decisions may read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    pub(crate) tables: Tables,
    pub(crate) scalars: Scalars,
    /// The newest events of the feed, for followers that are not far behind. Not part of what the State is.
    #[serde(skip)]
    recent: VecDeque<FeedEvent>,
    /// Octets of their data together.
    #[serde(skip)]
    recent_octets: usize,
    /// When rows that had run out were last swept. Not part of what the State is.
    #[serde(skip)]
    swept: Option<Timestamp>,
}

/// What stands once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scalars {
    /// Entries folded so far.
    pub size: u64,
    /// Time of the newest entry.
    #[serde(with = "identity::text")]
    pub time: Timestamp,
    /// The trust domain, once the ledger has begun.
    #[serde(with = "identity::text::option")]
    pub trust_domain: Option<TrustDomain>,
    /// Origin of the ledger's checkpoints.
    pub origin: String,
    /// The policy bundle in force.
    pub policy: Option<PolicyInForce>,
    /// The authority that signs leaves.
    #[serde(with = "identity::text::option")]
    pub issuer: Option<KeyIdentifier>,
    /// Number for the next authority.
    pub next_authority: u16,
    /// Number for the next holder.
    pub next_holder: u32,
    /// Index of the newest entry about authorities: the sequence number of the trust bundle.
    pub bundle_sequence: u64,
    /// Index of the newest entry about agents.
    pub newest_agents: u64,
    /// Index of the newest entry that revokes.
    pub newest_revocation: u64,
    /// Events in the feed so far, and their running hash.
    pub feed: RunningHash,
    /// What has happened so far, by kind.
    pub counters: Counters,
}

impl Default for Scalars {
    /// As they stand before entry 0.
    fn default() -> Self {
        Self {
            size: 0,
            time: Timestamp::EPOCH,
            trust_domain: None,
            origin: String::new(),
            policy: None,
            issuer: None,
            next_authority: 0,
            next_holder: 0,
            bundle_sequence: 0,
            newest_agents: 0,
            newest_revocation: 0,
            feed: RunningHash::default(),
            counters: Counters::default(),
        }
    }
}

/// The policy bundle in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyInForce {
    /// Index of its `policy-loaded` entry.
    pub index: u64,
    /// SHA-256 of the bundle.
    #[serde(with = "identity::text")]
    pub bundle: Sha256Hash,
}

/// Counts since entry 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Certificates recorded.
    pub certificates: u64,
    /// Of these, renewals.
    pub renewals: u64,
    /// Certificates revoked.
    pub revoked: u64,
    /// Requests refused.
    pub refused: u64,
}

/// What a draft would make true.
#[derive(Debug, Default)]
pub struct Changes {
    pub(crate) layers: Layers,
    pub(crate) scalars: Scalars,
    pub(crate) events: Vec<FeedEvent>,
}

impl State {
    /// The State before entry 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Entries folded so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.scalars.size
    }

    /// Time of the newest entry.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.scalars.time
    }

    /// Makes the changes of a draft over this State true.
    pub fn absorb(&mut self, changes: Changes) {
        changes.layers.absorb_into(&mut self.tables);
        self.scalars = changes.scalars;
        self.remember(changes.events);
        let swept = *self.swept.get_or_insert(self.scalars.time);
        if self.scalars.time.since(swept) >= SWEEP_EVERY {
            self.sweep();
        }
    }

    fn remember(&mut self, events: Vec<FeedEvent>) {
        for event in events {
            self.recent_octets = self.recent_octets.saturating_add(event.data.len());
            self.recent.push_back(event);
        }
        while self.recent.len() > RECENT_EVENTS || self.recent_octets > RECENT_OCTETS {
            let Some(dropped) = self.recent.pop_front() else { break };
            self.recent_octets = self.recent_octets.saturating_sub(dropped.data.len());
        }
    }

    /// The events of the feed after the entry `index`, oldest first; `None` when some of them are no longer at hand and
    /// the follower must begin with a snapshot.
    #[must_use]
    pub fn events_after(&self, index: u64) -> Option<impl Iterator<Item = &FeedEvent>> {
        let at_hand = self.events_complete_from() <= index.saturating_add(1);
        at_hand.then(|| {
            let first = self.recent.partition_point(|event| event.index <= index);
            self.recent.iter().skip(first)
        })
    }

    /// How many events of the feed stand after the entry `index`; as many as are at hand when it is more.
    #[must_use]
    pub fn events_behind(&self, index: u64) -> usize {
        self.recent.len().saturating_sub(self.recent.partition_point(|event| event.index <= index))
    }

    /// One SHA-256 per table and one over what stands once, for comparing a State with a rebuilt one.
    #[must_use]
    pub fn digests(&self) -> Vec<(&'static str, Sha256Hash)> {
        let now = self.scalars.time;
        let mut digests = self.tables.digests(&|row| row.runs_out().is_none_or(|end| end >= now));
        let scalars = postcard::to_stdvec(&self.scalars).unwrap_or_default();
        digests.push(("scalars", Sha256Hash::of(&scalars)));
        digests
    }

    /// Every event of an entry at or above this index is in `recent`.
    fn events_complete_from(&self) -> u64 {
        let dropped = self.scalars.feed.count() > u64::try_from(self.recent.len()).unwrap_or(u64::MAX);
        match self.recent.front() {
            Some(oldest) if dropped => oldest.index,
            None if dropped => self.scalars.size,
            _ => 0,
        }
    }

    /// Takes away the rows that ran out more than an hour ago. Readers do not see those anyway; this is for memory.
    fn sweep(&mut self) {
        self.swept = Some(self.scalars.time);
        let before = self.scalars.time.minus(SWEPT_AFTER);
        let tables = &mut self.tables;
        sweep(&mut tables.certificates, before);
        sweep(&mut tables.keys, before);
        sweep(&mut tables.revoked, before);
        sweep(&mut tables.cutoffs, before);
        sweep(&mut tables.proofs, before);
        sweep(&mut tables.tokens, before);
        sweep(&mut tables.approvals, before);
        sweep(&mut tables.holders, before);
        sweep(&mut tables.holder_numbers, before);
    }
}

fn sweep<K: Eq + std::hash::Hash, V: Row>(table: &mut std::collections::HashMap<K, V>, before: Timestamp) {
    table.retain(|_, row| row.runs_out().is_none_or(|end| end >= before));
}

/// Events kept for followers: at 200 octets each about 13 MB, and at 100 revocations a second ten minutes.
const RECENT_EVENTS: usize = 65_536;

/// Octets of their data, so that a few revocations of very many certificates do not take all memory; room for the two
/// largest events that there can be.
const RECENT_OCTETS: usize = 2 * ledger::feed::MAX_EVENT_OCTETS;

/// Time of the ledger between two sweeps: a sweep of 1,000,000 certificates takes tens of milliseconds.
const SWEEP_EVERY: std::time::Duration = std::time::Duration::from_secs(600);

/// Rows are kept this long past their end, so that no reader with a clock slightly behind misses one.
const SWEPT_AFTER: std::time::Duration = std::time::Duration::from_secs(3600);

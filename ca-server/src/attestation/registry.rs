//! The configured attestors: which of them judges a piece of evidence, and when its keys are fetched anew. Knows no
//! kind of evidence from the inside.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use identity::Timestamp;

use super::{Attested, Attestor, EvidenceError, Kind};

/// All attestors of this server.
pub struct Attestors {
    all: Vec<Counted>,
}

/// An attestor, with what came of the evidence that it judged.
struct Counted {
    attestor: Box<dyn Attestor>,
    /// In the order of [`OUTCOMES`].
    outcomes: [AtomicU64; 3],
}

/// Attestors that cannot stand beside each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Two of one name: the ledger could not say which attested.
    #[error("two attestors are named {name}")]
    NameTwice {
        /// The name.
        name: String,
    },
}

impl Attestors {
    /// These, and no others. Of one kind, the first that does not say "for another" judges.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub fn new(all: Vec<Box<dyn Attestor>>) -> Result<Self, RegistryError> {
        let mut names = BTreeSet::new();
        match all.iter().find(|attestor| !names.insert(attestor.name())) {
            Some(twice) => Err(RegistryError::NameTwice { name: twice.name().to_owned() }),
            None => Ok(Self { all: all.into_iter().map(Counted::new).collect() }),
        }
    }

    /// Judges evidence of `kind` at `now`. `tick` is the same moment on the monotonic clock, by which keys age.
    ///
    /// Cancelling it is safe: a fetch of keys that it began goes on without it.
    ///
    /// # Errors
    /// The rule that the evidence breaks; of several attestors, that of the last one asked.
    pub async fn attest(
        &self,
        kind: Kind,
        evidence: &[u8],
        now: Timestamp,
        tick: Instant,
    ) -> Result<Attested, EvidenceError> {
        let mut judged = Err(EvidenceError::NoAttestor { kind });
        let mut last = None;
        for counted in self.all.iter().filter(|counted| counted.attestor.kind() == kind) {
            judged = attest_with_help(counted.attestor.as_ref(), evidence, now, tick).await;
            last = Some(counted);
            match &judged {
                Err(refused) if refused.is_for_another() => {}
                Ok(_) | Err(_) => break,
            }
        }
        if let Some(counted) = last {
            counted.count(&judged);
        }
        judged
    }

    /// Fetches all keys that are not at hand: at start, so that the first host does not wait for them. What cannot be
    /// fetched is logged and tried again when it is needed.
    pub async fn warm(&self, tick: Instant) {
        for keys in self.all.iter().filter_map(|counted| counted.attestor.keys()) {
            keys.freshen(tick).await;
        }
    }

    /// Names and kinds, in the order in which they are asked.
    pub fn names(&self) -> impl Iterator<Item = (&str, Kind)> {
        self.all.iter().map(|counted| (counted.attestor.name(), counted.attestor.kind()))
    }

    /// How often each attestor came to each outcome: names, outcomes, counts.
    pub fn judged(&self) -> impl Iterator<Item = (&str, &'static str, u64)> {
        self.all.iter().flat_map(|counted| {
            let counts = counted.outcomes.iter().map(|count| count.load(Ordering::Relaxed));
            OUTCOMES.into_iter().zip(counts).map(|(outcome, count)| (counted.attestor.name(), outcome, count))
        })
    }
}

impl Counted {
    fn new(attestor: Box<dyn Attestor>) -> Self {
        Self { attestor, outcomes: Default::default() }
    }

    fn count(&self, judged: &Result<Attested, EvidenceError>) {
        let [attested, refused, failed] = &self.outcomes;
        let count = match judged {
            Ok(_) => attested,
            Err(error) if error.is_ours() => failed,
            Err(_) => refused,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// What comes of evidence: it is sound, it is not, or we could not tell.
const OUTCOMES: [&str; 3] = ["attested", "refused", "failed"];

/// Judges first, and fetches or asks after, so that octets which break a rule by themselves cause neither.
async fn attest_with_help(
    attestor: &dyn Attestor,
    evidence: &[u8],
    now: Timestamp,
    tick: Instant,
) -> Result<Attested, EvidenceError> {
    let judged = attestor.attest(evidence, now);
    if let Err(refused) = &judged
        && refused.wants_review()
        && let Some(asking) = attestor.review(evidence, now)
    {
        return asking.await;
    }
    let Some(keys) = attestor.keys() else { return judged };
    match &judged {
        Ok(_) if keys.are_due(tick) => {
            keys.freshen(tick).await;
            attestor.attest(evidence, now)
        }
        Err(refused) if refused.wants_keys() => {
            keys.fetch_for_unknown(tick).await;
            attestor.attest(evidence, now)
        }
        Ok(_) | Err(_) => judged,
    }
}

impl fmt::Debug for Attestors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

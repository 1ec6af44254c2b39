//! How often a proof may be shown, and what its first use means for the next. Knows State; knows no kind of evidence.

use std::fmt;

use identity::{HostId, Timestamp};
use ledger::entry::EvidenceUsed;

use crate::draft::Draft;
use crate::refusal::Refusal;
use crate::state::rows::Standing;

/// How often a proof may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofUse {
    /// Once. With the same key its lost answer can be had again for some minutes.
    Once,
    /// Again and again, because it never changes (a document of a machine): its first use binds it to one host, which then
    /// comes back with it and with the key that it is bound to. Who has the document alone has nothing (T-15).
    Binds {
        /// Until when a first use is taken.
        first_until: Timestamp,
    },
}

impl fmt::Display for ProofUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Once => f.write_str("once"),
            Self::Binds { first_until } => write!(f, "by one host; for the first time until {first_until}"),
        }
    }
}

/// May the host `asking` show this proof, which binds? A proof is of one host at a time, under whatever id that host
/// enrolled: asking for another profile does not make another host of the same machine, and a ban of the host is a ban of
/// the machine. Once an admin has evicted the host, the machine may enrol anew, also long after its start.
///
/// # Errors
/// The proof is bound to another host, to a banned one, or its first use comes too late.
pub(super) fn binds(
    draft: &Draft<'_>,
    asking: HostId,
    evidence: &EvidenceUsed,
    first_until: Timestamp,
) -> Result<(), Refusal> {
    let Some(used) = draft.proof(&evidence.proof) else {
        let now = draft.time();
        return if now > first_until { Err(Refusal::FirstUseTooLate { until: first_until, now }) } else { Ok(()) };
    };
    let bound = used.host.map(HostId::from_bytes).and_then(|host| Some((host, draft.host(&host)?.standing)));
    match bound {
        Some((_, Standing::Evicted)) => Ok(()),
        Some((_, standing @ Standing::Banned)) => Err(Refusal::HostNotGood { standing }),
        // Whether it holds the key is asked of every host that comes back.
        Some((host, Standing::Good)) if host == asking => Ok(()),
        Some((_, Standing::Good)) | None => Err(Refusal::HostBound),
    }
}

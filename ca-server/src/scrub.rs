//! The scrubber: reads the whole ledger again and again, slowly, and stops issuing when something is not what was written. Knows the live ledger; mends
//! nothing.
//!
//! A start reads all of a small ledger and the newest part of a large one (`crate::opening`). What lies still can rot; this finds it while the other
//! copies still exist. `ledger verify` is the same pass without pauses.

use std::sync::Arc;
use std::time::Duration;

use ledger::hash::{Hash, leaf_hash};

use crate::live::{Live, ReadError};
use crate::log::{Damage, LogError};
use crate::opening::whole::WholeCheck;
use crate::tree::{WIDTH, full_tiles};

/// What a pass has read and found right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Entries.
    pub size: u64,
    /// The root that they make, which is the one that was signed.
    pub root: Hash,
}

/// Passes without end, one a day. Ends when it finds damage, having halted the ledger.
pub async fn run(live: Arc<Live>) {
    loop {
        let pass = Arc::clone(&live);
        let done = tokio::task::spawn_blocking(move || verify(&pass, |_| std::thread::sleep(PAUSE)));
        match done.await {
            Ok(Ok(Verified { size, root })) => tracing::info!(size, %root, "the whole ledger was read and is right"),
            Ok(Err(error)) => return live.halt(&format!("the scrubber found that {error}")),
            Err(error) => return live.halt(&format!("the scrubber ended: {error}")),
        }
        tokio::time::sleep(BETWEEN_PASSES).await;
    }
}

/// Reads every entry and every tile, and holds what they make against the signed root. `progress` is told after each bundle how many entries are done. May
/// block for long.
///
/// # Errors
/// [`ReadError::Log`] with the damage.
pub fn verify(live: &Live, mut progress: impl FnMut(u64)) -> Result<Verified, ReadError> {
    let head = live.head();
    let Some(checkpoint) = &head.checkpoint else { return Ok(Verified { size: 0, root: ledger::hash::empty_root() }) };
    let identity = live.identity();
    let claim = checkpoint.open(&identity.origin, &identity.key);
    let claim = claim.map_err(|error| damage(head.size, &format!("its newest checkpoint does not hold: {error}")))?;

    let mut check = WholeCheck::default();
    // What is published may be a second behind.
    let bundles = full_tiles(0, live.published());
    for _ in 0..bundles {
        check.next_bundle(live.tiles())?;
        progress(check.size());
    }
    let mut tree = check.into_tree();
    // What segments still hold of that is read too, for its checksums; what they have forgotten meanwhile is in tiles.
    let mut next = live.log().first().min(tree.size());
    while next < head.size {
        let entries = match live.log().read(next)? {
            Some(entries) => entries,
            None => live.tiles().entries_from(next)?,
        };
        for (index, entry) in (next..head.size).zip(&entries) {
            if index == tree.size() {
                tree.push(leaf_hash(entry));
            }
        }
        for level in 0..tree.tile_levels() {
            tree.release(level, full_tiles(level, tree.size()));
        }
        next = next.saturating_add(u64::try_from(entries.len()).unwrap_or(u64::MAX));
        progress(tree.size());
    }
    if (claim.size(), *claim.root()) != (tree.size(), tree.root()) {
        let what = format!(
            "its {} entries make the root {}, signed are {} and {}",
            tree.size(),
            tree.root(),
            claim.size(),
            claim.root()
        );
        return Err(damage(0, &what).into());
    }
    Ok(Verified { size: tree.size(), root: tree.root() })
}

fn damage(index: u64, what: &str) -> LogError {
    LogError::Damage(Damage { index, place: "ledger".to_owned(), what: what.to_owned() })
}

/// Time between two passes (design, section 1: once a day).
const BETWEEN_PASSES: Duration = Duration::from_secs(24 * 3600);

/// Pause after each bundle of 256 entries, so that a pass takes a few per cent of a core and of the disk: 10,000,000 entries in 13 minutes.
const PAUSE: Duration = Duration::from_millis(20);

const _: () = assert!(WIDTH == 256, "the pause is meant for bundles of 256 entries");

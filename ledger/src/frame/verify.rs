//! Holds a frame against the tree before it and the ledger's key. Knows no form of a frame.

use super::{Damage, Flaw, Frame};
use crate::{checkpoint::Checkpoint, frontier::Frontier, note::VerifierKey, origin::Origin};

/// Checks that the checkpoint of `frame` is signed by the ledger's key and is that of the tree with its entries, and
/// then moves `frontier` there.
///
/// The frame's leaf hashes were computed from its entries when it was read; appending them must give the root that was
/// signed. On failure `frontier` is left as it was.
///
/// # Errors
/// Names the first entry of the frame: the tree does not say which of them is another one.
pub fn verify_frame(
    frame: &Frame,
    frontier: &mut Frontier,
    origin: &Origin,
    key: &VerifierKey,
) -> Result<Checkpoint, Damage> {
    let damage = |flaw| Damage { entry: frame.size_before, offset: frame.offset, flaw };
    if frame.size_before != frontier.size() {
        return Err(damage(Flaw::SizeBefore { expected: frontier.size(), found: frame.size_before }));
    }
    let checkpoint = frame.checkpoint.open(origin, key).map_err(|error| damage(Flaw::Checkpoint(error)))?;
    let mut after = frontier.clone();
    after.extend(frame.leaves.iter().copied());
    let (size, root) = (after.size(), after.root());
    if (checkpoint.size(), *checkpoint.root()) != (size, root) {
        let (stated_size, stated_root) = (checkpoint.size(), *checkpoint.root());
        return Err(damage(Flaw::Root { size, root, stated_size, stated_root }));
    }
    *frontier = after;
    Ok(checkpoint)
}

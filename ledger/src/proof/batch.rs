//! Inclusion proofs of a batch from the frontier before it and its own leaves. Knows hashes; asks no storage.

use crate::{
    frontier::Frontier,
    hash::{Hash, node_hash},
};

/// The inclusion proofs of new leaves in the tree that they complete.
///
/// The committer holds the frontier and the batch, and a receipt needs nothing else: every sibling on the way from a
/// new leaf to the root is made of the batch alone, or is a complete subtree of the frontier. So a receipt costs no
/// read.
#[derive(Clone, Debug)]
pub struct BatchProofs {
    first: u64,
    size: u64,
    root: Hash,
    levels: Vec<Level>,
}

/// The nodes of one level that a proof of the batch can need.
#[derive(Clone, Debug)]
struct Level {
    /// Index of the first of `nodes`.
    first: u64,
    /// Complete nodes: at most one of the frontier, then those that the batch completes.
    nodes: Vec<Hash>,
    /// What lies to the right of the last complete node, carried up from the levels below.
    edge: Option<Hash>,
}

impl BatchProofs {
    /// Prepares the proofs of `leaves`, which follow the tree of `before`. Costs about two hashes per leaf, and one per
    /// level.
    pub fn new(before: &Frontier, leaves: &[Hash]) -> Self {
        let added = u64::try_from(leaves.len()).unwrap_or(u64::MAX);
        let size = before.size().saturating_add(added);
        let mut levels = Vec::new();
        let mut completed = leaves.to_vec();
        let mut edge: Option<Hash> = None;
        let mut level = 0;
        loop {
            // With an odd number of complete nodes the last old one is the left half of a node that the batch may
            // complete.
            let old = before.size() >> level;
            let mut nodes: Vec<Hash> = before.subtree(level).copied().into_iter().collect();
            nodes.append(&mut completed);
            completed = nodes
                .chunks_exact(2)
                .filter_map(|pair| match pair {
                    [left, right] => Some(node_hash(left, right)),
                    _ => None,
                })
                .collect();
            let edge_above = match nodes.last().filter(|_| size >> level & 1 == 1) {
                Some(last) => Some(edge.map_or(*last, |right| node_hash(last, &right))),
                None => edge,
            };
            levels.push(Level { first: old & !1, nodes, edge });
            edge = edge_above;
            level += 1;
            if size.checked_shr(level).unwrap_or(0) == 0 {
                break;
            }
        }
        let root = edge.unwrap_or_else(crate::hash::empty_root);
        Self { first: before.size(), size, root, levels }
    }

    /// Number of leaves of the tree that the proofs speak about.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of that tree; the same as that of the frontier after the batch.
    pub const fn root(&self) -> Hash {
        self.root
    }

    /// The proof of leaf `index`, from its sibling up. Nothing for a leaf that is not of this batch.
    pub fn inclusion(&self, index: u64) -> Option<Vec<Hash>> {
        if index < self.first || index >= self.size {
            return None;
        }
        let mut path = Vec::with_capacity(self.levels.len());
        let mut node = index;
        for (level, height) in self.levels.iter().zip(0_u32..) {
            if (self.size - 1) >> height == 0 {
                break;
            }
            let sibling = node ^ 1;
            if sibling < self.size >> height {
                let place = usize::try_from(sibling.checked_sub(level.first)?).ok()?;
                path.push(*level.nodes.get(place)?);
            } else if sibling == self.size >> height {
                path.extend(level.edge);
            }
            node >>= 1;
        }
        Some(path)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        proof::check_inclusion,
        testing::{leaves, oracle},
    };

    #[track_caller]
    fn check(before: u64, added: u64) {
        let mut frontier = Frontier::new();
        frontier.extend(leaves(before));
        let new: Vec<Hash> = leaves(before + added).skip(usize::try_from(before).unwrap()).collect();
        let proofs = BatchProofs::new(&frontier, &new);
        let tree = oracle::tree(before + added);
        frontier.extend(new.iter().copied());
        assert_eq!((proofs.size(), proofs.root()), (frontier.size(), frontier.root()), "{before} + {added}");
        for (index, leaf) in (before..).zip(&new) {
            let path = proofs.inclusion(index).unwrap();
            assert_eq!(path, oracle::inclusion(&tree, index), "leaf {index} of {before} + {added}");
            assert_eq!(check_inclusion(leaf, index, proofs.size(), &proofs.root(), &path), Ok(()));
        }
        assert_eq!(proofs.inclusion(before + added), None);
        assert_eq!(before.checked_sub(1).and_then(|index| proofs.inclusion(index)), None);
    }

    #[test]
    fn every_small_batch_after_every_small_tree_has_the_proofs_of_the_oracle() {
        for before in 0..=34 {
            for added in 1..=34 {
                check(before, added);
            }
        }
    }

    #[test]
    fn a_batch_without_leaves_proves_nothing() {
        for before in [0, 1, 6, 8] {
            check(before, 0);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn batches_after_large_trees_have_the_proofs_of_the_oracle(before in 0_u64..10_000, added in 1_u64..300) {
            check(before, added);
        }
    }
}

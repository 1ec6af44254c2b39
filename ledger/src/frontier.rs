//! The right edge of the tree: enough to append and to know the root. Knows hashes; knows no entries, no history and no
//! storage.

use thiserror::Error;

use crate::hash::{Hash, MAX_TREE_SIZE, empty_root, node_hash};

/// A tree of `size` leaves, kept as the roots of its complete subtrees, largest and leftmost first.
///
/// Each set bit of `size` stands for one complete subtree with that many leaves (RFC 6962 section 2.1 splits at the
/// largest power of two), so a tree of any size fits in 53 hashes. Appending merges subtrees of equal size, as adding 1
/// carries bits; that is one or two hashes per leaf on average.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// The tree without leaves.
    pub const fn new() -> Self {
        Self { size: 0, subtrees: Vec::new() }
    }

    /// The tree with this size and these complete subtrees, largest first, as [`Frontier::subtrees`] gave them.
    ///
    /// Says only that the number of hashes fits the size. Whether they are right shows when [`Frontier::root`] is
    /// compared with a checkpoint.
    pub fn from_parts(size: u64, subtrees: Vec<Hash>) -> Result<Self, FrontierError> {
        if size > MAX_TREE_SIZE {
            return Err(FrontierError::TooLarge { size });
        }
        let needed = usize::try_from(size.count_ones()).unwrap_or(usize::MAX);
        if subtrees.len() != needed {
            return Err(FrontierError::Subtrees { size, needed, found: subtrees.len() });
        }
        Ok(Self { size, subtrees })
    }

    /// Number of leaves, and the index of the next one.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the complete subtrees, largest and leftmost first: one per set bit of the size.
    pub fn subtrees(&self) -> &[Hash] {
        &self.subtrees
    }

    /// The complete subtree of `2^level` leaves, where there is one: its node index is `(size >> level) - 1`.
    pub fn subtree(&self, level: u32) -> Option<&Hash> {
        let bit = 1_u64.checked_shl(level)?;
        if self.size & bit == 0 {
            return None;
        }
        // Subtrees are sorted by falling level: those below `bit` come after ours.
        let after = usize::try_from((self.size & (bit - 1)).count_ones()).ok()?;
        self.subtrees.iter().rev().nth(after)
    }

    /// Appends one leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        // Every trailing one bit of the old size is a complete subtree as large as what is being carried.
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.subtrees.pop() else { break };
            node = node_hash(&left, &node);
        }
        self.subtrees.push(node);
        self.size += 1;
    }

    /// The Merkle tree hash of all leaves (RFC 6962 section 2.1).
    pub fn root(&self) -> Hash {
        let mut from_right = self.subtrees.iter().rev();
        let Some(smallest) = from_right.next() else { return empty_root() };
        from_right.fold(*smallest, |right, left| node_hash(left, &right))
    }
}

impl Default for Frontier {
    fn default() -> Self {
        Self::new()
    }
}

impl Extend<Hash> for Frontier {
    fn extend<I: IntoIterator<Item = Hash>>(&mut self, leaves: I) {
        leaves.into_iter().for_each(|leaf| self.push(leaf));
    }
}

/// Why parts are no frontier.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FrontierError {
    /// More leaves than a ledger can have.
    #[error("a tree of {size} leaves is larger than {MAX_TREE_SIZE}")]
    TooLarge {
        /// The size given.
        size: u64,
    },
    /// The number of subtrees does not belong to the size.
    #[error("a tree of {size} leaves has {needed} complete subtrees, not {found}")]
    Subtrees {
        /// The size given.
        size: u64,
        /// Set bits of that size.
        needed: usize,
        /// Hashes given.
        found: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{leaves, oracle};

    #[test]
    fn every_size_has_the_root_of_the_oracle() {
        let mut frontier = Frontier::new();
        for (size, leaf) in (0..).zip(leaves(300)) {
            assert_eq!(frontier.size(), size);
            assert_eq!(frontier.root(), oracle::root(size), "size {size}");
            frontier.push(leaf);
        }
    }

    #[test]
    fn parts_give_the_same_tree_back() {
        let mut frontier = Frontier::new();
        for leaf in leaves(70) {
            let again = Frontier::from_parts(frontier.size(), frontier.subtrees().to_vec()).unwrap();
            assert_eq!(again, frontier);
            frontier.push(leaf);
        }
    }

    #[test]
    fn a_subtree_is_found_by_its_level() {
        let mut frontier = Frontier::new();
        frontier.extend(leaves(0b1_0110));
        let mut found = (0..64).filter_map(|level| Some((level, *frontier.subtree(level)?)));
        assert_eq!(found.next(), Some((1, frontier.subtrees()[2])));
        assert_eq!(found.next(), Some((2, frontier.subtrees()[1])));
        assert_eq!(found.next(), Some((4, frontier.subtrees()[0])));
        assert_eq!(found.next(), None);
        assert_eq!(frontier.subtree(64), None);
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let hash = empty_root();
        assert_eq!(Frontier::from_parts(6, vec![hash]), Err(FrontierError::Subtrees { size: 6, needed: 2, found: 1 }));
        assert_eq!(Frontier::from_parts(0, vec![hash]), Err(FrontierError::Subtrees { size: 0, needed: 0, found: 1 }));
        assert_eq!(Frontier::from_parts(u64::MAX, vec![]), Err(FrontierError::TooLarge { size: u64::MAX }));
    }
}

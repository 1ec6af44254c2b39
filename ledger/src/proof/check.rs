//! Checks proofs against roots, step by step after RFC 9162. Knows hashes; shares no code with what makes proofs.

use thiserror::Error;

use crate::hash::{Hash, empty_root, node_hash};

/// Checks that the leaf with hash `leaf` is number `index` of the tree of `size` leaves with root `root` (RFC 9162
/// section 2.1.3.2).
///
/// The names `fn` and `sn` of the RFC are `node` and `last` here: our node and the last node of the same level.
///
/// # Errors
/// When the path has another length than this place in the tree asks for, or leads to another root.
pub fn check_inclusion(leaf: &Hash, index: u64, size: u64, root: &Hash, path: &[Hash]) -> Result<(), ProofError> {
    // Step 1.
    if index >= size {
        return Err(ProofError::NoSuchLeaf { index, size });
    }
    // Steps 2 and 3.
    let (mut node, mut last) = (index, size - 1);
    let mut computed = *leaf;
    // Step 4.
    for (used, sibling) in path.iter().enumerate() {
        if last == 0 {
            return Err(ProofError::TooLong { given: path.len(), needed: used });
        }
        if node & 1 == 1 || node == last {
            computed = node_hash(sibling, &computed);
            // An only child has no sibling: go up until there is one on the left.
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            computed = node_hash(&computed, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    // Step 5.
    if last != 0 {
        return Err(ProofError::TooShort { given: path.len() });
    }
    compare(Tree::New, root, &computed)
}

/// Checks that the tree of `old_size` leaves with root `old_root` is a prefix of the tree of `size` leaves with root
/// `root` (RFC 9162 section 2.1.4.2).
///
/// The RFC leaves out two cases: equal sizes must have equal roots, and the tree without leaves is a prefix of every
/// tree. Both need an empty path.
///
/// # Errors
/// When the sizes fall, the path has another length than the sizes ask for, or leads to another root for one of the
/// trees.
pub fn check_consistency(
    old_size: u64,
    old_root: &Hash,
    size: u64,
    root: &Hash,
    path: &[Hash],
) -> Result<(), ProofError> {
    if old_size > size {
        return Err(ProofError::Shrunk { old_size, size });
    }
    if old_size == 0 || old_size == size {
        if !path.is_empty() {
            return Err(ProofError::TooLong { given: path.len(), needed: 0 });
        }
        if old_size == 0 {
            compare(Tree::Old, old_root, &empty_root())?;
        }
        return if old_size == size { compare(Tree::New, root, old_root) } else { Ok(()) };
    }
    // Steps 1 and 2: a complete old tree is itself the first node of the path.
    let (first, rest) = match path.split_first() {
        _ if old_size.is_power_of_two() => (old_root, path),
        Some((first, rest)) => (first, rest),
        None => return Err(ProofError::TooShort { given: 0 }),
    };
    // Steps 3 and 4.
    let (mut node, mut last) = (old_size - 1, size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    // Step 5.
    let (mut old_computed, mut computed) = (*first, *first);
    // Step 6.
    for (used, sibling) in rest.iter().enumerate() {
        if last == 0 {
            return Err(ProofError::TooLong { given: rest.len(), needed: used });
        }
        if node & 1 == 1 || node == last {
            old_computed = node_hash(sibling, &old_computed);
            computed = node_hash(sibling, &computed);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            computed = node_hash(&computed, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    // Step 7.
    if last != 0 {
        return Err(ProofError::TooShort { given: path.len() });
    }
    compare(Tree::Old, old_root, &old_computed)?;
    compare(Tree::New, root, &computed)
}

/// Why a proof does not hold. Whoever made it is at fault, or whoever carried it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProofError {
    /// The index lies outside the tree.
    #[error("a tree of {size} leaves has no leaf {index}")]
    NoSuchLeaf {
        /// Index of the proof.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// The newer tree is the smaller one: the log went back.
    #[error("the tree shrank from {old_size} to {size} leaves")]
    Shrunk {
        /// Size seen before.
        old_size: u64,
        /// Size claimed now.
        size: u64,
    },
    /// Hashes are left over.
    #[error("the proof has {given} hashes where {needed} lead to the root")]
    TooLong {
        /// Hashes in the proof.
        given: usize,
        /// Hashes used when the root was reached.
        needed: usize,
    },
    /// Hashes are missing.
    #[error("the proof ends below the root, after {given} hashes")]
    TooShort {
        /// Hashes in the proof.
        given: usize,
    },
    /// The proof leads elsewhere.
    #[error("the proof leads to the {tree} root {computed}, not {root}")]
    Root {
        /// Which of the two trees.
        tree: Tree,
        /// Root that the checker has.
        root: Hash,
        /// Root that the proof gives.
        computed: Hash,
    },
}

/// Which tree of a consistency proof is meant; an inclusion proof has only a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tree {
    /// The tree seen before.
    Old,
    /// The tree that the proof is for.
    New,
}

impl std::fmt::Display for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Old => "old",
            Self::New => "new",
        })
    }
}

fn compare(tree: Tree, root: &Hash, computed: &Hash) -> Result<(), ProofError> {
    if root == computed { Ok(()) } else { Err(ProofError::Root { tree, root: *root, computed: *computed }) }
}

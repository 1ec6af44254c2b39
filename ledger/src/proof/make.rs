//! Makes proofs by asking for complete nodes of the tree. Knows which nodes a proof needs; knows not where they are
//! kept.

use std::error::Error;

use thiserror::Error;

use crate::hash::{Hash, MAX_TREE_SIZE, node_hash};

/// Answers with complete nodes of a tree.
///
/// Node `(level, index)` is the root of the `2^level` leaves from `index * 2^level` on. A proof for a tree of `size`
/// leaves asks only for nodes whose leaves all lie below `size`, so one source serves every size up to its own.
pub trait HashSource {
    /// Why a node cannot be had, for instance the tile that is missing.
    type Error: Error + 'static;

    /// The hash of this node.
    fn node(&self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// The inclusion proof of leaf `index` in the tree of the first `size` leaves, from the leaf's sibling up (RFC 6962
/// section 2.1.1).
///
/// # Errors
/// When the leaf is not in that tree, or the source fails.
pub fn inclusion<S: HashSource>(source: &S, index: u64, size: u64) -> Result<Vec<Hash>, MakeError<S::Error>> {
    if index >= size || size > MAX_TREE_SIZE {
        return Err(MakeError::Leaf { index, size });
    }
    path(source, Node { level: 0, index }, size)
}

/// The proof that the tree of the first `old_size` leaves is a prefix of the tree of the first `size` leaves (RFC 6962
/// section 2.1.2).
///
/// Empty for two equal sizes, and for an old tree without leaves, which is a prefix of every tree.
///
/// # Errors
/// When the old tree is the larger one, or the source fails.
pub fn consistency<S: HashSource>(source: &S, old_size: u64, size: u64) -> Result<Vec<Hash>, MakeError<S::Error>> {
    if old_size > size || size > MAX_TREE_SIZE {
        return Err(MakeError::Sizes { old_size, size });
    }
    let Some(last) = old_size.checked_sub(1).filter(|_| old_size < size) else { return Ok(Vec::new()) };
    // The largest complete subtree that ends where the old tree ends.
    let level = old_size.trailing_zeros();
    let node = Node { level, index: last >> level };
    let mut proof = Vec::new();
    if node.index > 0 {
        // Otherwise this node is the whole old tree, and the checker has its root already.
        proof.push(source.node(node.level, node.index).map_err(MakeError::Source)?);
    }
    proof.append(&mut path(source, node, size)?);
    Ok(proof)
}

/// Why a proof could not be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MakeError<E: Error + 'static> {
    /// There is no such leaf in a tree of that size.
    #[error("a tree of {size} leaves has no leaf {index}")]
    Leaf {
        /// The leaf asked for.
        index: u64,
        /// The size asked for.
        size: u64,
    },
    /// The old tree is larger than the new one.
    #[error("a tree of {old_size} leaves is no prefix of one of {size}")]
    Sizes {
        /// The smaller tree.
        old_size: u64,
        /// The larger tree.
        size: u64,
    },
    /// The source has not got a node.
    #[error("a node of the tree cannot be had")]
    Source(#[source] E),
}

#[derive(Clone, Copy)]
struct Node {
    level: u32,
    index: u64,
}

/// The siblings from `node` up to the root of the tree of `size` leaves.
///
/// At each level the last node may be incomplete: it then covers the leaves from `(size >> level) << level` on, and
/// stands for a smaller subtree that has been carried up. Only the first incomplete sibling has to be computed; from
/// its parent on, the path itself runs along the right edge.
fn path<S: HashSource>(source: &S, node: Node, size: u64) -> Result<Vec<Hash>, MakeError<S::Error>> {
    let mut path = Vec::new();
    let Node { mut level, mut index } = node;
    while (size - 1) >> level > 0 {
        let complete = size >> level;
        let sibling = index ^ 1;
        if sibling < complete {
            path.push(source.node(level, sibling).map_err(MakeError::Source)?);
        } else if sibling == complete && complete << level < size {
            path.push(right_edge(source, level, size)?);
        }
        index >>= 1;
        level += 1;
    }
    Ok(path)
}

/// The hash of the leaves that are in no complete node of `level`: those from `(size >> level) << level` on. There is
/// at least one.
fn right_edge<S: HashSource>(source: &S, level: u32, size: u64) -> Result<Hash, MakeError<S::Error>> {
    // Each set bit below `level` is one complete subtree; from the right, each is the left neighbour of all before it.
    let mut edge: Option<Hash> = None;
    for bit in (0..level).filter(|bit| size >> bit & 1 == 1) {
        let left = source.node(bit, (size >> bit) - 1).map_err(MakeError::Source)?;
        edge = Some(edge.map_or(left, |right| node_hash(&left, &right)));
    }
    edge.ok_or(MakeError::Leaf { index: size, size })
}

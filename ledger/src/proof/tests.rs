//! Both halves of the proofs against each other and against ct-merkle, and every small change to a proof (T-82).

use std::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::{
    frontier::Frontier,
    hash::{Hash, MAX_TREE_SIZE, empty_root, leaf_hash, node_hash},
    testing::{entry, leaves, oracle},
};

/// All complete nodes of a tree, level by level.
struct Nodes(Vec<Vec<Hash>>);

impl Nodes {
    fn new(size: u64) -> Self {
        let mut levels = vec![leaves(size).collect::<Vec<_>>()];
        while levels.last().unwrap().len() > 1 {
            let above = levels.last().unwrap().chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
            levels.push(above);
        }
        Self(levels)
    }
}

impl HashSource for Nodes {
    type Error = Infallible;

    /// Panics where the maker asks for a node that is not complete.
    fn node(&self, level: u32, index: u64) -> Result<Hash, Infallible> {
        Ok(self.0[usize::try_from(level).unwrap()][usize::try_from(index).unwrap()])
    }
}

fn root(size: u64) -> Hash {
    let mut frontier = Frontier::new();
    frontier.extend(leaves(size));
    frontier.root()
}

fn leaf(index: u64) -> Hash {
    leaf_hash(&entry(index))
}

const SMALL: u64 = 130;

#[test]
fn inclusion_of_every_leaf_of_every_small_tree() {
    let nodes = Nodes::new(SMALL);
    for size in 0..=SMALL {
        let (tree, root) = (oracle::tree(size), root(size));
        for index in 0..size {
            // The source holds the larger tree: a proof asks only below its size.
            let path = inclusion(&nodes, index, size).unwrap();
            assert_eq!(path, oracle::inclusion(&tree, index), "{index} of {size}");
            assert_eq!(check_inclusion(&leaf(index), index, size, &root, &path), Ok(()), "{index} of {size}");
        }
        assert_eq!(inclusion(&nodes, size, size), Err(MakeError::Leaf { index: size, size }));
    }
}

#[test]
fn consistency_of_every_pair_of_small_trees() {
    let nodes = Nodes::new(SMALL);
    let roots: Vec<Hash> = (0..=SMALL).map(root).collect();
    for (size, root) in (0..).zip(&roots) {
        let tree = oracle::tree(size);
        for (old_size, old_root) in (0..=size).zip(&roots) {
            let path = consistency(&nodes, old_size, size).unwrap();
            // The oracle has no proof for an old tree without leaves.
            let expected = if old_size == 0 { Vec::new() } else { oracle::consistency(&tree, old_size) };
            assert_eq!(path, expected, "{old_size} to {size}");
            assert_eq!(check_consistency(old_size, old_root, size, root, &path), Ok(()), "{old_size} to {size}");
        }
    }
}

/// Every way to spoil a path of hashes a little.
fn spoilt(path: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = Vec::new();
    for place in 0..path.len() {
        let mut flipped = path.to_vec();
        let mut octets = *flipped[place].as_bytes();
        octets[place % 32] ^= 1 << (place % 8);
        flipped[place] = Hash::from_bytes(octets);
        all.push(flipped);
        let mut dropped = path.to_vec();
        dropped.remove(place);
        all.push(dropped);
        let mut doubled = path.to_vec();
        doubled.insert(place, path[place]);
        all.push(doubled);
        for other in 0..place {
            let mut swapped = path.to_vec();
            swapped.swap(place, other);
            all.push(swapped);
        }
    }
    all.push([path, &[empty_root()]].concat());
    all.push([&[empty_root()], path].concat());
    all.retain(|changed| changed != path);
    all
}

#[test]
fn a_spoilt_inclusion_proof_is_refused() {
    for size in [1, 2, 3, 7, 8, 9, 64, 100] {
        let (nodes, root) = (Nodes::new(size), root(size));
        for index in 0..size {
            let path = inclusion(&nodes, index, size).unwrap();
            for changed in spoilt(&path) {
                assert!(check_inclusion(&leaf(index), index, size, &root, &changed).is_err(), "{index} of {size}");
            }
            for other in (0..size + 2).filter(|&other| other != index) {
                assert!(check_inclusion(&leaf(index), other, size, &root, &path).is_err(), "{index} as {other}");
            }
            assert!(check_inclusion(&leaf(index + 1), index, size, &root, &path).is_err());
            assert!(check_inclusion(&leaf(index), index, size, &leaf(0), &path).is_err() || size == 1);
        }
    }
}

#[test]
fn a_spoilt_consistency_proof_is_refused() {
    for (old_size, size) in [(1, 2), (2, 3), (3, 7), (4, 7), (6, 8), (7, 8), (8, 9), (63, 100), (64, 100), (65, 128)] {
        let (nodes, old_root, new_root) = (Nodes::new(size), root(old_size), root(size));
        let path = consistency(&nodes, old_size, size).unwrap();
        for changed in spoilt(&path) {
            assert!(check_consistency(old_size, &old_root, size, &new_root, &changed).is_err(), "{old_size} {size}");
        }
        assert!(check_consistency(old_size, &new_root, size, &new_root, &path).is_err());
        assert!(check_consistency(old_size, &old_root, size, &old_root, &path).is_err());
        assert!(check_consistency(size, &new_root, old_size, &old_root, &path).is_err());
    }
}

/// A proof with the wrong size can lead to the right root only if both sizes ask for the same path: then the oracle
/// says so too.
#[test]
fn another_size_is_judged_as_the_oracle_judges_it() {
    for size in 1..=40 {
        let (nodes, root) = (Nodes::new(size), root(size));
        for index in 0..size {
            let path = inclusion(&nodes, index, size).unwrap();
            for other in index + 1..=50 {
                let ours = check_inclusion(&leaf(index), index, other, &root, &path).is_ok();
                assert_eq!(ours, oracle::accepts_inclusion(other, &root, index, &path), "{index} of {size} as {other}");
            }
        }
    }
}

#[test]
fn trees_without_leaves_and_equal_trees_need_no_hashes() {
    let (empty, seven) = (empty_root(), root(7));
    assert_eq!(check_consistency(0, &empty, 7, &seven, &[]), Ok(()));
    assert_eq!(check_consistency(0, &empty, 0, &empty, &[]), Ok(()));
    assert_eq!(check_consistency(7, &seven, 7, &seven, &[]), Ok(()));
    let too_long = Err(ProofError::TooLong { given: 1, needed: 0 });
    assert_eq!(check_consistency(0, &empty, 7, &seven, &[seven]), too_long);
    assert_eq!(check_consistency(7, &seven, 7, &seven, &[seven]), too_long);
    assert!(matches!(check_consistency(0, &seven, 7, &seven, &[]), Err(ProofError::Root { tree: Tree::Old, .. })));
    assert!(matches!(check_consistency(0, &empty, 0, &seven, &[]), Err(ProofError::Root { tree: Tree::New, .. })));
    assert!(matches!(check_consistency(7, &empty, 7, &seven, &[]), Err(ProofError::Root { .. })));
    assert_eq!(check_consistency(3, &empty, 7, &seven, &[]), Err(ProofError::TooShort { given: 0 }));
    assert_eq!(check_inclusion(&seven, 0, 0, &seven, &[]), Err(ProofError::NoSuchLeaf { index: 0, size: 0 }));
    assert_eq!(check_inclusion(&leaf(0), 0, 1, &leaf(0), &[]), Ok(()));
}

#[test]
fn a_proof_beyond_the_largest_tree_is_not_made() {
    let nodes = Nodes(Vec::new());
    let size = MAX_TREE_SIZE + 1;
    assert_eq!(inclusion(&nodes, 0, size), Err(MakeError::Leaf { index: 0, size }));
    assert_eq!(consistency(&nodes, 1, size), Err(MakeError::Sizes { old_size: 1, size }));
    assert_eq!(consistency(&nodes, 3, 2), Err(MakeError::Sizes { old_size: 3, size: 2 }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn large_trees_have_the_proofs_of_the_oracle(
        size in 2_u64..10_000,
        places in proptest::collection::vec(any::<prop::sample::Index>(), 16),
    ) {
        let (nodes, tree) = (Nodes::new(size), oracle::tree(size));
        let new_root = oracle::root_of(&tree);
        for place in places {
            let index = u64::try_from(place.index(usize::try_from(size).unwrap())).unwrap();
            let path = inclusion(&nodes, index, size).unwrap();
            prop_assert_eq!(&path, &oracle::inclusion(&tree, index));
            prop_assert_eq!(check_inclusion(&leaf(index), index, size, &new_root, &path), Ok(()));
            let old_size = index + 1;
            let path = consistency(&nodes, old_size, size).unwrap();
            prop_assert_eq!(&path, &oracle::consistency(&tree, old_size));
            prop_assert_eq!(check_consistency(old_size, &root(old_size), size, &new_root, &path), Ok(()));
        }
    }

    #[test]
    fn arbitrary_paths_never_panic_and_are_judged_as_by_the_oracle(
        sizes in (0_u64..MAX_TREE_SIZE, 0_u64..MAX_TREE_SIZE),
        path in proptest::collection::vec(any::<[u8; 32]>().prop_map(Hash::from_bytes), 0..70),
    ) {
        let (small, large) = (sizes.0.min(sizes.1), sizes.0.max(sizes.1));
        let some = leaf(0);
        prop_assert!(check_inclusion(&some, small, large, &some, &path).is_err());
        prop_assert!(check_inclusion(&some, large, small, &some, &path).is_err());
        let equal = small == large && path.is_empty();
        prop_assert!(check_consistency(small, &some, large, &some, &path).is_err() || equal);
        prop_assert!(check_consistency(large, &some, small, &some, &path).is_err() || small == large);
        if 0 < small && small < large {
            prop_assert!(!oracle::accepts_consistency((small, &some), (large, &some), &path));
        }
    }
}

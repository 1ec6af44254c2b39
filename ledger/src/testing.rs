//! What the tests of this crate share: numbered entries, a Merkle tree that is not ours, and a signing key. Not
//! compiled outside tests.

use ed25519_dalek::{Signer as _, SigningKey};

use identity::{RequestId, Timestamp, TokenId};

use crate::{
    entry::{Actor, Entry, EntryBytes, TokenRevoked},
    hash::{Hash, leaf_hash},
    note::{NoteSigner, SigningError, VerifierKey},
};

/// The bytes of entry `index`: distinct, one line, no zero octet.
pub(crate) fn entry(index: u64) -> Vec<u8> {
    format!("{{\"entry\":{index}}}").into_bytes()
}

/// The leaf hashes of the first `count` entries.
pub(crate) fn leaves(count: u64) -> impl Iterator<Item = Hash> {
    (0..count).map(|index| leaf_hash(&entry(index)))
}

/// The octets of a real entry; each number gives another one.
pub(crate) fn token_revoked(number: u64) -> EntryBytes {
    let mut token = [0; 16];
    token[8..].copy_from_slice(&number.to_be_bytes());
    let entry = Entry {
        time: Timestamp::from_millis(1_790_000_000_000 + number).unwrap(),
        actor: Actor::Local,
        request: RequestId::from_bytes([7; 16]),
        salt: [9; 16],
        body: TokenRevoked { token: TokenId::from_bytes(token) }.into(),
    };
    entry.encode().unwrap()
}

/// A key that signs notes, made from one octet so that tests are repeatable.
pub(crate) struct TestSigner {
    name: String,
    key: SigningKey,
    verifier: VerifierKey,
}

impl TestSigner {
    pub(crate) fn new(name: &str, seed: u8) -> Self {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let verifier = VerifierKey::ed25519(name, key.verifying_key().as_bytes()).unwrap();
        Self { name: name.to_owned(), key, verifier }
    }

    pub(crate) fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }
}

impl NoteSigner for TestSigner {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.verifier.key_id()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningError> {
        Ok(self.key.sign(message).to_bytes())
    }
}

/// The tree of the crate ct-merkle, over the same entries.
pub(crate) mod oracle {
    use ct_merkle::{ConsistencyProof, InclusionProof, RootHash, mem_backed_tree::MemoryBackedTree};
    use sha2::Sha256;

    use super::{Hash, entry};

    pub(crate) type Tree = MemoryBackedTree<Sha256, Vec<u8>>;

    pub(crate) fn tree(size: u64) -> Tree {
        let mut tree = Tree::new();
        (0..size).for_each(|index| tree.push(entry(index)));
        tree
    }

    pub(crate) fn root(size: u64) -> Hash {
        root_of(&tree(size))
    }

    pub(crate) fn root_of(tree: &Tree) -> Hash {
        Hash::from_bytes(tree.root().as_bytes().as_slice().try_into().unwrap())
    }

    pub(crate) fn inclusion(tree: &Tree, index: u64) -> Vec<Hash> {
        hashes(tree.prove_inclusion(usize::try_from(index).unwrap()).as_bytes())
    }

    pub(crate) fn consistency(tree: &Tree, old_size: u64) -> Vec<Hash> {
        hashes(tree.prove_consistency(usize::try_from(tree.len() - old_size).unwrap()).as_bytes())
    }

    pub(crate) fn accepts_inclusion(size: u64, root: &Hash, index: u64, path: &[Hash]) -> bool {
        InclusionProof::<Sha256>::try_from_bytes(octets(path))
            .is_ok_and(|proof| root_hash(size, root).verify_inclusion(&entry(index), index, &proof).is_ok())
    }

    pub(crate) fn accepts_consistency(old: (u64, &Hash), new: (u64, &Hash), path: &[Hash]) -> bool {
        ConsistencyProof::<Sha256>::try_from_bytes(octets(path))
            .is_ok_and(|proof| root_hash(new.0, new.1).verify_consistency(&root_hash(old.0, old.1), &proof).is_ok())
    }

    fn root_hash(size: u64, root: &Hash) -> RootHash<Sha256> {
        RootHash::new((*root.as_bytes()).into(), size)
    }

    fn hashes(octets: &[u8]) -> Vec<Hash> {
        octets.chunks_exact(32).map(|hash| Hash::from_bytes(hash.try_into().unwrap())).collect()
    }

    fn octets(path: &[Hash]) -> Vec<u8> {
        path.iter().flat_map(|hash| *hash.as_bytes()).collect()
    }
}

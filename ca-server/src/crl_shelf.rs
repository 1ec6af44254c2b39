//! The newest CRLs of each authority, ready to be handed out. Knows octets and their hash; signs nothing and reads no disk.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use identity::{KeyIdentifier, Sha256Hash};

use crate::issuance::crl::Scope;

/// The newest CRLs of each authority. Readers take no lock; whoever signs CRLs puts each new one here after it is durable.
#[derive(Debug, Default)]
pub struct CrlShelf(ArcSwap<HashMap<(KeyIdentifier, Scope), Crl>>);

/// A signed CRL.
#[derive(Clone, Debug)]
pub struct Crl {
    der: Arc<[u8]>,
    hash: Sha256Hash,
}

impl CrlShelf {
    /// An empty shelf.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the newest CRL of `authority` for one scope in the place of the one before.
    pub fn put(&self, authority: KeyIdentifier, scope: Scope, der: Arc<[u8]>) {
        let crl = Crl { hash: Sha256Hash::of(&der), der };
        self.0.rcu(|shelf| {
            let mut shelf = HashMap::clone(shelf);
            shelf.insert((authority, scope), crl.clone());
            shelf
        });
    }

    /// The newest CRL of `authority` for one scope, if there is one.
    #[must_use]
    pub fn newest(&self, authority: &KeyIdentifier, scope: Scope) -> Option<Crl> {
        self.0.load().get(&(*authority, scope)).cloned()
    }
}

impl Crl {
    /// CertificateList, DER (RFC 5280, section 5).
    #[must_use]
    pub fn der(&self) -> &Arc<[u8]> {
        &self.der
    }

    /// Its hash.
    #[must_use]
    pub fn hash(&self) -> &Sha256Hash {
        &self.hash
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use identity::KeyIdentifier;

    use super::CrlShelf;
    use crate::issuance::Shard;
    use crate::issuance::crl::Scope;

    #[test]
    fn the_newest_of_each_authority_and_scope_stands() {
        let shelf = CrlShelf::new();
        let [a, b] = [1, 2].map(|octet| KeyIdentifier::from_bytes([octet; 20]));
        let shard = Scope::Shard(Shard::of_number(3).unwrap());
        assert!(shelf.newest(&a, Scope::Full).is_none());
        for octets in [[1], [2]] {
            shelf.put(a, Scope::Full, Arc::from(octets));
        }
        shelf.put(a, shard, Arc::from([3]));
        shelf.put(b, Scope::Full, Arc::from([4]));
        let octets = |id, scope| shelf.newest(id, scope).map(|crl| crl.der().to_vec());
        assert_eq!(octets(&a, Scope::Full), Some(vec![2]));
        assert_eq!(octets(&a, shard), Some(vec![3]));
        assert_eq!(octets(&b, Scope::Full), Some(vec![4]));
        assert_eq!(octets(&b, shard), None);
        assert_ne!(shelf.newest(&a, Scope::Full).unwrap().hash(), shelf.newest(&a, shard).unwrap().hash());
    }
}

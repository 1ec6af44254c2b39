//! The newest CRL of each authority, ready to be handed out. Knows octets and their hash; signs nothing and reads no disk.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use identity::{KeyIdentifier, Sha256Hash};

/// The newest CRL of each authority. Readers take no lock; whoever signs CRLs puts each new one here after it is durable.
#[derive(Debug, Default)]
pub struct CrlShelf(ArcSwap<HashMap<KeyIdentifier, Crl>>);

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

    /// Puts the newest CRL of `authority` in the place of the one before.
    pub fn put(&self, authority: KeyIdentifier, der: Arc<[u8]>) {
        let crl = Crl { hash: Sha256Hash::of(&der), der };
        self.0.rcu(|shelf| {
            let mut shelf = HashMap::clone(shelf);
            shelf.insert(authority, crl.clone());
            shelf
        });
    }

    /// The newest CRL of `authority`, if there is one.
    #[must_use]
    pub fn newest(&self, authority: &KeyIdentifier) -> Option<Crl> {
        self.0.load().get(authority).cloned()
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

    #[test]
    fn the_newest_of_each_authority_stands() {
        let shelf = CrlShelf::new();
        let [a, b] = [1, 2].map(|octet| KeyIdentifier::from_bytes([octet; 20]));
        assert!(shelf.newest(&a).is_none());
        for octets in [[1], [2]] {
            shelf.put(a, Arc::from(octets));
        }
        shelf.put(b, Arc::from([3]));
        assert_eq!(
            (&**shelf.newest(&a).unwrap().der(), &**shelf.newest(&b).unwrap().der()),
            (&[2_u8][..], &[3_u8][..])
        );
        assert_ne!(shelf.newest(&a).unwrap().hash(), shelf.newest(&b).unwrap().hash());
    }
}

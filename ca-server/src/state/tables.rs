//! Tables of State, and the layer of changes that a draft lays over them. Knows keys and rows as types only.

use std::collections::HashMap;
use std::hash::Hash;

/// What changed in one table: a row, or its absence.
#[derive(Clone, Debug)]
pub struct Changed<K, V>(HashMap<K, Option<V>>);

impl<K, V> Default for Changed<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, V: Clone> Changed<K, V> {
    /// The row under `key`: as changed, else as it stands in `base`.
    pub fn get<'a>(&'a self, base: &'a HashMap<K, V>, key: &K) -> Option<&'a V> {
        match self.0.get(key) {
            Some(changed) => changed.as_ref(),
            None => base.get(key),
        }
    }

    /// Sets the row under `key`.
    pub fn put(&mut self, key: K, row: V) {
        self.0.insert(key, Some(row));
    }

    /// Takes the row under `key` away.
    pub fn delete(&mut self, key: K) {
        self.0.insert(key, None);
    }

    /// Changes the row under `key` in place, copying it up from `base` first. `None` where there is none.
    pub fn edit(&mut self, base: &HashMap<K, V>, key: K) -> Option<&mut V> {
        self.0.entry(key).or_insert_with_key(|key| base.get(key).cloned()).as_mut()
    }

    /// All rows as they would stand, in no order.
    pub fn rows<'a>(&'a self, base: &'a HashMap<K, V>) -> impl Iterator<Item = (&'a K, &'a V)> {
        let changed = self.0.iter().filter_map(|(key, row)| row.as_ref().map(|row| (key, row)));
        changed.chain(base.iter().filter(|(key, _)| !self.0.contains_key(*key)))
    }

    /// Makes the changes true of `base`.
    pub fn absorb_into(self, base: &mut HashMap<K, V>) {
        for (key, row) in self.0 {
            match row {
                Some(row) => base.insert(key, row),
                None => base.remove(&key),
            };
        }
    }
}

/// Declares the tables once: as maps (what State keeps) and as layers (what a draft changes).
macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident: $key:ty => $row:ty,)+) => {
        /// The tables of State.
        #[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
        pub struct Tables { $($(#[$doc])* pub $name: std::collections::HashMap<$key, $row>,)+ }

        /// Changes to the tables, not yet true.
        #[derive(Clone, Debug, Default)]
        pub struct Layers { $($(#[$doc])* pub $name: $crate::state::tables::Changed<$key, $row>,)+ }

        impl Layers {
            /// Makes the changes true of `tables`.
            pub fn absorb_into(self, tables: &mut Tables) {
                $(self.$name.absorb_into(&mut tables.$name);)+
            }
        }

        impl Tables {
            /// One SHA-256 per table over its rows in order of their octets, so that two States can be compared.
            /// Rows for which `lives` says no are as good as gone and do not count.
            #[must_use]
            pub fn digests(&self, lives: &dyn Fn(&dyn $crate::state::rows::Row) -> bool) -> Vec<(&'static str, identity::Sha256Hash)> {
                vec![$((stringify!($name), $crate::state::tables::digest(&self.$name, lives)),)+]
            }

            /// How many rows each table has.
            #[must_use]
            pub fn row_counts(&self) -> Vec<(&'static str, usize)> {
                vec![$((stringify!($name), self.$name.len()),)+]
            }
        }
    };
}
pub(crate) use tables;

/// SHA-256 over the rows of one table, sorted by their encoded key.
pub(crate) fn digest<K: serde::Serialize, V: serde::Serialize + super::rows::Row>(
    table: &HashMap<K, V>,
    lives: &dyn Fn(&dyn super::rows::Row) -> bool,
) -> identity::Sha256Hash {
    let mut rows: Vec<(Vec<u8>, Vec<u8>)> = table
        .iter()
        .filter(|(_, row)| lives(*row))
        .map(|(key, row)| (postcard::to_stdvec(key).unwrap_or_default(), postcard::to_stdvec(row).unwrap_or_default()))
        .collect();
    rows.sort_unstable();
    let mut octets = Vec::new();
    for (key, row) in &rows {
        octets.extend_from_slice(&u64::try_from(key.len()).unwrap_or(u64::MAX).to_be_bytes());
        octets.extend_from_slice(key);
        octets.extend_from_slice(&u64::try_from(row.len()).unwrap_or(u64::MAX).to_be_bytes());
        octets.extend_from_slice(row);
    }
    identity::Sha256Hash::of(&octets)
}

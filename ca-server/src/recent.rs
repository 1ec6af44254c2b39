//! The newest entries, in memory, for those who follow closely. Knows indices and octets; knows no kind and no disk.

use std::collections::VecDeque;

use ledger::entry::EntryBytes;

/// The entries from some index to the end of the ledger, as many as [`RECENT_OCTETS`] allows.
#[derive(Debug)]
pub struct Recent {
    first: u64,
    entries: VecDeque<EntryBytes>,
    octets: usize,
}

impl Recent {
    /// No entries yet; the next one will be `next`.
    #[must_use]
    pub fn from(next: u64) -> Self {
        Self { first: next, entries: VecDeque::new(), octets: 0 }
    }

    /// Appends the next entry, and drops the oldest ones that no longer fit.
    pub fn push(&mut self, entry: EntryBytes) {
        self.octets = self.octets.saturating_add(entry.len());
        self.entries.push_back(entry);
        while self.octets > RECENT_OCTETS
            && let Some(oldest) = self.entries.pop_front()
        {
            self.octets = self.octets.saturating_sub(oldest.len());
            self.first = self.first.saturating_add(1);
        }
    }

    /// Entries from `index` on, at least one, up to `octets`; `None` when that index is no longer here, or not yet.
    #[must_use]
    pub fn read(&self, index: u64, octets: usize) -> Option<Vec<EntryBytes>> {
        let skip = usize::try_from(index.checked_sub(self.first)?).ok()?;
        let mut room = octets;
        let mut found = Vec::new();
        for entry in self.entries.iter().skip(skip) {
            let Some(left) = room.checked_sub(entry.len()) else { break };
            room = left;
            found.push(entry.clone());
        }
        if found.is_empty() {
            found.push(self.entries.get(skip)?.clone());
        }
        Some(found)
    }
}

/// Octets of the entries kept in memory: about a second of certificates at full speed, and a sixth of the 25 MB that an idle
/// server may take (targets).
pub const RECENT_OCTETS: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(octets: usize) -> EntryBytes {
        EntryBytes::new(vec![b'x'; octets]).unwrap()
    }

    #[track_caller]
    fn check(recent: &Recent, index: u64, octets: usize, found: Option<usize>) {
        assert_eq!(recent.read(index, octets).map(|entries| entries.len()), found);
    }

    #[test]
    fn a_range_is_read_within_its_octets_and_never_empty() {
        let mut recent = Recent::from(10);
        check(&recent, 10, 100, None);
        (0..5).for_each(|_| recent.push(entry(100)));
        check(&recent, 9, 1000, None);
        check(&recent, 10, 1000, Some(5));
        check(&recent, 12, 250, Some(2));
        check(&recent, 14, 1, Some(1));
        check(&recent, 15, 1000, None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut recent = Recent::from(0);
        (0..1000).for_each(|_| recent.push(entry(16 * 1024)));
        assert_eq!(recent.octets, RECENT_OCTETS);
        check(&recent, 999, 1, Some(1));
        check(&recent, 1000 - 256, usize::MAX, Some(256));
        check(&recent, 1000 - 257, usize::MAX, None);
    }
}

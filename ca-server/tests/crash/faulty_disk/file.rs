//! One file: what the cache shows, what is durable, and the writes between. Knows sectors; knows no names.

use ca_server::disk::SECTOR_OCTETS;

use crate::chance::Chance;

#[derive(Debug, Clone, Default)]
pub struct FileNode {
    now: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Write>,
}

#[derive(Debug, Clone)]
struct Write {
    offset: usize,
    bytes: Vec<u8>,
}

impl FileNode {
    pub fn now(&self) -> &[u8] {
        &self.now
    }

    pub fn now_mut(&mut self) -> &mut Vec<u8> {
        &mut self.now
    }

    pub fn write(&mut self, offset: u64, bytes: &[u8]) {
        let offset = offset as usize;
        put(&mut self.now, offset, bytes);
        self.pending.push(Write { offset, bytes: bytes.to_vec() });
    }

    pub fn sync(&mut self) {
        for write in self.pending.drain(..) {
            put(&mut self.durable, write.offset, &write.bytes);
        }
    }

    /// Makes what the cache shows the durable content.
    pub fn settle(&mut self) {
        self.pending.clear();
        self.durable.clone_from(&self.now);
    }

    /// The pages are clean now, and were never written: what a failed fdatasync leaves on Linux.
    pub fn forget(&mut self) {
        self.pending.clear();
    }

    pub fn durable(&self) -> Self {
        Self { now: self.durable.clone(), durable: self.durable.clone(), pending: Vec::new() }
    }

    /// Each sector has seen the first few of the writes that touched it; the length is anything between old and new.
    pub fn partly_durable(&self, chance: &mut Chance) -> Self {
        let mut content = self.durable.clone();
        let reach = self.pending.iter().map(|write| write.offset + write.bytes.len()).max().unwrap_or(0);
        for sector in 0..reach.div_ceil(SECTOR_OCTETS) {
            let (start, end) = (sector * SECTOR_OCTETS, (sector + 1) * SECTOR_OCTETS);
            let parts: Vec<_> = self.pending.iter().filter_map(|write| write.within(start, end)).collect();
            let kept = chance.below(parts.len() + 1);
            for (offset, bytes) in &parts[..kept] {
                put(&mut content, *offset, bytes);
            }
        }
        if content.len() > self.durable.len() && chance.once_in(3) {
            let grown = content.len() - self.durable.len();
            content.truncate(self.durable.len() + chance.below(grown + 1));
        }
        Self { now: content.clone(), durable: content, pending: Vec::new() }
    }
}

impl Write {
    /// The part of the write that falls between two places.
    fn within(&self, start: usize, end: usize) -> Option<(usize, &[u8])> {
        let from = self.offset.max(start);
        let to = (self.offset + self.bytes.len()).min(end);
        (from < to).then(|| (from, &self.bytes[from - self.offset..to - self.offset]))
    }
}

fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if content.len() < offset + bytes.len() {
        content.resize(offset + bytes.len(), 0);
    }
    content[offset..offset + bytes.len()].copy_from_slice(bytes);
}

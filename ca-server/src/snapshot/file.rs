//! The file of a snapshot: magic, size, root, State, SHA-256 over all before. Knows octets; knows no directory.

use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

use super::SnapshotName;
use crate::disk::{Disk, DiskFile, DiskPath, SyncPoint, whole};
use crate::state::State;

/// Why a snapshot cannot be written, or is passed over.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The disk.
    #[error(transparent)]
    Disk(#[from] io::Error),
    /// Its last 32 octets are not the SHA-256 of the rest.
    #[error("its checksum is not that of its content")]
    Checksum,
    /// Another format, or another name than that of the file.
    #[error("its first octets are not those of a snapshot of that name")]
    Header,
    /// State cannot be written or read in this form.
    #[error("its State cannot be read: {0}")]
    State(#[from] postcard::Error),
}

/// Writes and syncs a whole snapshot.
pub(super) fn write(file: &dyn DiskFile, name: SnapshotName, state: &State) -> Result<(), SnapshotError> {
    let mut out = Summed { file, offset: 0, buffer: Vec::with_capacity(BUFFER_OCTETS), sum: Sha256::new() };
    out.write_all(&header(name))?;
    postcard::to_io(state, &mut out)?;
    out.finish()?;
    file.sync(CONTENT)?;
    Ok(())
}

/// Reads and checks a whole snapshot.
pub(super) fn read(disk: &dyn Disk, path: &DiskPath, name: SnapshotName) -> Result<State, SnapshotError> {
    let bytes = whole::read_whole(disk, path, MAX_OCTETS)?.ok_or(SnapshotError::Header)?;
    let (content, sum) = bytes.split_last_chunk::<32>().ok_or(SnapshotError::Checksum)?;
    if Sha256::digest(content).as_slice() != sum {
        return Err(SnapshotError::Checksum);
    }
    let state = content.strip_prefix(header(name).as_slice()).ok_or(SnapshotError::Header)?;
    Ok(postcard::from_bytes(state)?)
}

fn header(name: SnapshotName) -> Vec<u8> {
    [MAGIC.as_slice(), &name.size.to_be_bytes(), name.root.as_bytes()].concat()
}

/// Writes in large pieces and sums up what it has written.
struct Summed<'a> {
    file: &'a dyn DiskFile,
    offset: u64,
    buffer: Vec<u8>,
    sum: Sha256,
}

impl Summed<'_> {
    fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        let sum = self.sum.finalize();
        self.file.write_at(self.offset, &sum)
    }
}

impl Write for Summed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER_OCTETS {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sum.update(&self.buffer);
        self.file.write_at(self.offset, &self.buffer)?;
        self.offset = self.offset.saturating_add(u64::try_from(self.buffer.len()).map_err(io::Error::other)?);
        self.buffer.clear();
        Ok(())
    }
}

/// Says that the file is a snapshot, and of which version of State.
const MAGIC: [u8; 16] = *b"brevet-state\0\0\0\x02";

/// Octets of a snapshot that a start reads: 1,000,000 live certificates take about 150 MB, so this is more than a server of any
/// size has, and less than memory.
const MAX_OCTETS: usize = 4 << 30;

/// One write.
const BUFFER_OCTETS: usize = 1 << 20;

/// All of a snapshot, before it is named: a named one is whole.
const CONTENT: SyncPoint = SyncPoint::new("snapshot: its content, before it is named");

//! One segment file: a fixed length of written zeros, a header, then frames. Knows lengths and the header; knows no frame.
//!
//! A segment has its final length from the first moment that it bears its name, so a shorter one has been cut off, and that is damage:
//! what was cut may have been acknowledged.

use std::io;

use sha2::{Digest as _, Sha256};

use crate::disk::{Disk, DiskFile, DiskPath, SECTOR_OCTETS, SyncPoint, whole};

/// A segment that is open.
pub(super) struct Segment {
    file: Box<dyn DiskFile>,
    octets: u64,
}

impl Segment {
    /// Makes a segment without a name of its own: zeros and header durable, to be renamed when it is needed.
    ///
    /// # Errors
    /// Whatever the disk says; [`io::ErrorKind::StorageFull`] is found here and not in the middle of a batch.
    pub(super) fn prepare(disk: &dyn Disk, octets: u64) -> io::Result<Self> {
        let path = spare_path()?;
        whole::remove_if_there(disk, &path)?;
        let file = disk.create(&path)?;
        whole::write_zeros(&*file, octets)?;
        file.write_at(0, &header(octets))?;
        file.sync(ZEROS)?;
        Ok(Self { file, octets })
    }

    /// Gives a prepared segment the name of its first entry. From here on a restart finds it.
    pub(super) fn place(self, disk: &dyn Disk, first: u64) -> io::Result<Self> {
        disk.rename(&spare_path()?, &path(first)?)?;
        disk.sync_dir(&directory()?, NAME)?;
        Ok(self)
    }

    /// Opens the segment that begins with entry `first`.
    pub(super) fn open(disk: &dyn Disk, first: u64) -> Result<Self, OpenError> {
        let file = disk.open(&path(first)?)?;
        let length = file.length()?;
        let mut found = [0; SECTOR_OCTETS];
        match file.read_at(0, &mut found) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(OpenError::Header),
            read => read?,
        }
        let octets = read_header(&found).ok_or(OpenError::Header)?;
        if octets != length {
            return Err(OpenError::Length { stated: octets, found: length });
        }
        Ok(Self { file, octets })
    }

    pub(super) fn file(&self) -> &dyn DiskFile {
        &*self.file
    }

    /// Length of the file; frames lie between [`FIRST_FRAME`] and here.
    pub(super) fn octets(&self) -> u64 {
        self.octets
    }
}

/// Why a file is no segment.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("the segment's header is not one that was written")]
    Header,
    #[error("the segment has {found} octets, its header says {stated}")]
    Length { stated: u64, found: u64 },
    #[error(transparent)]
    Disk(#[from] io::Error),
}

/// The directory of the segments.
pub(super) fn directory() -> io::Result<DiskPath> {
    DiskPath::parse(DIRECTORY).map_err(io::Error::other)
}

/// The path of the segment that begins with entry `first`.
pub(super) fn path(first: u64) -> io::Result<DiskPath> {
    directory()?.join(&format!("{first:016x}{SUFFIX}")).map_err(io::Error::other)
}

/// The first entry of a segment, from its file name; `None` for any other name.
pub(super) fn first_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX).filter(|digits| digits.len() == 16)?;
    let first = u64::from_str_radix(digits, 16).ok()?;
    // Sixteen hex digits have one form: no sign, no capitals.
    (format!("{first:016x}") == digits).then_some(first)
}

/// Removes what an interrupted preparation has left.
pub(super) fn remove_spare(disk: &dyn Disk) -> io::Result<()> {
    whole::remove_if_there(disk, &spare_path()?)
}

fn spare_path() -> io::Result<DiskPath> {
    directory()?.join(SPARE).map_err(io::Error::other)
}

/// Magic, length, checksum; the rest of the sector is zeros. One sector is written whole or not at all.
fn header(octets: u64) -> [u8; SECTOR_OCTETS] {
    let mut sector = [0; SECTOR_OCTETS];
    let stated = [MAGIC.as_slice(), &octets.to_be_bytes()].concat();
    let checksum = Sha256::digest(&stated);
    for (place, octet) in sector.iter_mut().zip(stated.iter().chain(&checksum)) {
        *place = *octet;
    }
    sector
}

fn read_header(sector: &[u8; SECTOR_OCTETS]) -> Option<u64> {
    let stated = sector.get(MAGIC.len()..)?.first_chunk().map(|octets| u64::from_be_bytes(*octets))?;
    (header(stated) == *sector).then_some(stated)
}

/// Where the first frame begins.
pub(super) const FIRST_FRAME: u64 = 512;

/// Says that the file is a segment, and of which version of the format.
const MAGIC: [u8; 16] = *b"brevet-segment\0\x01";

const DIRECTORY: &str = "ledger/segments";
const SUFFIX: &str = ".seg";
const SPARE: &str = "spare.aside";

/// The zeros of a new segment, before it is named: a named one has its full length, so that a shorter one is damage.
pub(super) const ZEROS: SyncPoint = SyncPoint::new("segment: its zeros and header, before it is named");

/// The name of a new segment, before a frame is written into it.
pub(super) const NAME: SyncPoint = SyncPoint::new("segment: its name, before a frame is written into it");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_refused_with_any_bit_changed() {
        let good = header(4096);
        assert_eq!(read_header(&good), Some(4096));
        for bit in 0..SECTOR_OCTETS * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read_header(&bad), None, "bit {bit}");
        }
    }

    #[test]
    fn names_have_one_form() {
        assert_eq!(path(255).unwrap().name(), "00000000000000ff.seg");
        assert_eq!(first_of("00000000000000ff.seg"), Some(255));
        for name in
            ["ff.seg", "00000000000000FF.seg", "+0000000000000ff.seg", "00000000000000ff", "spare.aside", ".seg"]
        {
            assert_eq!(first_of(name), None, "{name}");
        }
    }
}

//! Reads frames one after the other from octets that arrive in pieces. Knows the form and the rule for torn frames;
//! knows no file.

use super::{
    CHECKSUM_OCTETS, Damage, FRAME_CHECKSUM_OCTETS, Flaw, Frame, MAX_CHECKPOINT_OCTETS, MAX_FRAME_OCTETS, PADDING,
    encode::{LENGTH_OCTETS, frame_checksum},
    header::{HEADER_OCTETS, Header},
    sector::{SECTOR_OCTETS, Sector, first_unwritten},
};
use crate::{
    checkpoint::SignedCheckpoint,
    entry::{EntryBytes, MAX_ENTRY_OCTETS},
    hash::leaf_hash,
};

/// Reads the frames of one segment: feed it octets from the segment's start, take frames until there are none, and at
/// the segment's end ask how it [ended](Decoder::finish).
///
/// It holds at most one frame and what was fed last. After damage it gives no more frames.
#[derive(Debug)]
pub struct Decoder {
    size: u64,
    /// Offset of the first octet of `held` that is still to be read.
    offset: u64,
    held: Vec<u8>,
    read: usize,
    unwritten: Option<Unwritten>,
}

/// How a segment ends that is not damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Behind the last frame everything is zeros, or there is nothing. The next frame goes to `offset`.
    Clean {
        /// Where the last frame ends.
        offset: u64,
    },
    /// The last frame was never finished, so nobody was told that it landed. Overwrite these octets with zeros and
    /// sync, then write the next frame to `offset`.
    Torn {
        /// Where the torn frame starts.
        offset: u64,
        /// Octets from there to the end of the last sector that was written.
        octets: u64,
    },
}

/// A sector that reads as zeros was met; what follows says whether that is the end, a torn frame or damage.
#[derive(Debug)]
struct Unwritten {
    /// Where the frame starts that the sector belongs to, if to any.
    frame: u64,
    /// Where the unwritten sector starts.
    sector: u64,
    /// The entry that lies there.
    entry: u64,
    /// Up to here sectors may have been written.
    frame_end: u64,
    /// Whether the frame's length is known from its header.
    header_read: bool,
    /// End of the last sector that was written.
    written_end: u64,
}

impl Decoder {
    /// Starts at a segment whose first entry has the index `size`.
    pub const fn new(size: u64) -> Self {
        Self { size, offset: 0, held: Vec::new(), read: 0, unwritten: None }
    }

    /// Entries before the next frame.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next octets of the segment, as many as the caller likes.
    pub fn feed(&mut self, octets: &[u8]) {
        self.held.drain(..self.read);
        self.read = 0;
        self.held.extend_from_slice(octets);
    }

    /// The next frame, or nothing when more octets are needed.
    ///
    /// # Errors
    /// When what is there was written and is damaged. The error is the last word: there is nothing to be read behind
    /// it.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Damage> {
        if self.unwritten.is_some() {
            self.read_tail()?;
            return Ok(None);
        }
        let rest = self.held.get(self.read..).unwrap_or_default();
        let Some(first) = rest.get(..SECTOR_OCTETS) else { return Ok(None) };
        if first.iter().all(|octet| *octet == 0) {
            self.unwritten = Some(Unwritten {
                frame: self.offset,
                sector: self.offset,
                entry: self.size,
                frame_end: self.offset.saturating_add(to_u64(MAX_FRAME_OCTETS)),
                header_read: false,
                written_end: self.offset,
            });
            self.read_tail()?;
            return Ok(None);
        }
        let header = self.header(first)?;
        let Some(frame) = rest.get(..header.octets) else { return Ok(None) };
        let decoded = decode(frame, &header, self.offset);
        if let Some(place) = first_unwritten(frame) {
            let entry = decoded.err().map_or(self.size, |damage| damage.entry);
            self.unwritten = Some(self.unwritten_in(&header, place, entry));
            self.read_tail()?;
            return Ok(None);
        }
        let decoded = decoded?;
        self.consume(header.octets);
        self.size = self.size.saturating_add(to_u64(decoded.entries.len()));
        Ok(Some(decoded))
    }

    /// Says how the segment ends. Call it when all octets have been fed and [`Decoder::next_frame`] gives nothing more.
    ///
    /// # Errors
    /// When what is left is neither unwritten nor a frame that was never finished.
    pub fn finish(mut self) -> Result<End, Damage> {
        let offset = self.offset;
        if self.next_frame()?.is_some() {
            return Err(Damage { entry: self.size, offset, flaw: Flaw::FramesLeft { offset } });
        }
        if self.unwritten.is_none() {
            self.read_cut_frame()?;
        }
        let Some(mut tail) = self.unwritten else { return Ok(End::Clean { offset: self.offset }) };
        // What is left is less than a sector: the file does not end on one.
        let part = self.held.get(self.read..).unwrap_or_default();
        match Sector::of(part) {
            Sector::Unwritten => {}
            Sector::Written if self.offset < tail.frame_end => {
                tail.written_end = self.offset.saturating_add(to_u64(part.len()));
            }
            Sector::Written | Sector::Stray => return Err(tail.damage(Flaw::StraySector { sector: self.offset })),
        }
        match tail.written_end.saturating_sub(tail.frame) {
            0 => Ok(End::Clean { offset: tail.frame }),
            octets => Ok(End::Torn { offset: tail.frame, octets }),
        }
    }

    /// Less than a frame is left. If one starts here, the file ends in it, and it is torn if a whole sector of it is
    /// missing or unwritten.
    fn read_cut_frame(&mut self) -> Result<(), Damage> {
        let rest = self.held.get(self.read..).unwrap_or_default();
        if rest.iter().all(|octet| *octet == 0) {
            return Ok(());
        }
        let header = self.header(rest)?;
        let mut frame = rest.to_vec();
        frame.resize(header.octets, 0);
        let Some(place) = first_unwritten(&frame) else {
            let flaw = Flaw::CutInsideSector { found: rest.len() };
            return Err(Damage { entry: self.size, offset: self.offset, flaw });
        };
        let entry = decode(&frame, &header, self.offset).err().map_or(self.size, |damage| damage.entry);
        self.unwritten = Some(self.unwritten_in(&header, place, entry));
        self.read_tail()
    }

    fn header(&self, octets: &[u8]) -> Result<Header, Damage> {
        let damage = |flaw| Damage { entry: self.size, offset: self.offset, flaw };
        let header = Header::at_start_of(octets).map_err(damage)?;
        if header.size_before != self.size {
            return Err(damage(Flaw::SizeBefore { expected: self.size, found: header.size_before }));
        }
        Ok(header)
    }

    fn unwritten_in(&self, header: &Header, place: usize, entry: u64) -> Unwritten {
        Unwritten {
            frame: self.offset,
            sector: self.offset.saturating_add(to_u64(place)),
            entry,
            frame_end: self.offset.saturating_add(to_u64(header.octets)),
            header_read: true,
            written_end: self.offset,
        }
    }

    /// Looks at every whole sector behind the first unwritten one: of the torn frame any may have been written, behind
    /// it none.
    fn read_tail(&mut self) -> Result<(), Damage> {
        let Some(tail) = &mut self.unwritten else { return Ok(()) };
        let rest = self.held.get(self.read..).unwrap_or_default();
        let mut looked = 0;
        for sector in rest.chunks_exact(SECTOR_OCTETS) {
            let at = self.offset.saturating_add(to_u64(looked));
            looked += SECTOR_OCTETS;
            match Sector::of(sector) {
                Sector::Unwritten => continue,
                Sector::Stray => return Err(tail.damage(Flaw::StraySector { sector: at })),
                Sector::Written if at >= tail.frame_end => {
                    return Err(tail.damage(Flaw::Unwritten { sector: tail.sector, behind: at }));
                }
                Sector::Written => {}
            }
            // Where the torn frame's length is not known, another frame behind it still shows by its header.
            if !tail.header_read && Header::at_start_of(sector).is_ok() {
                return Err(tail.damage(Flaw::Unwritten { sector: tail.sector, behind: at }));
            }
            tail.written_end = at.saturating_add(to_u64(SECTOR_OCTETS));
        }
        self.consume(looked);
        Ok(())
    }

    fn consume(&mut self, octets: usize) {
        self.read += octets;
        self.offset = self.offset.saturating_add(to_u64(octets));
    }
}

impl Unwritten {
    fn damage(&self, flaw: Flaw) -> Damage {
        Damage { entry: self.entry, offset: self.frame, flaw }
    }
}

/// Reads one frame, all of whose octets are there, and checks every one of them.
fn decode(octets: &[u8], header: &Header, offset: u64) -> Result<Frame, Damage> {
    let first = header.size_before;
    let damage = |entry, flaw| Damage { entry, offset, flaw };
    let (head, mut rest) = octets.split_at_checked(HEADER_OCTETS).ok_or_else(|| damage(first, Flaw::Padding))?;
    let mut entries = Vec::with_capacity(header.entries);
    let mut leaves = Vec::with_capacity(header.entries);
    for index in (first..).take(header.entries) {
        let length = take_length(&mut rest, MAX_ENTRY_OCTETS, CHECKSUM_OCTETS)
            .map_err(|(found, limit)| damage(index, Flaw::EntryLength { found, limit }))?;
        let checksum = take(&mut rest, CHECKSUM_OCTETS);
        let entry = take(&mut rest, length);
        let leaf = leaf_hash(entry);
        if entry.is_empty() || !leaf.as_bytes().starts_with(checksum) {
            return Err(damage(index, Flaw::EntryChecksum));
        }
        entries.push(EntryBytes::new(entry.to_vec()).map_err(|error| damage(index, Flaw::Entry(error)))?);
        leaves.push(leaf);
    }
    let length = take_length(&mut rest, MAX_CHECKPOINT_OCTETS, FRAME_CHECKSUM_OCTETS)
        .map_err(|(found, limit)| damage(first, Flaw::CheckpointLength { found, limit }))?;
    let note = take(&mut rest, length);
    if take(&mut rest, FRAME_CHECKSUM_OCTETS) != frame_checksum(head, &leaves, note) {
        return Err(damage(first, Flaw::FrameChecksum));
    }
    if rest.len() >= SECTOR_OCTETS || rest.iter().any(|octet| *octet != PADDING) {
        return Err(damage(first, Flaw::Padding));
    }
    let checkpoint = SignedCheckpoint::parse(note).map_err(|error| damage(first, Flaw::Checkpoint(error)))?;
    let Header { octets, size_before, batch, .. } = *header;
    Ok(Frame { offset, octets, size_before, batch, entries, leaves, checkpoint })
}

/// Takes a length and holds it against `limit` and against what is left when `beside` more octets are to come.
fn take_length(rest: &mut &[u8], limit: usize, beside: usize) -> Result<usize, (usize, usize)> {
    let Some((length, behind)) = rest.split_first_chunk::<LENGTH_OCTETS>() else { return Err((0, 0)) };
    *rest = behind;
    let length = usize::from(u16::from_be_bytes(*length));
    let limit = limit.min(behind.len().saturating_sub(beside));
    if length > limit || behind.len() < beside { Err((length, limit)) } else { Ok(length) }
}

/// The next octets, of which [`take_length`] has said that they are there.
fn take<'a>(rest: &mut &'a [u8], octets: usize) -> &'a [u8] {
    let (taken, behind) = rest.split_at_checked(octets).unwrap_or((rest, &[]));
    *rest = behind;
    taken
}

fn to_u64(octets: usize) -> u64 {
    u64::try_from(octets).unwrap_or(u64::MAX)
}

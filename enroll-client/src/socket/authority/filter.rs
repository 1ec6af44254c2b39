//! Finds header blocks in a client's octets and has them rewritten; forwards everything else as it came. Knows frames (RFC 9113, sections 3.4, 4, 6.2,
//! 6.10); knows no stream, no timer and no HPACK.

use super::block::HeaderBlocks;
use super::flaw::Flaw;

/// What a client sends, made readable for our server: octets in, octets out, in pieces of any size. See [`super`].
#[derive(Debug, Default)]
pub struct AuthorityFilter {
    state: State,
    /// The header block whose last frame has not come yet.
    open: Option<OpenBlock>,
    blocks: HeaderBlocks,
}

/// Where in the client's octets we are.
#[derive(Debug)]
enum State {
    /// Within the connection preface, if it is one; these many octets were as in it.
    Preface { seen: usize },
    /// Not HTTP/2: nothing is looked at any more.
    Untouched,
    /// Within a frame's head.
    Head { octets: Vec<u8> },
    /// Within a payload that is of no interest; these many octets are to come.
    Passing { left: usize },
    /// Within the payload of a HEADERS or CONTINUATION frame.
    Keeping { head: Head, payload: Vec<u8> },
    /// A flaw was found: nothing is forwarded any more.
    Closed(Flaw),
}

impl Default for State {
    fn default() -> Self {
        Self::Preface { seen: 0 }
    }
}

/// A frame's head: RFC 9113, section 4.1.
#[derive(Debug, Clone, Copy)]
struct Head {
    length: usize,
    kind: u8,
    flags: u8,
    stream: u32,
}

#[derive(Debug)]
struct OpenBlock {
    stream: u32,
    /// END_STREAM and PRIORITY, as they came.
    flags: u8,
    /// The five octets of priority, or none.
    priority: Vec<u8>,
    octets: Vec<u8>,
    continuations: usize,
}

impl AuthorityFilter {
    /// Takes octets from the front of `input` and gives what the server should read instead.
    ///
    /// It stops after a header block, so that what it gives is never longer than what it took by more than one: call it until `input` is empty.
    ///
    /// # Errors
    /// The first flaw; from then on always the same one.
    pub fn feed(&mut self, input: &mut &[u8]) -> Result<Vec<u8>, Flaw> {
        let mut output = Vec::new();
        self.step_on(input, &mut output).inspect_err(|flaw| self.state = State::Closed(flaw.clone()))?;
        Ok(output)
    }

    /// Whether everything from here on passes as it is.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Untouched)
    }

    fn step_on(&mut self, input: &mut &[u8], output: &mut Vec<u8>) -> Result<(), Flaw> {
        while !input.is_empty() {
            match &mut self.state {
                State::Closed(flaw) => return Err(flaw.clone()),
                State::Untouched => output.extend_from_slice(take(input, usize::MAX)),
                State::Preface { seen } => {
                    let expected = PREFACE.get(*seen..).unwrap_or_default();
                    let octets = take(input, expected.len());
                    output.extend_from_slice(octets);
                    *seen += octets.len();
                    if !expected.starts_with(octets) {
                        self.state = State::Untouched;
                    } else if *seen == PREFACE.len() {
                        self.state = State::Head { octets: Vec::new() };
                    }
                }
                State::Head { octets } => {
                    octets.extend_from_slice(take(input, HEAD_OCTETS.saturating_sub(octets.len())));
                    if let Some(head) = Head::read(octets) {
                        let octets = std::mem::take(octets);
                        self.state = self.begin(head, &octets, output)?;
                    }
                }
                State::Passing { left } => {
                    let octets = take(input, *left);
                    output.extend_from_slice(octets);
                    *left -= octets.len();
                    if *left == 0 {
                        self.state = State::Head { octets: Vec::new() };
                    }
                }
                State::Keeping { head, payload } => {
                    payload.extend_from_slice(take(input, head.length.saturating_sub(payload.len())));
                    if payload.len() == head.length {
                        let (head, payload) = (*head, std::mem::take(payload));
                        self.state = State::Head { octets: Vec::new() };
                        if self.keep(head, &payload, output)? {
                            return Ok(());
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// What follows a frame's head.
    fn begin(&mut self, head: Head, octets: &[u8], output: &mut Vec<u8>) -> Result<State, Flaw> {
        let Head { length, kind, stream, .. } = head;
        if length > MAX_FRAME_OCTETS {
            return Err(Flaw::FrameTooLong { found: length, limit: MAX_FRAME_OCTETS });
        }
        match (&self.open, kind) {
            (Some(open), CONTINUATION) if open.stream == stream => {}
            (Some(open), _) => return Err(Flaw::Interrupted { open: open.stream, kind, found: stream }),
            (None, CONTINUATION) => return Err(Flaw::NothingToContinue { stream }),
            (None, HEADERS) if stream == 0 => return Err(Flaw::NoStream),
            (None, HEADERS) => {}
            (None, PUSH_PROMISE) => return Err(Flaw::Push),
            (None, _) => {
                output.extend_from_slice(octets);
                return Ok(if length == 0 { State::default_head() } else { State::Passing { left: length } });
            }
        }
        if length == 0 {
            // No octet of payload will come to go on with.
            self.keep(head, &[], output)?;
            return Ok(State::default_head());
        }
        Ok(State::Keeping { head, payload: Vec::new() })
    }

    /// A whole frame of a header block; tells whether the block is whole too, and was written.
    fn keep(&mut self, head: Head, payload: &[u8], output: &mut Vec<u8>) -> Result<bool, Flaw> {
        let mut open = match self.open.take() {
            None => OpenBlock::begin(head, payload)?,
            Some(mut open) => {
                open.continuations += 1;
                if open.continuations > MAX_CONTINUATIONS {
                    return Err(Flaw::TooManyFrames { limit: MAX_CONTINUATIONS });
                }
                open.octets.extend_from_slice(payload);
                open
            }
        };
        if open.octets.len() > MAX_BLOCK_OCTETS {
            return Err(Flaw::BlockTooLong { found: open.octets.len(), limit: MAX_BLOCK_OCTETS });
        }
        if head.flags & END_HEADERS == 0 {
            self.open = Some(open);
            return Ok(false);
        }
        open.octets = self.blocks.rewrite(&open.octets)?;
        open.write(output);
        Ok(true)
    }
}

impl State {
    fn default_head() -> Self {
        Self::Head { octets: Vec::new() }
    }
}

impl Head {
    /// Nothing until all nine octets are there. RFC 9113, section 4.1: the highest bit of the stream's number is ignored.
    fn read(octets: &[u8]) -> Option<Self> {
        let [high, middle, low, kind, flags, stream @ ..] = octets else { return None };
        let stream = u32::from_be_bytes(stream.try_into().ok()?) & STREAM_MASK;
        let length = usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low);
        Some(Self { length, kind: *kind, flags: *flags, stream })
    }

    fn write(self, output: &mut Vec<u8>) {
        let [_, length @ ..] = u32::try_from(self.length).unwrap_or(u32::MAX).to_be_bytes();
        output.extend_from_slice(&length);
        output.extend_from_slice(&[self.kind, self.flags]);
        output.extend_from_slice(&self.stream.to_be_bytes());
    }
}

impl OpenBlock {
    /// RFC 9113, section 6.2: `[pad length] [priority] fragment [padding]`.
    fn begin(head: Head, payload: &[u8]) -> Result<Self, Flaw> {
        let (padding_head, priority) =
            (usize::from(head.flags & PADDED != 0), if head.flags & PRIORITY == 0 { 0 } else { PRIORITY_OCTETS });
        let padding = if padding_head == 0 { 0 } else { payload.first().copied().map_or(0, usize::from) };
        let claimed = padding_head + priority + padding;
        let flaw = Flaw::Padding { found: payload.len(), claimed };
        let content = payload.len().checked_sub(padding).and_then(|end| payload.get(padding_head..end));
        let (priority, octets) = content.and_then(|content| content.split_at_checked(priority)).ok_or(flaw)?;
        Ok(Self {
            stream: head.stream,
            flags: head.flags & (END_STREAM | PRIORITY),
            priority: priority.to_vec(),
            octets: octets.to_vec(),
            continuations: 0,
        })
    }

    /// The block in as few frames as it needs, without padding.
    fn write(self, output: &mut Vec<u8>) {
        let first = self.octets.len().min(MAX_FRAME_OCTETS - self.priority.len());
        let (first, rest) = self.octets.split_at_checked(first).unwrap_or((&self.octets, &[]));
        let last = |rest: &[u8]| if rest.is_empty() { END_HEADERS } else { 0 };
        let length = self.priority.len() + first.len();
        Head { length, kind: HEADERS, flags: self.flags | last(rest), stream: self.stream }.write(output);
        output.extend_from_slice(&self.priority);
        output.extend_from_slice(first);
        let mut chunks = rest.chunks(MAX_FRAME_OCTETS).peekable();
        while let Some(chunk) = chunks.next() {
            let flags = last(chunks.peek().copied().unwrap_or_default());
            Head { length: chunk.len(), kind: CONTINUATION, flags, stream: self.stream }.write(output);
            output.extend_from_slice(chunk);
        }
    }
}

/// At most `most` octets, from the front.
fn take<'a>(input: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at_checked(most).unwrap_or((input, &[]));
    *input = rest;
    taken
}

/// RFC 9113, section 3.4.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEAD_OCTETS: usize = 9;
const PRIORITY_OCTETS: usize = 5;
const STREAM_MASK: u32 = 0x7fff_ffff;
// RFC 9113, section 6: types and flags.
const HEADERS: u8 = 1;
const PUSH_PROMISE: u8 = 5;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;
/// `SETTINGS_MAX_FRAME_SIZE` of our server: the default (RFC 9113, section 6.5.2); a test reads its SETTINGS frame.
pub(super) const MAX_FRAME_OCTETS: usize = 16_384;
/// Octets of a block as it comes: coded it is shorter than the list that it stands for, for which h2 has the same limit.
pub(super) const MAX_BLOCK_OCTETS: usize = 16 * 1024;
/// As h2 has it for lists of that length (CVE-2024-27316).
pub(super) const MAX_CONTINUATIONS: usize = 5;

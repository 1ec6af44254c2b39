//! The other side of the filter's tests: a client that writes header blocks in every way there is, and a reader of what comes out. Shares no code with
//! the filter; keeps its own dynamic table (RFC 7541, section 2.3.2).

use std::collections::VecDeque;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: Vec<u8>,
}

pub(super) fn field(name: &str, value: &[u8]) -> Field {
    Field { name: name.to_owned(), value: value.to_vec() }
}

/// How a field is sent; what is in the table is sent as a reference to it, unless it is never to be indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    NeverIndexed,
    Indexing,
}

/// How a block is sent.
#[derive(Debug, Clone)]
pub(super) struct Framing {
    pub(super) padding: Option<u8>,
    pub(super) priority: bool,
    pub(super) end_stream: bool,
    /// Octets in HEADERS and in each CONTINUATION but the last.
    pub(super) cuts: Vec<usize>,
    /// A new size for the dynamic table, before the first field.
    pub(super) table: Option<usize>,
}

impl Default for Framing {
    fn default() -> Self {
        Self { padding: None, priority: false, end_stream: true, cuts: Vec::new(), table: None }
    }
}

/// A client's encoder.
#[derive(Default)]
pub(super) struct Client {
    table: VecDeque<Field>,
    limit: Option<usize>,
}

impl Client {
    pub(super) fn send(&mut self, list: &[Field], forms: &[Form], framing: &Framing) -> Vec<u8> {
        let mut block = Vec::new();
        if let Some(size) = framing.table {
            integer(0x20, 5, size, &mut block);
            self.limit = Some(size);
            self.evict();
        }
        for (field, form) in list.iter().zip(forms) {
            self.encode(field, *form, &mut block);
        }
        let mut rest = &block[..];
        let mut parts = Vec::new();
        for cut in &framing.cuts {
            parts.push(rest.split_off(..(*cut).min(rest.len())).unwrap());
        }
        parts.push(rest);
        let mut octets = Vec::new();
        let last = parts.len() - 1;
        for (number, part) in parts.into_iter().enumerate() {
            let end_headers = if number == last { 0x4 } else { 0 };
            if number > 0 {
                octets.extend(frame(9, end_headers, 1, part));
                continue;
            }
            let mut payload = Vec::new();
            let mut flags = end_headers | u8::from(framing.end_stream);
            if let Some(padding) = framing.padding {
                flags |= 0x8;
                payload.push(padding);
            }
            if framing.priority {
                flags |= 0x20;
                payload.extend([0, 0, 0, 3, 16]);
            }
            payload.extend(part);
            payload.extend(vec![0; usize::from(framing.padding.unwrap_or_default())]);
            octets.extend(frame(1, flags, 1, &payload));
        }
        octets
    }

    fn encode(&mut self, field: &Field, form: Form, block: &mut Vec<u8>) {
        let whole = self.table.iter().position(|entry| entry == field).map(|at| at + 62);
        let name = self.table.iter().position(|entry| entry.name == field.name).map(|at| at + 62);
        let name = if field.name == ":authority" { Some(1) } else { name };
        match (form, whole) {
            (Form::Plain | Form::Indexing, Some(index)) => return integer(0x80, 7, index, block),
            (Form::Plain, None) => integer(0x00, 4, name.unwrap_or_default(), block),
            (Form::NeverIndexed, _) => integer(0x10, 4, name.unwrap_or_default(), block),
            (Form::Indexing, None) => integer(0x40, 6, name.unwrap_or_default(), block),
        }
        if name.is_none() {
            integer(0, 7, field.name.len(), block);
            block.extend(field.name.as_bytes());
        }
        integer(0, 7, field.value.len(), block);
        block.extend(&field.value);
        if form == Form::Indexing {
            self.table.push_front(field.clone());
            self.evict();
        }
    }

    fn evict(&mut self) {
        let size = |table: &VecDeque<Field>| table.iter().map(|f| f.name.len() + f.value.len() + 32).sum::<usize>();
        while size(&self.table) > self.limit.unwrap_or(4096) {
            self.table.pop_back();
        }
    }
}

fn integer(pattern: u8, bits: u32, value: usize, block: &mut Vec<u8>) {
    let full = (1 << bits) - 1;
    if value < full {
        return block.push(pattern | u8::try_from(value).unwrap());
    }
    block.push(pattern | u8::try_from(full).unwrap());
    let mut rest = value - full;
    while rest > 127 {
        block.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// One header block as it came out.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) list: Vec<Field>,
    pub(super) end_stream: bool,
    pub(super) priority: Option<Vec<u8>>,
    pub(super) frames: usize,
}

/// The header blocks among frames, which must be whole, unpadded, and of never-indexed plain literals alone.
pub(super) fn read_frames(mut octets: &[u8]) -> Vec<Found> {
    let mut all: Vec<(Vec<u8>, Found)> = Vec::new();
    let mut open = false;
    while let [a, b, c, kind, flags, _, _, _, stream, rest @ ..] = octets {
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        assert!(length <= 16_384);
        let (payload, next) = rest.split_at(length);
        octets = next;
        match kind {
            1 => {
                assert!(!open && flags & !0x25 == 0 && *stream != 0);
                let priority = (flags & 0x20 != 0).then(|| payload[..5].to_vec());
                let start = if priority.is_some() { 5 } else { 0 };
                let found = Found { list: Vec::new(), end_stream: flags & 1 != 0, priority, frames: 1 };
                all.push((payload[start..].to_vec(), found));
                open = flags & 4 == 0;
            }
            9 => {
                assert!(open);
                let (block, found) = all.last_mut().unwrap();
                block.extend(payload);
                found.frames += 1;
                open = flags & 4 == 0;
            }
            _ => assert!(!open),
        }
    }
    assert!(octets.is_empty() && !open);
    all.into_iter().map(|(block, found)| Found { list: literals(&block), ..found }).collect()
}

fn literals(mut block: &[u8]) -> Vec<Field> {
    let mut list = Vec::new();
    let string = |block: &mut &[u8]| {
        let mut length = usize::from(*block.split_off_first().unwrap());
        assert!(length < 128, "plain");
        let mut shift = 0;
        while length >= 127 {
            let octet = *block.split_off_first().unwrap();
            length += usize::from(octet & 127) << shift;
            shift += 7;
            if octet < 128 {
                break;
            }
        }
        block.split_off(..length).unwrap().to_vec()
    };
    while let Some(first) = block.split_off_first() {
        assert_eq!(*first, 0x10);
        let name = String::from_utf8(string(&mut block)).unwrap();
        list.push(Field { name, value: string(&mut block) });
    }
    list
}

//! Header blocks: decodes the client's, puts `localhost` for an authority that is none, encodes what our server reads. Knows HPACK; knows no frame.
//!
//! The library decodes tables and Huffman codes, and has no limits of its own: it builds a Huffman table for each coded string (tens of microseconds), and
//! cannot be stopped half-way. So a block is walked first ([`survey`]), without decoding anything: how many fields, where they end, which sizes they
//! ask for. What the library is given after that costs at most 10 ms, whatever is in it.

use std::fmt;

use http::uri::Authority;
use loona_hpack::Decoder;

use super::flaw::Flaw;

/// The client's half of a connection's HPACK state.
pub(super) struct HeaderBlocks {
    decoder: Decoder<'static>,
}

impl Default for HeaderBlocks {
    fn default() -> Self {
        let mut decoder = Decoder::new();
        decoder.set_max_allowed_table_size(MAX_TABLE_OCTETS);
        Self { decoder }
    }
}

impl fmt::Debug for HeaderBlocks {
    /// The table holds header values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderBlocks").finish_non_exhaustive()
    }
}

impl HeaderBlocks {
    /// The same header list as a block without references to any table.
    pub(super) fn rewrite(&mut self, block: &[u8]) -> Result<Vec<u8>, Flaw> {
        survey(block)?;
        let (mut rewritten, mut list_octets) = (Vec::new(), 0);
        let decoded = self.decoder.decode_with_cb(block, |name, value| {
            list_octets += name.len() + value.len() + FIELD_OVERHEAD_OCTETS;
            if list_octets <= MAX_LIST_OCTETS {
                let value = if *name == *b":authority" { authority(&value) } else { &value };
                put_field(&name, value, &mut rewritten);
            }
        });
        decoded.map_err(Flaw::Hpack)?;
        if list_octets > MAX_LIST_OCTETS {
            return Err(Flaw::ListTooLong { found: list_octets, limit: MAX_LIST_OCTETS });
        }
        Ok(rewritten)
    }
}

/// What our server is told. Only what a client could mean as a path (visible ASCII) is replaced: with anything else h2 shall do as it likes.
fn authority(value: &[u8]) -> &[u8] {
    let is_authority = Authority::try_from(value).is_ok();
    if is_authority || !value.iter().all(u8::is_ascii_graphic) { value } else { LOCALHOST }
}

/// RFC 7541, section 6.2.3: never indexed, the form that an intermediary may always use; plain strings.
fn put_field(name: &[u8], value: &[u8], block: &mut Vec<u8>) {
    block.push(NEVER_INDEXED);
    for text in [name, value] {
        put_length(text.len(), block);
        block.extend_from_slice(text);
    }
}

/// RFC 7541, section 5.1: an integer with a prefix of 7 bits, the eighth (Huffman) being 0.
fn put_length(length: usize, block: &mut Vec<u8>) {
    let [low, ..] = length.to_le_bytes();
    if length < 127 {
        return block.push(low);
    }
    block.push(127);
    let mut rest = length - 127;
    while rest >= 128 {
        let [low, ..] = rest.to_le_bytes();
        block.push(low | 128);
        rest >>= 7;
    }
    let [low, ..] = rest.to_le_bytes();
    block.push(low);
}

/// Walks the representations of a block (RFC 7541, section 6), and finds what may not be decoded.
fn survey(mut block: &[u8]) -> Result<(), Flaw> {
    let (mut fields, mut size_updates) = (0, 0);
    while let Some(first) = block.first() {
        let kind = first.leading_zeros();
        if kind == 2 {
            let size = take_integer(&mut block, 5)?;
            size_updates += 1;
            if fields > 0 || size_updates > MAX_SIZE_UPDATES {
                return Err(Flaw::MisplacedSizeUpdate { limit: MAX_SIZE_UPDATES });
            }
            if size > MAX_TABLE_OCTETS {
                return Err(Flaw::TableTooLarge { found: size, limit: MAX_TABLE_OCTETS });
            }
            continue;
        }
        fields += 1;
        if fields > MAX_FIELDS {
            return Err(Flaw::TooManyFields { limit: MAX_FIELDS });
        }
        match kind {
            0 => drop(take_integer(&mut block, 7)?),
            with_indexing_or_without => {
                let name = take_integer(&mut block, if with_indexing_or_without == 1 { 6 } else { 4 })?;
                if name == 0 {
                    skip_string(&mut block)?;
                }
                skip_string(&mut block)?;
            }
        }
    }
    Ok(())
}

fn skip_string(block: &mut &[u8]) -> Result<(), Flaw> {
    let length = take_integer(block, 7)?;
    *block = block.get(length..).ok_or(Flaw::Cut)?;
    Ok(())
}

/// RFC 7541, section 5.1: an integer with a prefix of `bits`. At most five octets, as the library has it: below 2^28 + 255.
fn take_integer(block: &mut &[u8], bits: u32) -> Result<usize, Flaw> {
    let (first, mut rest) = block.split_first().ok_or(Flaw::Cut)?;
    let mask = u8::MAX >> (8 - bits);
    let mut value = usize::from(first & mask);
    if first & mask == mask {
        let mut shift = 0;
        loop {
            let (octet, after) = rest.split_first().ok_or(Flaw::Cut)?;
            rest = after;
            value += usize::from(octet & 127) << shift;
            shift += 7;
            if octet & 128 == 0 {
                break;
            }
            if shift > 21 {
                return Err(Flaw::Cut);
            }
        }
    }
    *block = rest;
    Ok(value)
}

/// What stands for a socket's path.
const LOCALHOST: &[u8] = b"localhost";
/// RFC 7541, section 6.2.3, with a literal name.
const NEVER_INDEXED: u8 = 0x10;
/// `SETTINGS_HEADER_TABLE_SIZE` of our server: the default (RFC 9113, section 6.5.2); a test reads its SETTINGS frame.
pub(super) const MAX_TABLE_OCTETS: usize = 4096;
/// Fields of a block: C-core sends 9, Envoy up to 20. At two Huffman strings each, decoding 64 takes 4 ms (measured, optimised).
pub(super) const MAX_FIELDS: usize = 64;
/// As h2 has it for us (serve.rs), and the same measure; larger it answers with 431, here the connection ends. As one Huffman string, decoding
/// takes 5 ms (measured, optimised).
pub(super) const MAX_LIST_OCTETS: usize = 16 * 1024;
/// RFC 7541, section 4.2: the smallest size since the last block, and the newest.
const MAX_SIZE_UPDATES: usize = 2;
/// RFC 9113, section 6.5.2: what a field counts beside its octets.
const FIELD_OVERHEAD_OCTETS: usize = 32;

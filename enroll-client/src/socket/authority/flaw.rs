//! Why a connection is closed by the filter. Knows what was found and what is allowed; knows no octet of a header.

use loona_hpack::decoder::DecoderError;

/// What is wrong with a client's HTTP/2 framing. None of it is answered: the connection ends.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Flaw {
    /// RFC 9113, section 4.2: a frame may have as many octets as we advertise, which is the default.
    #[error("a frame of {found} octets, and {limit} are allowed")]
    FrameTooLong {
        /// As announced.
        found: usize,
        /// At most.
        limit: usize,
    },
    /// RFC 9113, section 6.10: nothing comes between the frames of a header block.
    #[error("a header block of stream {open} is interrupted by a frame of type {kind} of stream {found}")]
    Interrupted {
        /// Whose header block is open.
        open: u32,
        /// What came.
        kind: u8,
        /// Of which stream.
        found: u32,
    },
    /// RFC 9113, section 6.10: a continuation of nothing.
    #[error("a CONTINUATION frame of stream {stream} without a header block before it")]
    NothingToContinue {
        /// Of which stream.
        stream: u32,
    },
    /// RFC 9113, section 6.2: headers belong to a stream.
    #[error("a HEADERS frame of stream 0")]
    NoStream,
    /// RFC 9113, section 8.4: a client cannot push.
    #[error("a PUSH_PROMISE frame of a client")]
    Push,
    /// RFC 9113, section 6.2: the frame is shorter than its padding and priority.
    #[error("a HEADERS frame of {found} octets with {claimed} octets of padding and priority")]
    Padding {
        /// Its payload.
        found: usize,
        /// What its flags and pad length ask for.
        claimed: usize,
    },
    /// A header block is longer than we take.
    #[error("a header block of {found} octets, and {limit} are allowed")]
    BlockTooLong {
        /// So far.
        found: usize,
        /// At most.
        limit: usize,
    },
    /// CVE-2024-27316 and its like: a block of ever more frames.
    #[error("a header block of more than {limit} CONTINUATION frames")]
    TooManyFrames {
        /// At most.
        limit: usize,
    },
    /// A header block has more fields than we take.
    #[error("a header block of more than {limit} fields")]
    TooManyFields {
        /// At most.
        limit: usize,
    },
    /// CVE-2016-6581: a short block that decodes to very much.
    #[error("a header list of {found} octets, and {limit} are allowed")]
    ListTooLong {
        /// By the measure of RFC 9113, section 6.5.2.
        found: usize,
        /// At most.
        limit: usize,
    },
    /// RFC 7541, section 5: the block ends within a field, or a length is absurd.
    #[error("a header block that ends within a field, or with a number of too many octets")]
    Cut,
    /// RFC 7541, section 4.2: at most two, before the first field.
    #[error("a table size update that is not one of at most {limit} at the beginning of a header block")]
    MisplacedSizeUpdate {
        /// At most.
        limit: usize,
    },
    /// RFC 7541, section 6.3: not above what we advertise, which is the default.
    #[error("a dynamic table of {found} octets, and {limit} are allowed")]
    TableTooLarge {
        /// As announced.
        found: usize,
        /// At most.
        limit: usize,
    },
    /// The block is no HPACK.
    #[error("a header block that cannot be decoded")]
    Hpack(#[source] DecoderError),
}

impl Flaw {
    /// The name of the rule.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self {
            Self::FrameTooLong { .. } => "frame-too-long",
            Self::Interrupted { .. } => "header-block-interrupted",
            Self::NothingToContinue { .. } => "nothing-to-continue",
            Self::NoStream => "headers-without-stream",
            Self::Push => "push-of-a-client",
            Self::Padding { .. } => "padding-too-long",
            Self::BlockTooLong { .. } => "header-block-too-long",
            Self::TooManyFrames { .. } => "too-many-continuations",
            Self::TooManyFields { .. } => "too-many-fields",
            Self::ListTooLong { .. } => "header-list-too-long",
            Self::Cut => "header-block-cut",
            Self::MisplacedSizeUpdate { .. } => "size-update-misplaced",
            Self::TableTooLarge { .. } => "header-table-too-large",
            Self::Hpack(_) => "header-block-malformed",
        }
    }
}

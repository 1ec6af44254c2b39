//! Makes HTTP/2 requests of gRPC C-core clients readable for our server: their `:authority` is the socket's path. Knows HTTP/2 frames and header
//! blocks on the way in; knows no request, no route and no peer.
//!
//! gRPC's C core (Python, C++, Ruby, PHP; Swift and Java do likewise) names a Unix socket's path as `:authority`, plain or percent-encoded. RFC 9113,
//! section 8.3.1, wants the authority of a URI there, and the `h2` crate resets such a stream (hyperium/h2#487). So between socket and server:
//!
//! ```text
//! Filtered            a stream whose reads go through the filter; writes pass              (here)
//! AuthorityFilter     frames: finds header blocks, forwards all else as it is             (authority/filter.rs)
//! HeaderBlocks        HPACK: decodes a block, puts `localhost`, encodes it anew           (authority/block.rs)
//! Flaw                why a connection is closed instead                                  (authority/flaw.rs)
//! ```
//!
//! Every header block is decoded and encoded anew, not only those in need: the dynamic table of HPACK is shared by all blocks of a connection, and
//! ours must stay in step with the client's. What the server gets uses no dynamic table at all. Values are what they were, save for that one.
//! What is not HTTP/2 (curl) passes untouched.

mod block;
mod filter;
mod flaw;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub use filter::AuthorityFilter;
pub use flaw::Flaw;

/// A stream that is read through an [`AuthorityFilter`]. A flaw is an error of reading, which ends the connection.
#[derive(Debug)]
pub struct Filtered<S> {
    stream: S,
    filter: AuthorityFilter,
    /// What was read and not filtered yet is `input[taken..]`.
    input: Vec<u8>,
    taken: usize,
    /// What was filtered and not handed out yet is `output[given..]`.
    output: Vec<u8>,
    given: usize,
    /// Header blocks since others had their turn.
    blocks: usize,
}

impl<S> Filtered<S> {
    /// Reads `stream` through a filter from here on, which must be its beginning.
    #[must_use]
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            filter: AuthorityFilter::default(),
            input: Vec::new(),
            taken: 0,
            output: Vec::new(),
            given: 0,
            blocks: 0,
        }
    }

    /// Hands out what is ready; tells whether that was anything.
    fn give(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let ready = self.output.get(self.given..).unwrap_or_default();
        let (now, later) = ready.split_at_checked(buffer.remaining()).unwrap_or((ready, &[]));
        let (given, nothing_left) = (now.len(), later.is_empty());
        buffer.put_slice(now);
        self.given += given;
        if nothing_left {
            // A block's worth of memory is not kept for a connection that is quiet.
            (self.output, self.given) = (Vec::new(), 0);
        }
        given > 0
    }

    fn filter_some(&mut self) -> Result<bool, Flaw> {
        let mut rest = self.input.get(self.taken..).unwrap_or_default();
        let had = rest.len();
        self.output = self.filter.feed(&mut rest)?;
        // What is left stands behind a header block.
        self.blocks += usize::from(!rest.is_empty());
        self.taken += had - rest.len();
        Ok(had > 0)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Filtered<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            if this.give(buffer) {
                return Poll::Ready(Ok(()));
            }
            if this.blocks >= BLOCKS_AT_ONCE {
                // A client that sends nothing but expensive blocks does not keep a thread from everybody else.
                this.blocks = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match this.filter_some() {
                Ok(true) => continue,
                Ok(false) => {}
                Err(flaw) => {
                    tracing::debug!(rule = flaw.rule(), %flaw, "a local connection is closed");
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, flaw)));
                }
            }
            if this.filter.is_done() {
                (this.input, this.taken) = (Vec::new(), 0);
                return Pin::new(&mut this.stream).poll_read(cx, buffer);
            }
            this.input.resize(READ_OCTETS, 0);
            let mut read = ReadBuf::new(&mut this.input);
            let outcome = Pin::new(&mut this.stream).poll_read(cx, &mut read);
            let filled = read.filled().len();
            this.input.truncate(filled);
            this.taken = 0;
            // Its last block is not seen above. Who is waited for keeps nobody from anything.
            this.blocks = if outcome.is_pending() { 0 } else { this.blocks + 1 };
            ready!(outcome)?;
            if filled == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Filtered<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, octets)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Octets read at once. Requests of Workload API clients have less than 1 kB; larger would only cost memory while a connection is quiet.
const READ_OCTETS: usize = 4096;

/// Each may take 10 ms (authority/block.rs): the time that others wait is 50 ms at most.
const BLOCKS_AT_ONCE: usize = 4;

#[cfg(test)]
mod tests;

//! A stream whose other side must read. Knows how long a write may stand still; knows no protocol.
//!
//! Who asks and does not read the answer would keep it, and the key that is in it, in our memory for as long as it likes (T-58). HTTP/2 is found out by
//! its pings; HTTP/1.1 has none.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// A stream whose writes fail when nothing was taken for [`TAKEN_WITHIN`].
pub(super) struct Impatient<S> {
    stream: S,
    standing: Option<Pin<Box<Sleep>>>,
}

impl<S> Impatient<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, standing: None }
    }

    /// An outcome of the stream's, or the end of our patience.
    fn unless_standing<T>(&mut self, outcome: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.standing = None;
            return outcome;
        }
        let standing = self.standing.get_or_insert_with(|| Box::pin(tokio::time::sleep(TAKEN_WITHIN)));
        standing.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write(cx, octets);
        this.unless_standing(outcome, cx)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_flush(cx);
        this.unless_standing(outcome, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.unless_standing(outcome, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.unless_standing(outcome, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// As long as HTTP/2 takes to find out (serve.rs): 20 s and 10 s.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::{Instant, timeout};

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_cut_off() {
        let (ours, theirs) = duplex(10);
        let mut ours = Impatient::new(ours);
        let start = Instant::now();
        let cut = ours.write_all(&[0; 11]).await.unwrap_err();
        assert_eq!((cut.kind(), start.elapsed().as_secs()), (io::ErrorKind::TimedOut, 30));
        drop(theirs);
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_slowly_is_not() {
        let (ours, mut theirs) = duplex(10);
        let mut ours = Impatient::new(ours);
        let reading = tokio::spawn(async move {
            for _ in 0..10 {
                // The duplex has room again after each read: that is progress.
                tokio::time::sleep(Duration::from_secs(29)).await;
                theirs.read_exact(&mut [0; 10]).await.unwrap();
            }
        });
        timeout(Duration::from_secs(300), ours.write_all(&[0; 100])).await.unwrap().unwrap();
        reading.await.unwrap();
    }
}

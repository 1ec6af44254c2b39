//! The next segment, made before it is needed. Knows when; knows no frame.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::segment::Segment;
use crate::disk::Disk;

/// When the next segment is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prepare {
    /// On a thread of its own, once the last one is half full: no batch waits for 64 MiB of zeros. For a server.
    Ahead,
    /// When it is needed. For `init`, which writes a few entries and ends.
    OnDemand,
}

/// The next segment: not yet, on its way, or there.
pub(super) struct Spare {
    disk: Arc<dyn Disk>,
    octets: u64,
    prepare: Prepare,
    next: Next,
}

enum Next {
    Missing,
    OnItsWay(JoinHandle<io::Result<Segment>>),
    Ready(Segment),
}

impl Spare {
    pub(super) fn new(disk: Arc<dyn Disk>, octets: u64, prepare: Prepare) -> Self {
        Self { disk, octets, prepare, next: Next::Missing }
    }

    /// Begins to make one, unless that has begun.
    pub(super) fn prepare(&mut self) {
        if let (Prepare::Ahead, Next::Missing) = (self.prepare, &self.next) {
            let (disk, octets) = (Arc::clone(&self.disk), self.octets);
            let made =
                thread::Builder::new().name("segment".to_owned()).spawn(move || Segment::prepare(&*disk, octets));
            // Without a thread it is made when it is needed.
            self.next = made.map_or(Next::Missing, Next::OnItsWay);
        }
    }

    /// Waits until one is there; makes it here if that has not begun, or went wrong.
    pub(super) fn make_ready(&mut self) -> io::Result<()> {
        let segment = match std::mem::replace(&mut self.next, Next::Missing) {
            Next::Ready(segment) => segment,
            Next::OnItsWay(thread) => match thread.join() {
                Ok(Ok(segment)) => segment,
                Ok(Err(_)) | Err(_) => Segment::prepare(&*self.disk, self.octets)?,
            },
            Next::Missing => Segment::prepare(&*self.disk, self.octets)?,
        };
        self.next = Next::Ready(segment);
        Ok(())
    }

    /// The one that is ready.
    pub(super) fn take(&mut self) -> io::Result<Segment> {
        self.make_ready()?;
        match std::mem::replace(&mut self.next, Next::Missing) {
            Next::Ready(segment) => Ok(segment),
            Next::Missing | Next::OnItsWay(_) => Err(io::Error::other("there is no segment to write into")),
        }
    }
}

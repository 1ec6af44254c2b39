//! Server-sent events out of a stream of octets. Knows the event stream format (HTML, section 9.2); knows no event.

use std::mem;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SseEvent {
    /// Its `event` field; `message` when it has none.
    pub(crate) kind: String,
    /// Its `id` field, if it has one. Unlike a browser we do not carry an id over from an earlier event.
    pub(crate) id: Option<String>,
    /// Its `data` lines, joined by newlines.
    pub(crate) data: String,
}

/// Takes octets as they come and gives whole events.
#[derive(Debug, Default)]
pub(crate) struct SseReader {
    line: Vec<u8>,
    event: SseEvent,
    has_data: bool,
    octets: usize,
}

impl SseReader {
    /// Takes the next octets, and gives to `each` the events they complete.
    ///
    /// # Errors
    /// [`SseError`]: the stream cannot be followed any further; read it again from the last event.
    pub(crate) fn push(&mut self, octets: &[u8], mut each: impl FnMut(SseEvent)) -> Result<(), SseError> {
        for piece in octets.split_inclusive(|octet| *octet == b'\n') {
            self.octets += piece.len();
            if self.octets > MAX_EVENT_OCTETS {
                return Err(SseError::TooLong { limit: MAX_EVENT_OCTETS });
            }
            self.line.extend_from_slice(piece);
            if self.line.last() == Some(&b'\n') {
                let line = mem::take(&mut self.line);
                if let Some(event) = self.end_of_line(&line)? {
                    each(event);
                }
            }
        }
        Ok(())
    }

    fn end_of_line(&mut self, line: &[u8]) -> Result<Option<SseEvent>, SseError> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = std::str::from_utf8(line).map_err(|_| SseError::NotText)?;
        if line.is_empty() {
            self.octets = 0;
            let mut event = mem::take(&mut self.event);
            // Without data it is none: a comment, or a field of its own.
            if !mem::take(&mut self.has_data) {
                return Ok(None);
            }
            if event.kind.is_empty() {
                event.kind.push_str("message");
            }
            return Ok(Some(event));
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.kind),
            "id" => self.event.id = Some(value.to_owned()),
            "data" => {
                if mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            // A comment (empty field), `retry`, or a field of a later day: ignored, as the format asks.
            _ => {}
        }
        Ok(None)
    }
}

/// Why a stream cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SseError {
    /// An event without end, or a very long one.
    #[error("an event has more than {limit} octets")]
    TooLong {
        /// How many are read.
        limit: usize,
    },
    /// The format is UTF-8.
    #[error("a line of the event stream is not UTF-8")]
    NotText,
}

/// The longest data of an event, and room for field names and the other fields.
const MAX_EVENT_OCTETS: usize = ledger::feed::MAX_EVENT_OCTETS + 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(kind: &str, id: Option<&str>, data: &str) -> SseEvent {
        SseEvent { kind: kind.into(), id: id.map(Into::into), data: data.into() }
    }

    #[track_caller]
    fn check(text: &str, expected: &[SseEvent]) {
        let mut events = Vec::new();
        SseReader::default().push(text.as_bytes(), |event| events.push(event)).unwrap();
        assert_eq!(events, expected);
        // Cut anywhere, it is the same.
        for cut in 0..text.len() {
            let mut events = Vec::new();
            let mut reader = SseReader::default();
            reader.push(&text.as_bytes()[..cut], |event| events.push(event)).unwrap();
            reader.push(&text.as_bytes()[cut..], |event| events.push(event)).unwrap();
            assert_eq!(events, expected, "cut at {cut}");
        }
    }

    #[test]
    fn events() {
        check("id: 7\nevent: x\ndata: a\n\n", &[event("x", Some("7"), "a")]);
        check("data: a\ndata: b\ndata:\n\n", &[event("message", None, "a\nb\n")]);
        check("data:a\n\ndata:  b\n\n", &[event("message", None, "a"), event("message", None, " b")]);
        check("event: x\r\ndata: a\r\n\r\n", &[event("x", None, "a")]);
        check("data: a:b\n\n", &[event("message", None, "a:b")]);
        check("data\n\n", &[event("message", None, "")]);
        check("id: 1\ndata: a\n\ndata: b\n\n", &[event("message", Some("1"), "a"), event("message", None, "b")]);
    }

    #[test]
    fn what_is_no_event() {
        check("", &[]);
        check("data: a\n", &[]);
        check(": a comment\n\n", &[]);
        check("event: x\nid: 4\n\ndata: a\n\n", &[event("message", None, "a")]);
        check("retry: 5\nother: 6\ndata: a\n\n", &[event("message", None, "a")]);
    }

    #[test]
    fn an_event_has_an_end() {
        let mut reader = SseReader::default();
        let mut outcome = Ok(());
        for _ in 0..=(MAX_EVENT_OCTETS / 1000) {
            outcome = outcome.and_then(|()| reader.push(&[b'x'; 1000], |_| panic!("no event")));
        }
        assert_eq!(outcome, Err(SseError::TooLong { limit: MAX_EVENT_OCTETS }));
    }

    #[test]
    fn lines_are_text() {
        assert_eq!(SseReader::default().push(b"data: \xff\n\n", |_| {}), Err(SseError::NotText));
    }

    proptest! {
        #[test]
        fn any_octets_are_read_without_a_panic(octets: Vec<u8>) {
            let outcome = SseReader::default().push(&octets, |_| {});
            prop_assert!(outcome.is_ok() || outcome == Err(SseError::NotText));
        }
    }
}

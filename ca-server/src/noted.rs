//! What is known of the request in hand, for the one line that the log has of it. Knows ids, an index and kinds of callers;
//! knows no request, and nothing that a stranger wrote (T-70).
//!
//! It belongs to the task that answers the request, so that whoever learns something need not be handed a place to put it.

use std::cell::Cell;

use identity::RequestId;

tokio::task_local! {
    static NOTED: Cell<Noted>;
}

/// What is known of a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Noted {
    /// The server's id of it: what a problem document tells.
    pub id: Option<RequestId>,
    /// The id that the asker gave it; it stands in the ledger.
    pub request: Option<RequestId>,
    /// Who asks.
    pub caller: Option<&'static str>,
    /// The newest entry that it made.
    pub entry: Option<u64>,
}

/// Runs `task` with a place for notes; gives what was noted.
pub async fn noting<T>(id: Option<RequestId>, task: impl Future<Output = T>) -> (T, Noted) {
    let first = Cell::new(Noted { id, ..Noted::default() });
    NOTED.scope(first, async move { (task.await, now()) }).await
}

/// What is known so far; nothing outside of a request.
#[must_use]
pub fn now() -> Noted {
    NOTED.try_with(Cell::get).unwrap_or_default()
}

/// Notes the id that the asker gave.
pub fn request(id: RequestId) {
    change(|noted| noted.request = Some(id));
}

/// Notes who asks.
pub fn caller(kind: &'static str) {
    change(|noted| noted.caller = Some(kind));
}

/// Notes an entry.
pub fn entry(index: u64) {
    change(|noted| noted.entry = Some(index));
}

/// Outside of a request nothing is noted: the server's own tasks have no line.
fn change(change: impl FnOnce(&mut Noted)) {
    let noted = NOTED.try_with(|cell| {
        let mut noted = cell.get();
        change(&mut noted);
        cell.set(noted);
    });
    noted.unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_request_has_its_own_notes() {
        let one = noting(None, async {
            entry(1);
            tokio::task::yield_now().await;
            caller("host");
        });
        let other = noting(Some(RequestId::from_bytes([7; 16])), async { entry(2) });
        let (((), one), ((), other)) = tokio::join!(one, other);
        assert_eq!((one.entry, one.caller, one.id), (Some(1), Some("host"), None));
        assert_eq!((other.entry, other.caller, other.id), (Some(2), None, Some(RequestId::from_bytes([7; 16]))));
        entry(3);
        assert_eq!(now().entry, None, "outside");
    }
}

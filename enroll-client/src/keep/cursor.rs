//! How far the host had followed the feed, as it rests.

use identity::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Directory, Keep, KeepError};

/// The newest signed statements about the feed that were seen. A server that later knows less has gone back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptCursor {
    /// Format version.
    pub v: u64,
    /// Ledger size in the newest heartbeat.
    pub size: u64,
    /// Time in it.
    #[serde(with = "identity::text")]
    pub time: Timestamp,
    /// Index of the newest event.
    pub index: u64,
    /// Events up to there.
    pub events: u64,
    /// Running hash over them, base64.
    pub running: protocol::Binary,
    /// The heartbeat's note: the server's signature under all of this.
    pub note: String,
}

impl<D: Directory> Keep<D> {
    /// The kept cursor.
    ///
    /// # Errors
    /// [`KeepError::File`], [`KeepError::Damaged`], [`KeepError::Version`].
    pub fn cursor(&self) -> Result<Option<KeptCursor>, KeepError> {
        let cursor: Option<KeptCursor> = self.read_json(FEED)?;
        if let Some(cursor) = &cursor {
            super::check_version(FEED, cursor.v)?;
        }
        Ok(cursor)
    }

    /// Keeps a newer cursor.
    ///
    /// # Errors
    /// [`KeepError::File`].
    pub fn set_cursor(&self, cursor: &KeptCursor) -> Result<(), KeepError> {
        self.write_json(FEED, cursor)
    }
}

const FEED: &str = "feed.json";

//! What couriers of files tell about themselves. Knows the shape that `status` prints; holds no octet of a file.

use std::path::PathBuf;
use std::sync::Arc;

use identity::{Serial, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::Status;
use crate::delivery::Order;

/// One directory of files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilesStatus {
    /// The agent, as it is configured.
    pub agent: String,
    /// Where its files are.
    pub directory: PathBuf,
    /// The serial of the certificate that was delivered there by this process.
    #[serde(with = "identity::text::option")]
    pub serial: Option<Serial>,
    /// When that certificate ends.
    #[serde(with = "identity::text::option")]
    pub not_after: Option<Timestamp>,
    /// Attempts to deliver that failed since the last success.
    pub failures: u32,
    /// What the last of them said.
    pub last_failure: Option<String>,
    /// How it stands with the program that reads them, where one is to be told.
    pub reload: Option<ReloadStatus>,
}

/// Whether the program was told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReloadStatus {
    /// The serial of the certificate that it was told of last.
    #[serde(with = "identity::text::option")]
    pub serial: Option<Serial>,
    /// Whether there was somebody to be told; if not, it reads the files when it starts.
    pub somebody: bool,
    /// Attempts that failed since the last success.
    pub failures: u32,
    /// What the last of them said.
    pub last_failure: Option<String>,
}

/// Where couriers report. Clones report to the same place.
#[derive(Debug, Clone)]
pub struct FilesReporter {
    status: watch::Sender<Arc<Status>>,
}

impl FilesStatus {
    /// Nothing was delivered yet.
    #[must_use]
    pub fn waiting(order: &Order) -> Self {
        Self {
            agent: order.agent.to_string(),
            directory: order.directory.clone(),
            serial: None,
            not_after: None,
            failures: 0,
            last_failure: None,
            reload: order.reload.is_some().then(ReloadStatus::default),
        }
    }
}

impl FilesReporter {
    pub(super) fn new(status: watch::Sender<Arc<Status>>) -> Self {
        Self { status }
    }

    /// Says how many there will be.
    pub fn expect(&self, all: Vec<FilesStatus>) {
        self.status.send_modify(|shared| Arc::make_mut(shared).files = all);
    }

    /// Replaces what is told of one; nobody wakes when it is the same.
    pub fn report(&self, number: usize, files: &FilesStatus) {
        self.status.send_if_modified(|shared| {
            if shared.files.get(number).is_none_or(|told| told == files) {
                return false;
            }
            if let Some(told) = Arc::make_mut(shared).files.get_mut(number) {
                told.clone_from(files);
            }
            true
        });
    }
}

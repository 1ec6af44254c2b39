//! What comes back to the driver. Knows the shapes; handled where each belongs.

use bytes::Bytes;

use super::Driver;
use super::ask::{AskError, Attempted};
use super::feed::FeedError;
use crate::identities::AgentName;
use crate::key::PrivateKey;
use crate::machine::{Beat, Seen};
use crate::upstream::UpstreamError;
use ledger::feed::{FeedEvent, Told};
use protocol::agents::SignedAgentList;

/// What happened beside the driver.
#[derive(Debug)]
pub(super) enum News {
    /// The host's attempt is over.
    Host { attempt: u64, outcome: Result<(PrivateKey, Attempted), AskError> },
    /// An agent's attempt is over.
    Agent { name: AgentName, attempt: u64, outcome: Result<(PrivateKey, Attempted), AskError> },
    /// The list of agents came, or not.
    Offers { attempt: u64, outcome: Result<SignedAgentList, UpstreamError> },
    /// The bundle came, or not.
    Bundle { attempt: u64, outcome: Result<Bytes, UpstreamError> },
    /// A snapshot for local followers came, or not.
    Snapshot { attempt: u64, outcome: Result<(Seen, Bytes), FeedError> },
    /// The server heard how far we are, or not.
    Acknowledged { attempt: u64, outcome: Result<(), UpstreamError> },
    /// The feed, in its order.
    Feed(FeedNews),
}

/// What the follower of the feed tells. Signatures and forms are checked.
#[derive(Debug)]
pub(super) enum FeedNews {
    /// It begins with this.
    Began { seen: Seen, body: Bytes },
    /// The stream is there.
    Connected,
    /// An event.
    Event { event: FeedEvent, told: Told },
    /// A heartbeat.
    Beat(Beat),
    /// It is over, and the follower with it.
    Ended(FeedError),
}

impl Driver {
    pub(super) fn hear(&mut self, news: News) {
        let now = self.clock.now();
        match news {
            News::Host { attempt, outcome } => self.host_answered(attempt, outcome, now),
            News::Agent { name, attempt, outcome } => self.agent_answered(&name, attempt, outcome, now),
            News::Offers { attempt, outcome } => self.offers_came(attempt, outcome, now),
            News::Bundle { attempt, outcome } => self.bundle_came(attempt, outcome, now),
            News::Snapshot { attempt, outcome } => self.snapshot_came(attempt, outcome, now),
            News::Acknowledged { attempt, outcome } => self.acknowledged(attempt, outcome, now),
            News::Feed(news) => self.feed_told(news, now),
        }
        self.set_gates(now);
        self.go_on_errands(now);
    }
}

//! Where the keys of a cluster come from, and how fresh they are: fetched when first needed, again every five minutes,
//! at once for an unknown key but then at most once a minute, and given up when they are an hour old. Knows fetching
//! and the clocks it is given; knows no token. The address is the operator's and nobody else's (T-06, T-25).

mod fetch;
mod flaw;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use reqwest::Url;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::address::Reach;
use super::config::ConfigError;
use super::jwks::Jwks;
use fetch::Fetcher;

pub use fetch::FETCH_TIMEOUT;
pub use flaw::KeysError;

/// Where a key set is.
#[derive(Clone, Debug)]
pub enum Location {
    /// In a file.
    File {
        /// Its path.
        path: PathBuf,
    },
    /// Behind a URL.
    Url {
        /// The URL.
        url: Url,
        /// The addresses that it may lead to.
        reach: Reach,
        /// PEM file of the authorities to trust; `None`: those of the system.
        ca_file: Option<PathBuf>,
    },
}

/// A key set with its age.
pub struct JwksSource {
    shared: Arc<Shared>,
}

struct Shared {
    fetcher: Fetcher,
    held: ArcSwapOption<Held>,
    /// When the last fetch began. Held while one is under way, so that there is one at a time.
    last_fetch: Arc<Mutex<Option<Instant>>>,
}

/// Keys that are at hand, and since when.
struct Held {
    keys: Arc<Jwks>,
    since: Instant,
}

impl JwksSource {
    /// A source that holds no keys yet.
    ///
    /// # Errors
    /// [`ConfigError`] where the CA file cannot be used.
    pub fn new(location: &Location) -> Result<Self, ConfigError> {
        let shared =
            Shared { fetcher: Fetcher::new(location)?, held: ArcSwapOption::empty(), last_fetch: Arc::default() };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Puts keys in place, as if they had been fetched.
    #[cfg(test)]
    pub(super) fn hold(&self, keys: Jwks, since: Instant) {
        self.shared.held.store(Some(Arc::new(Held { keys: Arc::new(keys), since })));
    }

    /// The keys at hand.
    ///
    /// # Errors
    /// [`KeysError::NoneAtHand`]: none were fetched yet, or they grew too old.
    pub fn current(&self) -> Result<Arc<Jwks>, KeysError> {
        self.shared.held.load().as_ref().map(|held| Arc::clone(&held.keys)).ok_or(KeysError::NoneAtHand)
    }

    /// Whether it is time to fetch.
    #[must_use]
    pub fn are_due(&self, tick: Instant) -> bool {
        self.age(tick).is_none_or(|age| age >= FETCH_EVERY)
    }

    /// Fetches when it is time to. Whoever comes while another fetches goes on with the keys at hand.
    pub async fn freshen(&self, tick: Instant) {
        if !self.are_due(tick) {
            return;
        }
        let waiting = Arc::clone(&self.shared.last_fetch);
        let turn = match (self.age(tick), waiting.try_lock_owned()) {
            (_, Ok(turn)) => Some(turn),
            (Some(_), Err(_)) => None,
            (None, Err(_)) => Some(Arc::clone(&self.shared.last_fetch).lock_owned().await),
        };
        if let Some(turn) = turn
            && self.are_due(tick)
        {
            self.fetch_unless_just_done(turn, tick).await;
        }
        self.give_up_old(tick);
    }

    /// Fetches because a key is asked for that is not at hand: at most once a minute, whoever asks (T-25).
    pub async fn fetch_for_unknown(&self, tick: Instant) {
        let turn = Arc::clone(&self.shared.last_fetch).lock_owned().await;
        self.fetch_unless_just_done(turn, tick).await;
        self.give_up_old(tick);
    }

    /// Fetches in a task of its own: somebody who names an unknown key and hangs up neither ends the fetch nor uses up
    /// the minute in vain.
    async fn fetch_unless_just_done(&self, mut turn: OwnedMutexGuard<Option<Instant>>, tick: Instant) {
        if turn.is_some_and(|last| tick.saturating_duration_since(last) < FETCH_AT_MOST_EVERY) {
            return;
        }
        *turn = Some(tick);
        let shared = Arc::clone(&self.shared);
        let fetching = tokio::spawn(async move {
            shared.fetch(tick).await;
            drop(turn);
        });
        if let Err(error) = fetching.await {
            tracing::error!(%error, "the fetch of a key set ended early");
        }
    }

    fn give_up_old(&self, tick: Instant) {
        if self.age(tick).is_some_and(|age| age >= KEPT_AT_MOST) {
            tracing::error!(source = %self.shared.fetcher, "the keys are too old to be believed; tokens are refused");
            self.shared.held.store(None);
        }
    }

    fn age(&self, tick: Instant) -> Option<Duration> {
        self.shared.held.load().as_ref().map(|held| tick.saturating_duration_since(held.since))
    }
}

impl Shared {
    async fn fetch(&self, tick: Instant) {
        let read = match self.fetcher.fetch().await {
            Ok(octets) => Jwks::parse(&octets).map_err(KeysError::from),
            Err(error) => Err(error),
        };
        match read {
            Ok(keys) => {
                let ids: Vec<&str> = keys.key_ids().collect();
                tracing::info!(source = %self.fetcher, keys = ?ids, "fetched a key set");
                self.held.store(Some(Arc::new(Held { keys: Arc::new(keys), since: tick })));
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(source = %self.fetcher, error, "a key set was not fetched; the keys at hand stay");
            }
        }
    }
}

impl std::fmt::Debug for JwksSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JwksSource({})", self.shared.fetcher)
    }
}

/// Keys are fetched again after this: so long does a key live on that the cluster took away.
pub const FETCH_EVERY: Duration = Duration::from_secs(300);
/// No more than one fetch in this time, whatever is asked for (T-25).
pub const FETCH_AT_MOST_EVERY: Duration = Duration::from_secs(60);
/// Keys that could not be fetched again are given up after this: a cluster's API is rarely away for longer, and who
/// blocks the fetch must not keep a key alive that was taken away.
pub const KEPT_AT_MOST: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests;

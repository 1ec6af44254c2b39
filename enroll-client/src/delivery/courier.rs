//! When files are delivered, taken away and cleaned up: one task per `[[files]]`. Knows clock, identities and status; the steps are elsewhere.
//!
//! It watches what the host holds. A set that fails is tried again with the key roller's backoff, and meanwhile the one before stands. Nothing
//! here waits for anybody else, and nobody waits for it: a directory that is gone delays no renewal.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use identity::Serial;
use tokio::task::JoinSet;

use super::swap::current;
use super::{
    FileSet, Order, Place, PlaceError, Reload, ReloadError, SetError, SwapError, Told, WhenEnded, clean, is_unread,
    note_read, note_unread, swap, withdraw,
};
use crate::clock::Clock;
use crate::identities::{FilesReporter, FilesStatus, Identities, ReloadStatus, Snapshot, Standing};
use crate::machine::{Backoff, BootTime};
use crate::report::chain;

/// Delivers one order.
#[derive(Debug)]
pub struct Courier {
    order: Arc<Order>,
    identities: Identities,
    clock: Arc<dyn Clock>,
    desk: Desk,
    /// What was delivered in this life: serial and bundle.
    delivered: Option<(Serial, u64)>,
    /// Sets that others have taken the place of, and until when they stay.
    retired: BTreeMap<String, BootTime>,
    /// Whether the leftovers of an earlier life are gone.
    is_clean: bool,
    is_withdrawn: bool,
    /// Whether the program was not told yet of what lies there.
    is_unread: bool,
    deliveries: Attempts,
    reloads: Attempts,
}

/// All of them.
#[derive(Debug)]
pub struct Couriers {
    work: JoinSet<()>,
}

/// Where a courier reports, under its number.
#[derive(Debug)]
struct Desk {
    reporter: FilesReporter,
    number: usize,
    status: FilesStatus,
}

/// When something that failed is tried again.
#[derive(Debug)]
struct Attempts {
    backoff: Backoff,
    failures: u32,
    next: Option<BootTime>,
}

/// Why a delivery did not happen.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    #[error(transparent)]
    Set(#[from] SetError),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Swap(#[from] SwapError),
    #[error("the task that writes files failed")]
    Task(#[from] tokio::task::JoinError),
}

/// Why a program was not told.
#[derive(Debug, thiserror::Error)]
enum TellError {
    #[error(transparent)]
    Reload(#[from] ReloadError),
    /// It was, and will be again.
    #[error("the program was told, which could not be noted")]
    Note(#[from] DeliveryError),
}

impl Couriers {
    /// Starts one for each order.
    #[must_use]
    pub fn start(
        orders: Vec<Order>,
        identities: &Identities,
        clock: &Arc<dyn Clock>,
        reporter: &FilesReporter,
    ) -> Self {
        let mut work = JoinSet::new();
        reporter.expect(orders.iter().map(FilesStatus::waiting).collect());
        for (number, order) in orders.into_iter().enumerate() {
            let courier = Courier::new(order, number, identities.clone(), Arc::clone(clock), reporter.clone());
            work.spawn(courier.run());
        }
        Self { work }
    }

    /// Ends them. What has been delivered stays: the programs go on.
    pub async fn stop(mut self) {
        self.work.shutdown().await;
    }
}

impl Courier {
    /// A courier that has done nothing yet.
    #[must_use]
    pub fn new(
        order: Order,
        number: usize,
        identities: Identities,
        clock: Arc<dyn Clock>,
        reporter: FilesReporter,
    ) -> Self {
        let seed = identity::Sha256Hash::of(order.directory.as_os_str().as_encoded_bytes());
        let [seed @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = *seed.as_bytes();
        let desk = Desk { reporter, number, status: FilesStatus::waiting(&order) };
        Self {
            order: Arc::new(order),
            identities,
            clock,
            desk,
            delivered: None,
            retired: BTreeMap::new(),
            is_clean: false,
            is_withdrawn: false,
            is_unread: false,
            deliveries: Attempts::new(seed),
            reloads: Attempts::new(seed),
        }
    }

    /// Delivers until nobody changes what the host holds any more.
    pub async fn run(mut self) {
        let mut watch = self.identities.watch();
        loop {
            let snapshot = Arc::clone(&watch.borrow_and_update());
            self.look(&snapshot).await;
            let wake = self.clock.sleep_until(self.wake_at());
            tokio::select! {
                changed = watch.changed() => if changed.is_err() { return },
                () = wake => {}
            }
        }
    }

    /// Does what is due as things stand. One thing at a time: a command that is slow delays the next set of this agent, and nobody else's.
    async fn look(&mut self, snapshot: &Arc<Snapshot>) {
        if self.deliveries.are_due(self.clock.now().boot) {
            let outcome = self.act(snapshot).await;
            let (agent, directory) = (&self.order.agent, self.order.directory.display());
            if let Err(why) = &outcome.map_err(|error| chain(&error)) {
                tracing::error!(%agent, %directory, why, "the files are not as they should be; those before stand");
                self.desk.status.last_failure = Some(why.clone());
                self.deliveries.failed(self.clock.now().boot);
            } else {
                self.deliveries.succeeded();
            }
            self.desk.status.failures = self.deliveries.failures;
            self.desk.hand_in();
        }
        let order = Arc::clone(&self.order);
        if let (Some(reload), true) = (&order.reload, self.is_unread && self.reloads.are_due(self.clock.now().boot)) {
            let outcome = self.tell(reload).await;
            let (agent, directory) = (&self.order.agent, self.order.directory.display());
            let mut status = self.desk.status.reload.take().unwrap_or_default();
            match outcome {
                Ok(told) => {
                    self.reloads.succeeded();
                    self.is_unread = false;
                    tracing::info!(%agent, %directory, ?told, "the program was told of its files");
                    status = ReloadStatus {
                        serial: self.desk.status.serial,
                        somebody: told == Told::Done,
                        ..ReloadStatus::default()
                    };
                }
                Err(error) => {
                    let why = chain(&error);
                    self.reloads.failed(self.clock.now().boot);
                    tracing::error!(%agent, %directory, why, "the program was not told of its files");
                    status.last_failure = Some(why);
                }
            }
            status.failures = self.reloads.failures;
            self.desk.status.reload = Some(status);
            self.desk.hand_in();
        }
    }

    async fn tell(&self, reload: &Reload) -> Result<Told, TellError> {
        let told = reload.tell().await?;
        let order = Arc::clone(&self.order);
        let note = move || Ok::<_, DeliveryError>(note_read(&Place::open(&order)?.ground)?);
        tokio::task::spawn_blocking(note).await.map_err(DeliveryError::Task)??;
        Ok(told)
    }

    async fn act(&mut self, snapshot: &Arc<Snapshot>) -> Result<(), DeliveryError> {
        if !self.is_clean {
            self.clean_up().await?;
            self.is_clean = true;
            self.is_unread = self.order.reload.is_some() && self.was_unread().await?;
        }
        match snapshot.standing(|name, spiffe_id| self.order.agent.is(name, spiffe_id)) {
            Standing::Has(identity) if snapshot.bundle.is_empty() => {
                tracing::debug!(agent = identity.hint, "the files wait for the bundle");
            }
            Standing::Has(identity) => {
                let wanted = (identity.serial, snapshot.bundle_sequence);
                if self.delivered != Some(wanted) {
                    let now = self.clock.now().wall;
                    let (names, permissions) = (self.order.names.clone(), self.order.permissions);
                    let set = FileSet::new(identity, snapshot, names, permissions, now)?;
                    self.deliver(set).await?;
                    self.delivered = Some(wanted);
                    self.is_withdrawn = false;
                }
            }
            Standing::Waits => {}
            Standing::Ended if self.order.when_ended == WhenEnded::Remove && !self.is_withdrawn => {
                self.take_away().await?;
                self.is_withdrawn = true;
                self.delivered = None;
            }
            Standing::Ended => {}
        }
        let now = self.clock.now().boot;
        if self.retired.values().any(|until| *until <= now) {
            self.retired.retain(|_, until| *until > now);
            // Should it fail, it is the next swap's or the next start's to clean up.
            self.clean_up().await?;
        }
        Ok(())
    }

    async fn deliver(&mut self, set: FileSet) -> Result<(), DeliveryError> {
        let (order, set) = (Arc::clone(&self.order), Arc::new(set));
        let written = Arc::clone(&set);
        let before = tokio::task::spawn_blocking(move || {
            let place = Place::open(&order)?;
            if order.reload.is_some() {
                note_unread(&place.ground)?;
            }
            Ok::<_, DeliveryError>(swap(&place.ground, &written)?)
        })
        .await??;
        self.is_unread = self.order.reload.is_some();
        // What failed before was another set's, and may have been its fault.
        self.reloads.succeeded();
        self.retired.remove(set.label());
        if let Some(before) = before {
            self.retired.insert(before, self.clock.now().boot.plus(self.order.grace));
        }
        let status = &mut self.desk.status;
        status.serial = Some(set.serial());
        status.not_after = Some(set.not_after());
        status.last_failure = None;
        tracing::info!(
            agent = %self.order.agent, directory = %self.order.directory.display(), serial = %set.serial(),
            files = %set.names(), "the files are delivered"
        );
        Ok(())
    }

    async fn take_away(&mut self) -> Result<(), DeliveryError> {
        let order = Arc::clone(&self.order);
        tokio::task::spawn_blocking(move || Ok::<_, DeliveryError>(withdraw(&Place::open(&order)?.ground)?)).await??;
        self.retired.clear();
        self.is_unread = false;
        self.desk.status.serial = None;
        self.desk.status.not_after = None;
        tracing::warn!(
            agent = %self.order.agent, directory = %self.order.directory.display(),
            "the identity has ended, and its files are taken away"
        );
        Ok(())
    }

    /// Whether an earlier life was ended between a set and telling of it.
    async fn was_unread(&self) -> Result<bool, DeliveryError> {
        let order = Arc::clone(&self.order);
        let work = move || {
            let place = Place::open(&order)?;
            Ok::<_, DeliveryError>(is_unread(&place.ground)? && current(&place.ground)?.is_some())
        };
        tokio::task::spawn_blocking(work).await?
    }

    async fn clean_up(&mut self) -> Result<(), DeliveryError> {
        let (order, keep) = (Arc::clone(&self.order), self.retired.keys().cloned().collect::<Vec<_>>());
        let work = move || Ok::<_, DeliveryError>(clean(&Place::open(&order)?.ground, &keep)?);
        tokio::task::spawn_blocking(work).await?
    }

    fn wake_at(&self) -> BootTime {
        let retired = if self.deliveries.next.is_none() { self.retired.values().min().copied() } else { None };
        let all = [self.deliveries.next, self.reloads.next, retired];
        all.into_iter().flatten().min().unwrap_or(BootTime::after_start(Duration::MAX))
    }
}

impl Attempts {
    fn new(seed: [u8; 16]) -> Self {
        Self { backoff: Backoff::new(seed), failures: 0, next: None }
    }

    fn are_due(&self, now: BootTime) -> bool {
        self.next.is_none_or(|next| next <= now)
    }

    fn succeeded(&mut self) {
        self.failures = 0;
        self.next = None;
    }

    fn failed(&mut self, now: BootTime) {
        self.failures = self.failures.saturating_add(1);
        self.next = Some(now.plus(self.backoff.after(self.failures, None, None)));
    }
}

impl Desk {
    fn hand_in(&self) {
        self.reporter.report(self.number, &self.status);
    }
}

#[cfg(test)]
mod tests;

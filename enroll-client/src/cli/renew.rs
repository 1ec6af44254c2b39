//! `enroll-client renew --once`: what is due is fetched or renewed, delivered, told, and that is it. For timers, CronJobs and init containers.
//!
//! Agents' keys rest nowhere but in their files, so what is due is read from there: a set that is whole, valid and not yet at its time of
//! renewal is left alone, and running this twice changes nothing the second time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use identity::Timestamp;
use tokio::sync::oneshot;

use super::arguments::RenewOptions;
use super::{CliError, failed, print, run, start};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Surroundings};
use crate::delivery::{Agent, Couriers, Current, Order, Place, is_unread};
use crate::driver::{Driver, Parts};
use crate::identities::{AgentName, IdentityStatus, Standing, Status};
use crate::identities::{Identities, Snapshot};
use crate::keep::{Keep, KeepError};
use crate::machine::{BootTime, Now};
use crate::report::chain;
use crate::upstream::Upstream;

/// How far it has come.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    /// All that was due is done.
    Done,
    /// The server decided against it: to ask again changes nothing.
    Refused(String),
    /// Not yet, for this reason.
    Waiting(String),
}

pub(super) fn renew(options: RenewOptions, surroundings: &Surroundings) -> Result<(), CliError> {
    let within = Duration::from_secs(options.within);
    let Some(config) = run::configure(options.run, surroundings)? else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed("the runtime cannot be started", error))?;
    runtime.block_on(renew_once(config, within))
}

async fn renew_once(config: Config, within: Duration) -> Result<(), CliError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let until = clock.now().boot.plus(within);
    let keep = match Keep::open(&config.state_dir, config.seal.clone()) {
        Ok(keep) => keep,
        // The one that runs does all of this, and better: it remembers what it delivered.
        Err(KeepError::Locked { pid }) => return Err(CliError::Held { state_dir: config.state_dir, pid }),
        Err(error) => return Err(failed("the state directory cannot be used", error)),
    };
    start::places(&config.files)?;
    let (due, narrowed) = due(&config, clock.now().wall);
    let pins = tokio::select! {
        pins = start::trust(&config, &keep, &clock) => Arc::new(pins?),
        () = sleep_until(&clock, until) => {
            return Err(CliError::TryAgain { why: "the trust file was not fetched in time".to_owned() });
        }
    };
    let upstream = Upstream::new(Arc::clone(&pins), Arc::clone(&clock));
    let upstream = Arc::new(upstream.map_err(|error| failed("the server cannot be spoken to", error))?);
    let parts = Parts {
        pins,
        upstream,
        clock: Arc::clone(&clock),
        evidence: config.evidence,
        profile: config.profile,
        host_key: config.host_key,
        agents: narrowed,
    };
    let (driver, identities) =
        Driver::new(parts, keep).map_err(|error| failed("what was kept cannot be taken up", error))?;
    let couriers = Couriers::start(due.clone(), &identities, &clock, &driver.files_reporter());
    let (stop, stopped) = oneshot::channel::<()>();
    let rolling = tokio::spawn(driver.run(async { drop(stopped.await) }));
    let progress = follow(&identities, &due, &clock, until).await;
    couriers.stop().await;
    drop(stop);
    // Its end writes what is still to be kept.
    rolling.await.map_err(|error| failed("the key roller failed", error))?;
    match progress {
        Progress::Done if due.is_empty() => print("nothing was due for the agents\n"),
        Progress::Done => print(&format!("done: {} delivered\n", due.len())),
        Progress::Refused(why) => Err(failed("the server refuses", why)),
        Progress::Waiting(why) => Err(CliError::TryAgain { why }),
    }
}

/// The orders that have something to be done, and the agents that must be asked for.
fn due(config: &Config, now: Timestamp) -> (Vec<Order>, Option<BTreeSet<AgentName>>) {
    let due: Vec<Order> = config.files.iter().filter(|order| is_due(order, now)).cloned().collect();
    let names: Option<BTreeSet<AgentName>> = due
        .iter()
        .map(|order| match &order.agent {
            Agent::Name(name) => Some(name.clone()),
            Agent::SpiffeId(_) => None,
        })
        .collect();
    // Which name an identity has is known when the list comes: then all that are wanted are asked for.
    (due, names.or_else(|| config.agents.clone()))
}

fn is_due(order: &Order, now: Timestamp) -> bool {
    let (agent, directory) = (&order.agent, order.directory.display());
    // That the directory is sound was found a moment ago.
    let Ok(place) = Place::open(order) else { return true };
    match Current::read(&place.ground, &order.names, now) {
        Ok(Some(current)) if current.renew_at > now => {
            // Ended between a set and telling of it: another set is the surest way to tell of one.
            let unread = order.reload.is_some() && is_unread(&place.ground).unwrap_or(true);
            if unread {
                tracing::info!(%agent, %directory, "the program was not told of its files");
            } else {
                tracing::info!(%agent, %directory, serial = %current.serial, renew_at = %current.renew_at, "not due");
            }
            unread
        }
        Ok(Some(current)) => {
            tracing::info!(%agent, %directory, serial = %current.serial, not_after = %current.not_after, "due for renewal");
            true
        }
        Ok(None) => true,
        Err(error) => {
            tracing::warn!(%agent, %directory, why = chain(&error), "what lies there does not do its work");
            true
        }
    }
}

/// Waits until there is nothing more to wait for, or no more time.
async fn follow(identities: &Identities, due: &[Order], clock: &Arc<dyn Clock>, until: BootTime) -> Progress {
    let (mut status, mut snapshot) = (identities.watch_status(), identities.watch());
    loop {
        let (shown, held) = (Arc::clone(&status.borrow_and_update()), Arc::clone(&snapshot.borrow_and_update()));
        let found = progress(&shown, &held, due, clock.now());
        if !matches!(found, Progress::Waiting(_)) {
            return found;
        }
        tokio::select! {
            changed = status.changed() => if changed.is_err() { return found },
            changed = snapshot.changed() => if changed.is_err() { return found },
            () = sleep_until(clock, until) => return found,
        }
    }
}

async fn sleep_until(clock: &Arc<dyn Clock>, until: BootTime) {
    // The clock's sleep may end early.
    while clock.now().boot < until {
        clock.sleep_until(until).await;
    }
}

fn progress(status: &Status, snapshot: &Snapshot, due: &[Order], now: Now) -> Progress {
    if let Some(alarm) = &status.trust.alarm {
        return Progress::Refused(format!("nothing new is taken: {alarm}"));
    }
    let host = &status.host;
    if !host.renew_at.is_some_and(|at| host.serial.is_some() && at > now.wall) {
        // The next attempt shows another key of ours.
        return match &host.refused_by {
            Some(rule) if rule != "host-bound" => Progress::Refused(told(host)),
            Some(_) | None => Progress::Waiting(told(host)),
        };
    }
    for (number, order) in due.iter().enumerate() {
        let is = |name: &AgentName, spiffe_id: &identity::SpiffeId| order.agent.is(name, spiffe_id);
        if matches!(snapshot.standing(is), Standing::Ended) {
            return Progress::Refused(format!("this host does not have the agent {}, or not any more", order.agent));
        }
        let identity = status.agents.iter().find(|agent| match &order.agent {
            Agent::Name(name) => agent.name == name.as_str(),
            Agent::SpiffeId(spiffe_id) => agent.spiffe_id.as_ref() == Some(spiffe_id),
        });
        if let Some(identity) = identity.filter(|identity| identity.refused_by.is_some()) {
            return Progress::Refused(told(identity));
        }
        let Some(files) = status.files.get(number) else { return Progress::Waiting("nothing is delivered yet".into()) };
        if files.serial.is_none() {
            let why = files.last_failure.clone().or_else(|| identity.map(told));
            return Progress::Waiting(
                why.unwrap_or_else(|| format!("the agent {} has no certificate yet", order.agent)),
            );
        }
        if let Some(reload) = files.reload.as_ref().filter(|reload| reload.serial != files.serial) {
            let why = reload.last_failure.clone();
            return Progress::Waiting(why.unwrap_or_else(|| "the program was not told yet".to_owned()));
        }
    }
    Progress::Done
}

fn told(identity: &IdentityStatus) -> String {
    let why = identity.last_failure.as_deref().unwrap_or("there was no answer yet");
    format!("{}: {why}", identity.name)
}

#[cfg(test)]
mod tests;

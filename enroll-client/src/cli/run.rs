//! `enroll-client run`: from configuration to a running key roller, and to its end. The composition root.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};

use super::arguments::RunOptions;
use super::{CliError, failed, start};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, ConfigFile, LogFormat, Logging, Surroundings};
use crate::delivery::Couriers;
use crate::driver::{Driver, Parts};
use crate::keep::Keep;
use crate::process;
use crate::socket::authority::Filtered;
use crate::socket::{ConnectionLimits, LocalSocket, serve};
use crate::upstream::Upstream;
use crate::workload_api::router;

pub(super) fn run(options: RunOptions, surroundings: &Surroundings) -> Result<(), CliError> {
    let Some(config) = configure(options, surroundings)? else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed("the runtime cannot be started", error))?;
    runtime.block_on(roll(config))
}

/// From options and file to a checked configuration in a process that may hold keys. None: only checking was asked for, and is done.
pub(super) fn configure(options: RunOptions, surroundings: &Surroundings) -> Result<Option<Config>, CliError> {
    let file = options.config.as_deref().map_or_else(|| Ok(ConfigFile::default()), ConfigFile::read)?;
    log(&file.log.clone().unwrap_or_default().check()?)?;
    let check_only = options.check_config;
    let config = options.over(file).check(surroundings)?;
    // Before the first key is read or made.
    process::close().map_err(|error| failed("this process must not hold keys", error))?;
    if !check_only {
        return Ok(Some(config));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed("the runtime cannot be started", error))?;
    runtime.block_on(start::check(&config)).map(|()| None)
}

async fn roll(config: Config) -> Result<(), CliError> {
    let mut stop = stop_signal()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let keep = Keep::open(&config.state_dir, config.seal.clone())
        .map_err(|error| failed("the state directory cannot be used", error))?;
    let found = tokio::select! {
        found = start::trust(&config, &keep, &clock) => found?,
        () = stopped(&mut stop) => return Ok(()),
    };
    let pins = Arc::new(found);
    tracing::info!(
        trust_domain = %pins.trust_domain(), server = %pins.url(), server_id = %pins.server_id(), trust = %pins.hash(),
        "starting from this trust file"
    );
    let upstream = Upstream::new(Arc::clone(&pins), Arc::clone(&clock));
    let upstream = Arc::new(upstream.map_err(|error| failed("the server cannot be spoken to", error))?);
    let socket = LocalSocket::bind(&config.socket, config.access)
        .map_err(|error| failed("the socket cannot be served", error))?;
    let parts = Parts {
        pins,
        upstream,
        clock: Arc::clone(&clock),
        evidence: config.evidence,
        profile: config.profile,
        host_key: config.host_key,
        agents: config.agents,
    };
    let (driver, identities) =
        Driver::new(parts, keep).map_err(|error| failed("what was kept cannot be taken up", error))?;
    start::places(&config.files)?;
    let couriers = Couriers::start(config.files, &identities, &clock, &driver.files_reporter());
    tracing::info!(socket = %config.socket.display(), "serving agents");
    // The socket outlives the roller: were both told to stop at once, which of them ends first would be chance.
    let (end_serving, serving_ends) = oneshot::channel::<()>();
    let until = async { drop(serving_ends.await) };
    let mut served = tokio::spawn(serve(socket, ConnectionLimits::default(), Filtered::new, router(identities), until));
    tokio::select! {
        () = driver.run(stopped(&mut stop)) => {}
        // A roller that nobody can reach is of no use, and hides that.
        ended = &mut served => {
            let why = ended.err().map_or_else(|| "it ended by itself".into(), |error| error.to_string());
            return Err(failed("the socket is not served any more", why));
        }
    }
    couriers.stop().await;
    drop(end_serving);
    if let Err(error) = served.await {
        return Err(failed("the socket's server failed", error));
    }
    tracing::info!("stopped");
    Ok(())
}

/// Turns true at SIGTERM or SIGINT.
fn stop_signal() -> Result<watch::Receiver<bool>, CliError> {
    let heard = |kind| signal(kind).map_err(|error| failed("signals cannot be heard", error));
    let (mut terminate, mut interrupt) = (heard(SignalKind::terminate())?, heard(SignalKind::interrupt())?);
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
            _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
        }
        sender.send_replace(true);
    });
    Ok(receiver)
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The sender lives until it has spoken; should it be gone, nobody could stop us any more, and that is a stop too.
    let _gone = stop.wait_for(|stop| *stop).await;
}

/// Lines on standard error. No key or token is ever given to it; types that hold one do not show it (security.md, T-63).
fn log(logging: &Logging) -> Result<(), CliError> {
    let filter = tracing_subscriber::EnvFilter::builder()
        .parse(&logging.filter)
        .map_err(|error| failed("the log filter cannot be read", error))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let outcome = match logging.format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    outcome.map_err(|error| failed("logging cannot be started", error))
}
